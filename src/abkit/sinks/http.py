"""Posting JSON over HTTP, for the sinks of web destinations."""

import base64
import gzip
import json
import math
import os
import re
import time
import zlib
from collections.abc import Collection, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from attrs import field, frozen, validators

from abkit.errors import DeliveryError
from abkit.extras import extra
from abkit.quoting import masked, quoted, told, url_secrets
from abkit.sinks.base import Retry

if TYPE_CHECKING:
    import requests

    from abkit.sinks.bounded import BoundedAdapter

UNTIL_MENDED = 60.0
"""Seconds to wait where the fault is in the request rather than in its events, such as a wrong key."""

LONGEST_ANSWER = 1_000_000
"""Bytes of an answer's body that are read, as it comes and decompressed."""

_GZIP_OR_ZLIB = 47  # zlib's wbits: whichever the header says


@frozen(kw_only=True)
class Timeouts:
    """How long a request may take.

    Attributes:
        connect: Seconds to connect.
        read: Seconds between two parts of the response.
        total: Seconds for the whole request, from the connection to the last byte of the response. Only
            the DNS lookup is not included.
    """

    connect: float = field(default=5.0, validator=validators.gt(0))
    read: float = field(default=10.0, validator=validators.gt(0))
    total: float = field(default=30.0, validator=validators.gt(0))


@frozen(kw_only=True)
class Answer:
    """The response of a destination.

    Attributes:
        status: The status code.
        content: The body.
        after: Seconds that it asked to wait; None if it did not.
        secrets: Texts that it may repeat and that must not be shown.
    """

    status: int
    content: bytes = b""
    after: float | None = None
    secrets: tuple[str, ...] = field(default=(), repr=False, eq=False)

    @property
    def body(self) -> Mapping[str, object]:
        """The body as a JSON object; empty if it is not one."""
        try:
            body = json.loads(self.content)
        except (ValueError, RecursionError):
            return {}
        return body if isinstance(body, dict) else {}

    @property
    def words(self) -> str:
        """The response, for the log and for dead letters."""
        said = self.content.decode("utf-8", "replace").strip()
        return self.quote(said) if said else f"HTTP {self.status}"

    def quote(self, said: str) -> str:
        """A text from the response, after the status, for the log and for dead letters."""
        return f"HTTP {self.status}: {told(said, self.secrets)}"


