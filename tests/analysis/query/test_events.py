"""From exposures and actions to sufficient statistics."""

import json
from collections import defaultdict
from statistics import fmean, variance
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis.engines.duckdb import DuckDB, Row
from abkit.analysis.plan import Plan
from abkit.analysis.query.events import EventQueries, Several
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS
from abkit.experiments.metrics import Conversion, Mean, Metric, Sum, Total

METRICS: tuple[Metric, ...] = (
    Conversion("click"),
    Total("clicks", action="click"),
    Sum("revenue", action="buy", property="price"),
)


def ask(
    data: dict[str, Any],
    plan: Plan,
    *,
    question: str = "statistics",
    several: Several = Several.EXCLUDE,
) -> list[Row]:
    with DuckDB() as engine:
        columns = engine.open(
            "exposures", Table(data["exposures"]), schema=EXPOSURE_COLUMNS, required=()
        )
        engine.open("actions", Table(data["actions"]), schema=ACTION_COLUMNS, required=())
        queries = EventQueries(plan=plan, columns=columns, several=several)
        if question == "statistics":
            return list(engine.rows(queries.statistics(plan.metrics)))
        return list(engine.rows(getattr(queries, question)()))


def test_the_worked_example_of_amplitude(tables: Any, plan: Plan) -> None:
    """U1 {5, 10}, U2 {15}, U3 and U4 exposed only, U5 not exposed: 50 %, 0.75, 7.5."""
    exposures = [{"unit_id": f"U{i}", "variant": "a"} for i in (1, 2, 3, 4)]
    done = [("U1", 5), ("U1", 10), ("U2", 15), ("U5", 99)]
    actions = [
        {"action": "buy", "user_id": user, "hour": 1, "properties": f'{{"price": {price}}}'}
        for user, price in done
    ]
    metrics = (
        Conversion("c", action="buy"),
        Total("t", action="buy"),
        Sum("s", action="buy", property="price"),
    )
    (row,) = ask(tables(exposures, actions), evolve(plan, metrics=metrics))
    assert row["units"] == 4
    assert row["metric_1_conversions"] == 2
    assert row["metric_2_mean"] == 0.75
    assert row["metric_3_mean"] == 7.5
    assert row["metric_3_variance"] == pytest.approx(variance([15, 15, 0, 0]))


def test_an_action_counts_from_the_first_exposure_on(tables: Any, plan: Plan) -> None:
    """At the same moment it counts; a moment before it does not."""
    exposures = [
        {"unit_id": unit, "variant": "a", "hour": hour}
        for unit in ("before", "at", "after")
        for hour in (10, 20)
    ]
    hours = {"before": 9.999, "at": 10, "after": 15}
    actions = [{"action": "click", "user_id": u, "hour": h} for u, h in hours.items()]
    (row,) = ask(tables(exposures, actions), plan)
    assert (row["units"], row["metric_1_conversions"]) == (3, 2)


def test_what_was_delivered_twice_counts_once(tables: Any, plan: Plan) -> None:
    """Replaying both tables changes neither totals nor sums; without an insert_id each row counts."""
    exposures = [{"unit_id": "u", "variant": "a", "insert_id": "e"}] * 2
    bought = {"action": "buy", "user_id": "u", "hour": 1, "properties": '{"price": 3}'}
    actions = [
        {**bought, "insert_id": "1"},
        {**bought, "insert_id": "1", "hour": 5},
        {**bought, "insert_id": "2"},
        {**bought, "insert_id": None},
        {**bought, "insert_id": None},
        {**bought, "insert_id": ""},
    ]
    metrics = (Total("t", action="buy"), Sum("s", action="buy", property="price"))
    (row,) = ask(tables(exposures, actions), evolve(plan, metrics=metrics))
    assert row["units"] == 1
    assert row["metric_1_mean"] == 5
    assert row["metric_2_mean"] == 15


def test_a_repetition_after_the_exposure_of_an_action_before_it_does_not_count(
    tables: Any, plan: Plan
) -> None:
    exposures = [{"unit_id": "u", "variant": "a", "hour": 10}]
    actions = [
        {"action": "click", "user_id": "u", "insert_id": "x", "hour": hour} for hour in (9, 11)
    ]
    metrics = (Total("t", action="click"),)
    (row,) = ask(tables(exposures, actions), evolve(plan, metrics=metrics))
    assert row["metric_1_mean"] == 0


def test_an_organization_counts_what_any_of_its_users_did(tables: Any, plan: Plan) -> None:
    exposures = [{"unit_id": "42", "variant": "a", "unit_type": "org"}]
    actions = [
        {"action": "click", "user_id": "42", "groups": {"org": "7"}, "hour": 1},
        {"action": "click", "user_id": "1", "groups": {"org": "42"}, "hour": 1},
        {"action": "click", "user_id": "2", "groups": {"org": "42", "team": "x"}, "hour": 1},
        {"action": "click", "user_id": "3", "groups": {}, "hour": 1},
    ]
    org_plan = evolve(plan, unit_type="org", metrics=(Total("t", action="click"),))
    (row,) = ask(tables(exposures, actions), org_plan)
    assert row["metric_1_mean"] == 2


