"""The planned looks of a group sequential test, found in the units over time: pure.

A look is made once, at the end of the first period in which its share of the planned units was reached.
Nothing is decided between two looks, nor after the last one: the level is that of the looks, and an
analysis that runs every day computes each of them anew from the data of its day, with the same answer.
Its bound spends what is due at the share of the units that was found then, so a look that comes late
costs no level (Lan and DeMets 1983, Biometrika 70(3)).
"""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import ceil

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.analysis.inference.comparison import Comparison
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Spending
from abkit.extras import extra

WITHOUT_TIMES = "results over time, in which the planned looks are found"
"""What a group sequential test waits for where there are only sums."""

_ROUNDING = 1e-9
"""Shares such as 3/5 of a planned size are no whole numbers of units for a float."""


@frozen(kw_only=True)
class PlannedLook:
    """One of the planned looks, as it was made.

    Attributes:
        number: Which of the planned looks, from 1; the last one reached, if one period reached several.
        units: The units of all arms then.
        place: Its place among the looks that have been made, from 0.
        information: The share of the planned units at each of these. (Those after it do not matter to its
            bound; all bounds are computed at once.)
        plan: How the test is made.
    """

    number: int
    units: int
    place: int
    information: tuple[float, ...]
    plan: AnalysisPlan

    def bound(self, alpha: float) -> float:
        """The |z| at which to stop at this look.

        Raises:
            MissingExtraError: scipy is not installed.
        """
        return _bounds(self.information, alpha, self.plan.spending)[self.place]

    @property
    def details(self) -> dict[str, float]:
        """What is reported beside its comparison."""
        following = next_look(self.plan, self.number)
        return {
            "look": self.number,
            "looks": len(self.plan.looks),
            "look_units": self.units,
            "information": self.information[self.place],
            **({} if following is None else {"next_look_units": following}),
        }


def planned_looks(
    units: Sequence[int], plan: AnalysisPlan, *, over: int
) -> tuple[PlannedLook | None, ...]:
    """The look that is made at the end of each period; None where none is.

    Args:
        units: The units of all arms up to the end of each period; cumulative.
        plan: How the test is made.
        over: How many of the periods are over; a look is made of no other.
    """
    size, passed = plan.sample_size or 1, 0
    numbers: dict[int, int] = {}
    for period, n in enumerate(units[:over]):
        reached = bisect_right(plan.looks, (n + _ROUNDING) / size)
        if reached > passed:
            numbers[period] = passed = reached
    information = tuple(units[period] / size for period in numbers)
    made = {
        period: PlannedLook(
            number=number,
            units=units[period],
            place=place,
            information=information,
            plan=plan,
        )
        for place, (period, number) in enumerate(numbers.items())
    }
    return tuple(made.get(period) for period in range(len(units)))


def awaited(passed: int, plan: AnalysisPlan, *, units: int) -> tuple[str, ...]:
    """What a comparison waits for where none could be made so far.

    Args:
        passed: How many of the planned looks are over.
        plan: How the test is made.
        units: Those of all arms so far, in a period that is not over too.
    """
    following = next_look(plan, passed)
    if following is None:
        return ("a new plan, as the last of its looks is over",)
    which = "next" if passed else "first"
    if units >= following:
        return (f"the end of the period in which the {which} planned look was reached",)
    return (f"{amount(following - units, 'more unit')} until the {which} planned look",)


def next_look(plan: AnalysisPlan, passed: int) -> int | None:
    """The units of all arms at the look after the first `passed` ones; None after the last."""
    if passed >= len(plan.looks):
        return None
    return ceil(plan.looks[passed] * (plan.sample_size or 1) - _ROUNDING)


def deciding_look(looks: Sequence[Comparison | None]) -> tuple[int, Comparison] | None:
    """The first comparison that has an answer, with its place; if none has, the last one made."""
    made = [(place, found) for place, found in enumerate(looks) if found is not None]
    return next((look for look in made if look[1].decided), made[-1] if made else None)


@lru_cache(maxsize=256)
def _bounds(information: tuple[float, ...], alpha: float, spending: Spending) -> tuple[float, ...]:
    with extra("analysis"):
        from abkit.analysis.inference.group_sequential import boundaries, obrien_fleming, pocock
    spend = pocock if spending is Spending.POCOCK else obrien_fleming
    return boundaries(information, alpha=alpha, spending=spend)
