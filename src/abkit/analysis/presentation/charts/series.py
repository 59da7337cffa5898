"""What charts over time share: the axis of looks, the labels of the variants."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from attrs import frozen

from abkit.analysis import times
from abkit.analysis.presentation.charts.plot import Times
from abkit.analysis.presentation.charts.theme import DRAWN
from abkit.analysis.presentation.figures import drawable

_STOPS = 124
"""Of a quarter and a month each day can be read; of longer times days that are evenly spread."""


@frozen(kw_only=True)
class Looks:
    """The looks of one chart over time.

    Attributes:
        ends: The end of each look's day or hour.
        by_day: Whether they are days.
        places: Where each stands: milliseconds since 1970, as Vega-Lite wants them.
    """

    ends: Sequence[datetime]
    by_day: bool
    places: Sequence[float]

    @classmethod
    def of(cls, ends: Sequence[datetime]) -> "Looks":
        """Days if all of them end at midnight, else hours."""
        by_day = times.daily(ends)
        places = [times.place(end, by_day=by_day).timestamp() * 1000 for end in ends]
        return cls(ends=ends, by_day=by_day, places=places)

    def moment(self, when: datetime) -> float:
        """The place of any moment: within days, where the look of its day stands."""
        day = when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (day if self.by_day else when).timestamp() * 1000

    def axis(self, others: Sequence[float] = ()) -> Times:
        """Time, in UTC, with room for other moments."""
        one_day = not self.by_day and self.ends[-1].date() == self.ends[0].date()
        form = "%b %-d" if self.by_day else "%H:%M" if one_day else "%b %-d, %H:%M"
        stand = [times.place(end, by_day=self.by_day) for end in self.ends]
        written = [f"{each:{form.replace('%-d', str(each.day))}}" for each in stand]
        low, high = min([*self.places, *others]), max([*self.places, *others])
        return Times(low=low, high=high, looks=self.places, written=written, form=form)


def labels(variants: Sequence[str]) -> Mapping[str, str]:
    """How charts call each variant: legible, and different from all others."""
    taken: dict[str, str] = {}
    for variant in variants:
        label, number = drawable(variant), 1
        while label in taken.values():
            number += 1
            label = f"{drawable(variant)} ({number})"
        taken[variant] = label
    return taken


def stops(count: int) -> Sequence[int]:
    """Which of so many looks can be read one by one, in a table and in its chart; exports have all."""
    return times.spread(count, at_most=_STOPS)


def drawn(treatments: Sequence[str]) -> Sequence[str]:
    """The variants beside the control for which there are colours."""
    return treatments[:DRAWN]
