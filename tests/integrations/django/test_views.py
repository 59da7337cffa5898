"""Django: the log-exposure endpoint, with Django's own CSRF check."""

import io
from collections.abc import Mapping
from typing import Any

import pytest
from django.test import Client, override_settings

from abkit import expt_manager
from abkit.events import Event
from abkit.integrations.django.apps import abkit_app
from abkit.integrations.endpoint import PATH

from ..endpoint_contract import PLUGINS, EndpointContract, Reply, says


class DjangoBrowser:
    def __init__(self, events: list[Event]) -> None:
        self.events = events
        self.manager = expt_manager
        self.endpoint = abkit_app().endpoint
        self.client = Client(enforce_csrf_checks=True)
        self.token = ""

    def sign_in(self, username: str = "member") -> None:
        self.token = self.client.get(f"/sign-in/{username}/42/").text

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
        self.sign_in()
        if not signed_in:
            self.client.cookies.pop("sessionid")
        own = {"X-CSRFToken": self.token} if headers is None else headers
        answer = self.client.generic(method, path, body, content_type=content_type, headers=own)
        lower = {name.lower(): value for name, value in answer.headers.items()}
        return Reply(answer.status_code, lower, answer.text)


@pytest.fixture
def browser(events: list[Event]) -> DjangoBrowser:
    return DjangoBrowser(events)


class TestEndpoint(EndpointContract):
    @pytest.fixture
    def browser(self, events: list[Event]) -> DjangoBrowser:
        return DjangoBrowser(events)


def test_without_a_csrf_token_nothing_is_logged(browser: DjangoBrowser) -> None:
    assert browser.send(says(PLUGINS), headers={}).status == 403
    assert browser.events == []


@pytest.mark.parametrize("kind", ["text/plain;charset=UTF-8", "application/json"])
def test_a_beacon_has_its_csrf_token_in_the_body(browser: DjangoBrowser, kind: str) -> None:
    browser.sign_in()
    body = says({**PLUGINS, "csrfToken": browser.token})
    answer = browser.client.post(PATH, body, content_type=kind)
    assert answer.status_code == 204
    assert len(browser.events) == 1


@pytest.mark.parametrize("token", ["", "wrong", "x" * 64, "ü" * 32, "\0", "\ud800"])
def test_a_wrong_csrf_token_in_the_body_is_refused(browser: DjangoBrowser, token: str) -> None:
    browser.sign_in()
    body = says({"exposures": [PLUGINS], "csrfToken": token})
    answer = browser.client.post(PATH, body, content_type="text/plain")
    assert answer.status_code == 403
    assert browser.events == []


def test_a_wrong_token_in_the_header_is_not_made_good_by_the_body(browser: DjangoBrowser) -> None:
    browser.sign_in()
    body = says({**PLUGINS, "csrfToken": browser.token})
    answer = browser.client.post(
        PATH, body, content_type="application/json", headers={"X-CSRFToken": "wrong"}
    )
    assert answer.status_code == 403
    assert browser.events == []


def test_a_token_without_its_cookie_is_refused(browser: DjangoBrowser) -> None:
    browser.sign_in()
    browser.client.cookies.pop("csrftoken")
    body = says({**PLUGINS, "csrfToken": browser.token})
    assert browser.client.post(PATH, body, content_type="text/plain").status_code == 403
    assert browser.events == []


def test_a_right_token_from_a_page_of_another_site_is_refused(browser: DjangoBrowser) -> None:
    browser.sign_in()
    headers = {"X-CSRFToken": browser.token, "Origin": "https://evil.example"}
    assert browser.send(says(PLUGINS), headers=headers).status == 403
    assert browser.events == []


def test_https_without_origin_and_referer_is_refused(browser: DjangoBrowser) -> None:
    browser.sign_in()
    body = says({**PLUGINS, "csrfToken": browser.token})
    answer = browser.client.post(PATH, body, content_type="application/json", secure=True)
    assert answer.status_code == 403
    assert browser.events == []


def test_a_body_that_a_middleware_has_read_is_still_read(browser: DjangoBrowser) -> None:
    from django.test import RequestFactory

    from abkit.integrations.django.views import log_exposure

    request = RequestFactory().post(PATH, says({"exposures": []}), content_type="text/plain")
    assert request.body
    assert b"1 to 100" in log_exposure(request).content  # type: ignore[attr-defined]


def test_a_variant_that_is_forced_on_the_visitor_is_not_logged(browser: DjangoBrowser) -> None:
    browser.sign_in("staff")
    assert browser.client.get("/page/?abkit=ShowPlugins:1").text == "1"
    answer = browser.client.post(
        PATH,
        says({**PLUGINS, "variant": "1"}),
        content_type="application/json",
        headers={"X-CSRFToken": browser.token},
    )
    assert answer.status_code == 204
    assert browser.events == []
    assert browser.endpoint.stats.skipped == 1
    assert browser.endpoint.stats.mismatched == 0


def test_behind_a_proxy_the_forwarded_host_counts_where_django_is_told_so(
    browser: DjangoBrowser,
) -> None:
    browser.sign_in()

    def sent() -> int:
        headers = {"Origin": "http://www.example.com", "X-Forwarded-Host": "www.example.com"}
        headers["X-CSRFToken"] = browser.token
        return browser.client.post(PATH, PLUGINS, "application/json", headers=headers).status_code

    assert sent() == 403
    with override_settings(USE_X_FORWARDED_HOST=True, ALLOWED_HOSTS=["www.example.com"]):
        assert sent() == 204


class BrokenOff(io.BytesIO):
    """The input of a server whose client has gone."""

    def read(self, *_: object) -> bytes:
        raise ConnectionResetError("the client has gone")


def test_a_client_that_breaks_off_in_the_middle_of_a_body_is_no_error(
    events: list[Event],
) -> None:
    environment: Any = {"wsgi.input": BrokenOff()}
    client = Client(raise_request_exception=True)
    answer = client.generic("POST", PATH, b"x", "application/json", **environment)
    assert answer.status_code == 400
    assert events == []
