"""Values that are missing, actions that nobody did: counted, and told why."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from attrs import evolve

from abkit import Average, Conversion, Sum
from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.design import Design
from abkit.analysis.reading.sources import Table
from abkit.analysis.result import Result
from abkit.errors import MissingColumnError
from abkit.experiments.declaring.metrics import Winsorize

from ..asked import analyze

PRICED = (
    Sum("revenue", action="buy", property="price"),
    Average("price", action="buy", property="price"),
)
PRICES = ['{"price": 10}', "{}", '{"price": null}', '{"price": "nan"}', '{"price": "free"}', None]


def exposed(units: int = 24, form: str = "{}") -> list[Mapping[str, Any]]:
    return [{"unit_id": form.format(i), "variant": "ab"[i % 2]} for i in range(units)]


def bought(properties: Sequence[str | None], **other: Any) -> list[Mapping[str, Any]]:
    return [
        {"action": "buy", "user_id": str(i), "hour": 1, "properties": of, **other}
        for i, of in enumerate(properties)
    ]


@pytest.fixture
def run(tables: Any, design: Design) -> Any:
    def do(actions: Sequence[Mapping[str, Any]], *metrics: Any, **options: Any) -> Result:
        made = tables(options.pop("exposures", exposed()), actions)
        return analyze(evolve(design, metrics=metrics or PRICED), **{**made, **options})

    return do


def means(result: Result) -> list[float]:
    return [found.control.moments.mean for found in result.metrics]


def test_a_price_that_is_missing_is_counted_and_told(run: Any) -> None:
    result = run(bought(PRICES * 4))
    (note,) = [w for w in result.warnings if "no number" in w]
    assert note == (
        "20 of 24 'buy' that count have no number 'price' (some have a text, such as 'free'). "
        "'revenue' counts them as 0: the mean is nearer to 0 than it was. "
        "'price' leaves them out, and counts a unit that has no other as 0. "
        "By variant: a: 8 of 12; b: 12 of 12."
    )
    assert means(result) == [pytest.approx(10 * 4 / 12)] * 2
    assert note in result.to_text(width=1000)
    assert note in result.to_dict()["warnings"]


def test_an_average_is_of_the_prices_that_are_known(run: Any) -> None:
    twice = [*bought(['{"price": 10}'] * 24), *bought(["{}"] * 24, hour=2)]
    assert means(run(twice)) == [10, 10]


def test_nothing_is_told_where_every_price_is_there(run: Any) -> None:
    assert not [w for w in run(bought(['{"price": 10}'] * 24)).warnings if "no number" in w]


def test_a_price_nobody_has_is_told_as_such(run: Any) -> None:
    result = run(bought(['{"prise": 10}'] * 24))
    assert any("24 of 24 'buy' that count have no number 'price'." in w for w in result.warnings)


def test_missing_prices_are_the_same_in_sqlite_as_in_duckdb(
    tables: Any, design: Design, connection: sqlite3.Connection
) -> None:
    made = tables(exposed(), bought(PRICES * 4))
    for name, table in made.items():
        frame = table.to_pandas().astype({"time": str})
        frame["groups"] = "{}"
        frame.to_sql(name, connection, index=False)
    there: dict[str, Any] = {"exposures": "exposures", "actions": "actions", "engine": connection}
    priced = evolve(design, metrics=PRICED)
    ours, theirs = analyze(priced, **made), analyze(priced, **there)
    assert means(ours) == means(theirs)
    assert ours.warnings == theirs.warnings


@pytest.mark.parametrize("missing", [None, float("nan")])
def test_a_price_may_be_a_column_and_a_missing_one_is_none(
    tables: Any, design: Design, missing: float | None
) -> None:
    import pandas as pd

    exposures = tables(exposed())["exposures"]
    rows = [("buy", str(i), 1_709_254_800.0, 10.0 if i % 3 else missing) for i in range(24)]
    frame = pd.DataFrame(rows, columns=["action", "unit_id", "time", "price"])
    for actions in (frame, frame.to_dict("list")):
        source = actions
        if isinstance(actions, dict):
            import pyarrow as pa

            source = pa.table(actions)
        result = Analysis(evolve(design, metrics=PRICED), exposures=exposures, actions=source).run()
        assert means(result)[0] == pytest.approx(10 * 8 / 12)
        assert any("8 of 24 'buy'" in w for w in result.warnings)


def test_a_column_that_is_not_there_says_how_to_name_it(tables: Any, design: Design) -> None:
    import pyarrow as pa

    exposures = tables(exposed())["exposures"]
    actions = pa.table({"action": ["buy"], "unit_id": ["1"], "time": [1.0], "amount": [1.0]})
    with pytest.raises(MissingColumnError, match=r"columns=\{'properties.price': '...'\}"):
        Analysis(evolve(design, metrics=PRICED), exposures=exposures, actions=actions).run()
    named = Table(actions, columns={"properties.price": "amount"})
    Analysis(evolve(design, metrics=PRICED), exposures=exposures, actions=named).run()


@pytest.mark.parametrize("unit_type", ["user", "org"])
def test_the_units_of_actions_may_stand_in_a_column_of_their_own(
    tables: Any, design: Design, unit_type: str
) -> None:
    import pyarrow as pa

    exposures = tables([{**row, "unit_type": unit_type} for row in exposed()])["exposures"]
    columns = {"action": ["click"] * 24, "time": [1_709_254_800.0] * 24}
    for name in ("unit_id", *(() if unit_type == "user" else ("org",))):
        actions = pa.table({**columns, name: [str(i) for i in range(24)]})
        result = Analysis(
            evolve(design, unit_type=unit_type), exposures=exposures, actions=actions
        ).run()
        assert result.metrics[0].control.conversions == 12


@pytest.mark.parametrize(
    ("actions", "reason"),
    [
        (
            [{"action": "clik", "user_id": "1", "hour": 1}],
            "No action is called 'click'. Did you mean 'clik'? There are 'clik'.",
        ),
        (
            [{"action": "click", "user_id": f"user-{i}", "hour": 1} for i in range(9)],
            (
                "9 actions have the name 'click', and none the id of a unit that was exposed: actions "
                "have ids such as 'user-0', exposures such as '0'."
            ),
        ),
        (
            [{"action": "click", "hour": 1}],
            "1 action has the name 'click', and none a unit's id.",
        ),
        (
            [{"action": "click", "user_id": "1", "hour": -1}],
            (
                "All 1 'click' of exposed units were before the first exposure. Are the times in one "
                "time zone?"
            ),
        ),
        ([], "The table of actions has no rows with an action."),
    ],
)
def test_an_action_that_nobody_did_is_told_with_the_reason(
    run: Any, actions: Sequence[Mapping[str, Any]], reason: str
) -> None:
    result = run(actions, Conversion("click"))
    assert f"No unit has any 'click' after its exposure. {reason}" in result.warnings


def test_limits_that_leave_nothing_are_told_instead(run: Any) -> None:
    """One of two hundred units has paid: the 99th percentile is 0."""
    limits = Winsorize(upper_percentile=99)
    revenue = Sum("revenue", action="buy", property="price", winsorize=limits)
    result = run(bought(['{"price": 10}']), revenue, exposures=exposed(200))
    (warning,) = result.warnings
    assert warning == (
        "'revenue' is 0 for every unit within its limits, though 1 unit has another value: a "
        "percentile of mostly 0 is 0. Give a limit in the metric's unit, such as "
        "winsorize=Winsorize(upper=500)."
    )
