"""Events that a sink rejects itself, because the destination would refuse them."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from attrs import frozen

from abkit.events import Event
from abkit.quoting import quoted, told
from abkit.sinks.base import Outcome, Rejected, Retry

_T = TypeVar("_T")

_YEAR_1 = -62_135_596_800
_YEAR_10000 = 253_402_300_800
_MOST_REASONS = 10
_SHOWN = 60


@frozen
class Refusal:
    """An event that cannot be sent.

    Attributes:
        event: The event.
        why: What is wrong with it.
    """

    event: Event
    why: str


def sorted_out(
    events: Sequence[Event], tell: Callable[[Event], _T | Refusal]
) -> tuple[list[tuple[Event, _T]], list[Refusal]]:
    """Convert the events for a destination; those that cannot be converted are rejected, each by itself.

    An event that was created by hand may contain anything, such as a time in nanoseconds, or an object that
    cannot be converted to text. This must neither block the other events nor look like a failure of the
    destination.

    Args:
        events: The batch.
        tell: Returns the converted event, or the reason why the destination would refuse it.

    Returns:
        The valid events, each with its converted form; and the rejected events.
    """
    sound: list[tuple[Event, _T]] = []
    refusals: list[Refusal] = []
    for event in events:
        try:
            why = objection_to_time(event)
            words = tell(event) if why is None else Refusal(event, why)
        except MemoryError:
            raise  # It may be the moment's fault.
        except Exception as error:  # noqa: BLE001 - the events' own objects may raise anything
            words = Refusal(event, f"it cannot be told: {told(error)}")
        if isinstance(words, Refusal):
            refusals.append(words)
        else:
            sound.append((event, words))
    return sound, refusals


def objection_to_time(
    event: Event, *, first: float = _YEAR_1, end: float = _YEAR_10000
) -> str | None:
    """Return what is wrong with the event's time; None if it can be written as a date.

    Args:
        event: The event.
        first: The first second that the destination supports.
        end: The first second after those that the destination supports.
    """
    try:
        if first <= event.time < end:  # Not so for nan.
            return None
    except TypeError:
        pass  # No number at all.
    within = "" if (first, end) == (_YEAR_1, _YEAR_10000) else f" from {first} to {end}"
    given = quoted(repr(event.time), _SHOWN)
    return f"its time must be seconds since the epoch{within}, not {given}"


def with_refusals(refusals: Sequence[Refusal], outcome: Outcome) -> Outcome:
    """Combine the sink's own rejections with the result for all other events.

    Rejected events share one `why`: if there are several reasons, it lists them.
    """
    if not refusals:
        return outcome
    events = [refusal.event for refusal in refusals]
    reasons = [refusal.why for refusal in refusals]
    if isinstance(outcome, Rejected):
        return Rejected([*events, *outcome.events], _listed([*reasons, outcome.why]), outcome.retry)
    retry = outcome if isinstance(outcome, Retry) else None
    return Rejected(events, _listed(reasons), retry)


def _listed(reasons: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(reasons))
    more = len(distinct) - _MOST_REASONS
    return "; ".join(distinct[:_MOST_REASONS]) + (f"; and {more} more" if more > 0 else "")
