"""Posting JSON over HTTP: what the sinks of web destinations share."""

import gzip
import json
import math
import os
import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from attrs import field, frozen, validators

from abkit.errors import DeliveryError, MissingExtraError
from abkit.sinks.base import Retry

if TYPE_CHECKING:
    import requests

UNTIL_MENDED = 60.0
"""Seconds to wait where the fault is in the request rather than in its events, such as a wrong key."""

_LONGEST_QUOTE = 300


@frozen(kw_only=True)
class Timeouts:
    """How long a destination may keep the delivery waiting.

    Attributes:
        connect: Seconds to make a connection.
        read: Seconds between two parts of the answer.
    """

    connect: float = field(default=5.0, validator=validators.gt(0))
    read: float = field(default=10.0, validator=validators.gt(0))


@frozen(kw_only=True)
class Answer:
    """What a destination said.

    Attributes:
        status: The status code.
        content: The body.
        after: Seconds that it asked to wait; None if it did not.
    """

    status: int
    content: bytes = b""
    after: float | None = None

    @property
    def body(self) -> Mapping[str, object]:
        """The body as a JSON object; empty if it is none."""
        try:
            body = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def words(self) -> str:
        """The answer, for the log and for dead letters."""
        quote = self.content.decode("utf-8", "replace").strip()[:_LONGEST_QUOTE]
        return f"HTTP {self.status}: {quote}" if quote else f"HTTP {self.status}"


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait, from a Retry-After header (RFC 9110, 10.2.3).

    Args:
        value: Seconds, or a date of HTTP.
        now: Seconds since the epoch.

    Returns:
        0 or more; None if there is no header or it says nothing.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
            aware = date if date.tzinfo else date.replace(tzinfo=UTC)
            return max(0.0, aware.timestamp() - now)
        except (ValueError, OverflowError):
            return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


class Client:
    """Posts JSON to one URL, with one connection for each process.

    Args:
        url: Where to post.
        headers: Sent with each request.
        timeouts: None: the defaults.
        compress: Send gzip.

    Raises:
        DeliveryError: The URL or a header cannot be used.
        MissingExtraError: requests is not installed.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        compress: bool = False,
    ) -> None:
        try:
            import requests
        except ImportError:
            raise MissingExtraError("requests", "http") from None
        self.url = url
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": "abkit",
            **(headers or {}),
        }
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        try:
            requests.Request("POST", url, headers=self._headers).prepare()
            for name, value in self._headers.items():
                f"{name}{value}".encode("latin-1")
        except (requests.RequestException, UnicodeError) as error:
            message = f"Events cannot be posted to {url!r} like this: {error}"
            raise DeliveryError(message) from error
        self._compress = compress
        self._timeouts = timeouts or Timeouts()
        self._new_session = requests.Session
        self._error = requests.RequestException
        self._session: requests.Session | None = None
        self._pid = os.getpid()

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer | Retry:
        """Post a body, once. Redirects are not followed: they would turn it into a GET.

        Returns:
            The answer, whatever its status; a `Retry` if there was none.
        """
        content = gzip.compress(body, compresslevel=6, mtime=0) if self._compress else body
        try:
            response = self._connected().post(
                self.url,
                data=content,
                headers={**self._headers, **(headers or {})},
                timeout=(self._timeouts.connect, self._timeouts.read),
                allow_redirects=False,
            )
        except self._error as error:
            return Retry(reason=f"{type(error).__name__}: {error}")
        after = retry_after(response.headers.get("Retry-After"), now=time.time())
        return Answer(status=response.status_code, content=response.content, after=after)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._session is not None and self._pid == os.getpid():
            self._session.close()
        self._session = None

    def _connected(self) -> "requests.Session":
        # A forked child must not talk into its parent's connection.
        if self._session is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._session = self._new_session()
            # Otherwise an entry in ~/.netrc would replace the header Authorization.
            self._session.auth = _as_it_is
        return self._session


def _as_it_is(request: "requests.PreparedRequest") -> "requests.PreparedRequest":
    return request


def compact_json(value: object) -> bytes:
    """A plain value as JSON, without spaces."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()
