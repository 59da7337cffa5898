"""What metrics are without the experiment, from stored events."""

from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.declared.design import Design
from abkit.analysis.observed import observe
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Ratio, Sum, Total

PLAN = AnalysisPlan()
PAID = Ratio("paid per visit", numerator=Sum("buy", property="price"), denominator=Total("visit"))


@pytest.fixture
def visitors() -> Design:
    return Design(
        name="Exp",
        salt="s",
        control="a",
        weights={"a": 0.5, "b": 0.5},
        metrics=(Conversion("buy"), PAID),
    )


def days_of_visits(days: int, *, per_day: int) -> list[dict[str, Any]]:
    """So many new users a day, each with two visits; every fourth one buys for 10, or for 30."""
    done = []
    for number in range(days * per_day):
        user, hour = f"u{number}", 24 * number / per_day
        done += [{"user_id": user, "action": "visit", "hour": hour + h} for h in (1, 5)]
        if number % 4 == 0:
            price = '{"price": 10}' if number % 8 else '{"price": 30}'
            done.append({"user_id": user, "action": "buy", "hour": hour + 3, "properties": price})
    return done


def test_before_the_experiment_the_units_are_those_that_did_something(
    tables: Any, visitors: Design
) -> None:
    actions = tables([], days_of_visits(30, per_day=40))["actions"]
    found = observe(visitors, exposures=None, actions=actions, plan=PLAN, length=timedelta(days=20))
    assert not found.exposed
    assert found.units == pytest.approx(800, abs=40)
    assert found.per_day == pytest.approx(40, rel=0.06)
    bought, ratio = found.baselines["buy"], found.baselines["paid per visit"]
    assert bought.is_rate
    assert bought.mean == pytest.approx(0.25, abs=0.005)
    assert ratio.mean == pytest.approx(2.5, abs=0.06)
    assert ratio.variance > 0


def test_an_experiment_that_runs_is_measured_by_its_control(tables: Any, visitors: Design) -> None:
    done = days_of_visits(10, per_day=40)
    exposures = [
        {"unit_id": f"u{n}", "variant": "ab"[n % 8 in (4, 5, 6, 7)], "hour": 24 * n / 40}
        for n in range(400)
    ]
    of = tables(exposures, done)
    found = observe(visitors, **of, plan=PLAN)
    assert found.exposed
    assert found.units == 400
    assert found.per_day == pytest.approx(40, rel=0.01)
    assert found.baselines["paid per visit"].mean == pytest.approx(30 / 4 / 2)
    last = observe(visitors, **of, plan=PLAN, length=timedelta(days=4))
    assert last.units == pytest.approx(160, abs=1)
    assert last.per_day == pytest.approx(40, rel=0.01)


def test_units_that_all_saw_several_variants_measure_nothing(tables: Any, visitors: Design) -> None:
    exposures = [{"unit_id": "u1", "variant": variant} for variant in "ab"]
    data = tables(exposures, [{"user_id": "u1", "action": "buy", "hour": 3}])
    with pytest.raises(AnalysisError, match="No unit was exposed to the control 'a' alone"):
        observe(visitors, **data, plan=PLAN)


def test_where_another_experiment_was_exposed_this_one_has_not_begun(
    tables: Any, visitors: Design
) -> None:
    of = tables(
        [{"experiment": "Other", "unit_id": "u1", "variant": "a"}], days_of_visits(3, per_day=40)
    )
    assert not observe(visitors, **of, plan=PLAN).exposed


def test_cuped_looks_at_the_days_before(tables: Any, visitors: Design) -> None:
    past = [
        {"user_id": f"u{n}", "action": "buy", "hour": 1, "properties": '{"price": 5}'}
        for n in range(0, 360, 4)
    ]
    visits = [{**row, "hour": row["hour"] + 24 * 40} for row in days_of_visits(10, per_day=40)]
    of = tables([], past + visits)
    plan = AnalysisPlan(cuped=timedelta(days=60))
    found = observe(
        visitors, exposures=None, actions=of["actions"], plan=plan, length=timedelta(days=12)
    )
    assert found.baselines["buy"].reduction == pytest.approx(0.87, abs=0.02)


def test_the_declared_method_does_not_matter_to_what_is_measured(
    tables: Any, visitors: Design
) -> None:
    planned = evolve(visitors, plan=AnalysisPlan(method="group-sequential", sample_size=9, looks=2))
    actions = tables([], days_of_visits(5, per_day=40))["actions"]
    assert observe(planned, exposures=None, actions=actions, plan=PLAN) == observe(
        visitors, exposures=None, actions=actions, plan=PLAN
    )


def test_nothing_can_be_said_of_no_events(tables: Any, visitors: Design) -> None:
    with pytest.raises(EmptyDataError, match="no action of a unit of type 'user'|no rows"):
        observe(visitors, exposures=None, actions=tables([])["actions"], plan=PLAN)
    of = tables([{"unit_id": "u1", "variant": "b"}], days_of_visits(1, per_day=9))
    with pytest.raises(AnalysisError, match="No unit was exposed to the control 'a'"):
        observe(visitors, **of, plan=PLAN)