def retry_after(value: str | None, *, now: float) -> float | None:
    """Seconds to wait, from a Retry-After header (RFC 9110, 10.2.3).

    Args:
        value: Seconds, or an HTTP date.
        now: Seconds since the epoch.

    Returns:
        0 or more; None if there is no header or it is invalid.
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
    """Posts JSON to one URL, with one connection per process.

    Args:
        url: The URL; its user and password become the header Authorization, unless that is set.
        headers: Headers for each request.
        timeouts: None: the defaults.
        compress: Send gzip.
        secrets: Texts that must not be shown if the destination repeats them, in addition to the parts of
            the URL and the values of the headers.

    Attributes:
        place: The URL without secrets.

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
        secrets: Collection[str] = (),
    ) -> None:
        with extra("http"):
            import requests
            from urllib3.exceptions import HTTPError

            from abkit.sinks.bounded import Allowance, BoundedAdapter
        given = headers or {}
        self.place: str = masked(url)
        self._secrets = (*secrets, *url_secrets(url), *_secrets_of(given))
        self._url, authorization = _without_userinfo(url)
        self.url = url
        self._headers = {
            "Content-Type": "application/json",
            "User-Agent": "abkit",
            # What is compressed may be small where it comes and endless where it is read.
            "Accept-Encoding": "identity",
            **authorization,
            **given,
        }
        if compress:
            self._headers["Content-Encoding"] = "gzip"
        self._new_request = requests.Request
        try:
            self._prepared(b"", {})
            for name, value in self._headers.items():
                f"{name}{value}".encode("latin-1")
        except (requests.RequestException, UnicodeError) as error:
            why = told(error, self._secrets)
            message = f"Events cannot be posted to {quoted(repr(self.place))} like this: {why}"
            raise DeliveryError(message) from None
        self._compress = compress
        self._timeouts = timeouts or Timeouts()
        self._allowance = Allowance()
        self._new_adapter = partial(BoundedAdapter, self._allowance)
        self._adapter: BoundedAdapter | None = None
        self._environment = requests.Session()
        self._errors = (requests.RequestException, HTTPError, OSError)
        self._pid = os.getpid()

    def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer | Retry:
        """Post a body, once. Redirects are not followed, because they would turn it into a GET.

        Returns:
            The response, whatever its status; a `Retry` if there was none, or none within the limits. A
            success status counts even if only the head of the response has arrived.
        """
        content = gzip.compress(body, compresslevel=6, mtime=0) if self._compress else body
        limits = self._timeouts
        self._allowance.begin(seconds=limits.total, pause=limits.read, size=2 * LONGEST_ANSWER)
        try:
            response = self._connected().send(
                self._prepared(content, headers or {}),
                timeout=(min(limits.connect, limits.total), limits.read),
                **self._surroundings(),
            )
        except self._errors as error:
            return Retry(reason=told(error, self._secrets))
        after = retry_after(response.headers.get("Retry-After"), now=time.time())
        status = response.status_code
        found = b""
        with response:
            try:
                found = _body_of(response)
            except self._errors as error:
                if not 200 <= status < 300:
                    return Retry(after, f"HTTP {status}, but {told(error, self._secrets)}")
        return Answer(status=status, content=found, after=after, secrets=self._secrets)

    def close(self) -> None:
        """Close the connection; the next post opens another."""
        if self._adapter is not None and self._pid == os.getpid():
            self._adapter.close()
        self._adapter = None

    def _surroundings(self) -> dict[str, Any]:
        """What the environment says of proxies and certificates."""
        return dict(
            self._environment.merge_environment_settings(
                self._url, proxies={}, stream=True, verify=None, cert=None
            )
        )

    def _prepared(self, body: bytes, headers: Mapping[str, str]) -> "requests.PreparedRequest":
        # Not by a session: an entry in ~/.netrc would replace the header Authorization.
        own = {**self._headers, **headers}
        return self._new_request("POST", self._url, headers=own, data=body).prepare()

    def _connected(self) -> "BoundedAdapter":
        # A forked child must not talk into its parent's connection.
        if self._adapter is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._adapter = self._new_adapter()
        return self._adapter


def _secrets_of(headers: Mapping[str, str]) -> list[str]:
    """The values of the headers; of credentials also what follows their scheme."""
    values = [str(value) for value in headers.values()]
    return [*values, *(value.partition(" ")[2] for value in values)]


def _without_userinfo(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the header that has them (RFC 7617)."""
    scheme, separator, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    userinfo, at, host = authority.rpartition("@")
    if not at:
        return url, {}
    user, _, password = userinfo.partition(":")
    credentials = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    bare = f"{scheme}{separator}{host}{rest[len(authority) :]}"
    return bare, {"Authorization": f"Basic {credentials}"}


def _body_of(response: "requests.Response") -> bytes:
    """The body, within its bound.

    Raises:
        OSError: It is longer.
    """
    content: bytes = response.raw.read(LONGEST_ANSWER + 1, decode_content=False)
    if response.headers.get("Content-Encoding", "").lower() in {"gzip", "x-gzip", "deflate"}:
        try:
            content = zlib.decompressobj(_GZIP_OR_ZLIB).decompress(content, LONGEST_ANSWER + 1)
        except zlib.error as error:
            raise OSError(f"the answer cannot be decompressed: {error}") from error
    if len(content) > LONGEST_ANSWER:
        raise OSError(f"the answer has more than {LONGEST_ANSWER:,} bytes")
    return content


def compact_json(value: object) -> bytes:
    """A plain value as JSON, without spaces."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode()
