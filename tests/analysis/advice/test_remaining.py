"""How long a running experiment still needs, and when that is not said."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from attrs import evolve

from abkit.analysis.advice.remaining import remaining
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import Flag, MetricResult
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion

from ..findings.samples import alone, conversions, design

CLICKS = Conversion("clicks", goal=0.2)
WEEK = timedelta(days=7)


def found(*converted: int, n: int = 2000, plan: AnalysisPlan | None = None) -> MetricResult:
    """The control converts first; all arms have n units."""
    arms = {str(number): conversions(n, count) for number, count in enumerate(converted)}
    planned = design(CLICKS, variants=tuple(arms))
    return evaluate(arms, [alone(CLICKS)], planned, plan or AnalysisPlan())[0]


def asked(result: MetricResult, plan: AnalysisPlan | None = None, **options: Any) -> Any:
    units = result.control.moments.n + sum(t.arm.moments.n for t in result.treatments)
    return remaining(result, plan or AnalysisPlan(), **{"units": units, "elapsed": WEEK, **options})


def test_the_days_are_those_until_the_interval_excludes_zero() -> None:
    result = found(200, 235)
    answer = asked(result)
    assert answer.days is not None
    comparison = result.treatments[0].comparison
    assert comparison is not None

    def excludes(days: int) -> bool:
        grown = [
            Moments(round(arm.n * (1 + days / 7)), arm.mean, arm.variance)
            for arm in (comparison.control, comparison.treatment)
        ]
        assert result.tau is not None
        return sequential(*grown, tau=result.tau).significant

    assert excludes(answer.days)
    assert not excludes(answer.days - 1)
    assert answer.units == pytest.approx(answer.days * 4000 / 7, abs=1)
    assert answer.message.startswith(f"About {answer.days} days ({answer.units:,} more units)")


def test_it_names_the_variant_and_the_metric_that_it_is_about() -> None:
    alone_, several = asked(found(200, 235)), asked(found(200, 205, 240))
    assert (alone_.variant, several.variant) == ("1", "2")
    assert "until 1 is significant in clicks" in alone_.message
    assert "until 2, the first of the variants, is significant in clicks" in several.message


def test_a_one_sided_test_gets_there_sooner_and_in_its_direction_only() -> None:
    one_sided = AnalysisPlan(alternative="one-sided")
    better = asked(found(200, 225, plan=one_sided), one_sided)
    both = asked(found(200, 225))
    assert better.days is not None
    assert both.days is None or better.days < both.days
    assert asked(found(225, 200, plan=one_sided), one_sided).days in {0, None}


def test_about_half_of_the_experiments_are_done_by_then() -> None:
    """Simulated: the effect being what was found, that day is near the middle of those it takes."""
    result, random = found(200, 240), np.random.default_rng(8)
    expected = asked(result).days
    tau = result.tau
    assert tau is not None
    days = np.arange(1, 41)
    n = np.round(2000 * (1 + days / 7)).astype(int)
    new = np.diff(n, prepend=2000)
    taken = []
    for _ in range(200):
        paths = [
            start + random.binomial(new, rate).cumsum() for start, rate in ((200, 0.1), (240, 0.12))
        ]
        first = next(
            (
                int(day)
                for day, units, c, t in zip(days, n.tolist(), *paths, strict=True)
                if sequential(
                    Moments.from_successes(units, int(c)),
                    Moments.from_successes(units, int(t)),
                    tau=tau,
                ).significant
            ),
            41,
        )
        taken.append(first)
    assert 0.25 < np.mean(np.array(taken) <= expected) < 0.85


def test_of_several_variants_the_first_one_counts() -> None:
    assert asked(found(200, 235, 215)).days < 41
    one, two = asked(found(200, 210, 235)), asked(found(200, 210, 220))
    assert one.days is not None
    assert two.days is None or two.days > one.days


@pytest.mark.parametrize(
    ("elapsed", "message"),
    [
        (timedelta(days=13), "At the effect found so far, it takes more than 40 further days."),
        (timedelta(days=14), "Statistical significance may never be reached"),
    ],
)
def test_more_than_40_days_are_not_counted(elapsed: timedelta, message: str) -> None:
    answer = asked(found(200, 203), elapsed=elapsed)
    assert (answer.days, answer.units) == (None, None)
    assert answer.message.startswith(message)


def test_no_difference_at_all_never_gets_there() -> None:
    assert asked(found(200, 200), elapsed=timedelta(days=30)).days is None


def test_the_threshold_is_reached_where_the_goal_is_ruled_out() -> None:
    answer = asked(found(20_000, 20_050, n=200_000))
    assert (answer.days, answer.units) == (0, 0)
    assert answer.message.startswith("Threshold reached, 0 days")


def test_while_one_variant_may_still_reach_the_goal_the_threshold_is_not_reached() -> None:
    assert asked(found(200, 165)).days == 0
    assert asked(found(200, 165, 235)).days > 0


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (found(200, 300), "clicks is significant already"),
        (found(20, 300), "clicks first needs 5 more conversions in variant 0"),
        (found(40, 40, n=90), "clicks first needs 10 more units in variant 0 and 10 more units"),
    ],
)
def test_where_nothing_can_be_said_the_reason_is(result: MetricResult, reason: str) -> None:
    answer = asked(result)
    assert (answer.days, answer.units) == (None, None)
    assert answer.message.startswith(f"No estimate: {reason}")


@pytest.mark.parametrize(
    ("flag", "hidden"),
    [
        (Flag.FLIPPED_INTERVAL, True),
        (Flag.ESTIMATE_OUTSIDE, True),
        (Flag.SMALL_ERROR, True),
        (Flag.NO_VARIANCE, True),
        (Flag.IMPOSSIBLE_MEAN, True),
        (Flag.FEW_UNITS, False),
        (Flag.MANY_CAPPED, False),
    ],
)
def test_a_doubtful_result_has_no_estimate(flag: Flag, hidden: bool) -> None:
    result = found(200, 235)
    (treatment,) = result.treatments
    answer = asked(evolve(result, treatments=(evolve(treatment, flags=(flag,)),)))
    assert (answer.days is None) is hidden
    assert answer.message.startswith("No estimate") is hidden


@pytest.mark.parametrize("options", [{"elapsed": timedelta(0)}, {"units": 0}])
def test_without_time_or_units_there_is_no_pace(options: dict[str, Any]) -> None:
    assert "no unit has been exposed" in asked(found(200, 235), **options).message


@pytest.mark.parametrize(
    "plan",
    [
        AnalysisPlan(method="welch", sample_size=10_000),
        AnalysisPlan(method="bayesian", sample_size=10_000),
    ],
)
def test_a_planned_size_is_waited_for(plan: AnalysisPlan) -> None:
    """4,000 units in a week; 6,000 more."""
    answer = asked(found(200, 235, plan=plan), plan)
    assert (answer.days, answer.units) == (11, 6_000)
    assert "6,000 more units to reach the planned sample size of 10,000" in answer.message
    reached = asked(found(200, 235, plan=plan), plan, units=10_000)
    assert (reached.days, reached.units) == (0, 0)


@pytest.mark.parametrize(
    ("look", "units", "days", "message"),
    [
        (None, 400, 2, "1,600 more units to look 1 of 5, at 2,000 units: about 2 days at 800"),
        (1, 3_400, 1, "600 more units to look 2 of 5, at 4,000 units: about 1 day at 800"),
        (1, 4_000, 0, "The next is look 2 of 5, at 4,000 units: it is made when the day"),
        (5, 12_000, 0, "All 5 planned looks have been made"),
    ],
)
def test_the_next_planned_look_is_waited_for(
    look: int | None, units: int, days: int, message: str
) -> None:
    plan = AnalysisPlan(method="group-sequential", sample_size=10_000)
    result = found(200, 235)
    (treatment,) = result.treatments
    assert treatment.comparison is not None
    made = evolve(treatment.comparison, details={"look": look}) if look else None
    result = evolve(result, treatments=(evolve(treatment, comparison=made),))
    answer = remaining(result, plan, units=units, elapsed=timedelta(days=units / 800))
    assert answer.days == days
    assert message in answer.message


def test_a_group_sequential_test_that_has_decided_waits_for_no_look() -> None:
    plan = AnalysisPlan(method="group-sequential", sample_size=10_000)
    result = found(200, 300)
    (treatment,) = result.treatments
    assert treatment.comparison is not None
    assert treatment.comparison.decided
    made = evolve(treatment.comparison, details={"look": 2})
    result = evolve(result, treatments=(evolve(treatment, comparison=made),))
    answer = remaining(result, plan, units=8_000, elapsed=timedelta(days=10))
    assert answer.message == "It was decided at look 2 of 5, 0 days."


def test_welch_without_a_planned_size_has_no_end() -> None:
    plan = AnalysisPlan(method="welch")
    assert "needs a sample_size" in asked(found(200, 235), plan).message
