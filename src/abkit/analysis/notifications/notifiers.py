"""Destinations of notifications: anything with a name that can send, such as a service of Apprise."""

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote

from abkit.analysis.notifications.alerts import AlertKind
from abkit.errors import ConfigError, NotificationError
from abkit.extras import extra
from abkit.quoting import quoted

if TYPE_CHECKING:
    from apprise import NotifyType


class Notifier(Protocol):
    """One destination of notifications."""

    @property
    def name(self) -> str:
        """Identifies the destination. It is printed and stored, so it must not change or hold secrets."""
        ...

    def send(self, title: str, body: str, *, kind: AlertKind) -> None:
        """Deliver a notification; both texts are plain.

        Raises:
            NotificationError: It was not delivered; the next evaluation tries again.
        """
        ...


class AppriseNotifier:
    """A destination of Apprise: e-mail, Slack, Teams, a webhook and a hundred more.

    Its name has the service and a few bits of the URL, which is a secret: it is never shown.

    Args:
        url: As Apprise has them, such as "slack://TokenA/TokenB/TokenC/#channel".

    Raises:
        ConfigError: Apprise knows no such service, or the URL lacks something.
        MissingExtraError: apprise is not installed.
    """

    def __init__(self, url: str) -> None:
        with extra("notify"):
            from apprise import Apprise, AppriseAsset, NotifyBase
        url = url.strip()
        schema = _schema(url)
        self._url = url
        self.name: str = f"{schema}-{_fingerprint(url)}"
        self._apprise = Apprise()
        with _captured() as said:
            asset = AppriseAsset(app_id="abkit", app_desc="abkit", app_url="")
            plugin = Apprise.instantiate(url, asset=asset)
        if not isinstance(plugin, NotifyBase):
            what = self._without_secrets(" ".join(said)) or "it lacks something"
            message = f"A {schema}:// URL to notify cannot be used: {what}"
            raise ConfigError(message)
        self._apprise.add(plugin)

    def send(self, title: str, body: str, *, kind: AlertKind) -> None:
        """Deliver a notification within the service's own timeouts, a minute at most.

        Raises:
            NotificationError: The service did not take it.
        """
        from apprise import NotifyFormat

        with _captured() as said:
            delivered = self._apprise.notify(
                _without_mentions(body),
                title=_without_mentions(title),
                body_format=NotifyFormat.TEXT,
                notify_type=_type(kind),
            )
        if not delivered:
            reason = self._without_secrets(" ".join(said)) or "the service did not take it"
            raise NotificationError(self.name, reason)

    def _without_secrets(self, text: str) -> str:
        """What Apprise said, without any part of the URL but the name of its service."""
        rest = self._url.partition("://")[2]
        parts = [part for part in re.split(r"[/:@?&=,;+#]+", rest) if len(part) > 2]
        secrets = sorted({rest, *parts, *map(unquote, parts)}, key=len, reverse=True)
        text = re.sub("|".join(map(re.escape, secrets)), "…", text, flags=re.IGNORECASE)
        return quoted(text)

    def __repr__(self) -> str:
        return f"<AppriseNotifier {self.name}>"


def _schema(url: str) -> str:
    found = re.match(r"([a-zA-Z][a-zA-Z0-9]*)://.", url)
    if found is None:
        message = (
            "What to notify must be a URL of Apprise, such as slack://TokenA/TokenB/TokenC or "
            "mailto://user:password@example.com; one of the given ones is none"
        )
        raise ConfigError(message)
    return found[1].lower()


def _fingerprint(url: str) -> str:
    """Tells URLs apart, but not what they hold: 16 bits, each guess of which costs time."""
    return hashlib.scrypt(url.encode(), salt=b"abkit", n=2**14, r=8, p=1, dklen=2).hex()


def _without_mentions(text: str) -> str:
    """Text in which a name such as "@everyone" does not call the whole channel, as in Discord."""
    return re.sub(r"@(?=(everyone|here|channel|all)\b)", "@\N{ZERO WIDTH SPACE}", text, flags=re.I)


def _type(kind: AlertKind) -> "NotifyType":
    from apprise import NotifyType

    match kind:
        case AlertKind.SAMPLE_RATIO | AlertKind.GUARDRAIL:
            return NotifyType.WARNING
        case AlertKind.SIGNIFICANT:
            return NotifyType.SUCCESS
        case _:
            return NotifyType.INFO


@contextmanager
def _captured() -> Iterator[list[str]]:
    """What Apprise logs as wrong, kept from other logs: it may show parts of a URL."""
    said: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    logger, keep = logging.getLogger("apprise"), Keep(logging.WARNING)
    propagated = logger.propagate
    logger.addHandler(keep)
    logger.propagate = False
    try:
        yield said
    finally:
        logger.removeHandler(keep)
        logger.propagate = propagated
