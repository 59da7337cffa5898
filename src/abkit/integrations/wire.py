"""The messages between the browser and the log-exposure endpoint."""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from abkit.events import Variant

CONTENT_TYPES = ("application/json", "text/plain")
"""`navigator.sendBeacon` sends a text as text/plain."""

FIELDS = {"experiment": str, "unitType": str, "unitId": str}
"""What each exposure must have, besides the `variant` that it may have."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_ANSWER_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


def _in_lower_case(headers: Mapping[str, str] | Iterable[tuple[str, str]]) -> Mapping[str, str]:
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return MappingProxyType({name.lower(): value for name, value in pairs})


@frozen(kw_only=True)
class RequestHead:
    """A request without its body.

    Attributes:
        method: The HTTP method, such as "POST".
        headers: The headers by name, in upper or lower case.
    """

    method: str
    headers: Mapping[str, str] = field(converter=_in_lower_case)


@frozen(kw_only=True)
class Sent:
    """One exposure as the browser claims it; only the name of the experiment is trusted.

    Attributes:
        experiment: The experiment's name.
        unit_type: The unit type according to the page.
        unit_id: The unit for which the page was created.
        variant: The variant that the browser shows; None if it was not sent.
    """

    experiment: str
    unit_type: str
    unit_id: str
    variant: Variant | None


@frozen(kw_only=True)
class Message:
    """The body of a request.

    Attributes:
        exposures: The exposures, at least one.
        is_batch: Whether they were sent as a list, which may have a single one.
        csrf_token: For the framework's own check, if no header can carry it.
    """

    exposures: tuple[Sent, ...]
    is_batch: bool
    csrf_token: str | None


@frozen
class Answer:
    """The response; an integration only translates it.

    Attributes:
        status: The HTTP status.
        content: The content of `body`; None for an empty one.
        more_headers: In addition to those that every response has.
    """

    status: int
    content: Mapping[str, object] | None = None
    more_headers: Mapping[str, str] = _NO_HEADERS

    @property
    def body(self) -> bytes:
        """The content as JSON."""
        return b"" if self.content is None else json.dumps(self.content).encode()

    @property
    def headers(self) -> dict[str, str]:
        """All headers except the length."""
        kind = {} if self.content is None else {"Content-Type": "application/json"}
        return {**_ANSWER_HEADERS, **kind, **self.more_headers}


def refusal(status: int, why: str, **more_headers: str) -> Answer:
    """An answer that says why nothing was logged; `why` must not repeat what the browser sent."""
    return Answer(status, {"error": why}, more_headers)


def read_at_most(read: Callable[[int], bytes], limit: int) -> bytes | None:
    """Read a body from a stream; None if it is longer than the limit in bytes, after which it stops."""
    body = b""
    while len(body) <= limit:
        piece = read(limit + 1 - len(body))
        if not piece:
            return body
        body += piece
    return None


class MalformedError(ValueError):
    """A body is not what the endpoint takes; the message says so without repeating it."""


def parse(body: bytes, *, max_batch: int) -> Message:
    """Read a body: one exposure, or `{"exposures": [...]}`.

    Raises:
        MalformedError: It is neither.
    """
    try:
        found = json.loads(
            body.decode(), object_pairs_hook=_without_repetition, parse_constant=_no_constant
        )
    except MalformedError:
        raise
    except (ValueError, RecursionError):
        message = "The body is no JSON in UTF-8."
        raise MalformedError(message) from None
    if not isinstance(found, dict):
        message = "The body must be a JSON object."
        raise MalformedError(message)
    token = found.pop("csrfToken", None)
    if token is not None and not isinstance(token, str):
        message = "csrfToken must be a text."
        raise MalformedError(message)
    is_batch = "exposures" in found
    claims = _batch(found, max_batch) if is_batch else [found]
    return Message(exposures=tuple(map(_sent, claims)), is_batch=is_batch, csrf_token=token)


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        message = "An object of the body has one name twice."
        raise MalformedError(message)
    return found


def _no_constant(_name: str) -> None:
    message = "NaN and Infinity are no JSON."
    raise MalformedError(message)


def _batch(found: Mapping[str, Any], max_batch: int) -> list[Any]:
    claims = found["exposures"]
    if not isinstance(claims, list) or not 1 <= len(claims) <= max_batch:
        message = f"exposures must be a list of 1 to {max_batch} exposures."
        raise MalformedError(message)
    if len(found) > 1:
        message = "Beside exposures there may only be csrfToken."
        raise MalformedError(message)
    return claims


def _sent(claim: Any) -> Sent:
    if not isinstance(claim, dict):
        message = "An exposure must be a JSON object."
        raise MalformedError(message)
    for name, kind in FIELDS.items():
        if not isinstance(claim.get(name), kind) or not claim[name]:
            message = f"{name} must be a text that is not empty."
            raise MalformedError(message)
    if not {*claim} <= {*FIELDS, "variant"}:
        message = "An exposure has experiment, unitType, unitId and variant, and nothing else."
        raise MalformedError(message)
    variant = claim.get("variant")
    if not isinstance(variant, str | int | float | None):
        message = "variant must be a text, a number or a bool."
        raise MalformedError(message)
    return Sent(
        experiment=claim["experiment"],
        unit_type=claim["unitType"],
        unit_id=claim["unitId"],
        variant=variant,
    )
