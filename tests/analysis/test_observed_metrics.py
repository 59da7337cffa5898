"""Metrics in numbers, of all units that did anything in the last days."""

from datetime import timedelta
from math import sqrt
from typing import Any

import pytest

from abkit import Conversion, Mean, Ratio, Sum, Total
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.findings.observed_metric import ObservedMetric, OneLookTest
from abkit.analysis.inference.power import Effect, power_of
from abkit.analysis.observed_metrics import observe_metrics

VISITS = Total("visit")
METRICS = (
    Conversion("buy"),
    Sum("revenue", action="buy", property="price"),
    Ratio("paid per visit", numerator=Sum("p", action="buy", property="price"), denominator=VISITS),
    Conversion("buy", times=2),
    Conversion("error shown"),
    Mean("rating"),
)


def visits_of(users: int, *, days: int) -> list[dict[str, Any]]:
    """Each user visits on a day of its own and again at the end; every fourth one buys for 10."""
    done: list[dict[str, Any]] = []
    for number in range(users):
        user, hour = f"u{number}", 24 * (number % days)
        done += [{"user_id": user, "action": "visit", "hour": h} for h in (hour + 1, 24 * days - 1)]
        if number % 4 == 0:
            price = {"action": "buy", "properties": '{"price": 10}'}
            done.append({"user_id": user, "hour": hour + 2, **price})
    return done


def test_each_metric_is_measured_by_itself(tables: Any) -> None:
    actions = tables([], visits_of(400, days=20))["actions"]
    found = observe_metrics(METRICS, unit_type="user", actions=actions)
    bought, revenue, ratio, twice, shown, rating = found
    assert [each.metric for each in found] == [*METRICS]
    assert bought.mean == 0.25
    assert bought.deviation == pytest.approx(sqrt(0.25 * 0.75))
    assert revenue.mean == 2.5
    assert ratio.mean == 1.25
    assert bought.arrivals == (20,) * 20
    assert (bought.units, bought.per_day) == (400, 20)
    assert twice.problem == shown.problem == "is 0 for all units: is the action tracked?"
    assert rating.problem == "is of a table of units, not of actions"
    assert rating.detectable(OneLookTest()) is None


def test_of_a_metric_that_waits_units_count_whose_window_is_over(tables: Any) -> None:
    actions = tables([], visits_of(400, days=20))["actions"]
    metrics = [
        Conversion("waits", action="visit", mature_only=True),
        Conversion("soon", action="buy", window=timedelta(days=5), mature_only=True),
        Conversion("late", action="visit", window=timedelta(days=50), mature_only=True),
    ]
    waits, soon, late = observe_metrics(metrics, unit_type="user", actions=actions)
    assert waits.problem == "waits for a window that only the plan of an experiment says"
    # Buyers came on every fourth day, the first of them on the first; 15 of 20 days are five days ago.
    assert soon.mean == pytest.approx(4 / 15)
    assert late.problem == "counts no unit yet: its window is over for none"


def test_of_a_type_of_unit_that_did_nothing_nothing_is_known(tables: Any) -> None:
    actions = tables([], visits_of(40, days=4))["actions"]
    (found,) = observe_metrics([Conversion("buy")], unit_type="org", actions=actions)
    assert found.problem == "is not known: no org did anything"
    assert found.units == found.per_day == 0


def test_units_that_come_again_are_counted_when_they_came_first() -> None:
    front = ObservedMetric(metric=VISITS, unit_type="user", arrivals=(100, 10, *[0] * 26))
    assert front.units_in(14) == 110
    assert front.per_day == pytest.approx(110 / 28)
    short = ObservedMetric(metric=VISITS, unit_type="user", arrivals=(10, 10))
    assert short.units_in(14) == 140


@pytest.mark.parametrize("power", [0.8, 0.95])
def test_a_test_of_one_look_finds_that_change_with_that_power(power: float) -> None:
    baseline = Baseline(mean=-4.0, variance=9.0)
    observed = ObservedMetric(
        metric=VISITS, unit_type="user", baseline=baseline, arrivals=(300,) * 28
    )
    change = observed.detectable(OneLookTest(power=power))
    assert change is not None
    effect = Effect(change * 4.0, 9.0, 9.0)
    assert power_of(effect, units=4200) == pytest.approx(power, abs=1e-6)
