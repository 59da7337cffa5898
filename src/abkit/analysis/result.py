"""The result of an analysis: an outcome that shows itself as a table, a report, a frame."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from platform import python_version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.outcome import Outcome
from abkit.distribution import __version__
from abkit.errors import MissingExtraError, UnknownNameError
from abkit.remote_file import write_text

if TYPE_CHECKING:
    from abkit.analysis.presentation.charts import Charts
    from abkit.analysis.presentation.notebook import Recipe


@frozen(kw_only=True)
class Result(Outcome):
    """What an analysis found, and all that went into it."""

    def __getitem__(self, name: str) -> MetricResult:
        """What was found for a metric: `result["purchase"]`; and of a variant: `result["purchase"]["B"]`.

        Raises:
            UnknownNameError: There is no metric of that name.
        """
        for found in self.metrics:
            if found.metric.name == name:
                return found
        raise UnknownNameError("metric", name, [*self])

    def __iter__(self) -> Iterator[str]:
        """The names of the metrics."""
        return (found.metric.name for found in self.metrics)

    def __contains__(self, name: object) -> bool:
        return name in [*self]

    def to_dict(self) -> dict[str, object]:
        """All of it as JSON-ready values; infinite ends of intervals are null."""
        from abkit.analysis.presentation.export import to_dict

        return to_dict(self)

    def to_frame(self) -> Any:
        """One row for each metric and variant: a pandas frame, else a Polars one, else an Arrow table.

        Raises:
            MissingExtraError: None of the three is installed.
        """
        from abkit.analysis.presentation.export import to_frame

        return to_frame(self)

    def to_csv(self, path: str | Path | None = None) -> str:
        """The same rows as CSV, written to `path`, or its URL, if there is one.

        A text that a spreadsheet would run as a formula gets an apostrophe in front.
        """
        from abkit.analysis.presentation.export import to_csv

        return to_csv(self, path)

    def to_text(self, *, width: int | None = 100) -> str:
        """All that matters as plain text tables, `width` characters wide; None: as wide as they need."""
        from abkit.analysis.presentation.terminal import to_text

        return to_text(self, width=width)

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one HTML file, to a path or a URL; the answer is the path."""
        from abkit.analysis.presentation.report import render

        return write_text(path, render(self))

    def charts(self) -> "Charts":
        """Altair charts, to show in a notebook, to change, to save.

        Raises:
            MissingExtraError: Altair is not installed.
        """
        from abkit.analysis.presentation.charts import Charts

        return Charts.of(self)

    def to_png(self, folder: str | Path) -> list[Path]:
        """Write each chart as a picture into a folder, without a browser; the answer is the files.

        Raises:
            MissingExtraError: Altair or vl-convert is not installed.
        """
        return self.charts().save(folder)

    def to_notebook(self, path: str | Path, recipe: "Recipe") -> Path:
        """Write a Jupyter notebook that makes it again, to a path or a URL; the answer is the path."""
        from abkit.analysis.presentation.notebook import to_notebook

        return write_text(path, to_notebook(self, recipe))

    def __repr__(self) -> str:
        """The tables, as wide as the terminal, or as they need; one line where rich is not installed."""
        from shutil import get_terminal_size

        try:
            return self.to_text(width=get_terminal_size((0, 0)).columns or None).rstrip()
        except MissingExtraError:
            advice = self.recommendation
            target = "" if advice.variant is None else f" {advice.variant}"
            return f"<Result of {self.design.name}: {advice.action.value}{target}>"

    def _repr_html_(self) -> str:
        """The panel, within a notebook."""
        from abkit.analysis.presentation.report import render_cell

        return render_cell(self)


def versions(engine: str) -> Mapping[str, str]:
    """What computed a result."""
    return MappingProxyType({"abkit": __version__, "Python": python_version(), "engine": engine})
