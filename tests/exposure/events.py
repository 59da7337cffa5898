"""Events, sinks and clocks for the tests of the delivery."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from abkit.events import Action, Event, Exposure, Identity, Variant
from abkit.exposure.runtime.backoff import Backoff
from abkit.sinks.base import BatchLimits, Outcome

AT_ONCE = BatchLimits(age=0.0)
QUICK = Backoff(first=0.001, longest=0.01)
NOON = 20_000 * 86_400.0 + 43_200.0


def exposure(
    unit_id: str = "u1",
    variant: Variant = "a",
    *,
    experiment: str = "Buttons",
    salt: str = "Buttons",
    unit_type: str = "user",
    time: float = NOON,
) -> Exposure:
    return Exposure(
        experiment=experiment,
        salt=salt,
        unit_type=unit_type,
        unit_id=unit_id,
        variant=variant,
        time=time,
    )


def action(name: str = "clicked") -> Action:
    return Action(name=name, time=NOON, user_id="7")


def ids(events: Iterable[Event]) -> list[str]:
    """The unit ids of exposures, the names of actions, the first ids of identities."""
    return [_name(event) for event in events]


def _name(event: Event) -> str:
    if isinstance(event, Exposure):
        return event.unit_id
    return event.from_id if isinstance(event, Identity) else event.name


class Script:
    """A sink that gives the answers it is told, then takes everything.

    An answer is an outcome, an error to raise, or a function of the events.
    """

    def __init__(
        self, *answers: Outcome | BaseException | Callable[[Sequence[Event]], Outcome]
    ) -> None:
        self._answers = deque(answers)
        self.batches: list[list[str]] = []
        self.taken: list[Event] = []
        self.sent_at: list[float] = []
        self.closed = 0

    def send(self, events: Sequence[Event], /) -> Outcome:
        self.sent_at.append(time.monotonic())
        self.batches.append(ids(events))
        answer = self._answers.popleft() if self._answers else None
        if callable(answer):
            answer = answer(events)
        if isinstance(answer, BaseException):
            raise answer
        if answer is None:
            self.taken += events
        return answer

    def close(self) -> None:
        self.closed += 1


class Gate:
    """A sink that hangs until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.open = threading.Event()
        self.taken: list[Event] = []

    def send(self, events: Sequence[Event], /) -> None:
        self.entered.set()
        self.open.wait(30)
        self.taken += events


class Dead:
    """A sink whose destination is down."""

    def __init__(self) -> None:
        self.tried = threading.Event()

    def send(self, events: Sequence[Event], /) -> None:
        self.tried.set()
        message = "nobody listens"
        raise ConnectionRefusedError(message)
