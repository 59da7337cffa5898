"""Who the visitor of a request is: by a signed cookie, or by an id of the application's own."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import lru_cache
from threading import Lock, RLock
from typing import Generic, TypeVar

from attrs import frozen

from abkit.errors import ConfigError
from abkit.events import system_time
from abkit.experiments.declaring.exclusion import BOTS
from abkit.experiments.declaring.identities import new_visitor_id
from abkit.experiments.declaring.subjects import (
    Nobody,
    NotIdentified,
    is_nobody,
    unit_id_of,
    why_no_id,
)
from abkit.integrations.cookie_header import values_of
from abkit.integrations.sticky_cookie import SUFFIX, KeptVariants, keeping
from abkit.integrations.visitor_arguments import (
    check_cookie_name,
    check_domain,
    check_max_age,
    check_secrets,
    is_only_for_https,
)
from abkit.integrations.visitor_cookie import VisitorCookieSigner
from abkit.integrations.visitor_response import VisitorResponse

NAME = "abkit_visitor"
"""Of the cookie, unless it is called otherwise."""
MAX_AGE = timedelta(days=730)
_RENEWED_AFTER = 30.0
"""Days, or half of a shorter life, after which the cookie is written anew: its life begins at its writing."""
_SECONDS_OF_A_DAY = 86_400
_SECRETS_AT_ONCE = 8

_Request = TypeVar("_Request")
_Found = TypeVar("_Found")


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
        self._lock = Lock()

    @property
    def stats(self) -> VisitorStats:
        """What became of the visitors so far, in this process."""
        with self._lock:
            return VisitorStats(**self._counts)

    def count(self, what: str) -> None:
        """Add one to a count of `stats`."""
        with self._lock:
            self._counts[what] += 1

    def __repr__(self) -> str:
        how = "an id of the application's own" if self.visitor else f"the cookie {self.cookie!r}"
        return f"<Visitors by {how}: {self.stats}>"


@frozen(kw_only=True)
class VisitorRequest:
    """What is to be known of a request.

    Attributes:
        cookie: The value of the visitor's cookie; None if there is none.
        variants_cookie: The value of the cookie with the variants that the visitor keeps; None if there is
            none.
        cookie_header: All cookies, as they are sent: there may be several of one name.
        user_agent: As the browser calls itself; None if it does not.
        signer: Returns what reads and writes the cookie.
        own_id: Returns the application's own id of the visitor; None: there is the cookie.
        consents: Returns whether the visitor may be recognized.
    """

    cookie: str | None
    variants_cookie: str | None = None
    cookie_header: str = ""
    user_agent: str | None
    signer: Callable[[], VisitorCookieSigner]
    own_id: Callable[[], object] | None = None
    consents: Callable[[], object] = lambda: True


class RequestVisitor:
    """The visitor of one request, who is looked for when somebody asks.

    Args:
        visitors: How visitors are recognized.
        request: What is to be known of the request.
        clock: Returns the seconds since the epoch.
    """

    def __init__(
        self,
        visitors: Visitors[_Request],
        request: VisitorRequest,
        *,
        clock: Callable[[], float] = system_time,
    ) -> None:
        self._visitors: Visitors[_Request] = visitors
        self._request = request
        self._clock = clock
        self._found: str | Nobody | None = None
        self._cookies: dict[str, str] = {}
        self._kept: KeptVariants | None = None
        self._is_looked_for = self._is_asked = self._has_begun = self._is_late = False
        # The threads of one request, such as those of GraphQL resolvers, are of one visitor.
        self._lock = RLock()

    def subject(self) -> str | Nobody:
        """The visitor's id, which is made if there is none; or why there can be none."""
        with self._lock:
            if self._has_begun and not self._is_asked:
                return self._too_late()
            self._is_asked = True
            found = self._look_for()
            if found is None:
                found = self._found = self._if_possible(self._made)
            return found

    def known(self) -> str | None:
        """The visitor's id if there is one already; none is made, and the response does not depend on it."""
        is_there = self._found or self._request.own_id or self._request.cookie
        if not is_there:
            return None
        with self._lock:
            found = self._look_for()
        return found if isinstance(found, str) else None

    def count_untracked(self) -> None:
        """Count an action that nobody did who is known."""
        self._visitors.count("untracked")

    def begin_response(self) -> VisitorResponse | None:
        """What the response has to say; None if nothing. From here on, no new visitor is made."""
        self._has_begun = True
        cookies, kept = self._cookies, self._kept
        if kept is not None and kept.has_changed:
            cookies[self._visitors.variants_cookie] = kept.written()
        return VisitorResponse(cookies) if self._is_asked or cookies else None

    def keeping(self) -> AbstractContextManager[None]:
        """Let sticky experiments on visitors read and keep the visitor's variants within."""
        if self._kept is None and isinstance(self._found, str):
            with self._lock:
                self._kept = self._kept or self._kept_by(self._found)
        return keeping(self._kept)

    def _kept_by(self, visitor_id: str) -> KeptVariants:
        request, first = self._request, self._request.variants_cookie
        more = values_of(request.cookie_header, self._visitors.variants_cookie) if first else ()
        return KeptVariants(visitor_id, first, request.signer, more=more)

    def _look_for(self) -> str | Nobody | None:
        if not self._is_looked_for:
            self._is_looked_for = True
            self._found = self._if_possible(self._recognized)
        return self._found

    def _if_possible(self, find: Callable[[], _Found]) -> _Found | Nobody:
        """What is found; or nobody, of whom the manager says why, as of any subject without an id."""
        try:
            return find()
        except Exception as error:  # noqa: BLE001 - the application's functions, at the request boundary
            self._visitors.count("failed")
            return Nobody(f"cannot be recognized: {type(error).__name__}: {error}")

    def _recognized(self) -> str | Nobody | None:
        """The id that there is, or why there can be none; None for a new visitor."""
        request = self._request
        if is_bot(request.user_agent):
            self._visitors.count("bots")
            return NotIdentified("is a bot")
        if not request.consents():
            self._visitors.count("without_consent")
            self._delete_cookies()
            return NotIdentified("has not consented to being recognized")
        if request.own_id is not None:
            return _own(request.own_id())
        if request.cookie is None:
            return None
        return self._read(request.cookie, request.signer())

    def _read(self, cookie: str, signer: VisitorCookieSigner) -> str | None:
        """The id in a cookie, or in another one of its name; None if this application has written none."""
        visitors, now = self._visitors, self._clock()
        former = signer.read(cookie)
        if former and signer.is_current(cookie, now=now, days=visitors.renewed_after):
            return former
        for value in values_of(self._request.cookie_header, visitors.cookie):
            visitor_id = signer.read(value)
            if visitor_id and signer.is_current(value, now=now, days=visitors.renewed_after):
                return visitor_id
            former = former or visitor_id
        if former is None:
            visitors.count("forged")
            return None
        self._cookies[visitors.cookie] = signer.write(former, now=now)
        self._kept = self._kept_by(former)
        self._kept.renew()
        return former

    def _delete_cookies(self) -> None:
        visitors, request = self._visitors, self._request
        for name, value in (
            (visitors.cookie, request.cookie),
            (visitors.variants_cookie, request.variants_cookie),
        ):
            if value is not None:
                self._cookies[name] = ""

    def _made(self) -> str:
        visitor_id = new_visitor_id()
        value = self._request.signer().write(visitor_id, now=self._clock())
        self._cookies[self._visitors.cookie] = value
        self._visitors.count("made")
        return visitor_id

    def _too_late(self) -> NotIdentified:
        if not self._is_late:
            self._is_late = True
            self._visitors.count("too_late")
        return NotIdentified("was first asked for after the response had begun")

    def __repr__(self) -> str:
        return f"<RequestVisitor {self._found!r}>"


@lru_cache(maxsize=_SECRETS_AT_ONCE)
def signer_of(*secrets: str | bytes) -> VisitorCookieSigner:
    """The signer of some secrets, which is made once.

    Raises:
        ConfigError: There is no secret.
    """
    return VisitorCookieSigner(*secrets or ("",))


def is_bot(user_agent: str | None) -> bool:
    """Whether a browser says that it is a program: by the list that the analysis has, `BOTS`."""
    told = (user_agent or "").lower()
    return any(part in told for part in BOTS.contains)


def _own(subject: object) -> str | NotIdentified:
    if is_nobody(subject):
        return NotIdentified("has no id of the application's own")
    found = unit_id_of(subject)
    if found is None:
        message = (
            f"`visitor` must return the visitor's id or None, and what it gave {why_no_id(subject)}"
        )
        raise ConfigError(message)
    return found
