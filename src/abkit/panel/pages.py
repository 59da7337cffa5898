"""The pages: templates of the panel, made of those of the report."""

import importlib
import pkgutil
from functools import cache, partial
from http import HTTPStatus
from importlib.resources import files
from typing import TYPE_CHECKING
from urllib.parse import quote

from abkit.analysis import inference
from abkit.analysis.presentation.report import environment
from abkit.events import variant_text
from abkit.extras import extra
from abkit.panel.messages import PanelRequest, PanelResponse

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = {
    "panel.css": "text/css; charset=utf-8",
    "panel.js": "text/javascript; charset=utf-8",
    "explanations.js": "text/javascript; charset=utf-8",
    "charts.js": "text/javascript; charset=utf-8",
}
"""The files that pages ask for, with their types."""


@cache
def templates() -> "Environment":
    """What fills the templates.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    of_reports = environment()
    from jinja2 import ChoiceLoader, PackageLoader

    loaders = [PackageLoader("abkit.panel", "templates")]
    if of_reports.loader is not None:
        return of_reports.overlay(loader=ChoiceLoader([*loaders, of_reports.loader]))
    return of_reports.overlay(loader=ChoiceLoader(loaders))


def prepare() -> None:
    """Load what the first page needs: it takes a moment, in which nobody waits yet.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    for name in ("frame.html.jinja", "overview.html.jinja", "macros.html.jinja"):
        templates().get_template(name)
    _load_numerics()


def _load_numerics() -> None:
    """Load what sums are read and judged with.

    Otherwise the thread that reads does, and in a child process that is made meanwhile (`gunicorn --preload`)
    a module that is half loaded stays locked for ever.
    """
    with extra("analysis"):
        for name in ("duckdb", "numpy", "scipy.special"):
            importlib.import_module(name)
    for module in pkgutil.iter_modules(inference.__path__, f"{inference.__name__}."):
        importlib.import_module(module.name)


@cache
def static_file(name: str) -> bytes:
    """The content of one of `STATIC`; the style begins with that of the report."""
    of_report = files("abkit.analysis.presentation").joinpath("report")
    if name == "charts.js":
        return of_report.joinpath(name).read_bytes()
    content = files("abkit.panel").joinpath("static", name).read_bytes()
    if name != "panel.css":
        return content
    return of_report.joinpath("report.css").read_bytes() + b"\n" + content


def page(template: str, request: PanelRequest, **parts: object) -> PanelResponse:
    """A page of a template."""
    return PanelResponse(body=_filled(template, request, **parts))


def refused(status: HTTPStatus, problem: str, request: PanelRequest) -> PanelResponse:
    """A page that says what is wrong."""
    body = _filled("refused.html.jinja", request, problem=problem, status=status)
    return PanelResponse(status=status, body=body)


def _filled(template: str, request: PanelRequest, **parts: object) -> bytes:
    html = (
        templates()
        .get_template(template)
        .render(
            viewer=request.viewer,
            link=partial(link, request.root),
            as_written=variant_text,
            **parts,
        )
    )
    return html.encode(errors="replace")


def place_of(name: str) -> str:
    """A name as one step of a path, which hosts and browsers leave as it is.

    They read a slash, also an encoded one, as the end of a step, and walk up at "..".
    """
    place = name.replace("~", "~7E").replace("/", "~2F").replace("\\", "~5C")
    return place if place.strip(".") else place.replace(".", "~2E")


def link(root: str, *parts: str, query: str = "") -> str:
    """The address of a page below the panel's own root."""
    path = "/".join(quote(place_of(part), safe="") for part in parts)
    return f"{root}{path}{'?' + query if query else ''}"
