"""Applications that have the panel, for real servers: `gunicorn "tests.panel.hosted:flask_app()"`.

The environment says where their events and settings are. A person signs in at `/sign-in/`, without a
password; `/variant/` is a page of the application itself, which asks which variant somebody gets.
"""

import os
from typing import TYPE_CHECKING

from tests.panel.shop import manager

from abkit import ExperimentManager
from abkit.experiments.changing.settings_writer import SettingsWriter
from abkit.panel import Panel, StoredSource

if TYPE_CHECKING:
    from fastapi import FastAPI
    from flask import Flask
    from werkzeug.wrappers import Response as WsgiResponse

EVENTS, SETTINGS, KEEP = "SHOP_EVENTS", "SHOP_SETTINGS", "SHOP_KEEP"
"""The variables; the last one may be missing, and then what was read is kept in memory."""

BEFORE_THE_FORK = "SHOP_READS_BEFORE_THE_FORK"
"""If it is set, the panel begins to read while the application is loaded."""


def experiments() -> ExperimentManager:
    found = manager()
    found.use_settings(os.environ[SETTINGS])
    return found


def panel_of(found: ExperimentManager) -> Panel:
    source = StoredSource(found, events=os.environ[EVENTS])
    return Panel(source, changes=SettingsWriter(os.environ[SETTINGS]), keep=os.environ.get(KEEP))


def flask_app() -> "Flask":
    from flask import Flask, Response, redirect, request

    from abkit.integrations.flask_panel import panel_blueprint

    app = Flask(__name__)
    found = experiments()
    panel = panel_of(found)
    if BEFORE_THE_FORK in os.environ:
        from tests.panel.asking import asked

        asked(panel, "")

    @app.get("/sign-in/")
    def sign_in() -> "WsgiResponse":
        answer = redirect("/inside/experiments/")
        answer.set_cookie("name", "grace")
        return answer

    @app.get("/variant/")
    def variant() -> Response:
        return Response(found.get("Checkout", user=request.args["user"]))

    @app.after_request
    def tell_process(answer: Response) -> Response:
        answer.headers["X-Process"] = str(os.getpid())
        return answer

    blueprint = panel_blueprint(
        panel,
        may_view=lambda request: "name" in request.cookies,
        may_act=lambda request: "name" in request.cookies,
        viewer=lambda request: request.cookies["name"],
    )
    app.register_blueprint(blueprint, url_prefix="/inside/experiments")
    return app


def fastapi_app() -> "FastAPI":
    from fastapi import FastAPI
    from fastapi.responses import PlainTextResponse, RedirectResponse

    from abkit.integrations.starlette_panel import panel_app

    app = FastAPI()
    found = experiments()

    @app.get("/sign-in/")
    async def sign_in() -> RedirectResponse:
        answer = RedirectResponse("/inside/experiments/")
        answer.set_cookie("name", "grace")
        return answer

    @app.get("/variant/")
    async def variant(user: str) -> PlainTextResponse:
        return PlainTextResponse(found.get("Checkout", user=user))

    mounted = panel_app(
        panel_of(found),
        may_view=lambda request: "name" in request.cookies,
        may_act=lambda request: "name" in request.cookies,
        viewer=lambda request: request.cookies["name"],
    )
    app.mount("/inside/experiments", mounted)
    return app
