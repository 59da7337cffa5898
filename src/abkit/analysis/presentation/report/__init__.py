"""The panel as HTML that needs nothing else: no network. A page, or a notebook's cell."""

from base64 import b64encode
from collections.abc import Callable
from functools import cache, partial
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING

from abkit.analysis import times
from abkit.analysis.presentation import figures, margins, sentences, tones
from abkit.analysis.presentation.advice import advised
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.bars import interval_bars, lift_bars
from abkit.analysis.presentation.before import before_table
from abkit.analysis.presentation.commands import command
from abkit.analysis.presentation.definitions import in_words
from abkit.analysis.presentation.heterogeneity import reactions
from abkit.analysis.presentation.identities import identities_sentence
from abkit.analysis.presentation.phase_marks import TOO_FEW, phase_marks
from abkit.analysis.presentation.report.by_day import tables_by_day
from abkit.analysis.presentation.report.comparison_rows import ComparisonRows
from abkit.analysis.presentation.report.computed import Computed, context_class
from abkit.analysis.presentation.report.explaining import Showing
from abkit.analysis.presentation.report.fragments import breakable, interval_bar
from abkit.analysis.presentation.report.history import growth, histories
from abkit.analysis.presentation.report.pairs import pair_tables
from abkit.analysis.presentation.report.pictures import Pictures
from abkit.analysis.presentation.report.segments import segment_tables
from abkit.analysis.presentation.scorecard import scorecard
from abkit.analysis.presentation.worth import worth_sentence, worth_table
from abkit.events import EXPOSURE_EVENT
from abkit.extras import extra

if TYPE_CHECKING:
    from jinja2 import Environment

    from abkit.analysis.outcome import Outcome

BAR_WIDTH = 200.0
"""Of the canvas of an interval bar, in its own unit; the page stretches it."""

SUMMARIZED = 6
"""So many variants have their badges in the summary; the table has those of all."""


def render(result: "Outcome") -> str:
    """The report, as an HTML page.

    Args:
        result: The result of an analysis. Names are shown as they are: HTML in them is not run.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return _rendered(result, "page.html.jinja")


def render_cell(result: "Outcome") -> str:
    """The same for a notebook's cell: its style reaches nothing outside of it.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    return _rendered(result, "cell.html.jinja")


def _rendered(result: "Outcome", template: str) -> str:
    return environment().get_template(template).render(context(result)).strip() + "\n"


def context(result: "Outcome", *, showing: Showing | None = None) -> dict[str, object]:
    """What the templates of a result read; it is computed once a template reads it.

    Args:
        result: The result of an analysis.
        showing: How numbers and badges are shown; None: bare.
    """
    parts: dict[str, Callable[[], object]] = {
        "command": partial(command, result),
        "alerts": partial(alerts, result),
        "card": partial(scorecard, result),
        "card_bars": partial(lift_bars, result.metrics, width=BAR_WIDTH),
        "worth": partial(worth_table, result),
        "before": partial(before_table, result),
        "worth_sentence": partial(worth_sentence, result),
        "frame": partial(times.frame, result.frame),
        "bars": lambda: [interval_bars([found], width=BAR_WIDTH)[0] for found in result.metrics],
        "growth": partial(growth, result),
        "identities": partial(identities_sentence, result),
        "phase_marks": partial(phase_marks, result),
        "histories": partial(histories, result),
        "pairs": partial(pair_tables, result, width=BAR_WIDTH),
        "by_day": partial(tables_by_day, result),
        "segments": partial(segment_tables, result, width=BAR_WIDTH),
        "reactions": partial(reactions, result),
    }
    return {
        "result": result,
        "design": result.design,
        "deciding": result.deciding,
        "too_few_in_a_phase": TOO_FEW,
        "pictures": Pictures(result),
        "rows": ComparisonRows(result, bar_width=BAR_WIDTH, showing=showing),
        **{name: Computed(compute) for name, compute in parts.items()},
    }


@cache
def environment() -> "Environment":
    """What fills the templates: escaped, and with the style of all pages. It keeps them compiled.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    with extra("analysis"):
        from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("abkit.analysis.presentation", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_legible,
    )
    package = files("abkit.analysis.presentation")
    style = package.joinpath("report", "report.css").read_text(encoding="utf-8")
    script = package.joinpath("report", "charts.js").read_text(encoding="utf-8")
    digest = b64encode(sha256(script.encode()).digest()).decode()
    environment.context_class = context_class()
    environment.filters["breakable"] = breakable
    environment.filters["capfirst"] = lambda text: text[:1].upper() + text[1:]
    environment.globals.update(
        advised=advised,
        drawn_bar=partial(interval_bar, width=BAR_WIDTH),
        figures=figures,
        in_words=in_words,
        margins=margins,
        sentences=sentences,
        times=times,
        tones=tones,
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704 - the same
        script_hash=f"sha256-{digest}",
        bar_width=BAR_WIDTH,
        summarized=SUMMARIZED,
        exposure_event=EXPOSURE_EVENT,
    )
    return environment


def _legible(value: object) -> object:
    """What is printed has no control characters; what is HTML already was looked at before."""
    if isinstance(value, str) and not hasattr(value, "__html__"):
        return figures.legible(value, lines=True)
    return value
