"""What the shape of the curve of cumulative exposures says. Pure.

How it is read is Amplitude's: a steady slope is healthy; a falling one is an audience that runs out;
a kink is traffic, allocation or targeting that changed; a flat end is no more units, or a fault;
variants that are apart by a constant number began at different times; variants that drift further and
further apart are not allocated as designed. The thresholds are abkit's own. They let weekends and
chance pass: who has read one wrong sentence reads no other.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import sqrt
from statistics import fmean, median

SHORTEST = 5
"""Fewer whole days have no shape yet."""

FEWEST = 100
"""Fewer units have no shape either."""

FLAT_DAYS, FLAT = 3, 0.05
"""So many days at the end, each with less than this share of the usual new units: no weekend."""

KINK_DAYS, KINK, STABLE = 3, 2.0, 1.6
"""Before and after a kink lie so many days or more; their means differ by this factor or more; and on
either side the day with the most units has at most so many times those of the one with the least."""

SLOWED = 0.5
"""Slowing: even the best of the last three days has less than this share of a usual one at first."""

STEADY = 0.25
"""The second half of the days of a steady curve brings as much as the first, but for this share."""

APART, SURE = 0.2, 5.0
"""A variant's share of the new units is wrong by this share of itself, and so many standard errors."""

EXPECTED = 20
"""A day without any unit is conspicuous where so many were to be expected."""


def diagnose(
    new: Mapping[str, Sequence[int]],
    *,
    days: Sequence[datetime],
    weights: Mapping[str, float] | None,
) -> tuple[str, ...]:
    """What the shape says, in sentences.

    Args:
        new: Per variant, the new units of each day that is over.
        days: The start of each of these days.
        weights: The designed share of each variant; empty: equal shares; None: nothing is said of them.

    Returns:
        First what is said of the variants, then what is said of all units. Nothing of fewer than
        `SHORTEST` days or `FEWEST` units.
    """
    total = [sum(of[day] for of in new.values()) for day in range(len(days))]
    if len(days) < SHORTEST or sum(total) < FEWEST:
        return ()
    # The first day seldom has 24 hours.
    between = () if weights is None else _between(new, days, weights)
    return (*between, *_slope(total[1:], days[1:]))


def _between(
    new: Mapping[str, Sequence[int]], days: Sequence[datetime], weights: Mapping[str, float]
) -> Iterator[str]:
    """What is said of variants that are apart from one another."""
    designed = {v: weights.get(v, 0.0) if weights else 1.0 for v in new}
    whole = sum(designed.values())
    shares = {v: weight / whole for v, weight in designed.items() if weight > 0 and whole > 0}
    if len(shares) < 2:
        return
    counted = {v: new[v] for v in shares}
    starts = {v: _start(of, counted, shares[v]) for v, of in counted.items()}
    late = max(starts.values())
    for variant, start in starts.items():
        if start > 0:
            yield (
                f"Variant {variant} began on {_date(days[start])}, {_count(start, 'day')} after the "
                "first one: the variants' days are not alike, and what is new wears off at "
                "different times."
            )
    # Of two variants, what is said of one is said of the other.
    for variant, share in list(shares.items())[1 if len(shares) == 2 else 0 :]:
        sentence = _allocation(variant, share, counted, days, first=late)
        if sentence:
            yield sentence


def _start(of: Sequence[int], everyone: Mapping[str, Sequence[int]], share: float) -> int:
    """The first day with units of a variant, if many were to be expected before; else 0."""
    first = next((day for day, units in enumerate(of) if units), 0)
    others = sum(sum(units[:first]) for units in everyone.values())
    return first if others * share >= EXPECTED else 0


