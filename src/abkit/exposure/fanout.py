"""Send every event to several destinations."""

import threading
from collections.abc import Callable, Mapping
from typing import Self, TypeVar
from uuid import uuid4

from abkit.errors import DeliveryError
from abkit.events import Action, Event, Variant
from abkit.exposure.dedup.base import Key
from abkit.exposure.logger import Describe, Expose, ExposureLogger, Weigh
from abkit.exposure.stats import Stats
from abkit.sinks.base import Sink

_Subjects_contra = TypeVar("_Subjects_contra", contravariant=True)


class FanOut:
    """Sends every event to several sinks, each through its own exposure logger.

    A sink that is down, slow or throttled does not hold up the others, and no sink gets an event twice
    because another failed. An event has the same insert id at every destination.

    Args:
        *sinks: The destinations. Pass an `ExposureLogger` instead of a sink that needs its own settings.
            Loggers must not share a deduplication store, an outbox, or a prefix in a shared store:
            an event that one of them has accepted would be a duplicate for the others.

    Attributes:
        loggers: The exposure logger of each sink, in the order of the arguments.

    Raises:
        DeliveryError: No sink was given, or one cannot send.
    """

    def __init__(self, *sinks: Sink | ExposureLogger) -> None:
        if not sinks:
            message = "A FanOut needs at least one sink."
            raise DeliveryError(message)
        self.loggers: tuple[ExposureLogger, ...] = tuple(
            sink if isinstance(sink, ExposureLogger) else ExposureLogger(sink) for sink in sinks
        )

    def __call__(self, event: Event, /) -> None:
        """Log an event with every logger. Each ignores its own duplicates."""
        if isinstance(event, Action) and not event.insert_id:
            event = event._replace(insert_id=uuid4().hex)  # An exposure's follows from itself.
        for logger in self.loggers:
            logger(event)

    def exposer(
        self,
        experiment: str,
        salt: str,
        unit_type: str,
        describe: Describe[_Subjects_contra],
        weigh: Weigh,
        /,
    ) -> Expose[_Subjects_contra] | None:
        """What exposes the units of one experiment to all. See `ExposureLogger.exposer`."""
        found = [
            logger.exposer(experiment, salt, unit_type, describe, weigh) for logger in self.loggers
        ]
        exposers = [expose for expose in found if expose is not None]
        if len(exposers) < len(found):
            return None

        def expose_to_all(
            unit_id: str,
            variant: Variant,
            now: float,
            properties: Mapping[str, object],
            subjects: _Subjects_contra,
            params: Mapping[str, object] | None,
            /,
        ) -> bool:
            taken = [
                expose(unit_id, variant, now, properties, subjects, params) for expose in exposers
            ]
            return any(each is not False for each in taken)

        return expose_to_all

    def has_seen(self, key: Key, variant: Variant, /) -> bool:
        """Whether an exposure would be a duplicate for all loggers. See `ExposureLogger.has_seen`."""
        return all(logger.has_seen(key, variant) for logger in self.loggers)

    def flush(self, timeout: float = 10.0) -> bool:
        """Flush all loggers at the same time. See `ExposureLogger.flush`.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether every logger delivered all of its events in time.
        """
        return self._at_once(lambda logger: logger.flush(timeout))

    def close(self, timeout: float = 10.0) -> bool:
        """Close all loggers at the same time. See `ExposureLogger.close`.

        Args:
            timeout: Seconds to wait. Events that are not delivered by then are dropped.

        Returns:
            Whether every logger delivered all of its events in time.
        """
        return self._at_once(lambda logger: logger.close(timeout))

    @property
    def stats(self) -> tuple[Stats, ...]:
        """The counts of each sink, in the order of the arguments."""
        return tuple(logger.stats for logger in self.loggers)

    def _at_once(self, do: Callable[[ExposureLogger], bool]) -> bool:
        """Wait for all of them no longer than for the slowest."""
        done: list[bool] = []
        waiting = []
        for logger in self.loggers[1:]:
            thread = threading.Thread(target=lambda each=logger: done.append(do(each)), daemon=True)
            try:
                thread.start()
                waiting.append(thread)
            except RuntimeError:  # At the end of the program there are no new threads.
                done.append(do(logger))
        done.append(do(self.loggers[0]))
        for thread in waiting:
            thread.join()
        return all(done)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<FanOut to {', '.join(map(repr, self.loggers))}>"
