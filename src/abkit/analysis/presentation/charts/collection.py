"""All charts of a result."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

from attrs import field, frozen

from abkit.analysis.presentation.charts.altair_chart import altair_chart
from abkit.analysis.presentation.charts.drawing import CUMULATIVE, Drawing, file_name
from abkit.analysis.presentation.charts.plot import Plot
from abkit.analysis.presentation.charts.rendering import write
from abkit.analysis.presentation.charts.theme import PAPER, Size, Theme
from abkit.analysis.presentation.charts.vega import vega_lite

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_NONE: Mapping[str, Any] = MappingProxyType({})


@frozen(kw_only=True)
class Charts:
    """The charts of a result: Altair charts, to show, to change, to save.

    Attributes:
        cumulative: Units exposed over time; None for a table of units.
        over_time: By metric, its lift over time; only what was computed over time.
        by_day: By metric, its lift by days since each unit's first exposure; only what was measured so.
        intervals: By metric, the interval of each variant; only what is compared already.
        segments: By metric, its intervals in segments.
    """

    cumulative: Any | None = None
    over_time: Mapping[str, Any] = field(default=_NONE)
    by_day: Mapping[str, Any] = field(default=_NONE)
    intervals: Mapping[str, Any] = field(default=_NONE)
    segments: Mapping[str, Any] = field(default=_NONE)

    @classmethod
    def of(cls, result: "Outcome", *, theme: Theme = PAPER, size: Size | None = None) -> Self:
        """Draw them.

        Args:
            result: The result of an analysis.
            theme: The colours and the font.
            size: Of the plots.

        Raises:
            MissingExtraError: Altair is not installed.
        """
        draw = Drawing(result)

        def made(plot: Plot) -> Any:
            return altair_chart(vega_lite(plot, theme=theme, size=size or Size()))

        def each(plots: Mapping[str, Plot]) -> Mapping[str, Any]:
            return MappingProxyType({metric: made(plot) for metric, plot in plots.items()})

        units = draw.cumulative()
        return cls(
            cumulative=None if units is None else made(units),
            over_time=each(draw.each(draw.over_time)),
            by_day=each(draw.each(draw.by_day)),
            intervals=each(draw.each(draw.intervals)),
            segments=each(draw.each(draw.segments)),
        )

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """The name of a file and the chart, for each of them."""
        if self.cumulative is not None:
            yield CUMULATIVE, self.cumulative
        kinds = {
            "over-time": self.over_time,
            "by-day": self.by_day,
            "intervals": self.intervals,
            "segments": self.segments,
        }
        for kind, charts in kinds.items():
            for number, (metric, chart) in enumerate(charts.items(), start=1):
                yield file_name(kind, number, metric), chart

    def save(self, folder: str | Path, *, format: str = "png") -> list[Path]:  # noqa: A002
        """Write each chart as a picture, without a browser.

        Args:
            folder: Where to; it is made.
            format: "png" or "svg".

        Returns:
            The files.

        Raises:
            AnalysisError: There is no such format.
            MissingExtraError: vl-convert is not installed.
        """
        target = Path(folder)
        target.mkdir(parents=True, exist_ok=True)
        return [write(chart, target / f"{name}.{format}") for name, chart in self]
