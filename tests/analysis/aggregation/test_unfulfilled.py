"""What keeps actions from fulfilling a condition is told."""

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

import pytest
from attrs import evolve

from abkit import Conversion, Funnel, Sum, Total, prop
from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.design import Design
from abkit.analysis.result import Result
from abkit.errors import AnalysisError, MissingColumnError

from ..asked import analyze, analyze_units


@pytest.fixture
def run(tables: Any, design: Design) -> Any:
    def do(properties: Sequence[Any], *metrics: Any, **options: Any) -> Result:
        exposures = [{"unit_id": str(i), "variant": "ab"[i % 2]} for i in range(24)]
        actions = [
            {"action": "buy", "user_id": str(i % 24), "hour": 1, "properties": json.dumps(of)}
            for i, of in enumerate(properties)
        ]
        return analyze(evolve(design, metrics=metrics), **tables(exposures, actions), **options)

    return do


def test_nothing_is_told_where_conditions_are_as_the_data_are(run: Any) -> None:
    log = [{"plan": "paid", "amount": "12"}, {"plan": "free", "amount": 3}, {}] * 8
    metrics = [
        Conversion("paid", action="buy", where={"plan": "paid"}),
        Total("big", action="buy", where=prop("amount") > 10),
        Total("others", action="buy", where=prop("plan") != "paid"),
    ]
    result = run(log, *metrics)
    assert not [w for w in result.warnings if "buy" in w]
    assert [found.control.moments.mean for found in result.metrics] == pytest.approx(
        [4 / 12, 4 / 12, 8 / 12]
    )


def test_a_property_that_no_action_has_is_told_with_those_that_there_are(run: Any) -> None:
    log = [{"plan": "paid", "cart": {"currency": "EUR"}}] * 24
    result = run(
        log,
        Total("paid", action="buy", where={"plann": "paid"}),
        Total("in euros", action="buy", where={"cart.currency": "EUR"}),
    )
    told = [w for w in result.warnings if "No 'buy'" in w]
    there = "There are prop('cart', 'currency'), prop('plan')."
    assert told == [
        f"No 'buy' has prop('plann'), which 'paid' asks for. Did you mean prop('plan')? {there}",
        (
            "No 'buy' has prop('cart.currency'), which 'in euros' asks for. Did you mean "
            f"prop('cart', 'currency')? {there}"
        ),
    ]


def test_a_property_that_is_a_number_in_one_row_and_a_text_in_another_is_told(run: Any) -> None:
    log = [{"amount": 20, "gift": True}] * 20 + [{"amount": "free", "gift": "perhaps"}] * 4
    result = run(
        log,
        Total("big", action="buy", where=prop("amount") > 10),
        Total("gifts", action="buy", where={"gift": True}),
    )
    told = [w for w in result.warnings if "have a value such as" in w]
    assert told == [
        (
            "4 of 24 'buy' that have prop('amount') have a value such as 'free' there, not a number, "
            "which 'big' asks for: it equals no number, and is neither above nor below one."
        ),
        (
            "4 of 24 'buy' that have prop('gift') have a value such as 'perhaps' there, not true or "
            "false, which 'gifts' asks for: it is equal to neither."
        ),
    ]


def test_a_condition_that_nothing_fulfils_is_told(run: Any) -> None:
    metric = Total("big", action="buy", where=prop("amount") > 1_000)
    result = run([{"amount": 20}] * 24, metric, Conversion("bought", action="buy"))
    assert (
        "None of 24 'buy' fulfils prop('amount') > 1000, which 'big' asks for." in result.warnings
    )


def test_prices_are_missed_of_actions_that_count_only(run: Any) -> None:
    log = [{"price": 10, "plan": "paid"}, {"plan": "free"}] * 12
    paid = Sum("revenue", action="buy", property="price", where={"plan": "paid"})
    assert not [w for w in run(log, paid).warnings if "no number" in w]
    result = run([*log, {"plan": "paid"}], paid)
    assert any("1 of 13 'buy' that count has no number 'price'" in w for w in result.warnings)


def test_warnings_are_the_same_in_sqlite(tables: Any, design: Design) -> None:
    log = [{"amount": 20, "plan": "paid"}] * 12 + [{"amount": "free"}] * 12
    made = tables(
        [{"unit_id": str(i), "variant": "ab"[i % 2]} for i in range(24)],
        [
            {"action": "buy", "user_id": str(i), "hour": 1, "properties": json.dumps(of)}
            for i, of in enumerate(log)
        ],
    )
    metrics = [
        Total("big", action="buy", where=prop("amount") > 100),
        Total("c", action="buy", where={("plan", "of"): "x"}),
        Funnel("f", steps=["buy", "buy"], where={"p": 1}),
    ]
    asked = evolve(design, metrics=metrics)
    connection = sqlite3.connect(":memory:")
    for name, table in made.items():
        frame = table.to_pandas().astype({"time": str})
        frame["groups"] = "{}"
        frame.to_sql(name, connection, index=False)
    there: dict[str, Any] = {"exposures": "exposures", "actions": "actions", "engine": connection}
    ours, theirs = analyze(asked, **made), analyze(asked, **there)
    connection.close()
    assert ours.warnings == theirs.warnings
    assert len([w for w in ours.warnings if "asks for" in w]) == 4


def test_a_property_may_be_a_column_or_an_entry_of_one(tables: Any, design: Design) -> None:
    import pyarrow as pa

    exposures = tables([{"unit_id": str(i), "variant": "ab"[i % 2]} for i in range(24)])
    columns = {
        "action": ["buy"] * 24,
        "unit_id": [str(i) for i in range(24)],
        "time": [1_709_254_800.0] * 24,
        "paid": [i % 3 == 0 for i in range(24)],
        "amount": [float(i) for i in range(24)],
        "cart": [json.dumps({"size": i}) if i % 2 else "none" for i in range(24)],
    }
    metrics = (
        Total("paid", action="buy", where={"paid": True, "amount": [0.0, 3.0, 7.0]}),
        Total("large", action="buy", where=prop("cart", "size") >= 13),
        Total("none", action="buy", where={"cart": "none"}),
    )
    given: dict[str, Any] = {**exposures, "actions": pa.table(columns)}
    result = Analysis(evolve(design, metrics=metrics), **given).run()
    both = [(m.control.moments.mean, m.treatments[0].arm.moments.mean) for m in result.metrics]
    assert both == [(1 / 12, 1 / 12), (0, 6 / 12), (1, 0)]
    lacking = Total("x", action="buy", where={"plan": "paid"})
    with pytest.raises(MissingColumnError, match=r"columns=\{'properties.plan': '...'\}"):
        Analysis(evolve(design, metrics=(lacking,)), **given).run()


def test_a_table_of_units_has_no_actions_that_could_fulfil_a_condition() -> None:
    import pyarrow as pa

    units = pa.table({"variant": ["a", "b"] * 20, "bought": [True] * 40})
    metric = Conversion("bought", where={"plan": "paid"})
    with pytest.raises(AnalysisError, match="which is for actions: a table of units has one value"):
        analyze_units(units, variant="variant", control="a", metrics=[metric])
