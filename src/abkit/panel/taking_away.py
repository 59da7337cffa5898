"""The files that a result is taken away as."""

import json
from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import frozen

from abkit.analysis.presentation.charts.zipped import zipped_pictures
from abkit.analysis.presentation.notebook import to_notebook
from abkit.analysis.presentation.report import render
from abkit.analysis.result import Result
from abkit.errors import AnalysisError
from abkit.panel.controls import Controls
from abkit.panel.questions import Question
from abkit.panel.reproducing import Reproducible, recipe


@frozen(kw_only=True)
class Shown:
    """What is taken away.

    Attributes:
        result: The result that is shown.
        question: Which sums were read for it.
        controls: What was asked.
        source: Where its numbers come from.
    """

    result: Result
    question: Question
    controls: Controls
    source: object


@frozen
class File:
    """A kind of file.

    Attributes:
        title: What it is called.
        content_type: Of its content.
        write: Writes it.
    """

    title: str
    content_type: str
    write: Callable[[Shown], str | bytes]


def _json(shown: Shown) -> str:
    return json.dumps(shown.result.to_dict(), indent=2, allow_nan=False)


def _sql(shown: Shown) -> str:
    queries = shown.result.queries.items()
    return "\n\n".join(f"-- {what}\n{query};" for what, query in queries) + "\n"


def _notebook(shown: Shown) -> str:
    if not isinstance(shown.source, Reproducible):
        message = "of this source of events there is no notebook: it does not say where they are"
        raise AnalysisError(message)
    origin = shown.source.origin(shown.question.experiment)
    return to_notebook(shown.result, recipe(origin, shown.question, shown.controls))


FILES: Mapping[str, File] = MappingProxyType(
    {
        "result.csv": File("CSV", "text/csv; charset=utf-8", lambda shown: shown.result.to_csv()),
        "result.json": File("JSON", "application/json", _json),
        "report.html": File("Page", "text/html; charset=utf-8", lambda shown: render(shown.result)),
        "charts.zip": File(
            "Charts (PNG)", "application/zip", lambda shown: zipped_pictures(shown.result)
        ),
        "notebook.ipynb": File("Notebook", "application/x-ipynb+json", _notebook),
        "queries.sql": File("SQL", "application/sql; charset=utf-8", _sql),
    }
)
"""By name."""
