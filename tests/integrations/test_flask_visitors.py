"""Flask: visitors, from the first page to the sign-up."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from flask import Blueprint, Flask, Request, Response, request, session, stream_with_context
from werkzeug.exceptions import Gone
from werkzeug.test import TestResponse

from abkit import (
    ConfigError,
    ExperimentManager,
    MissingSubjectError,
    OrgExperiment,
    VisitorExperiment,
)
from abkit.events import Event, Exposure, Identity
from abkit.integrations.endpoint import PATH
from abkit.integrations.flask import Abkit, experiments
from abkit.integrations.visitors import Visitors, VisitorStats

COOKIE = "abkit_visitor"
SECRET, NEW = "of the tests", "of another site"


class Signup(VisitorExperiment):
    variants = {"form": 0, "github": 1}


class Plugins(OrgExperiment):
    variants = ["0", "1"]


@pytest.fixture
def events() -> list[Event]:
    return []


def subjects(_request: Request) -> Mapping[str, object]:
    return {"user": session.get("user")}


@pytest.fixture
def application(events: list[Event]) -> Callable[..., Flask]:
    def application(*, secret: str | None = SECRET, strict: bool = True, **more: Any) -> Flask:
        manager = ExperimentManager(on_event=events.append, strict=strict)
        manager.add(Signup)
        manager.add(Plugins)
        app = Flask(__name__)
        app.secret_key = secret
        Abkit(app, **{"subjects": subjects, "manager": manager, **more})
        app.register_blueprint(pages)
        return app

    return application


pages = Blueprint("pages", __name__)


@pages.route("/", methods=["GET", "POST"])
def page() -> str:
    experiments.log_exposure(Signup)
    return str(experiments[Signup])


@pages.get("/payload")
def payload() -> dict[str, Any]:
    return experiments.payload()


@pages.get("/plain")
def plain() -> Response:
    return Response("plain", headers={"Cache-Control": "public, max-age=60"})


@pages.get("/session")
def reads_session() -> str:
    return str(session.get("user"))


@pages.post("/sign-in")
def sign_in() -> str:
    session["user"] = 7
    return ""


@pages.get("/cached")
def cached() -> Response:
    response = Response(experiments[Signup], headers={"Cache-Control": "public, s-maxage=60"})
    response.headers.add("Cache-Control", "no-cache")
    response.headers.add("Vary", "Accept")
    response.headers.add("Vary", "Origin")
    response.set_etag("of the page")
    return response


@pages.get("/gone")
def gone() -> str:
    raise Gone(str(experiments[Signup]))


@pages.get("/fails")
def fails() -> str:
    raise ZeroDivisionError(experiments[Signup])


@pages.get("/stream")
def stream() -> Response:
    def pieces() -> Iterator[str]:
        yield str(experiments[Signup])

    return Response(stream_with_context(pieces()))


@pages.get("/stream-asked")
def stream_asked() -> Response:
    _ = experiments[Signup]
    return stream()


def written(answer: TestResponse) -> list[str]:
    return [each for each in answer.headers.getlist("Set-Cookie") if each.startswith(COOKIE)]


def exposed(events: list[Event]) -> list[str]:
    return [event.unit_id for event in events if isinstance(event, Exposure)]


def test_the_cookie_is_as_the_application_says(application: Callable[..., Flask]) -> None:
    visitors: Visitors[Request] = Visitors(
        cookie="who", domain="shop.example", consent=lambda request: "no" not in request.args
    )
    app = application(visitors=visitors)
    app.config["SESSION_COOKIE_SECURE"] = True
    client = app.test_client()
    url = "https://www.shop.example"
    (cookie,) = client.get("/", base_url=url).headers.getlist("Set-Cookie")
    assert cookie.startswith("who=v-")
    assert {"Domain=shop.example", "Secure"} <= {*cookie.split("; ")}
    (deleted,) = client.get("/?no", base_url=url).headers.getlist("Set-Cookie")
    assert deleted.startswith("who=;")
    assert {"Domain=shop.example", "Secure", "Max-Age=0"} <= {*deleted.split("; ")}
    assert client.get_cookie("who", domain="shop.example") is None


def test_the_cookie_of_the_session_is_not_the_visitors(application: Callable[..., Flask]) -> None:
    with pytest.raises(ConfigError, match="the visitor's cookie needs another name"):
        application(visitors=Visitors(cookie="session"))


def test_a_name_that_demands_https_makes_the_cookie_secure_behind_any_proxy(
    application: Callable[..., Flask],
) -> None:
    app = application(visitors=Visitors(cookie="__Secure-who"))
    (cookie,) = app.test_client().get("/").headers.getlist("Set-Cookie")
    assert cookie.startswith("__Secure-who=v-")
    assert "Secure" in cookie.split("; ")


@pytest.mark.parametrize("url", ["/", "/payload", "/cached", "/gone", "/fails"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_whatever_asks_is_for_one_visitor_only(
    application: Callable[..., Flask], url: str, method: str
) -> None:
    client = application().test_client()
    first = client.open(url, method=method)
    second = client.open(url, method=method)
    for answer in (first, second):
        assert "Cookie" in answer.headers["Vary"]
        assert "private" in answer.headers["Cache-Control"]
        assert "s-maxage" not in answer.headers["Cache-Control"]
    assert (len(written(first)), len(written(second))) == (1, 0)


def test_several_lines_of_a_header_and_an_answer_without_a_body_are_kept(
    application: Callable[..., Flask],
) -> None:
    app = application()

    @app.after_request
    def conditional(response: Response) -> Response:
        response.make_conditional(request.environ)
        return response

    client = app.test_client()
    fresh = client.get("/cached")
    again = client.get("/cached", headers={"If-None-Match": fresh.headers["ETag"]})
    assert (fresh.status_code, again.status_code) == (200, 304)
    for answer in (fresh, again):
        assert answer.headers.getlist("Cache-Control") == ["private, no-cache"]
        assert answer.headers.getlist("Vary")[0].startswith("Accept, Origin, Cookie")


def test_what_a_stream_asks_first_is_not_enrolled(
    application: Callable[..., Flask],
) -> None:
    app = application()
    client = app.test_client()
    assert client.get("/stream").text == "form"
    asked = client.get("/stream-asked")
    assert asked.text == client.get("/").text == "github"
    assert ("Cookie" in asked.headers["Vary"], len(written(asked))) == (True, 1)
    answer = client.get("/stream")
    assert (answer.text, answer.headers.get("Vary")) == ("form", None)
    assert app.extensions["abkit"].visitors.stats == VisitorStats(made=1, too_late=2)


def test_a_visitor_signs_up_and_keeps_the_variant(
    application: Callable[..., Flask], events: list[Event]
) -> None:
    client = application().test_client()
    before = client.get("/").text
    client.post("/sign-in")
    client.get("/session")
    assert client.get("/").text == before
    (visitor_id,) = {*exposed(events)}
    told = [event for event in events if isinstance(event, Identity)]
    assert {(each.from_id, each.to_type, each.to_id) for each in told} == {
        (visitor_id, "user", "7")
    }
    assert len(told) == 3


def test_who_is_signed_in_is_not_asked_where_nothing_depends_on_it(
    application: Callable[..., Flask], events: list[Event]
) -> None:
    asked: list[str] = []

    def counted(request: Request) -> Mapping[str, object]:
        asked.append(request.path)
        return {"user": 7}

    client = application(subjects=counted).test_client()
    client.get("/")
    for url in ("/plain", "/session", "/plain"):
        client.get(url)
    assert asked == ["/", "/session"]


def test_subjects_that_fail_do_not_break_a_page_that_asks_for_none(
    application: Callable[..., Flask],
) -> None:
    def careless(request: Request) -> Mapping[str, object]:
        if request.path == "/session":
            raise KeyError("org")
        return {}

    app = application(subjects=careless, strict=False)
    client = app.test_client()
    client.get("/")
    assert client.get("/session").text == "None"
    assert app.extensions["abkit"].manager.errors == {("identify", "MissingSubjectError"): 1}


def test_two_first_requests_at_once_end_with_one_visitor(
    application: Callable[..., Flask], events: list[Event]
) -> None:
    app, together = application(), Barrier(2)

    @app.get("/first")
    def first() -> str:
        together.wait(10)
        return str(experiments[Signup])

    with ThreadPoolExecutor(2) as pool:
        answers = [*pool.map(lambda _: app.test_client().get("/first"), range(2))]
    browser = app.test_client()
    for answer in answers:
        name, _, value = written(answer)[0].partition(";")[0].partition("=")
        browser.set_cookie(name, value)
    for _ in range(3):
        browser.get("/")
    assert len({*exposed(events)}) == 1
    assert app.extensions["abkit"].visitors.stats.made == 2


def test_several_cookies_of_the_name_and_quotes_are_read_as_one(
    application: Callable[..., Flask], events: list[Event]
) -> None:
    app = application()
    client = app.test_client()
    client.get("/")
    cookie = client.get_cookie(COOKIE)
    assert cookie is not None
    for header in (f'{COOKIE}="{cookie.value}"', f"{COOKIE}={cookie.value}; {COOKIE}=x"):
        app.test_client(use_cookies=False).get("/", headers={"Cookie": header})
    assert len({*exposed(events)}) == 1


def test_without_a_secret_key_only_experiments_on_visitors_are_missed(
    application: Callable[..., Flask],
) -> None:
    client = application(secret=None).test_client()
    client.set_cookie(COOKIE, "x")
    assert client.get("/plain").status_code == client.get("/session").status_code == 200
    lenient = application(secret=None, strict=False)
    assert lenient.test_client().get("/").text == "form"
    strict = application(secret=None)
    strict.testing = True
    with pytest.raises(MissingSubjectError, match="needs a secret"):
        strict.test_client().get("/")


def test_the_endpoint_takes_what_the_payload_has_and_nobody_without_an_id(
    application: Callable[..., Flask], events: list[Event]
) -> None:
    client = application().test_client()
    shown = client.get("/payload").json
    assert shown is not None
    given = shown["Signup"]
    assert ([*shown], given["variant"], given["unitType"]) == (["Signup"], "github", "visitor")
    sent = {"experiment": "Signup", "unitType": "visitor", "variant": "github"}
    assert client.post(PATH, json={**sent, "unitId": given["unitId"]}).status_code == 204
    assert client.post(PATH, json={**sent, "unitId": ""}).status_code == 400
    assert exposed(events) == [given["unitId"]]
