"""Who the visitor of a request is: by a signed cookie, or by an id of the application's own."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import chain
from threading import RLock
from typing import TypeVar

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
from abkit.integrations.visitors.cookie import VisitorCookieSigner
from abkit.integrations.visitors.cookie_header import other_values
from abkit.integrations.visitors.kept_variants import KeptVariants, keeping
from abkit.integrations.visitors.options import Visitors
from abkit.integrations.visitors.response import VisitorResponse

_SECRETS_AT_ONCE = 8

_Request = TypeVar("_Request")
_Found = TypeVar("_Found")


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
        self._keep_out_of_caches()
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
        if not self.may_be_known:
            return None
        found = self._look_for()
        return found if isinstance(found, str) else None

    @property
    def may_be_known(self) -> bool:
        """Whether the request can have a visitor already; nothing is read to find that out."""
        return bool(self._found or self._request.own_id or self._request.cookie)

    def note_given(self) -> None:
        """Note that the response depends on a visitor whom the application gives among the subjects."""
        self._keep_out_of_caches()
        self._is_asked = True

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

    def _keep_out_of_caches(self) -> None:
        """Keep the response out of the caches of the framework, which may not wait for its headers."""

    def _kept_by(self, visitor_id: str) -> KeptVariants:
        request, first = self._request, self._request.variants_cookie
        name = self._visitors.variants_cookie
        more = other_values(request.cookie_header, name, than=first) if first else ()
        return KeptVariants(visitor_id, first, request.signer, more=more)

    def _look_for(self) -> str | Nobody | None:
        with self._lock:
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
        former: str | None = None
        others = other_values(self._request.cookie_header, visitors.cookie, than=cookie)
        for value in chain((cookie,), others):
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
