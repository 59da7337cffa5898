"""Flask: the endpoint, forcing, and `experiments`."""

from collections.abc import Iterator, Mapping

import pytest
from flask import Flask, Request, Response, render_template_string, session, stream_with_context

from abkit import ConfigError, expt_manager
from abkit.events import Event
from abkit.integrations.endpoint import PATH
from abkit.integrations.flask import Abkit, experiments

from .declared import manager_of, other
from .endpoint_contract import PLUGINS, EndpointContract, Reply, says


def subjects(request: Request) -> Mapping[str, object] | None:
    return {"org": 42, "actor": 7, "user": 7} if "user" in session else None


def may_force(request: Request) -> bool:
    return "user" in session


class FlaskBrowser:
    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.manager = manager_of(events)
        self.app = Flask(__name__)
        self.app.secret_key = "a secret of the tests"  # noqa: S105
        self.abkit = Abkit(
            self.app, subjects=subjects, manager=self.manager, allow_forcing=may_force
        )
        self.endpoint = self.abkit.endpoint
        self.client = self.app.test_client()

    def sign_in(self) -> None:
        with self.client.session_transaction() as opened:
            opened["user"] = 7

    def send(
        self,
        body: bytes,
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
        signed_in: bool = True,
        path: str = PATH,
    ) -> Reply:
        if signed_in:
            self.sign_in()
        answer = self.client.open(
            path, method=method, data=body, content_type=content_type, headers=dict(headers or {})
        )
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, lower, answer.text)


@pytest.fixture
def browser() -> FlaskBrowser:
    return FlaskBrowser([])


class TestEndpoint(EndpointContract):
    @pytest.fixture
    def browser(self) -> FlaskBrowser:
        return FlaskBrowser([])

    def test_pages_of_other_sites_are_refused(self, browser: FlaskBrowser) -> None:
        self.assert_refused(browser, 403, says(PLUGINS), headers={"Origin": "https://evil.example"})

    def test_pages_of_this_site_are_not(self, browser: FlaskBrowser) -> None:
        reply = browser.send(says(PLUGINS), headers={"Origin": "http://localhost"})
        assert reply.status == 204


def test_a_csrf_token_is_checked_by_the_applications_own_function(browser: FlaskBrowser) -> None:
    app = Flask(__name__)
    app.secret_key = "a secret of the tests"  # noqa: S105
    Abkit(
        app,
        subjects=lambda request: {"org": 42},
        manager=browser.manager,
        check_csrf=lambda request, token: token in {"right"},
    )
    client = app.test_client()
    statuses = [
        client.post(PATH, data=says({**PLUGINS, "csrfToken": "right"})).status_code,
        client.post(PATH, json={**PLUGINS, "csrfToken": "right"}).status_code,
        client.post(PATH, json=PLUGINS, headers={"X-CSRFToken": "right"}).status_code,
        client.post(PATH, json={**PLUGINS, "csrfToken": "wrong"}).status_code,
        client.post(
            PATH, json={**PLUGINS, "csrfToken": "right"}, headers={"X-CSRF-Token": "wrong"}
        ).status_code,
        client.post(PATH, json=PLUGINS).status_code,
    ]
    assert statuses == [415, 204, 204, 403, 403, 403]


def test_a_view_and_a_template_have_the_experiments(browser: FlaskBrowser) -> None:
    @browser.app.get("/")
    def page() -> str:
        experiments.log_exposure("ShowPlugins")
        experiments.track("clicked")
        return render_template_string(
            "{{ experiments.ShowPlugins }}{{ experiments.payload(only=['ShowPlugins'])|tojson }}"
        )

    browser.sign_in()
    text = browser.client.get("/").text
    assert text.startswith(str(browser.manager.get("ShowPlugins", org=42)))
    assert '"unitId":"42"' in text.replace(" ", "")
    assert len(browser.events) == 2


def test_two_requests_within_one_application_context_do_not_share_the_experiments(
    browser: FlaskBrowser,
) -> None:
    @browser.app.get("/")
    def page() -> str:
        return str(len(experiments.subjects))

    with browser.app.app_context():
        assert browser.client.get("/").text == "0"
        browser.sign_in()
        assert browser.client.get("/").text == "3"


@pytest.fixture
def pages(browser: FlaskBrowser) -> FlaskBrowser:
    """A page, and one that is streamed."""

    @browser.app.get("/")
    def page() -> str:
        browser.manager.log_exposure("ShowPlugins", org=42)
        return str(browser.manager.get("ShowPlugins", org=42))

    @browser.app.get("/stream")
    def stream() -> Response:
        def pieces() -> Iterator[str]:
            yield str(browser.manager.get("ShowPlugins", org=42))

        return Response(stream_with_context(pieces()))

    return browser