def _allocation(
    variant: str,
    share: float,
    counted: Mapping[str, Sequence[int]],
    days: Sequence[datetime],
    *,
    first: int,
) -> str:
    """What is said of a variant whose slope is not the designed one; nothing if it is."""
    own = counted[variant][first:]
    total = [sum(of[day] for of in counted.values()) for day in range(first, len(days))]
    change = _change(own, total, share)
    if change:
        before, after = (sum(own[part]) / sum(total[part]) for part in _split(change))
        return (
            f"The share of variant {variant} among the new units went from {before:.0%} before "
            f"{_date(days[first + change])} to {after:.0%} since: were the weights changed? Numbers "
            "from before and after such a change do not add up."
        )
    overall = sum(own) / sum(total)
    noise = sqrt(share * (1 - share) / sum(total))
    if abs(overall - share) > max(APART * share, SURE * noise):
        return (
            f"Variant {variant} gets {overall:.0%} of the new units, though its weight is "
            f"{share:.0%}: look for cached or sticky variants, or for exposures that are lost."
        )
    return ""


def _change(own: Sequence[int], total: Sequence[int], share: float) -> int:
    """The day from which on a variant gets another share; 0 if there is none."""
    found, largest = 0, SURE
    for day in range(1, len(total)):
        first, second = _split(day)
        sizes = sum(total[first]), sum(total[second])
        if not all(sizes):
            continue
        apart = abs(sum(own[first]) / sizes[0] - sum(own[second]) / sizes[1])
        errors = apart / sqrt(share * (1 - share) * (1 / sizes[0] + 1 / sizes[1]))
        if apart > APART * share and errors > largest:
            found, largest = day, errors
    return found


def _split(day: int) -> tuple[slice, slice]:
    """The days before one, and those from it on."""
    return slice(None, day), slice(day, None)


def _slope(total: Sequence[int], days: Sequence[datetime]) -> Iterator[str]:
    """What is said of all units together: one sentence at most."""
    flat, kink = _flat_days(total), _kink(total)
    if flat:
        yield (
            f"Nearly no new units in the last {_count(flat, 'day')}: no unit may be left, the "
            "experiment may have been switched off, or exposures may be lost."
        )
    elif kink:
        before, after = fmean(total[:kink]), fmean(total[kink:])
        yield (
            f"New units a day went from about {before:,.0f} to about {after:,.0f} on "
            f"{_date(days[kink])}: traffic, targeting or the rollout changed. Units from before and "
            "after may differ in more than their variant."
        )
    elif _slowing(total):
        yield (
            "New units become fewer from day to day: most of the audience may have been exposed "
            "already, so waiting adds little."
        )
    elif _steady(total):
        yield f"New units arrive steadily, about {fmean(total):,.0f} a day."


def _flat_days(total: Sequence[int]) -> int:
    """How many days at the end have practically no new units; 0 if fewer than `FLAT_DAYS`."""
    usual = median(total[: len(total) - FLAT_DAYS])
    if usual < EXPECTED:
        return 0
    days = 0
    while days < len(total) and total[-1 - days] < FLAT * usual:
        days += 1
    return days if days >= FLAT_DAYS else 0


def _kink(total: Sequence[int]) -> int:
    """The day from which on the slope is another one; 0 if there is none."""
    found, widest = 0, KINK
    for day in range(KINK_DAYS, len(total) - KINK_DAYS + 1):
        before, after = total[:day], total[day:]
        if not (_stable(before) and _stable(after)):
            continue
        low, high = sorted((fmean(before), fmean(after)))
        noise = sqrt(high / min(len(before), len(after)))
        factor = high / max(low, 1.0)
        if factor >= widest and high - low > SURE * noise:
            found, widest = day, factor
    return found


def _stable(units: Sequence[int]) -> bool:
    return max(units) <= STABLE * min(units)


def _steady(total: Sequence[int]) -> bool:
    """Whether both halves of the days bring about the same."""
    middle = len(total) // 2
    before, after = fmean(total[:middle]), fmean(total[middle:])
    return abs(after - before) <= STEADY * before


def _slowing(total: Sequence[int]) -> bool:
    """Whether new units become fewer, and not because of a weekend."""
    if len(total) < 2 * KINK_DAYS:
        return False
    usual, last = median(total[:KINK_DAYS]), total[-KINK_DAYS:]
    return usual >= EXPECTED and max(last) < SLOWED * usual


def _date(day: datetime) -> str:
    return day.date().isoformat()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
