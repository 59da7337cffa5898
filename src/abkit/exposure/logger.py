"""The exposure logger: deduplicates events and delivers them. It never raises into the request."""

import threading
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol, Self, TypeAlias, TypeVar

from attrs import evolve

from abkit.errors import DeliveryError
from abkit.events import Event, Exposure, Identity, Variant, properties_told
from abkit.exposure.dedup.base import DAY, DedupStore, Key, Reservation
from abkit.exposure.dedup.memory import MemoryDedup, Reserved, first_slot, is_same
from abkit.exposure.dedup.shared import SharedDedup
from abkit.exposure.delivery.delivery import Delivery
from abkit.exposure.delivery.drop_reports import OnDrop
from abkit.exposure.identities import as_exposure, with_insert_id
from abkit.exposure.insert_ids import LazyIdExposure, with_lazy_id
from abkit.exposure.outbox.outbox import Outbox
from abkit.exposure.runtime.backoff import Backoff
from abkit.exposure.runtime.error_log import ErrorLog
from abkit.exposure.runtime.free_threading import runs_threads_at_once
from abkit.exposure.runtime.process_hooks import call_after_fork
from abkit.exposure.stats import DeadLetter, Stats
from abkit.sinks.base import BatchLimits, Sink

_Subjects_contra = TypeVar("_Subjects_contra", contravariant=True)
_new = tuple.__new__
_NOTHING: Mapping[str, object] = MappingProxyType({})


class Describe(Protocol[_Subjects_contra]):
    """Gives the user and the groups of a request's subjects, for the experiment of that name.

    The id of the unit is known already.
    """

    def __call__(
        self, subjects: _Subjects_contra, of: str, unit_id: str, /
    ) -> tuple[str | None, Mapping[str, str]]:
        """User id, and groups by their kind."""


Weigh: TypeAlias = Callable[[Mapping[str, object] | None], str | None]
"""From the parameters of a decision to the weights it was drawn with, as an exposure has them."""


class Expose(Protocol[_Subjects_contra]):
    """Exposes a unit of the experiment that it was made for."""

    def __call__(
        self,
        unit_id: str,
        variant: Variant,
        time: float,
        properties: Mapping[str, object],
        subjects: _Subjects_contra,
        params: Mapping[str, object] | None,
        /,
    ) -> bool | None:
        """Log an exposure of these parts; a duplicate is only counted.

        Returns:
            False if it was dropped, as when the queue is full.
        """