def test_who_may_force_does_so_by_the_url_and_then_by_the_cookie(pages: FlaskBrowser) -> None:
    assigned = pages.manager.get("ShowPlugins", org=42)
    wanted = other(assigned)
    pages.sign_in()
    answer = pages.client.get(f"/?abkit=ShowPlugins:{wanted}")
    assert answer.text == wanted
    assert answer.headers["X-Abkit-Forced"] == f"ShowPlugins:{wanted}"
    assert answer.headers["Cache-Control"] == "private, no-store"
    (cookie,) = [each for each in answer.headers.getlist("Set-Cookie") if each.startswith("abkit")]
    assert {"HttpOnly", "SameSite=Lax", "Max-Age=86400", "Path=/"} <= {*cookie.split("; ")}
    assert pages.client.get("/").text == wanted
    assert pages.client.get("/stream").text == wanted
    assert pages.events == []
    assert pages.manager.get("ShowPlugins", org=42) == assigned
    pages.client.get("/?abkit=")
    assert pages.client.get("/").text == assigned
    assert len(pages.events) == 2


def test_who_may_not_force_is_not_heard(pages: FlaskBrowser) -> None:
    assigned = pages.manager.get("ShowPlugins", org=42)
    pages.sign_in()
    pages.client.get(f"/?abkit=ShowPlugins:{other(assigned)}")
    with pages.client.session_transaction() as opened:
        del opened["user"]
    answer = pages.client.get(f"/?abkit=ShowPlugins:{other(assigned)}")
    assert answer.text == assigned
    assert not [name for name, _ in answer.headers if name.startswith("X-Abkit")]


def test_forcing_ends_with_the_view_though_the_context_lives_on(pages: FlaskBrowser) -> None:
    pages.sign_in()
    assigned = pages.manager.get("ShowPlugins", org=42)
    with pages.client:
        assert pages.client.get(f"/?abkit=ShowPlugins:{other(assigned)}").text == other(assigned)
        assert pages.manager.get("ShowPlugins", org=42) == assigned


def test_forcing_ends_with_a_request_that_fails(pages: FlaskBrowser) -> None:
    @pages.app.get("/fails")
    def fails() -> str:
        raise ZeroDivisionError

    pages.sign_in()
    assigned = pages.manager.get("ShowPlugins", org=42)
    url = f"/fails?abkit=ShowPlugins:{other(assigned)}"
    assert pages.client.get(url).status_code == 500
    assert pages.manager.get("ShowPlugins", org=42) == assigned
    pages.app.testing = True
    with pytest.raises(ZeroDivisionError):
        pages.client.get(url)
    assert pages.manager.get("ShowPlugins", org=42) == assigned


def test_forcing_without_a_secret_key_says_what_is_missing(pages: FlaskBrowser) -> None:
    pages.app.testing = True
    pages.abkit._allow_forcing = lambda request: True
    pages.app.secret_key = None
    with pytest.raises(ConfigError, match="needs a secret"):
        pages.client.get("/?abkit=ShowPlugins:1")


def test_experiments_of_an_application_without_abkit_are_an_error() -> None:
    app = Flask(__name__)
    with app.test_request_context(), pytest.raises(ConfigError, match=r"call Abkit\(app"):
        experiments.payload()


def test_an_application_factory_needs_one_line_more() -> None:
    abkit = Abkit()
    app = Flask(__name__)
    abkit.init_app(app)
    assert app.extensions["abkit"] is abkit
    assert abkit.manager is expt_manager
    assert "abkit.log_exposure" in app.view_functions
    assert repr(abkit).startswith("<Abkit for Flask")
    assert app.test_client().post(PATH, json=PLUGINS).status_code == 401


def test_a_client_that_breaks_off_in_the_middle_of_a_body_is_no_error() -> None:
    class BrokenOff:
        def read(self, *_: object) -> bytes:
            raise ConnectionResetError("the client has gone")

    app = Flask(__name__)
    Abkit(app, manager=manager_of([]))
    app.config["PROPAGATE_EXCEPTIONS"] = True
    answer = app.test_client().post(
        PATH,
        content_type="application/json",
        environ_overrides={"wsgi.input": BrokenOff()},
        headers={"Content-Length": "100"},
    )
    assert answer.status_code == 400
