"""Django: `request.experiments`, and forced variants, sync and async."""

import asyncio
import os
import threading
from importlib import import_module
from typing import Any

import pytest
from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client, RequestFactory, override_settings

from abkit import expt_manager
from abkit.events import Event, Exposure
from abkit.integrations.django.apps import abkit_app
from abkit.integrations.django.middleware import AbkitMiddleware

from ..declared import other


def sign_in(username: str) -> Client:
    client = Client()
    client.get(f"/sign-in/{username}/42/")
    return client


@pytest.fixture
def staff(events: list[Event]) -> Client:
    return sign_in("staff")


@pytest.fixture
def assigned(events: list[Event]) -> str:
    return str(expt_manager.get("ShowPlugins", org="42"))


def test_a_request_has_its_experiments(events: list[Event], assigned: str) -> None:
    assert sign_in("member").get("/page/").text == assigned
    (exposure,) = events
    assert isinstance(exposure, Exposure)
    assert (exposure.user_id, exposure.groups) == ("7", {"org": "42"})


def test_a_hundred_rows_cost_one_evaluation(events: list[Event]) -> None:
    evaluated = import_module("shop.experiments").ShowPlugins.evaluated
    client = sign_in("member")
    evaluated.clear()
    rows = client.get("/api/").json()
    assert len(rows) == 100
    assert rows[0]["experiments"]["ShowPlugins"]["unitId"] == "42"
    assert rows[99]["experiments"]["Buttons"] == {
        "variant": expt_manager.get("Buttons", user=7),
        "reason": "assigned",
        "unitType": "user",
        "unitId": "7",
    }
    assert evaluated == ["42"]


def test_a_visitor_who_is_not_signed_in_has_an_empty_payload(events: list[Event]) -> None:
    assert Client().get("/api/").json()[0]["experiments"] == {}


@pytest.mark.parametrize("path", ["/page/", "/async/"])
def test_staff_forces_by_the_url_and_then_by_the_cookie(
    events: list[Event], staff: Client, assigned: str, path: str
) -> None:
    wanted = other(assigned)
    answer = staff.get(f"{path}?abkit=ShowPlugins:{wanted},Buttons:new")
    assert answer.text == wanted
    assert answer.headers["X-Abkit-Forced"] == f"ShowPlugins:{wanted},Buttons:new"
    assert answer.headers["Cache-Control"] == "private, no-store"
    cookie = answer.cookies["abkit"]
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 86_400)
    assert staff.get(path).text == wanted
    assert events == []
    assert staff.get(f"{path}?abkit=").text == assigned
    assert staff.get(path).text == assigned
    assert len(events) == 2


def test_the_cookie_is_signed_with_djangos_signer(staff: Client, assigned: str) -> None:
    staff.get(f"/page/?abkit=ShowPlugins:{other(assigned)}")
    signed = staff.cookies["abkit"].value
    request = RequestFactory().get("/")
    request.COOKIES["abkit"] = signed
    text = request.get_signed_cookie("abkit", salt="abkit.forced", max_age=86_400)
    assert text == f"ShowPlugins:{other(assigned)}"
    staff.cookies["abkit"] = signed.replace(f":{other(assigned)}:", f":{assigned}:")
    assert "X-Abkit-Forced" not in staff.get("/page/").headers


def test_a_forged_or_foreign_cookie_is_nothing(staff: Client, assigned: str) -> None:
    for value in (f"ShowPlugins:{other(assigned)}", "x" * 4_000, signing.dumps("ShowPlugins:1")):
        staff.cookies["abkit"] = value
        assert staff.get("/page/").text == assigned


@pytest.mark.parametrize("path", ["/page/", "/async/"])
def test_others_are_not_heard(events: list[Event], assigned: str, path: str) -> None:
    member = sign_in("member")
    answer = member.get(f"{path}?abkit=ShowPlugins:{other(assigned)}")
    assert answer.text == assigned
    assert "abkit" not in answer.cookies
    assert not [name for name in answer.headers if name.startswith("X-Abkit")]
    assert len(events) == 1


def test_a_cookie_that_was_staffs_forces_nothing_on_others(staff: Client, assigned: str) -> None:
    staff.get(f"/page/?abkit=ShowPlugins:{other(assigned)}")
    member = sign_in("member")
    member.cookies["abkit"] = staff.cookies["abkit"].value
    assert member.get("/page/").text == assigned


def test_without_allow_forcing_nobody_forces(staff: Client, assigned: str) -> None:
    with override_settings(ABKIT={"SUBJECTS": "shop.subjects.of"}):
        assert staff.get(f"/page/?abkit=ShowPlugins:{other(assigned)}").text == assigned
    assert staff.get(f"/page/?abkit=ShowPlugins:{other(assigned)}").text == other(assigned)


