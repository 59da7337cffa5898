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
from abkit.analysis.settings import Settings, Spending
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
    """

    number: int
    units: int


@frozen(kw_only=True)
class Looks:
    """The planned looks of an experiment that have been made by some time.

    Attributes:
        made: In order.
        settings: How the test is made.
    """

    made: tuple[PlannedLook, ...] = ()
    settings: Settings

    @property
    def passed(self) -> int:
        """How many of the planned looks need not be waited for any more."""
        return self.made[-1].number if self.made else 0

    def bound(self, alpha: float) -> float:
        """The |z| at which to stop at the last look of these.

        Raises:
            MissingExtraError: scipy is not installed.
        """
        size = self.settings.sample_size or 1
        information = tuple(look.units / size for look in self.made)
        return _bounds(information, alpha, self.settings.spending)[-1]

    @property
    def details(self) -> dict[str, float]:
        """What is reported of the last look of these beside its comparison."""
        last, following = self.made[-1], next_look(self.settings, self.passed)
        return {
            "look": last.number,
            "looks": len(self.settings.looks),
            "look_units": last.units,
            "information": last.units / (self.settings.sample_size or 1),
            **({} if following is None else {"next_look_units": following}),
        }

    def awaited(self, units: int) -> tuple[str, ...]:
        """What a comparison waits for where none could be made so far.

        Args:
            units: Those of all arms so far, in a period that is not over too.
        """
        following = next_look(self.settings, self.passed)
        if following is None:
            return ("a new plan, as the last of its looks is over",)
        which = "next" if self.made else "first"
        if units >= following:
            return (f"the end of the period in which the {which} planned look was reached",)
        return (f"{amount(following - units, 'more unit')} until the {which} planned look",)


def planned_looks(
    units: Sequence[int], settings: Settings, *, over: int
) -> tuple[Looks | None, ...]:
    """At the end of each period, the looks up to the one that is made there; None where none is.

    Args:
        units: The units of all arms up to the end of each period; cumulative.
        settings: How the test is made.
        over: How many of the periods are over; a look is made of no other.
    """
    size, so_far = settings.sample_size or 1, Looks(settings=settings)
    at: list[Looks | None] = []
    for place, n in enumerate(units):
        number = bisect_right(settings.looks, (n + _ROUNDING) / size)
        made = place < over and number > so_far.passed
        if made:
            look = PlannedLook(number=number, units=n)
            so_far = Looks(made=(*so_far.made, look), settings=settings)
        at.append(so_far if made else None)
    return tuple(at)


def next_look(settings: Settings, passed: int) -> int | None:
    """The units of all arms at the look after the first `passed` ones; None after the last."""
    if passed >= len(settings.looks):
        return None
    return ceil(settings.looks[passed] * (settings.sample_size or 1) - _ROUNDING)


def deciding_look(looks: Sequence[Comparison | None]) -> tuple[int, Comparison] | None:
    """The first comparison that is significant, with its place; if none is, the last one made."""
    made = [(place, found) for place, found in enumerate(looks) if found is not None]
    return next((look for look in made if look[1].significant), made[-1] if made else None)


@lru_cache(maxsize=256)
def _bounds(information: tuple[float, ...], alpha: float, spending: Spending) -> tuple[float, ...]:
    with extra("analysis"):
        from abkit.analysis.inference.group_sequential import boundaries, obrien_fleming, pocock
    spend = pocock if spending is Spending.POCOCK else obrien_fleming
    return boundaries(information, alpha=alpha, spending=spend)
