"""What may be said of the visitor's cookie: what browsers would drop without a word is refused."""

import re
from collections.abc import Sequence
from datetime import timedelta

from abkit.errors import ConfigError
from abkit.integrations.forcing_cookie import NAME as FORCING

_OF_ONE_HOST = "__host-"
_DOMAIN = re.compile(r"\.?[a-z0-9-]+(\.[a-z0-9-]+)*", re.IGNORECASE)


def check_cookie_name(name: str) -> None:
    """Whether the cookie can have a name.

    Raises:
        ConfigError: It cannot.
    """
    if not name or not name.isascii() or not name.replace("-", "_").isidentifier():
        message = f"the visitor's cookie must have a name such as 'abkit_visitor', not {name!r}"
        raise ConfigError(message)
    if name == FORCING:
        message = f"the cookie {FORCING!r} has forced variants: the visitor's needs another name"
        raise ConfigError(message)


def is_only_for_https(name: str) -> bool:
    """Whether browsers take a cookie of this name only if it is `Secure`."""
    return name.lower().startswith((_OF_ONE_HOST, "__secure-"))


def check_domain(domain: str | None, *, cookie: str) -> None:
    """Whether the cookie can be of a domain; None: of the host that writes it.

    Args:
        domain: That.
        cookie: The cookie's name.

    Raises:
        ConfigError: It cannot.
    """
    if domain is not None and not _DOMAIN.fullmatch(domain):
        message = (
            f"the domain of the visitor's cookie must be one such as 'example.com', not {domain!r}"
        )
        raise ConfigError(message)
    if domain is not None and cookie.lower().startswith(_OF_ONE_HOST):
        message = (
            f"the visitor's cookie {cookie!r} is of one host, as its name says, and cannot be of the domain "
            f"{domain!r}: leave the domain out, or begin the name with '__Secure-'"
        )
        raise ConfigError(message)


def check_max_age(max_age: object) -> None:
    """Whether the cookie can last so long.

    Raises:
        ConfigError: It cannot.
    """
    if not isinstance(max_age, timedelta) or max_age < timedelta(days=1):
        message = (
            "the visitor's cookie must last for a day or more, such as timedelta(days=365), not for "
            f"{max_age!r}"
        )
        raise ConfigError(message)


def check_secrets(secrets: Sequence[str | bytes]) -> None:
    """Whether secrets can sign the cookie; none at all: it is signed with the framework's.

    Raises:
        ConfigError: They cannot.
    """
    # The letters of one text would be secrets too, of which the first one is soon guessed.
    if isinstance(secrets, str | bytes) or not all(secrets):
        message = (
            "the secrets of the visitor's cookie must be a list of texts that are not empty, the one of "
            "now first"
        )
        raise ConfigError(message)
