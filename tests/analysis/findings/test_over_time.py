"""Look by look: one tau, running p-values and intervals, flipped intervals."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.metric_result import Flag, MetricResult
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.inference.sequential import sequential, tau_for_sample_size
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.statistics.aggregates import Sums
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric, Total

from .samples import alone, conversions, design, spread

SPENT = Mean("spent", goal=0.1)
CLICKS = Conversion("clicks", goal=0.1)
Looks = Sequence[Mapping[str, Sums]]


def growing(days: Sequence[tuple[float, float]], a_day: int = 500) -> Looks:
    """Cumulative sums: each day's mean of the control and of the treatment, variance 4."""
    looks: list[Mapping[str, Sums]] = []
    for control, treatment in days:
        new = {"0": spread(a_day, control, 4.0), "1": spread(a_day, treatment, 4.0)}
        looks.append({v: looks[-1][v] + of for v, of in new.items()} if looks else new)
    return looks


def ends(looks: Looks) -> list[datetime]:
    first = datetime(2024, 5, 2, tzinfo=UTC)
    return [first + timedelta(days=day) for day in range(len(looks))]


def analyzed(looks: Looks, plan: AnalysisPlan, *metrics: Metric) -> MetricResult:
    """The result of the last look, with all of them."""
    estimands = [alone(metric) for metric in metrics or [SPENT]]
    planned = design(*(metrics or [SPENT]))
    found = evaluate(looks[-1], estimands, planned, plan)
    return over_time(found, estimands, ends=ends(looks), looks=looks, plan=plan)[0]


def test_the_result_is_its_last_look() -> None:
    looks = growing([(10, 10.1), (10.2, 10.3), (9.9, 10.4)])
    for correction in ("bonferroni", "holm"):
        found = analyzed(looks, AnalysisPlan(correction=correction))
        assert found.over_time is not None
        series = found.over_time.treatments["1"]
        assert series.comparisons[-1] == found.treatments[0].comparison
        assert series.arms[-1] == found.treatments[0].arm.moments
        assert found.over_time.control[-1] == found.control.moments
        assert found.over_time.ends == tuple(ends(looks))


def test_all_looks_have_the_tau_of_the_result() -> None:
    """Without new_units, the last look is taken for the first one: there it finds most."""
    looks = growing([(8, 8), (10, 10), (21, 21)], a_day=50)
    found = analyzed(looks, AnalysisPlan())
    moments = found.control.moments, found.treatments[0].arm.moments
    variance = at_least_pooled(*moments).difference
    assert found.tau is not None
    assert [*found.tau] == [  # type: ignore[misc]
        pytest.approx(0.1 * found.control.moments.mean),
        pytest.approx(tau_for_sample_size(variance, units=1, sample_size=1)),
    ]
    assert found.over_time is not None
    first, *others = found.over_time.treatments["1"].comparisons
    assert first is None
    arms_of_looks = zip(
        found.over_time.control[1:], found.over_time.treatments["1"].arms[1:], strict=True
    )
    assert others == [sequential(*pair, tau=found.tau) for pair in arms_of_looks]


def test_a_tau_of_the_settings_is_kept() -> None:
    found = analyzed(growing([(10, 10), (20, 20)]), AnalysisPlan(taus={"spent": 0.3}))
    assert found.over_time is not None
    used = [each and each.details["tau"] for each in found.over_time.treatments["1"].comparisons]
    assert used == [0.3, 0.3]


means = st.lists(st.tuples(st.floats(9, 11), st.floats(9, 11)), min_size=1, max_size=8).map(growing)


@given(means)
def test_running_values_only_ever_narrow(looks: Looks) -> None:
    found = analyzed(looks, AnalysisPlan())
    assert found.over_time is not None
    series = found.over_time.treatments["1"]
    compared = [each for each in series.estimates if each is not None]
    smallest = np.minimum.accumulate([c.p_value for c in compared]).tolist()
    assert list(series.running_p) == pytest.approx(smallest, rel=1e-9)
    low = np.maximum.accumulate([c.interval.low for c in compared])
    high = np.minimum.accumulate([c.interval.high for c in compared])
    for number, interval in enumerate(series.running_interval):
        if low[number] > high[number]:
            assert interval is None
        else:
            assert interval is not None
            assert interval.low == pytest.approx(low[number], rel=1e-9)
            assert interval.high == pytest.approx(high[number], rel=1e-9)


