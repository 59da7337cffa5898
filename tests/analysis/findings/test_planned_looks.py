"""A group sequential test decides at its looks, keeps what it decided, and so keeps its level."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import sqrt

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.advice.remaining import remaining
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import Flag, MetricResult, Treatment
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.findings.planned_looks import planned_looks
from abkit.analysis.inference.group_sequential import boundaries, nominal_alphas, pocock
from abkit.analysis.statistics.aggregates import Sums
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

from .samples import alone, conversions, design, spread

SPENT = Mean("spent")
CLICKS = Conversion("clicks")
FIRST = datetime(2024, 5, 2, tzinfo=UTC)
POCOCK = AnalysisPlan(method="group-sequential", sample_size=4_000, looks=4, spending="pocock")

Looks = Sequence[Mapping[str, Sums]]


def growing(days: Sequence[float], a_day: int = 500) -> Looks:
    """Cumulative sums: the treatment's mean of each day beside the control's 10; variance 4."""
    looks: list[Mapping[str, Sums]] = []
    for mean in days:
        new = {"0": spread(a_day, 10.0, 4.0), "1": spread(a_day, mean, 4.0)}
        looks.append({v: looks[-1][v] + of for v, of in new.items()} if looks else new)
    return looks


def result(
    looks: Looks,
    plan: AnalysisPlan = POCOCK,
    metric: Metric = SPENT,
    *,
    step: timedelta = timedelta(days=1),
    known: datetime | None = None,
) -> MetricResult:
    """What an analysis of these days finds."""
    ends = [FIRST + step * (place + 1) for place in range(len(looks))]
    estimands = [alone(metric)]
    found = evaluate(looks[-1], estimands, design(metric), plan)
    return over_time(found, estimands, ends=ends, looks=looks, plan=plan, known=known)[0]


def analyzed(
    looks: Looks, plan: AnalysisPlan = POCOCK, *, known: datetime | None = None
) -> Treatment:
    (treatment,) = result(looks, plan, known=known).treatments
    return treatment


def look_of(treatment: Treatment) -> tuple[float, bool]:
    assert treatment.comparison is not None
    return treatment.comparison.details["look"], treatment.comparison.significant


def test_a_look_has_the_bound_of_what_is_due_at_its_units() -> None:
    """1,000 units a day, looks at 1,500 and 3,000: made at 2,000 and 3,000."""
    plan = evolve(POCOCK, sample_size=3_000, looks=2)
    treatment = analyzed(growing([10.02] * 3), plan)
    found = treatment.comparison
    assert found is not None
    bounds = boundaries([2 / 3, 1.0], spending=pocock)
    assert found.details["bound"] == pytest.approx(bounds[1])
    assert found.alpha == pytest.approx(nominal_alphas(bounds)[1])
    assert found.details["look_units"] == 3_000
    assert (found.details["look"], found.details["looks"]) == (2, 2)
    assert "next_look_units" not in found.details
    reach = bounds[1] * found.details["standard_error"]
    assert found.interval.high == pytest.approx(found.difference + reach)


def test_before_the_first_look_nothing_is_said() -> None:
    treatment = analyzed(growing([12.0]), evolve(POCOCK, sample_size=8_000))
    assert treatment.comparison is None
    assert treatment.missing == ("1,000 more units until the first planned look",)


def test_between_two_looks_the_result_is_that_of_the_last_one() -> None:
    """Looks at 2,000 and 4,000; on the third day the treatment leaps, on the fourth it is seen."""
    plan = evolve(POCOCK, looks=2)
    days = [10.0, 10.0, 14.0, 10.0]
    second, third, fourth = (analyzed(growing(days[:n]), plan) for n in (2, 3, 4))
    assert second.comparison == third.comparison
    assert look_of(third) == (1, False)
    assert third.arm.moments.n == 1_500
    assert third.comparison is not None
    assert third.comparison.details["next_look_units"] == 4_000
    assert look_of(fourth) == (2, True)


def test_what_was_decided_stays_decided() -> None:
    """The effect of the first two days is gone afterwards, and turns around."""
    days = [11.0, 11.0, *[9.0] * 6]
    treatment = analyzed(growing(days))
    assert look_of(treatment) == (1, True)
    assert treatment == evolve(analyzed(growing(days[:1])), arm=treatment.arm)


def test_after_the_last_look_nothing_is_decided_any_more() -> None:
    treatment = analyzed(growing([10.0] * 4 + [14.0] * 4))
    assert look_of(treatment) == (4, False)
    assert treatment.arm.moments.n == 4_000
    assert analyzed(growing([10.0] * 4)).comparison == treatment.comparison


def test_a_day_that_is_not_over_makes_no_look() -> None:
    """Else whoever asks every hour of that day would look many times."""
    days, noon = growing([10.0, 10.0, 14.0]), FIRST + timedelta(days=2, hours=12)
    assert look_of(analyzed(days, known=noon)) == (2, False)
    assert look_of(analyzed(days, known=FIRST + timedelta(days=3))) == (3, True)
    waiting = analyzed(growing([10.0]), known=FIRST + timedelta(hours=3))
    (missing,) = waiting.missing
    assert missing == "the end of the period in which the first planned look was reached"


def test_a_day_that_reaches_two_looks_makes_the_later_one() -> None:
    treatment = analyzed(growing([10.0] * 2, a_day=1_100))
    looked = result(growing([10.0] * 2, a_day=1_100)).over_time
    assert looked is not None
    numbers = [each and each.details["look"] for each in looked.treatments["1"].comparisons]
    assert numbers == [2, 4]
    assert look_of(treatment) == (4, False)


def test_a_look_below_the_gates_is_spent() -> None:
    """24 conversions at the first look; at the second there are enough."""
    looks = [
        {"0": conversions(500, 24), "1": conversions(500, 60)},
        {"0": conversions(1_000, 55), "1": conversions(1_000, 60)},
    ]
    first = result(looks[:1], metric=CLICKS).treatments[0]
    assert first.missing == (
        "1 more conversion in variant 0",
        "1,000 more units until the next planned look",
    )
    assert look_of(result(looks, metric=CLICKS).treatments[0]) == (2, False)
    late = evolve(POCOCK, sample_size=1_000, looks=1)
    over = result(looks, late, CLICKS).treatments[0]
    assert over.comparison is None
    assert over.missing == ("a new plan, as the last of its looks is over",)


def test_flags_are_those_of_the_look() -> None:
    """60% at the look that decided; much less today."""
    treatment = analyzed(growing([16.0, *[10.0] * 7]))
    assert look_of(treatment) == (1, True)
    assert treatment.flags == (Flag.SUSPICIOUS_LIFT,)
    assert treatment.arm.moments.n == 4_000


def test_several_treatments_share_the_level_and_decide_each_at_its_look() -> None:
    looks = [
        {
            "0": spread(400 * day, 10.0, 4.0),
            "1": spread(400 * day, 10.6, 4.0),
            "2": spread(400 * day, 10.0, 4.0),
        }
        for day in (1, 2, 3, 4)
    ]
    found = evaluate(looks[-1], [alone(SPENT)], design(SPENT, variants=("0", "1", "2")), POCOCK)
    ends = [FIRST + timedelta(days=day) for day in (1, 2, 3, 4)]
    (made,) = over_time(found, [alone(SPENT)], ends=ends, looks=looks, plan=POCOCK)
    assert [look_of(treatment) for treatment in made.treatments] == [(1, True), (4, False)]
    decided = made.treatments[0]
    assert decided.comparison is not None
    bound = boundaries([0.3, 0.6, 0.9, 1.2], alpha=0.025, spending=pocock)[0]
    assert decided.comparison.details["bound"] == pytest.approx(bound)
    assert decided.corrected_p is not None
    assert decided.corrected_p <= 0.05


means = st.lists(st.floats(9.5, 10.5), min_size=1, max_size=10)


@given(means)
def test_each_day_says_the_same_of_the_looks_before_it(days: list[float]) -> None:
    """An analysis that runs every day never takes back a decision, nor makes one between looks."""
    every_day = [analyzed(growing(days[: day + 1])) for day in range(len(days))]
    for before, after in pairwise(every_day):
        if before.comparison is not None and before.comparison.significant:
            assert after.comparison == before.comparison
    last = result(growing(days)).over_time
    assert last is not None
    significant = [c for c in last.treatments["1"].comparisons if c is not None and c.significant]
    if significant:
        assert every_day[-1].comparison == significant[0]


def test_a_comparison_without_times_is_refused() -> None:
    with pytest.raises(AnalysisError, match="not 1 looks and 0 ends"):
        found = evaluate(growing([10.0])[0], [alone(SPENT)], design(SPENT), POCOCK)
        over_time(found, [alone(SPENT)], ends=[], looks=growing([10.0]), plan=POCOCK)


def test_the_next_look_is_said_with_its_day() -> None:
    found = result(growing([10.0] * 3, a_day=400))
    left = remaining(found, POCOCK, units=2_400, elapsed=timedelta(days=3))
    assert left.message == (
        "600 more units to look 3 of 4, at 3,000 units: about 1 day at 800 units a day. Nothing is "
        "decided before it."
    )


# The level: A/A experiments that are looked at every day or hour, up to twice their planned size.


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize(("periods", "runs"), [(10, 400), (40, 150)], ids=["daily", "hourly"])
def test_looking_all_the_time_finds_no_more_than_the_looks(
    spending: str, periods: int, runs: int
) -> None:
    """All the way from sums; 5% nominal, and 3 standard errors."""
    plan = AnalysisPlan(method="group-sequential", sample_size=4_000, looks=5, spending=spending)
    random = np.random.default_rng(17)
    units = 8_000 // periods // 2
    alarms = 0
    for _ in range(runs):
        of = random.binomial(units, 0.2, (2, periods)).cumsum(axis=1).tolist()
        looks = [
            {v: conversions(units * (at + 1), of[v == "1"][at]) for v in ("0", "1")}
            for at in range(periods)
        ]
        found = result(looks, plan, CLICKS, step=timedelta(hours=1))
        decided = found.treatments[0].comparison
        alarms += decided is not None and decided.significant
    assert alarms / runs <= 0.05 + 3 * sqrt(0.05 * 0.95 / runs)


def scores(random: np.random.Generator, units: NDArray[np.int64], runs: int) -> NDArray[np.float64]:
    """The statistic of each of `runs` experiments without a difference at each of these sizes."""
    steps = np.sqrt(np.diff(units, prepend=0)) * random.normal(size=(runs, len(units)))
    return np.asarray(steps.cumsum(axis=1) / np.sqrt(units))


@pytest.mark.parametrize("spending", ["pocock", "obrien-fleming"])
@pytest.mark.parametrize("a_look", [1, 7, 24 * 7], ids=["weekly", "daily", "hourly"])
def test_the_level_is_five_percent_however_often_one_looks(spending: str, a_look: int) -> None:
    """40,000 experiments that go on to twice their size; units come unevenly. Measured: 4.9% to 5.1%."""
    plan = AnalysisPlan(method="group-sequential", sample_size=10_000, looks=5, spending=spending)
    random, runs = np.random.default_rng(5), 40_000
    new = random.poisson(2_000 / a_look, 10 * a_look) + 1
    units = new.cumsum()
    places = [
        (place, made.bound(0.05))
        for place, made in enumerate(planned_looks(units.tolist(), plan, over=len(units)))
        if made is not None
    ]
    found = scores(random, units[[place for place, _ in places]], runs)
    alarms = (np.abs(found) >= [bound for _, bound in places]).any(axis=1).mean()
    assert alarms == pytest.approx(0.05, abs=0.005)
