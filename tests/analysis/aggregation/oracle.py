"""What units did, measured by plain Python: slow, and short enough to be believed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations

from abkit.experiments.declaring.metrics import (
    ActionMetric,
    Average,
    Conversion,
    Counting,
    Funnel,
    Measured,
    Metric,
    Retention,
    Sum,
    Total,
)

from ..query.conditions import holds

SECONDS = timedelta(seconds=1)


@dataclass(frozen=True)
class Seen:
    """An exposure; the time is in seconds."""

    unit: str
    variant: str
    time: int


@dataclass(frozen=True)
class Did:
    """An action."""

    unit: str
    action: str
    time: int
    price: float | None = None
    insert_id: str | None = field(default=None)


def alone(exposures: Sequence[Seen]) -> dict[str, tuple[str, int]]:
    """The variant and the first exposure of each unit that saw one variant only."""
    variants: dict[str, set[str]] = {}
    first: dict[str, int] = {}
    for seen in exposures:
        variants.setdefault(seen.unit, set()).add(seen.variant)
        first[seen.unit] = min(seen.time, first.get(seen.unit, seen.time))
    return {u: (v.pop(), first[u]) for u, v in variants.items() if len(v) == 1}


def once(actions: Sequence[Did]) -> list[Did]:
    """What was stored twice has one insert_id."""
    kept: dict[object, Did] = {}
    for number, did in enumerate(actions):
        key = number if did.insert_id is None else did.insert_id
        if key not in kept or did.time < kept[key].time:
            kept[key] = did
    return list(kept.values())


def value(metric: Metric, actions: Sequence[Did]) -> float:
    """One unit's measure, from its own actions that count."""
    if isinstance(metric, ActionMetric) and metric.where is not None:
        condition = metric.where
        actions = [a for a in actions if holds(condition, {"price": a.price})]
    match metric:
        case Conversion():
            found = float(sum(a.action == metric.action for a in actions) >= metric.times)
        case Total():
            found = float(sum(a.action == metric.action for a in actions))
        case Sum() | Average():
            prices = [a.price for a in actions if a.action == metric.action and a.price is not None]
            found = math.fsum(prices)
            if isinstance(metric, Average):
                found = found / len(prices) if prices else 0.0
        case Funnel():
            found = float(_completions(metric, actions))
            if metric.counting is Counting.UNIQUE:
                found = min(found, 1.0)
        case Retention():
            found = float(_came_back(metric, actions))
        case _:
            raise AssertionError(metric)
    if isinstance(metric, Measured):
        limits = metric.winsorize
        if limits is not None and limits.upper is not None:
            found = min(found, limits.upper)
        if limits is not None and limits.lower is not None:
            found = max(found, limits.lower)
        if metric.log:
            found = math.log1p(found) if found > -1 else 0.0
    return found


def _came_back(metric: Retention, actions: Sequence[Did]) -> bool:
    starts = [a.time for a in actions if a.action == metric.start]
    if not starts:
        return False
    length = metric.period.length // SECONDS
    low, high = min(starts) + metric.n * length, min(starts) + (metric.n + 1) * length
    return any(a.action == metric.returning and low <= a.time < high for a in actions)


def in_order(metric: Funnel, actions: Sequence[Did]) -> list[Did]:
    """The actions of a funnel; those of one moment as if the steps had been done one after the other."""
    steps = list(metric.steps)
    told: list[tuple[int, int, int, Did]] = []
    for time in {a.time for a in actions}:
        for action in set(steps):
            own = [i for i, step in enumerate(steps) if step == action]
            of_moment = [a for a in actions if a.time == time and a.action == action]
            told += [
                (time, again // len(own), own[again % len(own)], did)
                for again, did in enumerate(of_moment)
            ]
    return [did for *_, did in sorted(told, key=lambda each: each[:3])]


def _completions(metric: Funnel, actions: Sequence[Did]) -> int:
    """How often the steps were done, one time after the other: by trying every way, the first end first."""
    within = math.inf if metric.within is None else metric.within / SECONDS
    left, count = in_order(metric, actions), 0
    while True:
        end = next(
            (end for end in range(len(left)) if _ends(metric, left[: end + 1], within)), None
        )
        if end is None:
            return count
        count, left = count + 1, left[end + 1 :]


def _ends(metric: Funnel, actions: Sequence[Did], within: float) -> bool:
    """Whether some choice of actions, one per step, in order and short enough, ends with the last."""
    *before, last = range(len(actions))
    if actions[last].action != metric.steps[-1]:
        return False
    return any(
        [actions[i].action for i in way] == list(metric.steps[:-1])
        and actions[last].time - actions[[*way, last][0]].time <= within
        for way in combinations(before, len(metric.steps) - 1)
    )


def moments(values: Mapping[str, Sequence[float]], variant: str) -> tuple[int, float, float]:
    """The number, mean and unbiased variance of one variant's measures."""
    own = values.get(variant, [])
    n = len(own)
    mean = math.fsum(own) / n if n else 0.0
    return n, mean, math.fsum((x - mean) ** 2 for x in own) / (n - 1) if n > 1 else 0.0