def test_before_the_gates_nothing_is_compared() -> None:
    looks = [
        {"0": conversions(500, 20), "1": conversions(500, 60)},
        {"0": conversions(900, 40), "1": conversions(900, 110)},
    ]
    found = analyzed(looks, AnalysisPlan(), CLICKS)
    assert found.over_time is not None
    series = found.over_time.treatments["1"]
    assert series.comparisons[0] is None
    assert series.running_p[0] == 1.0
    assert series.running_interval[0] is None
    assert series.comparisons[1] is not None
    assert series.running_interval[1] == series.comparisons[1].interval


def test_a_gate_that_shuts_again_leaves_no_look_with_a_tau_of_its_own() -> None:
    """One unit came that did a million times what the others do: its mean says nothing any more."""
    orders = Total("orders")
    (before,) = growing([(10, 11)])
    whale = Sums(1, (0.0,), (1e7,), MappingProxyType({(0, 0): 1e14}))
    looks = [before, {"0": before["0"], "1": before["1"] + whale}]
    found = analyzed(looks, AnalysisPlan(), orders)
    assert found.tau is None
    assert found.treatments[0].comparison is None
    assert found.over_time is not None
    assert found.over_time.treatments["1"].comparisons == (None, None)
    assert found.over_time.treatments["1"].running_p == (1, 1)


def test_a_variant_that_begins_later_has_no_units_at_first() -> None:
    looks = [
        {"0": spread(500, 10, 4)},
        {},
        {"0": spread(900, 10, 4), "1": spread(400, 10, 4)},
    ]
    found = analyzed(looks, AnalysisPlan())
    assert found.over_time is not None
    assert [arm.n for arm in found.over_time.treatments["1"].arms] == [0, 0, 400]
    assert [arm.n for arm in found.over_time.control] == [500, 0, 900]


def test_an_effect_that_turns_around_flips_the_interval() -> None:
    """A week far above the control, then two far below it."""
    turned = growing([(10, 12)] * 7 + [(10, 7)] * 14)
    found = analyzed(turned, AnalysisPlan())
    assert found.over_time is not None
    assert found.over_time.treatments["1"].running_interval[-1] is None
    assert Flag.FLIPPED_INTERVAL in found.treatments[0].flags
    steady = analyzed(growing([(10, 10.5)] * 21), AnalysisPlan())
    assert steady.treatments[0].flags == ()
    assert analyzed(turned, AnalysisPlan(method="welch")).treatments[0].flags == ()


def test_an_effect_that_fades_leaves_the_running_interval() -> None:
    fading = growing([(10, 11)] * 5 + [(10, 10.2)] * 3)
    found = analyzed(fading, AnalysisPlan())
    assert found.treatments[0].flags == (Flag.ESTIMATE_OUTSIDE,)


def test_a_group_sequential_test_looks_only_where_it_was_planned() -> None:
    """1,000 units a day, looks at 2,000 and 4,000: the second and the fourth day."""
    plan = AnalysisPlan(method="group-sequential", sample_size=4_000, looks=2)
    found = analyzed(growing([(10, 10)] * 5), plan)
    assert found.over_time is not None
    series = found.over_time.treatments["1"]
    looked = [each and each.details["look"] for each in series.comparisons]
    assert looked == [None, 1, None, 2, None]


def test_each_look_is_made_at_the_level_of_the_result() -> None:
    looks = [
        {v: spread(500 * day, 10 + 0.2 * int(v), 4.0) for v in ("0", "1", "2")} for day in (1, 2)
    ]
    for correction in ("bonferroni", "holm", "none"):
        plan = AnalysisPlan(method="welch", correction=correction)
        planned = design(SPENT, variants=("0", "1", "2"))
        found = evaluate(looks[-1], [alone(SPENT)], planned, plan)
        (result,) = over_time(found, [alone(SPENT)], ends=ends(looks), looks=looks, plan=plan)
        assert result.over_time is not None
        for treatment in result.treatments:
            assert treatment.comparison is not None
            series = result.over_time.treatments[treatment.arm.variant]
            assert [each and each.alpha for each in series.comparisons] == [
                treatment.comparison.alpha
            ] * 2


def test_each_look_needs_its_end() -> None:
    looks = growing([(10, 10), (10, 10)])
    found = evaluate(looks[-1], [alone(SPENT)], design(SPENT), AnalysisPlan())
    with pytest.raises(AnalysisError, match="not 2 looks and 1 ends"):
        over_time(found, [alone(SPENT)], ends=ends(looks)[:1], looks=looks, plan=AnalysisPlan())
