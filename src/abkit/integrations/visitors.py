"""Who the visitor of a request is: by a signed cookie, or by an id of the application's own."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import timedelta
from functools import lru_cache
from threading import Lock
from typing import Generic, TypeVar

from attrs import frozen

from abkit.errors import ConfigError
from abkit.events import system_time
from abkit.experiments.declaring.exclusion import BOTS
from abkit.experiments.declaring.identities import new_visitor_id
from abkit.experiments.declaring.subjects import NotIdentified, is_nobody, unit_id_of, why_no_id
from abkit.integrations.sticky_cookie import SUFFIX, KeptVariants, keeping
from abkit.integrations.visitor_cookie import VisitorCookieSigner

NAME = "abkit_visitor"
"""Of the cookie, unless it is called otherwise."""
MAX_AGE = timedelta(days=730)
_RENEWED_AFTER = 30.0
"""Days after which the cookie is written anew: browsers keep one for a limited time from its last writing."""
_SECRETS_AT_ONCE = 8

_Request = TypeVar("_Request")


@frozen(kw_only=True)
class VisitorStats:
    """A snapshot of the counts of `Visitors`; each counts requests in which a visitor was asked for.

    Attributes:
        made: New ids.
        forged: Cookies that were not written by this application; their visitors have new ids.
        without_consent: Visitors who have not consented, and are not enrolled.
        bots: Bots, which are not enrolled.
        too_late: New visitors that are not enrolled as the response had begun: it could carry no cookie.
    """

    made: int = 0
    forged: int = 0
    without_consent: int = 0
    bots: int = 0
    too_late: int = 0


class Visitors(Generic[_Request]):
    """How the visitors of an application are recognized.

    By default by a first-party cookie: a random id, signed, `HttpOnly`, `SameSite=Lax`, and `Secure` on
    https. It is made when an experiment on visitors is first asked for, and written anew after 30 days.

    Args:
        visitor: Returns the visitor's id for the request, if the application has one already, such as that of
            its analytics; None: there is none. Without this function there is the cookie.
        consent: Returns whether the visitor of the request may be recognized. Who may not is not enrolled,
            gets the control, and is never exposed; a cookie from before is deleted. None: all may.
        cookie: The name of the cookie.
        max_age: How long the browser keeps it.
        secrets: Sign the cookie: the first one writes, all read. Empty: the framework's own.

    Raises:
        ConfigError: The name or the age is invalid.
    """

    def __init__(
        self,
        *,
        visitor: Callable[[_Request], object] | None = None,
        consent: Callable[[_Request], object] | None = None,
        cookie: str = NAME,
        max_age: timedelta = MAX_AGE,
        secrets: tuple[str | bytes, ...] = (),
    ) -> None:
        if not cookie or not cookie.isascii() or not cookie.replace("-", "_").isidentifier():
            message = f"the visitor's cookie must have a name such as {NAME!r}, not {cookie!r}"
            raise ConfigError(message)
        if max_age < timedelta(days=1):
            message = f"the visitor's cookie must last for a day or more, not for {max_age}"
            raise ConfigError(message)
        self.visitor = visitor
        self.consent = consent
        self.cookie = cookie
        self.variants_cookie: str = cookie + SUFFIX
        self.max_age: int = round(max_age.total_seconds())
        self.secrets = secrets
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
        user_agent: As the browser calls itself; None if it does not.
        signer: Returns what reads and writes the cookie.
        own_id: Returns the application's own id of the visitor; None: there is the cookie.
        consents: Returns whether the visitor may be recognized.
    """

    cookie: str | None
    variants_cookie: str | None = None
    user_agent: str | None
    signer: Callable[[], VisitorCookieSigner]
    own_id: Callable[[], object] | None = None
    consents: Callable[[], object] = lambda: True


