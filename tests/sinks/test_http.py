"""What the HTTP sinks share."""

import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError, MissingExtraError
from abkit.sinks.base import Rejected, Retry
from abkit.sinks.http import Answer, Client, Timeouts, retry_after
from abkit.sinks.refusals import Refusal, objection_to_time, with_refusals

from .contract import action
from .loopback import Loopback, Reply

NOON = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("120", 120.0),
        (" 1.5 ", 1.5),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60.0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:00:00 GMT", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("9" * 400, None),
        ("soon", None),
        ("Tue, 99 Nov 2023 99:00:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after(header, now=NOON) == seconds


@given(st.text(max_size=40), st.floats(0, 1e10))
def test_retry_after_never_fails(header: str, now: float) -> None:
    seconds = retry_after(header, now=now)
    assert seconds is None or 0 <= seconds < float("inf")


def test_a_body_that_is_no_object_is_empty() -> None:
    assert Answer(status=200, content=b'{"code":200}').body == {"code": 200}
    for content in (b"", b"\xff", b"[1]", b"null", b"[" * 100_000):
        assert Answer(status=200, content=content).body == {}


def test_an_answer_is_quoted_in_part() -> None:
    assert Answer(status=503).words == "HTTP 503"
    assert Answer(status=400, content=b" no \n").words == "HTTP 400: no"
    assert len(Answer(status=400, content=b"x" * 10_000).words) < 400


@pytest.mark.parametrize("url", ["", "nowhere", "http://", "http://[::1"])
def test_a_url_that_cannot_be_used_is_an_error_at_once(url: str) -> None:
    with pytest.raises(DeliveryError, match="cannot be posted"):
        Client(url)


@pytest.mark.parametrize("headers", [{"a": "line\nbreak"}, {"a": "ключ"}, {"a b\n": "c"}])
def test_a_header_that_cannot_be_used_is_an_error_at_once(headers: Mapping[str, str]) -> None:
    with pytest.raises(DeliveryError, match="cannot be posted"):
        Client("http://localhost", headers=headers)


def test_requests_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingExtraError, match=r"abkit\[http\]"):
        Client("http://localhost")


def test_timeouts_are_above_zero() -> None:
    with pytest.raises(ValueError, match="> 0"):
        Timeouts(read=0)


def test_a_redirect_is_not_followed() -> None:
    with Loopback(lambda request: Reply(status=302, headers={"Location": "/"})) as server:
        client = Client(server.url)
        answer = client.post(b"{}")
        client.close()
    assert isinstance(answer, Answer)
    assert answer.status == 302


def test_a_closed_client_opens_another_connection() -> None:
    with Loopback(lambda request: Reply()) as server:
        client = Client(server.url)
        for _ in range(2):
            client.post(b"{}")
            client.close()
        client.close()
        first, second = server.requests
    assert first.port != second.port


def test_credentials_of_the_machine_do_not_replace_the_sinks(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    with Loopback(lambda request: Reply()) as server:
        client = Client(server.url, headers={"Authorization": "Basic mine"})
        client.post(b"{}")
        client.close()
    assert server.requests[0].headers["authorization"] == "Basic mine"


class TestRefusals:
    def test_without_refusals_the_outcome_stays(self) -> None:
        assert with_refusals([], None) is None
        assert with_refusals([], Retry(1.0)) == Retry(1.0)

    def test_refusals_are_added_to_any_outcome(self) -> None:
        one, two = action("one"), action("two")
        refusals = [Refusal(one, "bad")]
        assert with_refusals(refusals, None) == Rejected([one], "bad")
        assert with_refusals(refusals, Retry(1.0)) == Rejected([one], "bad", Retry(1.0))
        assert with_refusals(refusals, Rejected([two], "worse", Retry(2.0))) == Rejected(
            [one, two], "bad; worse", Retry(2.0)
        )

    def test_many_reasons_are_told_in_part(self) -> None:
        refusals = [Refusal(action(), f"reason {number}") for number in range(12)]
        outcome = with_refusals([*refusals, *refusals], None)
        assert isinstance(outcome, Rejected)
        assert outcome.why.count("reason") == 10
        assert outcome.why.endswith("; and 2 more")

    @pytest.mark.parametrize("time", [float("nan"), float("inf"), -1e12, 1e12])
    def test_a_time_beyond_all_dates_is_an_objection(self, time: float) -> None:
        assert "seconds since the epoch" in str(objection_to_time(action(time=time)))

    def test_a_time_that_is_a_date_is_none(self) -> None:
        assert objection_to_time(action(time=0.0)) is None