def test_debug_allows_everybody(events: list[Event], assigned: str) -> None:
    member = sign_in("member")
    with override_settings(ABKIT={"SUBJECTS": "shop.subjects.of", "ALLOW_FORCING": "debug"}):
        assert member.get(f"/page/?abkit=ShowPlugins:{other(assigned)}").text == assigned
        with override_settings(DEBUG=True):
            answer = member.get(f"/page/?abkit=ShowPlugins:{other(assigned)}")
    assert answer.text == other(assigned)


def test_what_cannot_be_forced_is_reported_and_changes_nothing(
    staff: Client, assigned: str
) -> None:
    staff.get(f"/page/?abkit=ShowPlugins:{other(assigned)}")
    answer = staff.get("/page/?abkit=Gone:1,ShowPlugins:7,nonsense")
    assert answer.text == other(assigned)
    assert answer.headers["X-Abkit-Ignored"] == (
        "Gone%3A1 (no such experiment); ShowPlugins%3A7 (its variants: 0 1); "
        "nonsense (must look like Experiment:variant)"
    )


@pytest.mark.parametrize("text", ["a:b\r\nSet-Cookie: x=1", "\0:\0", "é:ü", "\n", "<script>:1"])
def test_nothing_of_the_url_gets_into_a_header_unescaped(staff: Client, text: str) -> None:
    answer = staff.get("/page/", {"abkit": text})
    assert answer.status_code == 200
    assert "x" not in answer.cookies
    header = answer.headers.get("X-Abkit-Ignored", "")
    assert header.isascii()
    assert not {*"\r\n\0<>"} & {*header}


@pytest.mark.parametrize("path", ["/stream/", "/async-stream/"])
def test_what_is_streamed_is_forced_too(staff: Client, assigned: str, path: str) -> None:
    async def streamed() -> bytes:
        client = AsyncClient()
        client.cookies = staff.cookies
        answer: Any = await client.get(f"{path}?abkit=ShowPlugins:{other(assigned)}")
        return b"".join([piece async for piece in answer.streaming_content])

    if path == "/stream/":
        content = staff.get(f"{path}?abkit=ShowPlugins:{other(assigned)}").getvalue()
    else:
        content = asyncio.run(streamed())
    assert content.decode() == other(assigned) * 2
    assert expt_manager.get("ShowPlugins", org="42") == assigned


@pytest.mark.parametrize("path", ["/page/", "/async/"])
def test_under_asgi_too(events: list[Event], staff: Client, assigned: str, path: str) -> None:
    async def visit() -> list[str]:
        client = AsyncClient()
        client.cookies = staff.cookies
        queries = ["", f"?abkit=ShowPlugins:{other(assigned)}", ""]
        return [(await client.get(f"{path}{query}")).content.decode() for query in queries]

    assert asyncio.run(visit()) == [assigned, other(assigned), other(assigned)]
    assert len(events) == 1


def test_two_requests_at_once_force_for_themselves(staff: Client, assigned: str) -> None:
    async def visit() -> list[str]:
        forced, plain = AsyncClient(), AsyncClient()
        forced.cookies = staff.cookies
        plain.cookies = sign_in_cookies
        queries = [(forced, f"?abkit=ShowPlugins:{other(assigned)}"), (plain, "")] * 5
        answers = await asyncio.gather(
            *(client.get(f"/async/{query}") for client, query in queries)
        )
        return [answer.content.decode() for answer in answers]

    sign_in_cookies = sign_in("member").cookies
    assert asyncio.run(visit()) == [other(assigned), assigned] * 5


def test_forcing_ends_with_a_request_that_fails(staff: Client, assigned: str) -> None:
    with pytest.raises(ZeroDivisionError):
        staff.get(f"/fails/?abkit=ShowPlugins:{other(assigned)}")
    assert expt_manager.get("ShowPlugins", org="42") == assigned


def test_a_project_that_is_configured_wrongly_does_not_serve(events: list[Event]) -> None:
    def get_response(request: HttpRequest) -> HttpResponse:
        return HttpResponse()

    with (
        override_settings(ABKIT={"SUBJECT": "shop.subjects.of"}),
        pytest.raises(ImproperlyConfigured, match="Did you mean 'SUBJECTS'"),
    ):
        AbkitMiddleware(get_response)
    assert callable(AbkitMiddleware(get_response))


def test_starting_starts_no_thread(events: list[Event]) -> None:
    before = {*threading.enumerate()}
    expt_manager.clear()
    abkit_app().ready()
    assert {*threading.enumerate()} <= before
    assert [*expt_manager] == ["ShowPlugins", "Buttons", "Ramping", "Chosen"]


def test_the_time_zone_of_the_process_is_left_alone(events: Any) -> None:
    assert "DJANGO_SETTINGS_MODULE" not in os.environ
