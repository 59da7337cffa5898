"""Actions count from a delay to a window after the exposure, and units once their window is over."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import waits
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    Average,
    Conversion,
    Funnel,
    Metric,
    Ratio,
    Retention,
    Sum,
    Total,
    Winsorize,
)

from . import oracle
from .oracle import Did, Seen
from .test_measures import DAY, DAY_LENGTH, did, gather, seen

HOURS = timedelta(hours=1)
DAYS = timedelta(days=1)

METRICS: tuple[Metric, ...] = (
    Conversion("bought", action="buy"),
    Conversion("bought soon", action="buy", window=2 * DAYS),
    Conversion("bought by day 2", action="buy", window=2 * DAYS, mature_only=True),
    Conversion("bought at once", action="buy", window=5 * HOURS, mature_only=True),
    Total("looks later", action="look", delay=1 * DAYS, log=True),
    Sum(
        "revenue",
        action="buy",
        property="price",
        delay=30 * HOURS,
        window=12 * DAYS,
        mature_only=True,
        winsorize=Winsorize(upper=12.0),
    ),
    Average("price", action="buy", property="price", window=4 * DAYS, mature_only=True),
    Sum("spent", action="buy", property="price", mature_only=True, window=2 * DAYS),
    Funnel("looked, bought", steps=["look", "buy"], delay=6 * HOURS, window=9 * DAYS),
    Funnel(
        "completions", steps=["look", "buy"], counting="total", window=9 * DAYS, mature_only=True
    ),
    Retention("day 1", start="look", returning="buy", n=1, window=3 * DAYS, mature_only=True),
)


def end_of(exposures: Sequence[Seen], actions: Sequence[Did]) -> float:
    """The last moment of the data."""
    return max([*(s.time for s in exposures), *(a.time for a in actions)])


def counted(
    metric: ActionMetric,
    first: int,
    own: Sequence[Did],
    *,
    end: float,
    until: float,
    plan: timedelta | None,
) -> float | None:
    """One unit's value by plain Python; None while its window is not over."""
    reach = metric.window or plan
    window = float("inf") if reach is None else reach.total_seconds()
    delay = (metric.delay or timedelta(0)).total_seconds()
    if metric.mature_only and first + window > end:
        return None
    return oracle.value(
        metric, [a for a in own if delay <= a.time - first < window and a.time < until]
    )


def values(
    kept: Sequence[Seen],
    actions: Sequence[Did],
    metric: ActionMetric,
    *,
    end: float,
    until: float,
    plan: timedelta | None = None,
) -> Mapping[str, list[float]]:
    found: dict[str, list[float]] = {}
    within = [s for s in kept if s.time < until]
    for unit, (variant, first) in oracle.alone(within).items():
        own = [a for a in actions if a.unit == unit]
        value = counted(metric, first, own, end=min(end, until), until=until, plan=plan)
        if value is not None:
            found.setdefault(variant, []).append(value)
    return found


def same(found: MeasuredSums, sums: Mapping[str, Sums], metric: Metric, expected: object) -> None:
    place = found.layout.parts.index(metric)
    assert isinstance(expected, Mapping)
    for variant, of in sums.items():
        n, mean, variance = oracle.moments(expected, variant)
        assert of.units(place) == n, metric.name
        assert of.mean(place) == pytest.approx(mean, rel=1e-9, abs=1e-9), metric.name
        assert of.covariance(place, place) == pytest.approx(variance, rel=1e-9, abs=1e-9)


def of_one_variant(exposures: Sequence[Seen]) -> list[Seen]:
    """Without units of several variants, which count until they see another one."""
    return [s for s in exposures if s.unit in oracle.alone(exposures)]


logs = {
    "exposures": st.lists(seen, min_size=1, max_size=15),
    "actions": st.lists(did, max_size=40),
    "plan": st.sampled_from([None, 26 * HOURS, 3 * DAYS]),
}


@settings(max_examples=6, deadline=None)
@given(**logs, until=st.sampled_from([None, 6 * DAY, 14 * DAY + 7]))
def test_each_metric_counts_what_plain_python_counts(
    exposures: list[Seen], actions: list[Did], plan: timedelta | None, until: int | None
) -> None:
    before = until or 99 * DAY
    kept = [s for s in of_one_variant(exposures) if s.time < before]
    if not kept:
        return
    found = gather(kept, actions, metrics=METRICS, window=plan, until=until)
    end = end_of(kept, actions)
    for metric in METRICS:
        assert isinstance(metric, ActionMetric)
        told = values(kept, actions, metric, plan=plan, end=end, until=before)
        same(found, found.sums, metric, told)


