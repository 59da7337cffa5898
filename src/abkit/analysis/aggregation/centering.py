"""Sums around the means: asked for again where a mean is so large that digits would be lost.

Each measure of each group is looked at by itself, so that what is measured beside it changes nothing; and
each number is taken from the answer that lost least, so that 0, equal and whole numbers stay what they are.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from attrs import evolve

from abkit.analysis.query.sums import Group, SumQueries
from abkit.analysis.statistics.aggregates import ROUNDING, Sums

Looks: TypeAlias = Mapping[Group, Sequence[Sums]]
"""Of each group, the sums at each look; one where there is no time."""

MOST = 3
"""So many times the same is asked; the second time is enough unless means move far from look to look."""


def centered(queries: SumQueries, ask: Callable[[SumQueries], Looks]) -> dict[Group, list[Sums]]:
    """The sums of each group at each look, around their means: totals are 0.

    Args:
        queries: The queries, without shifts.
        ask: Asks them; each time of the same groups and looks.
    """
    answers = [ask(queries)]
    best = _best(answers)
    while len(answers) < MOST and (shifts := _shifts(answers, best)):
        answers.append(ask(evolve(queries, shifts=shifts)))
        best = _best(answers)
    return best


def _best(answers: Sequence[Looks]) -> dict[Group, list[Sums]]:
    last = answers[-1]
    return {
        group: [_merged(_told(answers, group, look)) for look in range(len(sums))]
        for group, sums in last.items()
    }


def _told(answers: Sequence[Looks], group: Group, look: int) -> list[Sums]:
    """What the answers say of a group at a look; a table that grows meanwhile gets new ones."""
    return [answer[group][look] for answer in answers if look < len(answer.get(group, ()))]


def _merged(candidates: Sequence[Sums]) -> Sums:
    """The sums of the same units around several shifts, each number from where it lost least."""
    last = candidates[-1]
    same = [sums for sums in candidates if sums.n == last.n]
    if not last.n:
        return Sums.none(last.shifts)
    means = tuple(_least(same, i, i).mean(i) for i in range(len(last.shifts)))
    products = {(i, j): _least(same, i, j).comoment(i, j) for i, j in last.products}
    rounded = {
        i
        for i, mean in enumerate(means)
        if products[i, i] <= (last.units(i) - 1) * (ROUNDING * mean) * (ROUNDING * mean)
    }
    return Sums(
        last.n,
        means,
        (0.0,) * len(means),
        MappingProxyType(
            {pair: 0.0 if rounded & {*pair} else product for pair, product in products.items()}
        ),
        lacking=last.lacking,
    )


def _least(candidates: Sequence[Sums], first: int, second: int) -> Sums:
    """Those whose shifts are nearest to the values of two measures; the first of several."""

    def size(sums: Sums) -> float:
        return sums.products[first, first] * sums.products[second, second]

    return min(candidates, key=size)


def _shifts(answers: Sequence[Looks], best: Looks) -> dict[Group, tuple[float, ...]]:
    """By group, what to take from each measure that lost digits in every answer so far.

    It is the mean at the last such look. Of whole numbers it is a whole one, and they stay whole.
    """
    shifts: dict[Group, tuple[float, ...]] = {}
    for group, looks in best.items():
        of_group = [0.0] * len(looks[0].shifts) if looks else []
        for look, sums in enumerate(looks):
            candidates = _told(answers, group, look)
            for i in range(len(of_group)):
                if sums.n and all(of.cancels(i) for of in candidates):
                    whole = all(of.totals[i].is_integer() for of in candidates)
                    of_group[i] = float(round(sums.mean(i))) if whole else sums.mean(i)
        if any(of_group):
            shifts[group] = tuple(of_group)
    return shifts
