"""Apprise itself, against a real HTTP server; and what it must not give away."""

import json
import logging
import socket
import sys
import threading
from email import message_from_string, policy
from typing import Self

import pytest

from abkit.analysis.notifications.alerts import AlertKind
from abkit.analysis.notifications.notifiers import AppriseNotifier
from abkit.errors import ConfigError, MissingExtraError, NotificationError

from ...sinks.loopback import Loopback, Reply, Request

# Apprise imports all its services, and one of them what Python 3.13 has not any more.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

SECRET = "hunter22secret"  # noqa: S105 - to be looked for in what is shown


def url_of(server: Loopback, path: str = "/hook") -> str:
    return server.url.replace("http://", f"json://someone:{SECRET}@") + path


def taken(_request: Request) -> Reply:
    return Reply(status=200)


def test_a_notification_arrives_as_plain_text() -> None:
    with Loopback(taken) as server:
        AppriseNotifier(url_of(server)).send(
            "Exp: <b>b</b> & *c* won", "first <script>\nsecond %20 \\n", kind=AlertKind.SIGNIFICANT
        )
    (request,) = server.requests
    sent = json.loads(request.body)
    assert sent["title"] == "Exp: <b>b</b> & *c* won"
    assert sent["message"] == "first <script>\nsecond %20 \\n"


def test_a_name_cannot_call_the_whole_channel() -> None:
    with Loopback(taken) as server:
        AppriseNotifier(url_of(server)).send("@everyone", "@Here, not@home", kind=AlertKind.ENDED)
    sent = json.loads(server.requests[0].body)
    assert sent["title"] == "@\u200beveryone"
    assert sent["message"] == "@\u200bHere, not@home"


@pytest.mark.parametrize("kind", AlertKind)
def test_what_is_wrong_is_a_warning(kind: AlertKind) -> None:
    with Loopback(taken) as server:
        AppriseNotifier(url_of(server)).send("t", "b", kind=kind)
    expected = {
        AlertKind.SAMPLE_RATIO: "warning",
        AlertKind.GUARDRAIL: "warning",
        AlertKind.SIGNIFICANT: "success",
    }
    assert json.loads(server.requests[0].body)["type"] == expected.get(kind, "info")


def test_where_html_is_wanted_names_are_escaped() -> None:
    """Apprise makes HTML of it: `json` with this option stands for e-mail."""
    with Loopback(taken) as server:
        notifier = AppriseNotifier(url_of(server, "/hook?format=html"))
        notifier.send("t", "<img src=x onerror=alert(1)>", kind=AlertKind.ENDED)
    assert "<img" not in json.loads(server.requests[0].body)["message"]


class MailServer:
    """Takes one mail by SMTP on the loopback."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        connection, _ = self._socket.accept()
        with connection, connection.makefile("rw", newline="\r\n") as stream:

            def say(line: str) -> None:
                stream.write(f"{line}\n")
                stream.flush()

            say("220 here")
            while command := stream.readline().rstrip().upper():
                if command == "DATA":
                    say("354 go on")
                    while (line := stream.readline().rstrip("\r\n")) != ".":
                        self.lines.append(line)
                say("221 bye" if command == "QUIT" else "250 ok")
                if command == "QUIT":
                    break


def test_a_mail_is_plain_text_with_a_subject() -> None:
    with MailServer() as server:
        url = f"mailto://127.0.0.1:{server.port}?from=abkit@example.com&to=team@example.com"
        AppriseNotifier(url).send(
            "Exp: b won", "100 < 200 <img src=x>\nsecond line", kind=AlertKind.SIGNIFICANT
        )
    mail = message_from_string("\n".join(server.lines), policy=policy.default)
    assert mail["Subject"] == "Exp: b won"
    assert mail["To"] == "team@example.com"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == "100 < 200 <img src=x>\nsecond line"


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_refusal_is_an_error_that_shows_no_secret(
    status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with Loopback(lambda _request: Reply(status=status)) as server:
        notifier = AppriseNotifier(url_of(server, "/path-that-is-secret"))
        with pytest.raises(NotificationError) as caught:
            notifier.send("t", "b", kind=AlertKind.ENDED)
    assert str(status) in caught.value.problem
    assert caught.value.destination == notifier.name
    shown = str(caught.value) + repr(notifier) + caplog.text + "".join(capfd.readouterr())
    assert SECRET not in shown
    assert "path-that-is-secret" not in shown


def test_a_server_that_is_not_there_is_an_error_that_shows_no_secret() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    notifier = AppriseNotifier(f"json://{SECRET}.localhost:{port}/{SECRET}")
    with pytest.raises(NotificationError, match="[Cc]onnection error") as caught:
        notifier.send("t", "b", kind=AlertKind.ENDED)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        f"slack://{SECRET}",
        f"slack://{SECRET}/b",
        f"nosuchservice://{SECRET}",
        f"tgram://{SECRET.upper()}",
        SECRET,
        f"{SECRET}.example.com/x",
        "slack://",
        "",
    ],
)
def test_a_url_that_cannot_be_used_is_an_error_that_shows_no_secret(
    url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as caught:
        AppriseNotifier(url)
    shown = str(caught.value) + caplog.text + "".join(capfd.readouterr())
    assert SECRET not in shown.lower()


def test_the_services_of_the_page_are_known() -> None:
    """Their URLs are as docs/howto/notifications.md has them."""
    for url in (
        "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#experiments",
        "https://hooks.slack.com/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
        "mailtos://user:password@smtp.example.com?from=abkit@example.com&to=team@example.com",
        "jsons://example.com/hook",
    ):
        assert AppriseNotifier(url).name.startswith(url.partition("://")[0] + "-")


def test_a_name_is_always_the_same_and_tells_urls_apart() -> None:
    first, again, other = (AppriseNotifier(f"json://127.0.0.1/{path}") for path in ("a", "a", "b"))
    assert first.name == again.name != other.name
    assert len(first.name) == len("json-1234")


def test_the_log_of_apprise_is_as_it_was() -> None:
    logger = logging.getLogger("apprise")
    before = (list(logger.handlers), logger.propagate)
    with pytest.raises(ConfigError):
        AppriseNotifier("slack://x")
    assert (list(logger.handlers), logger.propagate) == before


def test_without_apprise_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(MissingExtraError, match=r"abkit-sdk\[notify\]"):
        AppriseNotifier("json://127.0.0.1/x")