def test_other_experiments_salts_and_unit_types_are_not_counted(tables: Any, plan: Plan) -> None:
    ours = {"unit_id": "u", "variant": "a"}
    strangers = [{"experiment": "Other"}, {"salt": "old"}, {"unit_type": "org"}]
    data = tables([ours, *({**ours, "unit_id": f"x{i}", **s} for i, s in enumerate(strangers))])
    (row,) = ask(data, plan)
    assert row["units"] == 1
    (profile,) = ask(data, plan, question="profile")
    assert (profile["total_rows"], profile["of_experiment"], profile["exposures"]) == (4, 3, 1)


def test_rows_without_unit_variant_or_time_are_left_out_and_counted(
    tables: Any, plan: Plan
) -> None:
    ours = {"unit_id": "u", "variant": "a"}
    gaps: list[dict[str, Any]] = [{"unit_id": None}, {"variant": ""}, {"time": None}]
    data = tables([ours, *({**ours, "unit_id": f"x{i}", **gap} for i, gap in enumerate(gaps))])
    (profile,) = ask(data, plan, question="profile")
    (row,) = ask(data, plan)
    assert (profile["exposures"], profile["incomplete"], row["units"]) == (4, 3, 1)


def test_units_in_several_variants_are_counted_and_dealt_with_as_chosen(
    tables: Any, plan: Plan
) -> None:
    exposures = [
        {"unit_id": "1", "variant": "a"},
        {"unit_id": "2", "variant": "b"},
        {"unit_id": "jumper", "variant": "b", "hour": 1},
        {"unit_id": "jumper", "variant": "a", "hour": 2},
    ]
    data = tables(exposures)

    def units(several: Several) -> dict[object, object]:
        return {row["variant"]: row["units"] for row in ask(data, plan, several=several)}

    assert units(Several.EXCLUDE) == {"a": 1, "b": 1}
    assert units(Several.FIRST) == {"a": 1, "b": 2}
    assert units(Several.INCLUDE) == {"a": 2, "b": 2}
    counted = ask(data, plan, question="exposures")
    assert [(r["variant"], r["exposed"], r["in_several"]) for r in counted] == [
        ("a", 2, 1),
        ("b", 2, 1),
    ]


def test_exposures_are_counted_as_in_the_files_and_units_once(tables: Any, plan: Plan) -> None:
    exposures = [{"unit_id": u, "variant": "a"} for u in ("1", "1", "1", "2")]
    (row,) = ask(tables(exposures), plan, question="exposures")
    assert (row["exposures"], row["exposed"]) == (4, 2)


def test_the_daily_count_is_by_the_utc_day_of_the_first_exposure(tables: Any, plan: Plan) -> None:
    exposures = [
        {"unit_id": "1", "variant": "a", "hour": 23.9},
        {"unit_id": "1", "variant": "a", "hour": 50},
        {"unit_id": "2", "variant": "a", "hour": 24},
    ]
    rows = ask(tables(exposures), plan, question="daily")
    assert [(str(row["day"]), row["units"]) for row in rows] == [
        ("2024-03-01", 1),
        ("2024-03-02", 1),
    ]


@pytest.mark.parametrize(
    "name", ["it's", 'say "hi"', "'; drop table x; --", "a\nb", "ünï", "a/b~c", "--", "$.x", "\\"]
)
def test_names_cannot_change_the_query(tables: Any, plan: Plan, name: str) -> None:
    """A quote, a comment or a path in the name of anything is just that name."""
    metrics = (
        Conversion("c", action=name),
        Sum("s", action=name, property=name),
    )
    hostile = evolve(plan, name=name, salt=name, unit_type=name, metrics=metrics)
    exposure = {"unit_id": name, "variant": name, "experiment": name, "salt": name}
    action = {
        "action": name,
        "groups": {name: name},
        "hour": 1,
        "properties": json.dumps({name: 2.5, "x": 9}),
    }
    (row,) = ask(tables([{**exposure, "unit_type": name}], [action]), hostile)
    assert (row["variant"], row["metric_1_conversions"], row["metric_2_mean"]) == (name, 1, 2.5)


def test_a_nul_character_is_refused(plan: Plan) -> None:
    queries = EventQueries(plan=evolve(plan, name="a\0b"), columns=())
    with pytest.raises(AnalysisError, match="NUL"):
        queries.profile()


