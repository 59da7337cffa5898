"""The result as one HTML page that needs nothing else: no network, no scripts."""

from importlib.resources import files
from typing import TYPE_CHECKING

from abkit.analysis.findings.verdict import badges
from abkit.analysis.presentation import charts, figures
from abkit.errors import MissingExtraError
from abkit.events import EXPOSURE_EVENT

if TYPE_CHECKING:
    from jinja2 import Environment

    from abkit.analysis.result import Result

_BAR_WIDTH = 200.0


def render(result: "Result") -> str:
    """The report, as HTML.

    Args:
        result: The result of an analysis. Names are shown as they are: HTML in them is not run.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    chart = None
    if result.cumulative is not None and result.cumulative.days:
        chart = charts.cumulative_chart(result.cumulative, width=640, height=260)
    page = _environment().get_template("report.html.jinja")
    html = page.render(
        result=result,
        plan=result.plan,
        deciding=result.deciding,
        bars={
            found.metric.name: charts.interval_bars(found, width=_BAR_WIDTH)
            for found in result.metrics
        },
        bar_width=_BAR_WIDTH,
        chart=chart,
        exposure_event=EXPOSURE_EVENT,
    )
    return html.strip() + "\n"


def _environment() -> "Environment":
    try:
        from jinja2 import Environment, PackageLoader, StrictUndefined
    except ImportError as error:
        raise MissingExtraError("jinja2", "analysis") from error
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("abkit.analysis.presentation", "report"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    style = (
        files("abkit.analysis.presentation")
        .joinpath("report", "report.css")
        .read_text(encoding="utf-8")
    )
    environment.globals.update(
        figures=figures,
        badges=badges,
        style=Markup(style),  # noqa: S704 - a file of this package
    )
    return environment
