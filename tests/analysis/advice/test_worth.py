"""What a change is worth: a day, once shrunk, and at what risk."""

from collections.abc import Mapping
from datetime import date

import pytest

from abkit import ActiveDays, Conversion, Distinct, Ratio, Sum, Total
from abkit.analysis.advice.daily_units import DailyUnits
from abkit.analysis.advice.worth import PriorSource, has_sum, per_day, stated_prior, worth
from abkit.analysis.declared.past_results import PastLift, PastResults
from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.statistics.aggregates import Sums
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Metric

from ..findings.samples import alone, conversions, design, spread

CLICK = Conversion("click", goal=0.05)
DAILY = DailyUnits(units=500.0, first=date(2026, 11, 2), last=date(2026, 11, 8), days=7)
ARMS = {"0": conversions(4000, 800), "1": conversions(4000, 900)}


def found(metric: Metric = CLICK, arms: Mapping[str, Sums] = ARMS) -> MetricResult:
    (result,) = evaluate(
        arms,
        [alone(metric)],
        design(metric, variants=[*arms]),
        AnalysisPlan(method="welch"),
    )
    return result


def past(*lifts: float, metric: str = "click", error: float = 0.02) -> PastResults:
    return PastResults(
        lifts=tuple((PastLift(metric=metric, lift=lift, standard_error=error),) for lift in lifts)
    )


def test_the_effect_of_a_day_is_that_of_all_its_units_and_so_is_its_interval() -> None:
    main = found()
    said = worth(main, past=PastResults(), alpha=0.05)
    assert said is not None
    choice = per_day(said, main, DAILY)["1"]
    comparison = main.treatments[0].comparison
    assert comparison is not None
    assert choice.per_day == pytest.approx(0.025 * 500)
    assert choice.per_day_interval is not None
    assert choice.per_day_interval.low == pytest.approx(comparison.interval.low * 500)
    assert choice.per_day_interval.high == pytest.approx(comparison.interval.high * 500)
    assert choice.shrunk_per_day == pytest.approx((choice.shrunk_lift or 0) * 0.2 * 500)


def test_a_day_is_not_known_without_times_and_has_no_sense_without_a_sum() -> None:
    main = found()
    said = worth(main, past=PastResults(), alpha=0.05)
    assert said is not None
    assert per_day(said, main, None) == said
    assert has_sum(CLICK)
    assert has_sum(Distinct("seen", property="item"))
    assert has_sum(ActiveDays("visits"))
    assert has_sum(Total("click"))
    assert not has_sum(Total("click", log=True))
    assert not has_sum(Ratio("r", numerator=Total("a"), denominator=Total("b")))
    assert has_sum(Sum("revenue", property="price"))


def test_a_measured_lift_is_drawn_to_what_lifts_usually_are() -> None:
    said = worth(found(), past=PastResults(), alpha=0.05)
    assert said is not None
    choice = said["1"]
    assert choice.lift == pytest.approx(0.125)
    assert choice.shrunk_lift == pytest.approx(0.0644, abs=1e-4)  # its standard error is 4.85%
    assert choice.shrunk_interval is not None
    assert choice.shrunk_interval.low < 0 < choice.shrunk_interval.high


def test_the_choice_of_the_better_variant_has_less_risk() -> None:
    arms = {**ARMS, "2": conversions(4000, 980)}
    said = worth(found(arms=arms), past=PastResults(), alpha=0.05)
    assert said is not None
    losses = [choice.expected_loss for choice in said.choices]
    assert [choice.variant for choice in said.choices] == ["0", "1", "2"]
    assert losses == sorted(losses, key=lambda each: each or 0.0, reverse=True)


def test_of_a_metric_that_should_fall_the_lower_one_has_less_risk() -> None:
    said = worth(found(Conversion("click", direction="decrease")), past=past(), alpha=0.05)
    assert said is not None
    assert (said["0"].expected_loss or 0) < (said["1"].expected_loss or 0)


def test_without_a_direction_there_is_no_risk() -> None:
    said = worth(found(Conversion("click", direction="any")), past=PastResults(), alpha=0.05)
    assert said is not None
    assert {choice.expected_loss for choice in said.choices} == {None}
    assert said["1"].shrunk_lift is not None


def test_a_mean_near_0_has_no_lift_but_a_difference() -> None:
    metric = Sum("gain", property="amount")
    arms = {"0": spread(4000, -1.0, 100.0), "1": spread(4000, 2.0, 100.0)}
    main = found(metric, arms)
    said = worth(main, past=PastResults(), alpha=0.05)
    assert said is not None
    choice = per_day(said, main, DAILY)["1"]
    assert (choice.shrunk_lift, choice.expected_loss) == (None, None)
    assert choice.per_day == pytest.approx(1500.0)


def test_what_cannot_be_compared_is_worth_nothing_yet() -> None:
    few = {"0": conversions(50, 20), "1": conversions(50, 20)}
    assert worth(found(arms=few), past=PastResults(), alpha=0.05) is None


def test_past_results_make_the_prior_if_there_are_five() -> None:
    said = stated_prior(CLICK, past(0.0, 0.02, 0.01, -0.02, 0.03))
    assert (said.source, said.experiments, said.same_metric) == (PriorSource.PAST_RESULTS, 5, True)
    assert said.prior.mean == pytest.approx(0.008)
    four = stated_prior(CLICK, past(0.0, 0.02, 0.01, -0.02))
    assert (four.source, four.prior.deviation, four.experiments) == (PriorSource.GOAL, 0.05, 4)
    assert stated_prior(Conversion("click"), past()).prior.deviation == 0.1


def test_results_of_the_same_metric_are_preferred_where_there_are_five() -> None:
    same = past(0.01, 0.01, 0.01, 0.01, 0.01)
    others = past(0.5, 0.4, 0.3, metric="revenue")
    both = PastResults(lifts=(*same.lifts, *others.lifts))
    assert stated_prior(CLICK, both).prior == stated_prior(CLICK, same).prior
    said = stated_prior(Conversion("another"), both)
    assert (said.experiments, said.same_metric) == (8, False)


def test_what_was_wanted_in_the_past_is_wanted_now() -> None:
    """Past lifts are above 0 where they were wanted; of a metric that should fall that is below 0."""
    results = past(0.01, 0.03, 0.02, 0.02, 0.02)
    assert stated_prior(CLICK, results).prior.mean == pytest.approx(0.02)
    falls = Conversion("click", direction="decrease")
    assert stated_prior(falls, results).prior.mean == pytest.approx(-0.02)
    assert stated_prior(Conversion("click", direction="any"), results).prior.mean == 0.0
