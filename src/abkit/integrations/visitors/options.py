"""How the visitors of an application are recognized, and what became of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Generic, TypeVar

from attrs import frozen

from abkit.integrations.visitors.arguments import (
    check_cookie_name,
    check_domain,
    check_max_age,
    check_secrets,
    is_only_for_https,
)
from abkit.integrations.visitors.kept_variants import SUFFIX
from abkit.process_lock import ProcessLock

NAME = "abkit_visitor"
"""Of the cookie, unless it is called otherwise."""
MAX_AGE = timedelta(days=730)
_RENEWED_AFTER = 30.0
"""Days, or half of a shorter life, after which the cookie is written anew: its life begins at its writing."""
_SECONDS_OF_A_DAY = 86_400

_Request = TypeVar("_Request")


@frozen(kw_only=True)
class VisitorStats:
    """A snapshot of the counts of `Visitors`; each counts requests in which a visitor was asked for.

    Attributes:
        made: New ids.
        forged: Cookies that were not written by this application; their visitors have new ids.
        without_consent: Visitors who have not consented, and are not enrolled.
        bots: Bots, which are not enrolled.
        too_late: Visitors that are not enrolled, as they were first asked for after the response had begun:
            it could neither carry a cookie nor say that it depends on the visitor.
        failed: Visitors that are not enrolled, as there is no secret, or a function of the application
            failed. The manager reports why.
        untracked: Actions of nobody who is known: neither a user nor a visitor who may be recognized.
    """

    made: int = 0
    forged: int = 0
    without_consent: int = 0
    bots: int = 0
    too_late: int = 0
    failed: int = 0
    untracked: int = 0


class Visitors(Generic[_Request]):
    """How the visitors of an application are recognized.

    By default by a first-party cookie: a random id, signed, `HttpOnly`, `SameSite=Lax`, and `Secure` on
    https. It is made when an experiment on visitors is first asked for, and written anew after 30 days, or
    after half of a shorter `max_age`.

    Args:
        visitor: Returns the visitor's id for the request, if the application has one already, such as that of
            its analytics; None: there is none. It must stay the same when the visitor signs in. Without this
            function there is the cookie.
        consent: Returns whether the visitor of the request may be recognized. Who may not is not enrolled,
            gets the control, and is never exposed; a cookie from before is deleted. None: all may.
        cookie: The name of the cookie. One that begins with `__Host-` or `__Secure-` is always `Secure`, as
            browsers demand.
        domain: Whose sub-domains share it, such as "example.com"; None: only the host that wrote it has it.
        max_age: How long the browser keeps it.
        secrets: Sign the cookie: the first one writes, all read. Empty: the framework's own.

    Attributes:
        renewed_after: Days after which the cookie is written anew.
        is_only_for_https: Whether the cookie's name demands https.

    Raises:
        ConfigError: The name, the domain, the age or a secret is invalid.
    """

    def __init__(
        self,
        *,
        visitor: Callable[[_Request], object] | None = None,
        consent: Callable[[_Request], object] | None = None,
        cookie: str = NAME,
        domain: str | None = None,
        max_age: timedelta = MAX_AGE,
        secrets: Sequence[str | bytes] = (),
    ) -> None:
        check_cookie_name(cookie)
        check_domain(domain, cookie=cookie)
        check_max_age(max_age)
        check_secrets(secrets)
        self.visitor = visitor
        self.consent = consent
        self.cookie = cookie
        self.domain = domain
        self.variants_cookie: str = cookie + SUFFIX
        self.is_only_for_https: bool = is_only_for_https(cookie)
        self.max_age: int = round(max_age.total_seconds())
        self.renewed_after: float = max(
            1.0, min(_RENEWED_AFTER, self.max_age / _SECONDS_OF_A_DAY / 2)
        )
        self.secrets: tuple[str | bytes, ...] = tuple(secrets)
        self._counts: Counter[str] = Counter()
        self._lock = ProcessLock()

    @property
    def stats(self) -> VisitorStats:
        """What became of the visitors so far, in this process."""
        with self._lock:
            return VisitorStats(**self._counts)

    def cookie_arguments(self, value: str, *, secure: bool) -> dict[str, Any]:
        """The arguments with which frameworks set a cookie of the visitor's.

        Args:
            value: The cookie's value; "" deletes it.
            secure: Whether the request came by https.
        """
        return {
            "value": value,
            "max_age": self.max_age if value else 0,
            "domain": self.domain,
            "secure": secure or self.is_only_for_https,
            "httponly": True,
            "samesite": "Lax",
        }

    def count(self, what: str) -> None:
        """Add one to a count of `stats`."""
        with self._lock:
            self._counts[what] += 1

    def __repr__(self) -> str:
        how = "an id of the application's own" if self.visitor else f"the cookie {self.cookie!r}"
        return f"<Visitors by {how}: {self.stats}>"
