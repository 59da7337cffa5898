"""A unit without a value is an error, counts as 0, or is left out of the metric that lacks it."""

import sqlite3
from itertools import product
from typing import Any

import pyarrow as pa
import pytest

from abkit import AnalysisPlan, Conversion, Mean, Ratio
from abkit.analysis import UnitsAnalysis
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.result import Result
from abkit.errors import AnalysisError, DeclarationError
from abkit.experiments.declaring.metrics import Metric, Missing, Winsorize

Rows = list[dict[str, Any]]


def rows_of(seed: int, *, units: int = 600, empty: int = 7) -> Rows:
    """Units of which every so many has no value, with large means and values below 0 among them."""
    return [
        {
            "variant": "ab"[i % 2],
            "x": None if (i * seed) % empty == 0 else float((i * seed) % 37 - 3) + 0.25,
            "bought": None if (i * seed) % (empty + 2) == 0 else (i * seed) % 5 < 2,
            "seen": (i * seed) % 3 == 0,
            "before": None if i % 11 == 0 else float((i * seed) % 29),
            "plan": "pro" if i % 4 < 2 else "free",
        }
        for i in range(units)
    ]


def analyze(rows: Rows, *metrics: Metric, cuped: bool = False, **plan: Any) -> Result:
    said = {**plan, **({"cuped": {"x": "before"}} if cuped else {})}
    return UnitsAnalysis(
        pa.Table.from_pylist(rows),
        variant="variant",
        control="a",
        metrics=metrics,
        plan=AnalysisPlan(method="welch", sample_size=100, **said),
    ).run()


def judged(found: MetricResult) -> object:
    """What is found, without which metric it is of and how many units were left out."""
    (treatment,) = found.treatments
    return [
        (arm.moments, arm.conversions, arm.capped, arm.negative, arm.unadjusted)
        for arm in (found.control, treatment.arm)
    ] + [treatment.comparison, treatment.missing, found.adjustment]


OPTIONS: list[dict[str, Any]] = [
    {},
    {"log": True},
    {"winsorize": Winsorize(upper_percentile=90)},
    {"winsorize": Winsorize(lower=0, upper=20), "log": True},
]


@pytest.mark.parametrize("cuped", [False, True])
@pytest.mark.parametrize(("seed", "options"), [*zip((1, 2, 5, 11), OPTIONS, strict=True)])
def test_dropping_is_as_if_the_units_were_not_in_the_table(
    seed: int, options: dict[str, Any], *, cuped: bool
) -> None:
    rows = rows_of(seed)
    seen = Conversion("seen")
    dropped = analyze(rows, Mean("x", missing="drop", **options), seen, cuped=cuped)
    without = [row for row in rows if row["x"] is not None]
    assert judged(dropped["x"]) == judged(
        analyze(without, Mean("x", **options), seen, cuped=cuped)["x"]
    )
    filled = [row | {"x": 1.0} for row in rows]
    assert judged(dropped["seen"]) == judged(analyze(filled, Mean("x"), seen)["seen"])
    assert sum(count.units for count in dropped.counts) == len(rows)


@pytest.mark.parametrize(("seed", "options"), [*zip((1, 2, 5, 11), OPTIONS, strict=True)])
def test_zero_is_as_if_it_stood_in_the_table(seed: int, options: dict[str, Any]) -> None:
    rows = rows_of(seed)
    found = analyze(
        rows, Mean("x", missing="zero", **options), Conversion("bought", missing="zero")
    )
    filled = [row | {"x": row["x"] or 0.0, "bought": bool(row["bought"])} for row in rows]
    same = analyze(filled, Mean("x", **options), Conversion("bought"))
    assert [*map(judged, found.metrics)] == [*map(judged, same.metrics)]


def test_a_conversion_is_dropped_too_and_each_metric_by_itself() -> None:
    rows = rows_of(5)
    found = analyze(
        rows, Conversion("bought", missing="drop"), Mean("x", missing="drop"), segments=("plan",)
    )
    for name in ("bought", "x"):
        known = [row for row in rows if row[name] is not None]
        counts = {v: sum(row["variant"] == v for row in known) for v in "ab"}
        assert found[name].control.moments.n == counts["a"]
        assert found[name]["b"].arm.moments.n == counts["b"]
        (pro,) = (part for part in found.segments if part.value == "pro")
        (of_metric,) = (each for each in pro.metrics if each.metric.name == name)
        both = sum(row["plan"] == "pro" and row["variant"] == "a" for row in known)
        assert of_metric.control.moments.n == both


