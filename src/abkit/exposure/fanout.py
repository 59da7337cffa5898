"""One stream of events to several destinations."""

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
    """Gives every event to several sinks, each with an exposure logger of its own.

    So a sink that is down, slow or throttled holds up no other, and none gets an event twice because another
    failed. An event has the same insert id everywhere.

    Args:
        *sinks: Where the events go: a sink, or the `ExposureLogger` of one that needs its own settings.
            Loggers must not share a dedup store, an outbox, or a prefix in a store of several processes:
            what one had accepted, the other would take for no news.

    Attributes:
        loggers: The exposure logger of each sink, in the order of the arguments.

    Raises:
        DeliveryError: There is no sink, or one cannot send.
    """

    def __init__(self, *sinks: Sink | ExposureLogger) -> None:
        if not sinks:
            message = "A FanOut needs at least one sink."
            raise DeliveryError(message)
        self.loggers: tuple[ExposureLogger, ...] = tuple(
            sink if isinstance(sink, ExposureLogger) else ExposureLogger(sink) for sink in sinks
        )

    def __call__(self, event: Event, /) -> None:
        """Give an event to all. An exposure that is no news to one is ignored by that one."""
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
        """Whether an exposure would be no news to any of them. See `ExposureLogger.has_seen`."""
        return all(logger.has_seen(key, variant) for logger in self.loggers)

    def flush(self, timeout: float = 10.0) -> bool:
        """Send what was taken so far, to all at once.

        Args:
            timeout: Seconds to wait.

        Returns:
            Whether everything got through everywhere in time.
        """
        return self._at_once(lambda logger: logger.flush(timeout))

    def close(self, timeout: float = 10.0) -> bool:
        """Send what was taken so far, to all at once, and take no more.

        Args:
            timeout: Seconds to wait; what has not got through by then is dropped.

        Returns:
            Whether everything got through everywhere in time.
        """
        return self._at_once(lambda logger: logger.close(timeout))

    @property
    def stats(self) -> tuple[Stats, ...]:
        """What became of the events so far, for each sink, in the order of the arguments."""
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