@settings(max_examples=6, deadline=None)
@given(**logs, cuped=st.booleans())
def test_at_each_look_units_count_whose_window_is_over_then(
    exposures: list[Seen], actions: list[Did], plan: timedelta | None, cuped: bool
) -> None:
    kept = of_one_variant(exposures)
    if not kept:
        return
    past = timedelta(days=3) if cuped else None
    found = gather(kept, actions, metrics=METRICS, window=plan, length=DAY_LENGTH, cuped=past)
    for end, sums in found.looks:
        for metric in METRICS:
            assert isinstance(metric, ActionMetric)
            until, of_data = end.timestamp(), end_of(kept, actions)
            told = values(kept, actions, metric, plan=plan, end=of_data, until=until)
            same(found, sums, metric, told)
    plain = gather(kept, actions, metrics=METRICS, window=plan, cuped=past)
    for variant, of in found.looks[-1][1].items():
        alone = plain.sums[variant]
        assert of.n == alone.n
        for i, j in alone.products:
            assert of.units(i) == alone.units(i)
            assert of.mean(i) == pytest.approx(alone.mean(i), rel=1e-9, abs=1e-9)
            covariance = of.covariance(i, j)
            assert covariance == pytest.approx(alone.covariance(i, j), rel=1e-9, abs=1e-9)


def test_the_past_is_adjusted_by_in_full_and_of_units_that_count() -> None:
    metric = Sum("revenue", action="buy", property="price", window=2 * DAYS, mature_only=True)
    other = Sum("all", action="buy", property="price")
    exposures = [Seen("u1", "a", 10 * DAY), Seen("u2", "a", 12 * DAY), Seen("u3", "b", 10 * DAY)]
    actions = [
        Did("u1", "buy", 7 * DAY, 4.0),
        Did("u1", "buy", 9 * DAY, 6.0),
        Did("u2", "buy", 11 * DAY, 100.0),
        Did("u2", "look", 13 * DAY),
    ]
    for length in (None, DAY_LENGTH):
        found = gather(
            exposures, actions, metrics=(metric, other), cuped=timedelta(days=4), length=length
        )
        matured, all_units = found.layout.estimands
        (before,), (of_all,) = matured.before.values(), all_units.before.values()
        a = found.sums["a"]
        assert (a.units(before), a.mean(before)) == (1, 10.0)
        assert (a.units(of_all), a.mean(of_all)) == (2, 55.0)
        assert matured.present is not None
        assert all_units.present is not None
        assert (a.units(matured.present), a.units(all_units.present)) == (1, 2)


def test_a_ratio_counts_the_units_of_both_of_its_parts() -> None:
    per_look = Ratio(
        "per look",
        numerator=Total("buy", window=1 * DAYS, mature_only=True),
        denominator=Total("look", window=1 * DAYS, mature_only=True),
    )
    exposures = [Seen("u1", "a", 0), Seen("u2", "a", 3 * DAY), Seen("u3", "b", 0)]
    actions = [
        Did("u1", "buy", 5),
        Did("u1", "look", 5),
        Did("u1", "look", 6),
        Did("u2", "buy", 3 * DAY),
        Did("u2", "look", 3 * DAY + 60),
    ]
    for length in (None, DAY_LENGTH):
        found = gather(exposures, actions, metrics=(per_look,), length=length)
        (estimand,) = found.layout.estimands
        assert estimand.units(found.sums["a"]) == 1
        assert estimand.moments(found.sums["a"]).mean == 0.5
        assert estimand.divided_units(found.sums["a"]) == 1


@pytest.mark.parametrize(
    ("metrics", "window", "problem"),
    [
        ([Conversion("buy", mature_only=True)], None, "has mature_only=True but no window"),
        (
            [Retention("r", start="a", returning="b", n=1, mature_only=True)],
            None,
            "has mature_only=True but no window",
        ),
        ([Total("buy", delay=3 * DAYS)], 2 * DAYS, "so nothing counts: give the metric a longer"),
        (
            [Retention("back", start="look", returning="buy", n=7)],
            3 * DAYS,
            "'back' begins to count 7 days after .* window is over after 3 days, so nothing counts",
        ),
        (
            [
                Ratio(
                    "r",
                    numerator=Total("buy", window=DAYS, mature_only=True),
                    denominator=Total("look", window=DAYS),
                )
            ],
            None,
            "is made of metrics that count different units",
        ),
        (
            [
                Ratio(
                    "r",
                    numerator=Total("buy", window=DAYS, mature_only=True),
                    denominator=Total("look", mature_only=True),
                )
            ],
            2 * DAYS,
            "is made of metrics that count different units",
        ),
    ],
)
def test_a_time_that_cannot_be_had_is_refused(
    metrics: list[Metric], window: timedelta | None, problem: str
) -> None:
    with pytest.raises(AnalysisError, match=problem):
        gather([Seen("u1", "a", 0)], [], metrics=metrics, window=window)


def test_the_plans_window_is_one_to_wait_for() -> None:
    metric = Conversion("buy", mature_only=True)
    assert waits(metric)
    exposures = [Seen("u1", "a", 0), Seen("u2", "a", DAY), Seen("u3", "b", 0)]
    found = gather(exposures, [Did("u1", "x", 2 * DAY)], metrics=(metric,), window=2 * DAYS)
    assert [found.sums[v].units(0) for v in "ab"] == [1, 1]
