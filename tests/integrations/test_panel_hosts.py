"""The panel in Flask and in Starlette."""

from pathlib import Path

import pytest
from flask import Flask, Request
from starlette.applications import Starlette
from starlette.requests import Request as StarletteRequest
from starlette.routing import Mount
from tests.panel.shop import manager

from abkit.integrations.flask_panel import panel_blueprint
from abkit.integrations.starlette_panel import panel_app
from abkit.panel import Panel, StoredSource

from .asgi_client import Client
from .panel_contract import INSIDE, Page, PanelContract


@pytest.fixture
def panel(tmp_path: Path) -> Panel:
    return Panel(StoredSource(manager(), events=str(tmp_path / "nothing")))


class FlaskHost:
    def __init__(self, panel: Panel) -> None:
        app = Flask(__name__)

        def may_view(request: Request) -> bool:
            return request.headers.get("X-Staff") == "yes"

        def viewer(request: Request) -> str | None:
            return None if "nameless" in request.args else "grace"

        blueprint = panel_blueprint(panel, may_view=may_view, viewer=viewer)
        app.register_blueprint(blueprint, url_prefix="/experiments")
        self.client = app.test_client()

    def get(self, path: str, *, staff: bool = True) -> Page:
        # Behind a server that mounts the application at "/company".
        answer = self.client.get(
            path.removeprefix("/company"),
            headers={"X-Staff": "yes"} if staff else {},
            environ_overrides={"SCRIPT_NAME": "/company"},
        )
        return Page(
            answer.status_code, answer.text, answer.headers.get("Content-Security-Policy", "")
        )


class StarletteHost:
    def __init__(self, panel: Panel) -> None:
        async def may_view(request: StarletteRequest) -> bool:
            return request.headers.get("x-staff") == "yes"

        async def viewer(request: StarletteRequest) -> str | None:
            return None if "nameless" in request.query_params else "grace"

        shown = panel_app(panel, may_view=may_view, viewer=viewer)
        self.client = Client(Starlette(routes=[Mount(INSIDE.rstrip("/"), app=shown)]))

    def get(self, path: str, *, staff: bool = True) -> Page:
        headers = {"X-Staff": "yes"} if staff else {}
        answer = self.client.request("GET", path, headers=headers)
        return Page(
            answer.status_code, answer.text, answer.headers.get("Content-Security-Policy", "")
        )


class TestFlask(PanelContract):
    @pytest.fixture
    def host(self, panel: Panel) -> FlaskHost:
        return FlaskHost(panel)


class TestStarlette(PanelContract):
    @pytest.fixture
    def host(self, panel: Panel) -> StarletteHost:
        return StarletteHost(panel)


@pytest.mark.parametrize("host_of", [FlaskHost, StarletteHost])
def test_who_has_no_name_is_called_nothing(
    panel: Panel, host_of: "type[FlaskHost | StarletteHost]"
) -> None:
    page = host_of(panel).get(f"{INSIDE}?nameless=1")
    assert page.status == 200
    assert 'class="viewer"' not in page.text
