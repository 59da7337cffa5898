"""Random events that arrive bit by bit: some late, some twice, some in files that others replace."""

import json
import math
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from attrs import frozen

from abkit import (
    ActiveDays,
    AnalysisPlan,
    Average,
    Conversion,
    Distinct,
    Funnel,
    Ratio,
    Retention,
    Sum,
    Total,
    UserExperiment,
    Winsorize,
    prop,
)

START = datetime(2026, 3, 1, tzinfo=UTC)
LENGTH = 12
"""Days."""

Event = dict[str, Any]

_REVENUE = Sum(action="buy", property="price", name="revenue")
_VIEWS = Total(action="view", name="views")


class Everything(UserExperiment):
    """Metrics of every kind, which need what came before in every way."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [
        Conversion(action="buy", role="primary", name="buyers"),
        _VIEWS,
        Sum(
            action="buy", property="price", name="capped", winsorize=Winsorize(upper_percentile=90)
        ),
        Average(action="view", property="ms", name="ms"),
        Ratio(numerator=_REVENUE, denominator=_VIEWS, name="revenue a view"),
        Distinct(action="view", property="page", name="pages"),
        ActiveDays(action="view", name="days"),
        Funnel(steps=["search", "buy"], within=timedelta(days=3), name="funnel"),
        Retention(start="view", returning="view", n=2, name="returned"),
        Conversion(action="buy", name="early", window=timedelta(days=2), mature_only=True),
        Sum(action="buy", property="price", name="large", where=prop("price") > 5),
    ]
    plan = AnalysisPlan(cuped=timedelta(days=5), segments=("country",))


class Unusual(UserExperiment):
    """What is asked more rarely, each time in a way of its own: limits on both sides, no limit in time."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [
        Funnel(steps=["view", "search", "buy"], name="ever", role="primary"),
        Funnel(steps=["search", "buy"], counting="total", name="times"),
        Sum(
            action="buy",
            property="price",
            name="revenue",
            winsorize=Winsorize(lower_percentile=10, upper_percentile=80),
        ),
        Sum(action="buy", property="price", name="logged", log=True),
        Total(action="view", name="views", winsorize=Winsorize(upper_percentile=95)),
        Distinct(
            action="view",
            property="page",
            name="early pages",
            window=timedelta(days=3),
            delay=timedelta(hours=5),
        ),
        Distinct(
            action="buy", property="sku", name="skus", mature_only=True, window=timedelta(days=2)
        ),
        Retention(start="view", returning="search", n=1, name="searched"),
    ]
    plan = AnalysisPlan(cuped=timedelta(days=5), segments=("city",), covariates=["country"])


class Hourly(Unusual):
    """The same by hours, and of units that saw several variants."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = Unusual.metrics
    plan = AnalysisPlan(several="include", segments=("city",), over_time="hour")


@frozen
class Arriving:
    """An event, and when it arrives, in days since `START`."""

    event: Event
    at: float


def exposures(rng: random.Random, *, units: int) -> list[Arriving]:
    """Of a few units each is exposed again, and of fewer to another variant."""
    found = []
    for unit in range(units):
        first, variant = rng.random() * LENGTH, rng.choice("01")
        for again in range(rng.choice([1, 1, 2])):
            at = first + (rng.random() * 3 if again else 0)
            event = {
                "insert_id": f"e{unit}-{again}",
                "time": START + timedelta(days=at),
                "experiment": "everything",
                "salt": "everything",
                "unit_type": "user",
                "unit_id": f"u{unit}",
                "variant": rng.choice("01") if rng.random() < 0.05 else variant,
                "user_id": f"u{unit}",
                "properties": json.dumps(
                    {
                        "country": rng.choice(["de", "us"]),
                        "city": f"c{int(rng.expovariate(0.12))}" if rng.random() < 0.9 else None,
                    }
                ),
                "weights": '{"0":0.5,"1":0.5}',
            }
            found.append(Arriving(event, at + _delay(rng)))
    return found


def actions(rng: random.Random, *, units: int) -> list[Arriving]:
    """Of users, from a week before `START` on; one of twenty arrives twice."""
    found = []
    for unit in range(units):
        for number in range(int(rng.expovariate(1 / 8))):
            at, action = (
                rng.random() * (LENGTH + 6) - 6,
                rng.choice(["view", "view", "buy", "search"]),
            )
            properties: dict[str, object] = {
                "price": round(math.exp(rng.random() * 4), 2),
                "sku": f"s{rng.randrange(4)}",
            }
            if action != "buy":
                properties = {"ms": rng.randrange(900), "page": f"/{rng.randrange(5)}"}
            event = {
                "insert_id": f"a{unit}-{number}",
                "time": START + timedelta(days=at),
                "action": action,
                "user_id": f"u{unit}",
                "properties": json.dumps(properties),
            }
            found.append(Arriving(event, at + _delay(rng)))
            if rng.random() < 0.05:
                found.append(Arriving(event, at + _delay(rng) + 8 * rng.random()))
    return found


def write(events: Iterable[Event], folder: Path, name: str) -> None:
    """Write events as a sink does: a file for each date."""
    by_date: dict[str, list[Event]] = {}
    for event in events:
        by_date.setdefault(event["time"].strftime("%Y-%m-%d"), []).append(event)
    for date, rows in by_date.items():
        place = folder / f"date={date}"
        place.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), place / f"{name}.parquet")


def differences(one: object, other: object, path: str = "") -> Iterator[str]:
    """Where two results differ by more than rounding does; not in when and how they were made."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for name in {**one, **other}:
            if name not in ("made", "queries", "engine", "warnings"):
                yield from differences(one.get(name), other.get(name), f"{path}/{name}")
    elif _is_list(one) and _is_list(other) and len(one) == len(other):  # type: ignore[arg-type]
        for place, each in enumerate(zip(one, other, strict=True)):  # type: ignore[call-overload]
            yield from differences(each[0], each[1], f"{path}/{place}")
    elif isinstance(one, float) and isinstance(other, float | int):
        if not math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12):
            yield f"{path}: {one} is not {other}"
    elif one != other:
        yield f"{path}: {one!r} is not {other!r}"


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _delay(rng: random.Random) -> float:
    """Days until an event arrives: of most, a quarter of an hour; of some, up to twelve."""
    kind = rng.random()
    return 0.01 if kind < 0.8 else rng.random() * (3 if kind < 0.95 else 12)
