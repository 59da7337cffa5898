"""Forced variants of one visitor: from `?abkit=Experiment:variant` into a signed cookie.

Whether the visitor may do that is asked by each integration, at every request, before any of this.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote

from attrs import frozen

from abkit.assignment.forcing import Force
from abkit.errors import ConfigError, DeclarationError
from abkit.events import Variant, system_time, variant_text
from abkit.manager import ExperimentManager

NAME = "abkit"
"""Of the cookie, and of the parameter in the URL."""
MAX_AGE = 86_400
"""How long the cookie forces, in seconds."""
LONGEST = 1_000
"""The longest text that is looked at, in characters; a browser keeps cookies of 4 KB."""
SALT = "abkit.forced"

FORCED_HEADER = "X-Abkit-Forced"
IGNORED_HEADER = "X-Abkit-Ignored"

_NOTHING: Mapping[str, Variant] = MappingProxyType({})


@frozen
class Forcing:
    """The forced variants of one request, and what its response should say about them.

    Attributes:
        variants: The forced variants by experiment name.
        headers: They list what is forced, and what was ignored and why.
        cookie: The new value of the cookie; "" to delete it; None to leave it unchanged.
    """

    variants: Mapping[str, Variant] = _NOTHING
    headers: Mapping[str, str] = MappingProxyType({})
    cookie: str | None = None


def forcing_of(manager: ExperimentManager, *, parameter: str | None, cookie: str | None) -> Forcing:
    """Return what is forced for a visitor who may force variants.

    The parameter replaces the cookie. An empty parameter ends forcing, and one without any
    valid part changes nothing.

    Args:
        manager: The manager with the experiments.
        parameter: The value of `?abkit=`, such as "ShowPlugins:1,Other:0"; None if there is none.
        cookie: The verified value of the cookie; None if there is none.
    """
    if parameter is not None and not parameter.strip():
        return Forcing(cookie="")
    variants, ignored = _read(manager, parameter or "")
    stored = _written(variants) if variants else None
    if not variants:
        variants, stale = _read(manager, cookie or "")
        ignored += stale
    headers = {"Cache-Control": "private, no-store"} if variants or ignored else {}
    if variants:
        headers[FORCED_HEADER] = _written(variants)
    if ignored:
        headers[IGNORED_HEADER] = "; ".join(ignored)[:LONGEST]
    return Forcing(MappingProxyType(variants), MappingProxyType(headers), stored)


def forced_pieces(content: Iterable[Any], forcing: Forcing) -> Iterator[Any]:
    """Force the variants also while a streamed response is created."""
    pieces, end = iter(content), object()
    try:
        while True:
            with Force(forcing.variants):
                piece = next(pieces, end)
            if piece is end:
                return
            yield piece
    finally:
        if isinstance(pieces, Generator):
            pieces.close()


def _read(manager: ExperimentManager, text: str) -> tuple[dict[str, Variant], list[str]]:
    """The variants in a text, and what in it cannot be used; the latter as ASCII, fit for a header."""
    if len(text) > LONGEST:
        return {}, [f"more than {LONGEST} characters"]
    variants: dict[str, Variant] = {}
    ignored = []
    for item in filter(None, map(str.strip, text.split(","))):
        name, colon, variant = (unquote(part.strip()) for part in item.rpartition(":"))
        if not (name and colon and variant):
            ignored.append(f"{_plain(item)} (must look like Experiment:variant)")
        elif name not in manager:
            ignored.append(f"{_plain(item)} (no such experiment)")
        else:
            declaration = manager.declaration(name)
            try:
                variants[name] = declaration.variant_of(variant)
            except DeclarationError:
                known = " ".join(_plain(variant_text(each)) for each in declaration.variants)
                ignored.append(f"{_plain(item)} (its variants: {known})")
    return variants, ignored


def _written(variants: Mapping[str, Variant]) -> str:
    return ",".join(
        f"{_plain(name)}:{_plain(variant_text(variant))}" for name, variant in variants.items()
    )


def _plain(text: str) -> str:
    return quote(text, safe="", errors="replace")


class CookieSigner:
    """Signs the cookie if the framework has no signer.

    Args:
        secret: A secret that nobody else knows.
        clock: Returns the current time in seconds since the epoch; None: the system clock.

    Raises:
        ConfigError: There is no secret.
    """

    def __init__(self, secret: str | bytes, *, clock: Callable[[], float] | None = None) -> None:
        if not secret:
            message = "Forcing by cookie needs a secret: a long random text that only servers know."
            raise ConfigError(message)
        raw = secret.encode() if isinstance(secret, str) else secret
        self._key = hashlib.sha256(SALT.encode() + b"\0" + raw).digest()
        self._clock = clock or system_time

    def sign(self, text: str) -> str:
        """Return the value of the cookie: plain ASCII without characters that cookies must quote."""
        content = base64.urlsafe_b64encode(f"{int(self._clock())}:{text}".encode()).decode()
        return f"{content}.{self._signature(content)}"

    def read(self, value: str | None) -> str | None:
        """Return the signed text; None if there is none, it is too old, or the signature is invalid."""
        content, dot, signature = (value or "").rpartition(".")
        if not dot or not hmac.compare_digest(
            signature.encode(errors="replace"), self._signature(content).encode()
        ):
            return None
        signed_at, _, text = base64.urlsafe_b64decode(content).decode().partition(":")
        return text if self._clock() - int(signed_at) <= MAX_AGE else None

    def _signature(self, content: str) -> str:
        mac = hmac.new(self._key, content.encode(errors="replace"), "sha256")
        return base64.urlsafe_b64encode(mac.digest()).decode().rstrip("=")
