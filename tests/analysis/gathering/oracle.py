"""What units did, measured by plain Python: slow, and short enough to be believed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise, product

from abkit.experiments.metrics import (
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
            if metric.counting is Counting.UNIQUE:
                found = float(_some_way(metric, actions))
            else:
                found = float(_completions(metric, sorted(actions, key=lambda a: a.time)))
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


def _some_way(metric: Funnel, actions: Sequence[Did]) -> bool:
    """Whether any choice of actions, one per step, is in order and short enough."""
    within = math.inf if metric.within is None else metric.within / SECONDS
    times = [[a.time for a in actions if a.action == step] for step in metric.steps]
    return any(
        all(a < b for a, b in pairwise(way)) and way[-1] - way[0] <= within
        for way in product(*times)
    )


def _completions(metric: Funnel, actions: Sequence[Did]) -> int:
    """Chains of the steps: each step is taken by the first such action after the steps before it."""
    chains = [(a.time, a.time) for a in actions if a.action == metric.steps[0]]
    for step in metric.steps[1:]:
        longer: list[tuple[int, int]] = []
        last = None
        for time in [a.time for a in actions if a.action == step]:
            before = [chain for chain in chains if chain[1] < time]
            since = [c for c in before if last is None or c[1] >= last]
            if since:
                longer.append((max(since, key=lambda c: (c[1], c[0]))[0], time))
            last = time
        chains = longer
    within = math.inf if metric.within is None else metric.within / SECONDS
    return sum(end - began <= within for began, end in chains)


def moments(values: Mapping[str, Sequence[float]], variant: str) -> tuple[int, float, float]:
    """The number, mean and unbiased variance of one variant's measures."""
    own = values.get(variant, [])
    n = len(own)
    mean = math.fsum(own) / n if n else 0.0
    return n, mean, math.fsum((x - mean) ** 2 for x in own) / (n - 1) if n > 1 else 0.0
