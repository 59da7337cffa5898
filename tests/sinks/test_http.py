"""What the HTTP sinks share."""

import base64
import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError, MissingExtraError
from abkit.sinks.base import Rejected, Retry
from abkit.sinks.http import Answer, Client, Timeouts, retry_after
from abkit.sinks.refusals import Refusal, objection_to_time, with_refusals

from .contract import action
from .dripping import Dripping
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
    with pytest.raises(MissingExtraError, match=r"abkit-sdk\[http\]"):
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


OK = b"HTTP/1.1 200 OK\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Unavailable\r\n"


class TestAnswersWithoutEnd:
    @pytest.mark.parametrize(
        ("beginning", "piece"),
        [
            (b"", b"H"),
            (b"HTTP/1.1 200 O", b"K"),
            (OK + b"x-long: ", b"x"),
            (OK, b"x: y\r\n"),
            (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
            (UNAVAILABLE + b"Content-Length: 1000000\r\n\r\n", b"x"),
            (UNAVAILABLE + b"\r\n", b"x"),
            (UNAVAILABLE + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
            (UNAVAILABLE + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
            (b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 1000000\r\n\r\n", b"x"),
        ],
    )
    def test_an_answer_that_drips_is_left_at_the_deadline(
        self, beginning: bytes, piece: bytes
    ) -> None:
        with Dripping(beginning, piece) as server:
            client = Client(server.url, timeouts=Timeouts(total=0.3))
            outcome = client.post(b"{}")
            client.close()
        assert isinstance(outcome, Retry)
        assert "timed out" in outcome.reason or "too long" in outcome.reason

    def test_success_counts_though_its_body_does_not_come(self) -> None:
        with Dripping(OK + b"Content-Length: 1000000\r\n\r\n", b"x") as server:
            client = Client(server.url, timeouts=Timeouts(total=0.3))
            answer = client.post(b"{}")
            client.close()
        assert answer == Answer(status=200)

    def test_a_client_that_left_an_answer_posts_again(self) -> None:
        replies = iter([Reply(status=500, content=b"x" * 3_000_000), Reply(content=b"{}")])
        with Loopback(lambda request: next(replies)) as server:
            client = Client(server.url)
            first, second = client.post(b"{}"), client.post(b"{}")
            client.close()
        assert first == Retry(
            None, "HTTP 500, but OSError: the answer has more than 1,000,000 bytes"
        )
        assert isinstance(second, Answer)
        assert second.content == b"{}"

    @pytest.mark.parametrize("status", [200, 302, 400])
    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_a_small_answer_that_unpacks_to_a_large_one_is_not_kept(
        self, status: int, encoding: str
    ) -> None:
        zeros = b"0" * 100_000_000
        packed = gzip.compress(zeros, 1) if encoding == "gzip" else zlib.compress(zeros, 1)
        del zeros
        headers = {"Content-Encoding": encoding, "Location": "/"}
        reply = Reply(status=status, content=packed, headers=headers)
        with Loopback(lambda request: reply) as server:
            client = Client(server.url)
            tracemalloc.start()
            outcome = client.post(b"{}")
            most = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            client.close()
        assert most < 10_000_000
        assert (outcome == Answer(status=200)) == (status == 200)

    def test_a_packed_answer_is_read(self) -> None:
        packed = gzip.compress(b'{"code":200}')
        headers = {"Content-Encoding": "gzip"}
        with Loopback(lambda request: Reply(content=packed, headers=headers)) as server:
            client = Client(server.url)
            answer = client.post(b"{}")
            client.close()
        assert isinstance(answer, Answer)
        assert answer.body == {"code": 200}
        assert server.requests[0].headers["accept-encoding"] == "identity"


class TestSecrets:
    @pytest.mark.parametrize(
        ("userinfo", "credentials"),
        [("me:word", b"me:word"), ("me:p%40ss", b"me:p@ss"), ("token", b"token:")],
    )
    def test_user_and_password_of_the_url_are_the_authorization(
        self, userinfo: str, credentials: bytes
    ) -> None:
        with Loopback(lambda request: Reply()) as server:
            client = Client(server.url.replace("//", f"//{userinfo}@") + "/hook")
            client.post(b"{}")
            client.close()
        (request,) = server.requests
        expected = base64.b64encode(credentials).decode()
        assert request.headers["authorization"] == f"Basic {expected}"
        assert request.path == "/hook"

    def test_a_header_that_is_given_goes_before_the_url(self) -> None:
        with Loopback(lambda request: Reply()) as server:
            url = server.url.replace("//", "//me:word@")
            client = Client(url, headers={"authorization": "Bearer mine"})
            client.post(b"{}")
            client.close()
        assert server.requests[0].headers["authorization"] == "Bearer mine"

    def test_what_an_answer_repeats_of_the_request_is_hidden(self) -> None:
        said = b"no /services/T1/abc123 for Bearer xyz-token-9 nor key-in-body\x1b[2J\nERROR forged"
        with Loopback(lambda request: Reply(status=404, content=said)) as server:
            headers = {"Authorization": "Bearer xyz-token-9"}
            url = f"{server.url}/services/T1/abc123"
            client = Client(url, headers=headers, secrets=["key-in-body"])
            answer = client.post(b"{}")
            client.close()
        assert isinstance(answer, Answer)
        assert answer.words == r"HTTP 404: no *** for *** nor ***\x1b[2J ERROR forged"
        assert "abc123" not in client.place

    def test_an_error_of_the_connection_tells_no_secret(self) -> None:
        client = Client("http://me:geheim@127.0.0.1:1/hook/abc123?sig=zz99")
        outcome = client.post(b"{}")
        assert isinstance(outcome, Retry)
        for secret in ("geheim", "abc123", "zz99"):
            assert secret not in outcome.reason

    def test_nor_does_that_of_a_url_that_cannot_be_used(self) -> None:
        with pytest.raises(DeliveryError, match="cannot be posted") as caught:
            Client("http://me:geheim@[::1")
        assert "geheim" not in str(caught.value)
        assert caught.value.__cause__ is None


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