class ExposureLogger:
    """Deduplicates exposures and identities, and delivers them and actions to a sink.

    Call it with an event. It returns at once, whatever the state of the sink, and never raises: a worker
    thread sends the events in batches.

    Args:
        sink: The destination.
        dedup: Remembers which exposures were logged; None: a new `MemoryDedup`.
        window: Seconds after which a unit's exposure is logged again, aligned to the epoch; None: the UTC
            day. Cannot be combined with `dedup`, which has a window of its own.
        shared: Deduplicates across processes, such as a `RedisDedup`; None: each process deduplicates
            by itself.
        outbox: Keeps events on disk until they are delivered; None: they are in memory only.
        limits: When a batch is full; None: the sink's own limits.
        max_queue: The most events to queue while the sink is slow or down; further ones are dropped.
        on_drop: Called with each dropped event and the reason: `on_drop(event, why)`.
        backoff: How long to wait after a failure of the sink.
        exit_timeout: Seconds that delivery may take at exit if `close` was not called.

    Raises:
        DeliveryError: The arguments contradict each other, or `sink` is not a sink.
    """

    def __init__(  # noqa: PLR0913 - all but the sink can be left out
        self,
        sink: Sink,
        *,
        dedup: DedupStore | None = None,
        window: float | None = None,
        shared: SharedDedup | None = None,
        outbox: Outbox | None = None,
        limits: BatchLimits | None = None,
        max_queue: int = 100_000,
        on_drop: OnDrop | None = None,
        backoff: Backoff | None = None,
        exit_timeout: float = 1.5,
    ) -> None:
        if dedup is not None and window is not None:
            message = "Give the window to the dedup store, not to the ExposureLogger as well."
            raise DeliveryError(message)
        if dedup is None:
            dedup = MemoryDedup(window=DAY if window is None else window)
        self._dedup = dedup
        self._delivery = Delivery(
            sink,
            shared=shared,
            outbox=outbox,
            limits=limits,
            max_queue=max_queue,
            on_drop=on_drop,
            backoff=backoff,
            exit_timeout=exit_timeout,
        )
        self._sink = sink
        self.after_fork()
        call_after_fork(self)

    def after_fork(self) -> None:
        """In a forked child: count from 0; also in a new logger."""
        self._error_log = ErrorLog()
        self._deduplicated = 0
        self._threads_at_once = runs_threads_at_once()
        self._counting = (
            threading.RLock()
        )  # As the other locks here: a signal handler may come between.

    def __call__(self, event: Event, /) -> None:
        """Log an event. A duplicate exposure or identity is ignored."""
        try:
            if isinstance(event, Exposure):
                self._log_once(
                    event,
                    lambda reserved: with_lazy_id(
                        event, (reserved.window, event.variant, reserved.ordinal)
                    ),
                )
            elif isinstance(event, Identity):
                stand_in = as_exposure(event)
                self._log_once(stand_in, lambda reserved: with_insert_id(event, stand_in, reserved))
            else:
                self._delivery.accept(event)
        except Exception as error:  # noqa: BLE001 - the request must not suffer
            self._failed(error)

    def _log_once(self, exposure: Exposure, named: Callable[[Reservation], Event]) -> None:
        """Log an event unless the exposure that it is deduplicated by is a duplicate."""
        reservation = self._dedup.reserve(exposure)
        if reservation is None:
            self._count_duplicate()
            return
        taken = False
        try:
            taken = self._delivery.accept(named(reservation))
        finally:
            if not taken:
                self._dedup.give_back(reservation)

    def _count_duplicate(self) -> None:
        with self._counting:
            self._deduplicated += 1

    def exposer(
        self,
        experiment: str,
        salt: str,
        unit_type: str,
        describe: Describe[_Subjects_contra],
        weigh: Weigh,
        /,
    ) -> Expose[_Subjects_contra] | None:
        """What exposes the units of one experiment, without making a duplicate.

        It does what a call with the exposure would do, and raises only what `describe` and `weigh` raise.
        `describe` gives the user id and the groups of the subjects, `weigh` the weights.

        Returns:
            None if the deduplication store is not a `MemoryDedup`: other stores need the exposure itself.
        """
        dedup, accept = self._dedup, self._delivery.accept
        if not isinstance(dedup, MemoryDedup):
            return None
        first, width = first_slot((experiment, salt, unit_type)), dedup.window
        declared = weigh(None)

        # What a web application asks all day, so it is in as few frames as can be. Where one thread runs at
        # a time, adding to the count is one step: threads change only where something is called, or a loop
        # begins anew.
        def expose(
            unit_id: str,
            variant: Variant,
            now: float,
            properties: Mapping[str, object],
            subjects: _Subjects_contra,
            params: Mapping[str, object] | None,
            /,
        ) -> bool | None:
            slot, window = first + hash(unit_id), now // width
            mark = dedup.young.get(slot)
            if (
                mark is not None
                and (mark[1] is variant or is_same(mark[1], variant))
                and mark[0] == window
            ):
                if self._threads_at_once:
                    self._count_duplicate()
                else:
                    self._deduplicated += 1
                return None
            taken: Reserved | None
            dedup.acquire()
            try:
                young, mark = dedup.young, dedup.latest.get(variant)
                if (
                    mark is None
                    or mark[0] != window
                    or mark[1] is not variant
                    or mark[2]
                    or slot in young
                    or slot in dedup.old
                    or len(young) >= dedup.almost_full
                ):
                    taken = dedup.check_and_set(slot, variant, window)
                else:  # The unit is new, as most are: as check_and_set(), without the call.
                    young[slot] = mark
                    taken = slot, mark, None
            finally:
                dedup.release()
            if taken is None:
                self._count_duplicate()
                return None
            done = False
            try:
                user_id, groups = describe(subjects, experiment, unit_id)
                told = properties_told(properties) if properties else _NOTHING
                # Not LazyIdExposure(...), which takes twice as long.
                event = _new(
                    LazyIdExposure,
                    (
                        experiment,
                        salt,
                        unit_type,
                        unit_id,
                        variant,
                        now,
                        user_id,
                        groups,
                        told,
                        taken[1],
                        declared if params is None else weigh(params),
                    ),
                )
                done = accept(event)
            finally:
                if not done:
                    dedup.undo(taken)
            return done

        return expose

    @property
    def has_seen(self) -> Callable[[Key, Variant], bool]:
        """A function that says whether an exposure would be a duplicate, so that it need not be made.

        Its arguments are the key (experiment, salt, unit type, unit id) and the variant. It returns True only
        if the unit's latest exposure in this window was to this variant. It is called for each request, so
        it is the store's own method where that cannot fail.
        """
        if isinstance(self._dedup, MemoryDedup):
            return self._dedup.has_seen
        return self._has_seen_if_it_can_say

    def _has_seen_if_it_can_say(self, key: Key, variant: Variant, /) -> bool:
        try:
            return self._dedup.has_seen(key, variant)
        except Exception as error:  # noqa: BLE001 - the request must not suffer
            self._failed(error)
            return False

    def flush(self, timeout: float = 10.0) -> bool:
        """Send all accepted events now, without waiting for a batch to fill.

        With an outbox, this includes the events that dead processes have left in it.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether all of them were delivered or rejected in time.
        """
        return self._delivery.flush(timeout)

    def close(self, timeout: float = 10.0) -> bool:
        """Send all accepted events, and accept no more. May be called again.

        Args:
            timeout: Seconds to wait. What is not delivered by then is dropped, or left in the outbox.

        Returns:
            Whether all of them were delivered or rejected in time.
        """
        return self._delivery.close(timeout)

    @property
    def stats(self) -> Stats:
        """What became of the events so far."""
        stats = self._delivery.stats
        return evolve(
            stats,
            deduplicated=self._deduplicated + stats.elsewhere,
            failed=self._error_log.counts.total(),
        )

    @property
    def dead_letters(self) -> tuple[DeadLetter, ...]:
        """The latest rejected events, at most a thousand."""
        return self._delivery.dead_letters

    def _failed(self, error: Exception) -> None:
        kind = type(error).__name__
        self._error_log.report(kind, "an event could not be logged: %r", error, error=error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        stats = self.stats
        state = "closed" if self._delivery.closed else "open"
        return (
            f"<ExposureLogger to {self._sink!r}, {state}: {stats.accepted} accepted, "
            f"{stats.delivered} delivered, {stats.queued} queued, {stats.dropped} dropped>"
        )
