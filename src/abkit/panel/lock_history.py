"""What the lock tells of an experiment since it was first written down: pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise

from attrs import frozen

from abkit.analysis.declared.history import History
from abkit.analysis.presentation import figures
from abkit.analysis.statistics.phases import are_same, shares


@frozen(kw_only=True)
class LockEntry:
    """One thing that was written down.

    Attributes:
        at: When, UTC.
        what: What, as a sentence.
        day: On which day of the experiment, the first being 1; None: before it began, or that is not known.
    """

    at: datetime
    what: str
    day: int | None = None


def lock_entries(history: History, began: datetime | None) -> tuple[LockEntry, ...]:
    """What was written down, the oldest first.

    Args:
        history: What the lock has.
        began: When the experiment began: its declared start, or its first exposure; None: it did not, or
            that is not known.
    """
    return tuple(
        LockEntry(at=at, what=what, day=_day(at, began))
        for at, what in sorted(_said(history), key=lambda said: said[0])
    )


def _said(history: History) -> Iterator[tuple[datetime, str]]:
    first = [
        *([] if history.registered is None else [history.registered]),
        *(phase.at for phase in history.phases[:1]),
    ]
    if first:
        yield min(first), "Written down for the first time."
    for amendment in history.amendments:
        yield amendment.at, f"{amendment.what[:1].upper()}{amendment.what[1:]}."
    for before, after in pairwise(history.phases):
        old, new = shares(before.weights), shares(after.weights)
        if not are_same(old, new):
            yield after.at, f"The weights were changed from {_split(old)} to {_split(new)}."
        for change in after.entering:
            yield after.at, f"Who enters was changed: {change}."


def _split(weights: Mapping[str, float]) -> str:
    told = [f"{variant} {figures.percent(share, digits=1)}" for variant, share in weights.items()]
    return ", ".join(told) or "weights that only code knows"


def _day(at: datetime, began: datetime | None) -> int | None:
    return None if began is None or at < began else (at - began) // timedelta(days=1) + 1