def test_a_mean_needs_a_table_of_units(plan: Plan) -> None:
    queries = EventQueries(plan=plan, columns=())
    with pytest.raises(AnalysisError, match="one row per unit"):
        queries.statistics([Mean("x")])


def test_a_property_that_is_no_number_is_an_error_not_a_zero(tables: Any, plan: Plan) -> None:
    action = {"action": "buy", "user_id": "u", "properties": '{"price": "a lot"}', "hour": 1}
    data = tables([{"unit_id": "u", "variant": "a"}], [action])
    with pytest.raises(AnalysisError, match="a lot"):
        ask(data, evolve(plan, metrics=METRICS))


def test_another_actions_property_of_that_name_does_not_matter(tables: Any, plan: Plan) -> None:
    actions = [
        {"action": "click", "user_id": "u", "properties": '{"price": "a lot"}', "hour": 1},
        {"action": "buy", "user_id": "u", "properties": '{"price": "2"}', "hour": 1},
        {"action": "buy", "user_id": "u", "properties": None, "hour": 1},
    ]
    (row,) = ask(tables([{"unit_id": "u", "variant": "a"}], actions), evolve(plan, metrics=METRICS))
    assert row["metric_3_mean"] == 2


def test_the_variance_does_not_cancel_where_the_mean_is_large(tables: Any, plan: Plan) -> None:
    """Sums of squares give a variance of -208 for a mean of 1e8 and a deviation of 1."""
    values = [1e8 + i % 3 - 1 for i in range(3000)]
    exposures = [{"unit_id": str(i), "variant": "a"} for i in range(3000)]
    actions = [
        {"action": "buy", "user_id": str(i), "hour": 1, "properties": f'{{"price": {v}}}'}
        for i, v in enumerate(values)
    ]
    metrics = (Sum("s", action="buy", property="price"),)
    (row,) = ask(tables(exposures, actions), evolve(plan, metrics=metrics))
    assert row["metric_1_variance"] == pytest.approx(variance([v - 1e8 for v in values]), rel=1e-7)


UNITS = st.sampled_from(["1", "2", "3", "4", "5"])
EXPOSED = st.lists(
    st.fixed_dictionaries(
        {"unit_id": UNITS, "variant": st.sampled_from("ab"), "hour": st.integers(0, 6)}
    ),
    min_size=1,
    max_size=12,
)
DONE = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": UNITS,
            "action": st.sampled_from(["click", "buy", "else"]),
            "hour": st.integers(0, 6),
            "price": st.integers(-5, 5),
        }
    ),
    max_size=15,
)


def expected(
    exposures: list[dict[str, Any]], actions: list[dict[str, Any]], several: Several
) -> dict[str, list[tuple[int, float]]]:
    """The same by plain Python, unit by unit: (clicks, revenue) of each unit, by variant."""
    seen: dict[str, dict[str, int]] = defaultdict(dict)
    for row in exposures:
        first = seen[row["unit_id"]].get(row["variant"], 99)
        seen[row["unit_id"]][row["variant"]] = min(first, row["hour"])
    by_variant: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for unit, firsts in seen.items():
        kept = dict(firsts)
        if several is Several.EXCLUDE and len(firsts) > 1:
            kept = {}
        if several is Several.FIRST:
            variant = min(firsts, key=lambda v: (firsts[v], v))
            kept = {variant: firsts[variant]}
        for variant, first in kept.items():
            mine = [a for a in actions if a["user_id"] == unit and a["hour"] >= first]
            clicks = sum(a["action"] == "click" for a in mine)
            by_variant[variant].append(
                (clicks, sum(a["price"] for a in mine if a["action"] == "buy"))
            )
    return by_variant


@pytest.mark.parametrize("several", list(Several))
@settings(max_examples=40, deadline=None)
@given(exposures=EXPOSED, actions=DONE)
def test_the_sql_gives_what_a_loop_over_units_gives(
    tables: Any,
    several: Several,
    exposures: list[dict[str, Any]],
    actions: list[dict[str, Any]],
) -> None:
    priced = [{**a, "properties": json.dumps({"price": a["price"]})} for a in actions]
    plan = Plan(name="Exp", salt="s", unit_type="user", control="a", metrics=METRICS)
    rows = ask(tables(exposures, priced), plan, several=several)
    wanted = expected(exposures, actions, several)
    assert {row["variant"] for row in rows} == set(wanted)
    for row in rows:
        clicks, revenue = zip(*wanted[str(row["variant"])], strict=True)
        assert row["units"] == len(clicks)
        assert row["metric_1_conversions"] == sum(c > 0 for c in clicks)
        assert row["metric_2_mean"] == pytest.approx(fmean(clicks))
        assert row["metric_3_mean"] == pytest.approx(fmean(revenue))
        spread = variance(revenue) if len(revenue) > 1 else 0
        assert row["metric_3_variance"] == pytest.approx(spread)
