"""Events that a sink refuses itself, because the destination certainly would."""

from collections.abc import Sequence

from attrs import frozen

from abkit.events import Event
from abkit.sinks.base import Outcome, Rejected, Retry

_YEAR_1 = -62_135_596_800
_YEAR_10000 = 253_402_300_800
_MOST_REASONS = 10


@frozen
class Refusal:
    """An event that cannot be sent.

    Attributes:
        event: The event.
        why: What is wrong with it.
    """

    event: Event
    why: str


def objection_to_time(event: Event) -> str | None:
    """What is wrong with the event's time; None if it can be written as a date."""
    if _YEAR_1 <= event.time < _YEAR_10000:  # Not so for nan.
        return None
    return f"its time must be seconds since the epoch, not {event.time!r}"


def with_refusals(refusals: Sequence[Refusal], outcome: Outcome) -> Outcome:
    """One answer from what the sink refuses and what became of all other events.

    Events of one answer share its `why`: where there are several reasons, it lists them.
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
