"""Flask keeps what every framework must keep for visitors."""

from http.cookies import SimpleCookie

import pytest
from flask import Flask, Request, session
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from abkit import ExperimentManager
from abkit.integrations.endpoint import PATH
from abkit.integrations.flask import Abkit, experiments
from abkit.integrations.visitors import Visitors, VisitorStats

from .visitor_contract import (
    FORMER_SECRET,
    SECRET,
    NewSite,
    Page,
    Signup,
    VisitorContract,
)


def page_of(answer: TestResponse) -> Page:
    cookies: SimpleCookie = SimpleCookie()
    for line in answer.headers.getlist("Set-Cookie"):
        cookies.load(line)
    cookies.pop("session", None)
    lower = {name.lower(): value for name, value in answer.headers.items()}
    return Page(answer.status_code, answer.text, lower, cookies)


class FlaskBrowser:
    def __init__(self, client: FlaskClient) -> None:
        self._client = client

    def get(self, path: str, *, https: bool = False, user_agent: str | None = None) -> Page:
        headers = {} if user_agent is None else {"User-Agent": user_agent}
        url = "https://localhost" if https else "http://localhost"
        return page_of(self._client.get(path, base_url=url, headers=headers))

    def send(self, body: bytes) -> Page:
        return page_of(self._client.post(PATH, data=body, content_type="application/json"))

    def set_cookie(self, name: str, value: str) -> None:
        self._client.set_cookie(name, value)

    def get_with(self, path: str, *, cookies: str) -> Page:
        client = self._client.application.test_client(use_cookies=False)
        return page_of(client.get(path, headers={"Cookie": cookies}))


class FlaskSite:
    def __init__(self, *, consent: bool | None = None, visitor: str | None = None) -> None:
        self.manager = ExperimentManager(on_event=lambda _: None, strict=True)
        self.manager.add(Signup)
        visitors: Visitors[Request] = Visitors(
            consent=None if consent is None else lambda _: consent,
            visitor=None if visitor is None else lambda _: visitor,
        )
        self.app = Flask(__name__)
        self.app.config.update(SECRET_KEY=SECRET, SECRET_KEY_FALLBACKS=[FORMER_SECRET])
        self.abkit = Abkit(
            self.app,
            subjects=lambda _: {"user": session.get("user")},
            manager=self.manager,
            visitors=visitors,
        )
        self.app.add_url_rule("/ask/", view_func=ask)
        self.app.add_url_rule("/plain/", view_func=plain)
        self.app.add_url_rule("/enter/", view_func=enter)

    @property
    def stats(self) -> VisitorStats:
        return self.abkit.visitors.stats

    def browser(self) -> FlaskBrowser:
        return FlaskBrowser(self.app.test_client())


def ask() -> str:
    experiments.log_exposure(Signup)
    return str(experiments[Signup])


def plain() -> str:
    return "plain"


def enter() -> str:
    session["user"] = 7
    return "entered"


class TestContract(VisitorContract):
    @pytest.fixture
    def new_site(self) -> NewSite:
        return FlaskSite