@frozen
class VisitorResponse:
    """What the response has to say, as it depended on the visitor.

    Attributes:
        cookies: The values of the cookies that are to be written, by their names; "" to delete one.
    """

    cookies: Mapping[str, str]

    def headers(self, before: Mapping[str, str]) -> dict[str, str]:
        """The headers that keep it out of shared caches.

        Args:
            before: The response's `Vary` and `Cache-Control`, as far as it has them.
        """
        return {
            "Vary": _with_cookie(before.get("Vary", "")),
            "Cache-Control": _private(before.get("Cache-Control", "")),
        }


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
        self._found: str | NotIdentified | None = None
        self._cookie: str | None = None
        self._kept: KeptVariants | None = None
        self._is_looked_for = self._is_asked = self._has_begun = False

    def subject(self) -> str | NotIdentified:
        """The visitor's id, which is made if there is none; or why there can be none."""
        self._is_asked = True
        found = self._look_for()
        if found is None:
            found = self._found = self._made()
        return found

    def known(self) -> str | None:
        """The visitor's id if there is one already; none is made, and the response does not depend on it."""
        is_there = self._found or self._request.own_id or self._request.cookie
        found = self._look_for() if is_there else None
        return found if isinstance(found, str) else None

    def begin_response(self) -> VisitorResponse | None:
        """What the response has to say; None if nothing. From here on, no new visitor is made."""
        self._has_begun = True
        cookies = {} if self._cookie is None else {self._visitors.cookie: self._cookie}
        if self._cookie == "" and self._request.variants_cookie is not None:
            cookies[self._visitors.variants_cookie] = ""
        kept = self._kept
        if kept is not None and kept.has_changed:
            cookies[self._visitors.variants_cookie] = kept.written()
        return VisitorResponse(cookies) if self._is_asked or cookies else None

    def keeping(self) -> AbstractContextManager[None]:
        """Let sticky experiments on visitors read and keep the visitor's variants within."""
        if self._kept is None and isinstance(self._found, str):
            request = self._request
            self._kept = KeptVariants(self._found, request.variants_cookie, request.signer)
        return keeping(self._kept)

    def _look_for(self) -> str | NotIdentified | None:
        if not self._is_looked_for:
            self._found = self._recognized()
            self._is_looked_for = True
        return self._found

    def _recognized(self) -> str | NotIdentified | None:
        """The id that there is, or why there can be none; None for a new visitor."""
        request = self._request
        if is_bot(request.user_agent):
            self._visitors.count("bots")
            return NotIdentified("is a bot")
        if not request.consents():
            self._visitors.count("without_consent")
            self._cookie = None if request.cookie is None else ""
            return NotIdentified("has not consented to being recognized")
        if request.own_id is not None:
            return _own(request.own_id())
        if request.cookie is None:
            return None
        signer = request.signer()
        visitor_id = signer.read(request.cookie)
        if visitor_id is None:
            self._visitors.count("forged")
            return None
        now = self._clock()
        if not signer.is_current(request.cookie, now=now, days=_RENEWED_AFTER):
            self._cookie = signer.write(visitor_id, now=now)
        return visitor_id

    def _made(self) -> str | NotIdentified:
        if self._has_begun:
            self._visitors.count("too_late")
            return NotIdentified("is new, and the response has begun: it can carry no cookie")
        visitor_id = new_visitor_id()
        self._cookie = self._request.signer().write(visitor_id, now=self._clock())
        self._visitors.count("made")
        return visitor_id

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
        message = f"The function `visitor` must return the visitor's id; what it gave {why_no_id(subject)}"
        raise ConfigError(message)
    return found


def _with_cookie(vary: str) -> str:
    names = [each.strip() for each in vary.split(",") if each.strip()]
    if "*" in names or "cookie" in map(str.lower, names):
        return vary
    return ", ".join([*names, "Cookie"])


def _private(cache_control: str) -> str:
    """The directives without what lets shared caches store, and with what forbids it."""
    given = [each.strip() for each in cache_control.split(",") if each.strip()]
    kept = [each for each in given if _name(each) not in {"public", "s-maxage"}]
    if not {"private", "no-store"} & {*map(_name, kept)}:
        kept = ["private", *kept]
    return ", ".join(kept)


def _name(directive: str) -> str:
    return directive.partition("=")[0].strip().lower()
