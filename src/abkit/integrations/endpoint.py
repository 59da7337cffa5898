"""The log-exposure endpoint, for any framework: it trusts the session, not the browser."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from typing import Any

from attrs import frozen

from abkit.assignment.assignment import Reason
from abkit.errors import ConfigError
from abkit.events import Variant, variant_text
from abkit.experiments.declaring.subjects import subject_of, unit_id_of
from abkit.integrations.per_request import with_ids
from abkit.integrations.wire import (
    CONTENT_TYPES,
    Answer,
    MalformedError,
    Message,
    RequestHead,
    Sent,
    parse,
    refusal,
)
from abkit.manager import ExperimentManager
from abkit.process_lock import ProcessLock
from abkit.request_origin import is_same_origin

logger: logging.Logger = logging.getLogger("abkit")

PATH = "/abkit/log-exposure/"
"""The default path of the endpoint in every integration."""


def spellings(path: str) -> tuple[str, ...]:
    """Return a path with and without the trailing slash.

    The endpoint answers at both, because a server in front of the application, such as Next.js, may remove
    or add the slash, and a browser would lose the exposure on a redirect.
    """
    bare = path.rstrip("/")
    return (path, bare if path.endswith("/") else f"{path}/") if bare else (path,)


CheckCsrf = Callable[[str | None], bool]
"""Returns whether a CSRF token, if one was sent, is valid."""

_LOGGED = frozenset({Reason.ASSIGNED, Reason.HOLDOUT, Reason.INACTIVE})
"""With these reasons a unit may be exposed: to the experiment, or to its holdouts."""

_TOKEN_HEADERS = ("x-csrftoken", "x-csrf-token")


@frozen(kw_only=True)
class EndpointStats:
    """What happened to the exposures from browsers: a snapshot for this process.

    Attributes:
        logged: Passed to the manager, also of units that a holdout keeps out. Duplicates are removed after
            that.
        skipped: Units that are forced, not enrolled, or whose assignment failed.
        mismatched: Those of `logged` and `skipped` for which the browser sent a different variant.
        refused: Requests, and single exposures of a batch, that were answered with an error.
    """

    logged: int = 0
    skipped: int = 0
    mismatched: int = 0
    refused: int = 0


class LogExposureEndpoint:
    """Receives the exposures that a browser sends, and logs the assigned variants.

    The variant is assigned again, for the subjects of the session; the one that was sent is only
    compared. An integration calls `refuse` with the head of the request, then reads the body, of
    `max_body` bytes at most (`wire.read_at_most`), and calls `answer`.

    Args:
        manager: The manager with the experiments.
        max_body: The maximum length of a body, in bytes.
        max_batch: The maximum number of exposures in one body.
        check_origin: Refuse requests from pages of other sites. Set it to False only if the framework has
            its own CSRF check.
        trusted_origins: Other sites that may send exposures, such as "https://www.example.com".

    Raises:
        ConfigError: A limit is not above 0, or the trusted origins are a text.
    """

    def __init__(
        self,
        manager: ExperimentManager,
        *,
        max_body: int = 65_536,
        max_batch: int = 100,
        check_origin: bool = True,
        trusted_origins: Collection[str] = (),
    ) -> None:
        if max_body < 1 or max_batch < 1:
            message = "max_body and max_batch must be at least 1"
            raise ConfigError(message)
        if isinstance(trusted_origins, str):
            message = f"trusted_origins must be a list, such as [{trusted_origins!r}]"
            raise ConfigError(message)
        self.manager = manager
        self.max_body = max_body
        self._max_batch = max_batch
        self._check_origin = check_origin
        self._trusted = frozenset(trusted_origins)
        self._counts: Counter[str] = Counter()
        self._complained: set[str] = set()
        self._lock = ProcessLock()

    @property
    def stats(self) -> EndpointStats:
        """What happened to the exposures so far."""
        with self._lock:
            return EndpointStats(**self._counts)

    def refuse(self, head: RequestHead) -> Answer | None:
        """Return the refusal if the head of a request alone is reason enough; otherwise None."""
        headers = head.headers
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        length = headers.get("content-length") or "0"
        refused = None
        if head.method != "POST":
            refused = refusal(405, "Exposures are sent by POST.", Allow="POST")
        elif kind not in CONTENT_TYPES:
            refused = refusal(415, f"The Content-Type must be {' or '.join(CONTENT_TYPES)}.")
        elif not (length.isascii() and length.isdecimal()):
            refused = refusal(400, "Content-Length must be a number.")
        elif len(length) > 18 or int(length) > self.max_body:
            refused = self.too_large()
        elif self._check_origin and not is_same_origin(headers, self._trusted):
            refused = refusal(403, "Exposures are taken from pages of this site only.")
        return None if refused is None else self._refused(refused)

    def answer(
        self,
        head: RequestHead,
        body: bytes | None,
        *,
        subjects: Mapping[str, object] | None,
        check_csrf: CheckCsrf | None = None,
    ) -> Answer:
        """Log the exposures in a body.

        Args:
            head: A head that `refuse` has accepted.
            body: None if it was longer than `max_body`.
            subjects: Those of the authenticated session, by type, such as {"org": ..., "actor": ...}.
            check_csrf: The framework's own check, if it has one.
        """
        message = self.parse(body)
        if isinstance(message, Answer):
            return message
        if check_csrf is not None:
            sent = (head.headers[name] for name in _TOKEN_HEADERS if name in head.headers)
            if not check_csrf(next(sent, message.csrf_token)):
                return self._refused(refusal(403, "The CSRF token is missing or wrong."))
        return self.log(message, subjects)

    def parse(self, body: bytes | None) -> Message | Answer:
        """The first half of `answer`: the message in a body, or the refusal."""
        if body is None:
            return self._refused(self.too_large())
        try:
            return parse(body, max_batch=self._max_batch)
        except MalformedError as error:
            return self._refused(refusal(400, str(error)))

    def log(self, message: Message, subjects: Mapping[str, object] | None) -> Answer:
        """The second half of `answer`.

        Returns:
            204 if nothing was refused. If everything was, the status of the first; if only some, 200;
            a batch then has {"results": [{"status": ..., "error": ...}, ...]} in the order in which
            the exposures were sent.
        """
        known = with_ids(subjects or {})
        if not any(map(unit_id_of, known.values())):
            return self._refused(
                refusal(401, "Nobody is signed in, and there is no visitor's cookie.")
            )
        refused = [self._log_one(sent, known) for sent in message.exposures]
        errors = [each for each in refused if each is not None]
        if not errors:
            return Answer(204)
        self._count(refused=len(errors))
        if not message.is_batch:
            return errors[0]
        results = [
            {"status": 204} if each is None else {"status": each.status, **(each.content or {})}
            for each in refused
        ]
        status = errors[0].status if len(errors) == len(refused) else 200
        return Answer(status, {"results": results})

    def broken_off(self) -> Answer:
        """The response if the client disconnected in the middle of a body."""
        return self._refused(refusal(400, "The body is not complete."))

    def too_large(self) -> Answer:
        """The refusal of a body that is too long."""
        return refusal(413, f"The body may have {self.max_body} bytes.")

    def _log_one(self, sent: Sent, subjects: Mapping[str, Any]) -> Answer | None:
        """Log one exposure; an answer if it is refused."""
        if sent.experiment not in self.manager:
            return refusal(404, "No experiment of that name is registered.")
        unit_type = self.manager.declaration(sent.experiment).unit_type
        if sent.unit_type != unit_type:
            return refusal(400, "The experiment randomizes another unitType.")
        if unit_id_of(subject_of(unit_type, subjects)) != sent.unit_id:
            return refusal(403, "The session is not that unit's.")
        assignment = self.manager.assign(sent.experiment, **subjects)
        if sent.variant is not None and not is_same_variant(sent.variant, assignment.variant):
            self._mismatched(sent.experiment)
        if assignment.reason in _LOGGED:
            self.manager.log_exposure(sent.experiment, **subjects)
        if assignment.reason is Reason.ASSIGNED or assignment.reason is Reason.HOLDOUT:
            self._count(logged=1)
        else:
            self._count(skipped=1)
        return None

    def _mismatched(self, experiment: str) -> None:
        self._count(mismatched=1)
        if experiment not in self._complained:
            self._complained.add(experiment)
            logger.warning(
                "%s: a browser has shown another variant than the assigned one, which alone counts; "
                "further ones are only counted, in the endpoint's stats",
                experiment,
            )

    def _refused(self, answer: Answer) -> Answer:
        self._count(refused=1)
        return answer

    def _count(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)

    def __repr__(self) -> str:
        return f"<LogExposureEndpoint: {self.stats}>"


def is_same_variant(sent: Variant, assigned: Variant) -> bool:
    """Whether a variant that came as JSON is the assigned one: "1" and 1 are, true and 1 are not."""
    if variant_text(sent) == variant_text(assigned):
        return True
    numbers = not any(isinstance(each, bool | str) for each in (sent, assigned))
    return numbers and sent == assigned