@pytest.mark.parametrize(
    ("what", "became"), [("drop", "left out of this metric"), ("zero", "counted as 0")]
)
def test_they_are_counted_and_told(what: str, became: str) -> None:
    rows: Rows = [
        {"variant": v, "x": None if i < 10 else float(i)} for v, i in product("ab", range(200))
    ]
    result = analyze(rows, Mean("x", missing=what))
    assert (result["x"].control.without_value, result["x"]["b"].arm.without_value) == (10, 10)
    assert f"Missing: 20 units without a value, {became} (a 10, b 10)." in result.to_text()
    document: Any = result.to_dict()
    (metric,) = document["metrics"]
    assert metric["control"]["without_value"] == 10
    assert document["declared_metrics"][0]["missing"] == what
    assert result.warnings[-1].startswith("20 of 400 units have no 'x': they ")
    assert result.warnings[-1].endswith("By variant: a: 10 of 200; b: 10 of 200.")


def test_dropping_more_units_of_one_variant_is_told_to_bias() -> None:
    rows: Rows = [
        {"variant": v, "x": None if i < (40 if v == "b" else 10) else float(i)}
        for v, i in product("ab", range(400))
    ]
    warning = analyze(rows, Mean("x", missing="drop")).warnings[-1]
    assert warning.startswith(
        "'x' is missing more often in one variant than in another (a 2.50%, b 10.00%; p = "
    )
    assert "their difference is biased" in warning
    assert not any(
        "more often" in told for told in analyze(rows, Mean("x", missing="zero")).warnings
    )


def test_a_metric_that_no_unit_of_a_variant_has_is_not_compared() -> None:
    rows: Rows = [
        {"variant": v, "x": None if v == "b" else float(i)} for v, i in product("ab", range(200))
    ]
    (treatment,) = analyze(rows, Mean("x", missing="drop"))["x"].treatments
    assert treatment.comparison is None
    assert treatment.missing == ("100 more units in variant b",)


def test_without_a_word_it_is_an_error_whatever_is_done_with_the_values() -> None:
    for metric in (Mean("x"), Mean("x", log=True), Mean("x", winsorize=Winsorize(upper=3))):
        with pytest.raises(AnalysisError, match="x is empty for .* declare missing='zero'"):
            analyze(rows_of(3), metric)


def test_a_formula_has_all_its_parts_of_the_same_units() -> None:
    x, seen = Mean("x", missing="drop"), Conversion("seen")
    with pytest.raises(AnalysisError, match="'rate' is made of 'x', which has missing='drop'"):
        analyze(rows_of(3), Ratio("rate", numerator=x, denominator=seen))
    zero = Ratio("rate", numerator=Mean("x", missing="zero"), denominator=seen)
    assert analyze(rows_of(3), zero).warnings[-1].startswith("86 of 600 units have no 'x'")


def test_another_engine_finds_the_same(connection: sqlite3.Connection) -> None:
    rows = rows_of(5)
    columns = [*rows[0]]
    connection.execute(f"create table survey ({', '.join(columns)})")
    connection.executemany(
        f"insert into survey values ({', '.join('?' * len(columns))})",  # noqa: S608 - marks
        [tuple(row.values()) for row in rows],
    )
    metrics = (
        Mean("x", missing="drop", winsorize=Winsorize(upper_percentile=90)),
        Conversion("bought", missing="zero"),
    )
    plan = AnalysisPlan(method="welch", sample_size=100, cuped={"x": "before"})
    found = UnitsAnalysis(
        "survey", variant="variant", control="a", metrics=metrics, plan=plan, engine=connection
    ).run()
    same = analyze(rows, *metrics, cuped=True)
    for one, other in zip(found.metrics, same.metrics, strict=True):
        for arm, its in ((one.control, other.control), (one["b"].arm, other["b"].arm)):
            assert arm.moments.n == its.moments.n
            assert arm.without_value == its.without_value
            assert arm.moments.mean == pytest.approx(its.moments.mean, rel=1e-9)
            assert arm.moments.variance == pytest.approx(its.moments.variance, rel=1e-9)


def test_another_word_is_refused_with_the_close_one() -> None:
    with pytest.raises(
        DeclarationError, match="one of error, zero, drop, not 'drpo'. Did you mean 'drop'?"
    ):
        Mean("x", missing="drpo")
    assert Mean("x", missing=Missing.DROP) == Mean("x", missing="drop")
