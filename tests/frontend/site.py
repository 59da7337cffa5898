"""A site on loopback: a Flask application with the log-exposure endpoint, and redirects before it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

from attrs import Factory, define
from flask import Flask, Response, redirect, render_template_string, request
from flask.typing import ResponseReturnValue
from werkzeug.serving import make_server

from abkit import ExperimentManager
from abkit.events import Event, Exposure
from abkit.integrations.endpoint import PATH
from abkit.integrations.flask import Abkit

from .declared import ShowPluginsExperiment

POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'"


@define
class Site:
    """What the site has heard, and where it is.

    Attributes:
        address: Without a slash at its end.
        redirects: From which paths to where, and by which status; "/login" answers 200 with a page.
        delay: How long the endpoint takes, in seconds.
        asked: The paths that were asked for, in their order.
        events: What the endpoint has logged.
        manager: Knows ShowPluginsExperiment.
    """

    address: str = ""
    redirects: dict[str, tuple[str, int]] = Factory(dict)
    delay: float = 0
    asked: list[str] = Factory(list)
    events: list[Event] = Factory(list)
    manager: ExperimentManager = Factory(ExperimentManager)

    def begin_anew(self, redirects: dict[str, tuple[str, int]], *, delay: float = 0) -> None:
        """As if nobody had been here."""
        self.redirects, self.delay = redirects, delay
        self.asked.clear()
        self.events.clear()

    def exposed(self) -> list[str]:
        """The units whose exposures have been logged."""
        return [each.unit_id for each in self.events if isinstance(each, Exposure)]

    def organization(self, variant: str) -> str:
        """One that has the variant."""
        units = map(str, range(100))
        return next(
            each for each in units if self.manager.get("ShowPluginsExperiment", org=each) == variant
        )


@contextmanager
def served(template: str, static: Path) -> Iterator[Site]:
    """Serve a page with its scripts; `/?org=7` is the page of an organization that is signed in."""
    site = Site()
    site.manager.add(ShowPluginsExperiment)
    site.manager.on_event = site.events.append
    app = Flask("site", static_folder=static)
    abkit = Abkit(app, subjects=lambda request: {"org": _organization()}, manager=site.manager)

    @app.before_request
    def _redirect() -> ResponseReturnValue | None:
        site.asked.append(request.path)
        if request.path == PATH:
            time.sleep(site.delay)
        found = site.redirects.get(request.path)
        return None if found is None else redirect(*found)

    @app.route("/login", methods=["GET", "POST"])
    def login() -> str:
        return "<title>Login</title>"

    @app.get("/experiments")
    def payload() -> dict[str, Any]:
        return dict(abkit.experiments_of(request).payload())

    @app.get("/")
    def page() -> Response:
        response = Response(render_template_string(template))
        response.set_cookie("org", _organization())
        response.headers["Content-Security-Policy"] = POLICY
        return response

    server = make_server("127.0.0.1", 0, app, threaded=True)
    site.address = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _organization() -> str:
    return request.args.get("org") or request.cookies.get("org", "")
