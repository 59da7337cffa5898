"""A number never depends on what is measured beside it; 0, equal and whole numbers stay what they are."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from math import fsum
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis import Design, Result, UnitsAnalysis
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import (
    Average,
    Conversion,
    Mean,
    Metric,
    Ratio,
    Sum,
    Total,
    Winsorize,
)

from ..asked import analyze, analyze_units
from ..conftest import Tables

SAME = 1e-12

KINDS: dict[str, Any] = {
    "nothing": st.just(0.0),
    "one value": st.sampled_from([30.0, 0.1, -7.3, 100_000_000.1]),
    "whole": st.integers(-5, 5).map(float),
    "large and whole": st.integers(-2, 2).map(lambda x: 1e8 + x),
    "large": st.floats(-1, 1).map(lambda x: 1e6 + x),
    "any": st.floats(-100, 100),
}


@st.composite
def columns(draw: st.DrawFn) -> dict[str, dict[str, list[float]]]:
    """By column and arm, the values of its units; the arms' kinds differ."""
    sizes = {arm: draw(st.integers(2, 12)) for arm in "ab"}
    found: dict[str, dict[str, list[float]]] = {}
    for name in ("x", "y", "z"):
        found[name] = {}
        for arm, size in sizes.items():
            kind = draw(st.sampled_from(sorted(KINDS)))
            value = draw(KINDS[kind]) if kind == "one value" else None
            found[name][arm] = [draw(KINDS[kind]) if value is None else value for _ in range(size)]
    return found


def measured(
    of: Mapping[str, Mapping[str, Sequence[float]]], metrics: Sequence[Metric], **options: Any
) -> dict[str, dict[str, Moments]]:
    """By metric and arm; also those of the only segment."""
    import pyarrow as pa

    arms = [arm for arm in "ab" for _ in of["x"][arm]]
    values = {name: [*by_arm["a"], *by_arm["b"]] for name, by_arm in of.items()}
    rows = pa.table({"id": range(len(arms)), "arm": arms, "all": ["all"] * len(arms), **values})
    result = analyze_units(
        rows, unit="id", variant="arm", control="a", metrics=metrics, segments=["all"], **options
    )
    found = by_name(result)
    (segment,) = result.segments
    for metric in segment.metrics:
        found[f"{metric.metric.name} of a segment"] = {
            arm.variant: arm.unadjusted or arm.moments
            for arm in (metric.control, *(t.arm for t in metric.treatments))
        }
    return found


def by_name(result: Result) -> dict[str, dict[str, Moments]]:
    return {
        found.metric.name: {
            arm.variant: arm.moments
            for arm in (found.control, *(treatment.arm for treatment in found.treatments))
        }
        for found in result.metrics
    }


def alike(found: Moments, expected: Moments) -> None:
    assert found.n == expected.n
    assert found.mean == pytest.approx(expected.mean, rel=SAME, abs=0)
    assert found.variance == pytest.approx(expected.variance, rel=SAME, abs=0)


@settings(max_examples=25, deadline=None)
@given(columns(), st.permutations([Mean("x"), Mean("y"), Mean("z")]), st.integers(1, 3))
def test_columns_beside_it_change_no_number(
    of: dict[str, dict[str, list[float]]], order: list[Metric], count: int
) -> None:
    everything = measured(of, [Mean("x"), Mean("y"), Mean("z")])
    for name, arms in measured(of, order[:count]).items():
        for arm, moments in arms.items():
            alike(moments, everything[name][arm])


@settings(max_examples=25, deadline=None)
@given(columns())
def test_nothing_equal_and_whole_numbers_are_exact(of: dict[str, dict[str, list[float]]]) -> None:
    found = measured(of, [Mean(name) for name in of])
    for name, by_arm in of.items():
        for arm, values in by_arm.items():
            for moments in (found[name][arm], found[f"{name} of a segment"][arm]):
                exact_if_it_can_be(values, moments)


def exact_if_it_can_be(values: Sequence[float], moments: Moments) -> None:
    n = len(values)
    mean = sum(map(Fraction, values)) / n
    variance = sum((Fraction(value) - mean) ** 2 for value in values) / (n - 1)
    if len(set(values)) == 1:
        assert (moments.mean, moments.variance) == (values[0], 0.0)
    elif all(value.is_integer() for value in values):
        assert moments.mean == pytest.approx(float(mean), rel=3e-16, abs=0)
        assert moments.variance == pytest.approx(float(variance), rel=3e-16, abs=0)
    else:
        size = fsum(map(abs, values)) / n
        assert moments.mean == pytest.approx(float(mean), rel=SAME, abs=1e-15 * size)
        assert moments.variance == pytest.approx(
            float(variance), rel=1e-9, abs=float(1e-15 * size) ** 2
        )


@settings(max_examples=12, deadline=None)
@given(columns(), st.booleans())
def test_cuped_does_not_depend_on_what_else_is_adjusted(
    of: dict[str, dict[str, list[float]]], reverse: bool
) -> None:
    covariates = {"x": "y", "z": "y"}
    alone = measured(of, [Mean("x")], cuped={"x": "y"})
    metrics = [Mean("x"), Mean("z")]
    both = measured(of, metrics[::-1] if reverse else metrics, cuped=covariates)
    for arm, moments in alone["x"].items():
        # What is left after the adjustment may be as small as the rounding of what there was.
        values = of["x"][arm]
        size = fsum(map(abs, values)) / len(values)
        assert both["x"][arm].mean == pytest.approx(moments.mean, rel=SAME, abs=SAME * size)
        assert both["x"][arm].variance == pytest.approx(
            moments.variance, rel=SAME, abs=SAME * size * size
        )


METRICS: tuple[Metric, ...] = (
    Conversion("clicked", action="click"),
    Total("clicks", action="click"),
    Sum("spent", action="buy", property="price"),
    Sum("capped", action="buy", property="price", winsorize=Winsorize(upper_percentile=60)),
    Average("price", action="buy", property="price"),
    Ratio("per click", numerator=Sum("buy", property="price"), denominator=Total("click")),
    Total("pages", action="page"),
)

done = st.tuples(
    st.integers(0, 9),
    st.sampled_from(["click", "buy", "page", "page"]),
    st.integers(-40, 90),
    st.sampled_from([0.1, 0.1, 0.3, 9.99, 1e8]),
)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(done, min_size=5, max_size=60),
    st.permutations(METRICS),
    st.integers(1, len(METRICS)),
    st.sampled_from([None, "day"]),
    st.booleans(),
)
def test_metrics_beside_it_change_no_number_of_events(
    tables: Tables,
    did: list[tuple[int, str, int, float]],
    order: list[Metric],
    count: int,
    over_time: str | None,
    cuped: bool,
) -> None:
    everything = of_events(tables, did, METRICS, over_time, cuped=cuped)
    for name, looks in of_events(tables, did, order[:count], over_time, cuped=cuped).items():
        for before, now in zip(looks, everything[name], strict=False):
            for arm, moments in before.items():
                expected = now[arm]
                scale = max(abs(expected.mean), expected.variance**0.5, 1e-9)
                if not cuped:
                    alike(moments, expected)
                assert moments.mean == pytest.approx(expected.mean, rel=SAME, abs=SAME * scale)
                assert moments.variance == pytest.approx(
                    expected.variance, rel=1e-9, abs=1e-9 * scale * scale
                )


def of_events(
    tables: Tables,
    did: Sequence[tuple[int, str, int, float]],
    metrics: Sequence[Metric],
    over_time: str | None,
    *,
    cuped: bool,
) -> dict[str, list[dict[str, Moments]]]:
    """By metric, the moments of each arm: of the result, its segment, and each look."""
    exposures = [
        {"unit_id": f"u{i}", "variant": "ab"[i % 2], "hour": i, "properties": '{"s": "all"}'}
        for i in range(10)
    ]
    actions = [
        {"action": name, "user_id": f"u{unit}", "hour": hour, "properties": f'{{"price": {price}}}'}
        for unit, name, hour, price in did
    ]
    result = analyze(
        Design(name="Exp", salt="s", unit_type="user", control="a", metrics=tuple(metrics)),
        **tables(exposures, actions),
        segments=["s"],
        over_time=over_time,
        cuped=timedelta(days=2) if cuped else None,
    )
    found = {name: [arms] for name, arms in by_name(result).items()}
    for metric in result.segments[0].metrics:
        arms = (metric.control, *(t.arm for t in metric.treatments))
        found[metric.metric.name].append({arm.variant: arm.moments for arm in arms})
    for metric in result.metrics:
        if metric.over_time is not None:
            for look, control in enumerate(metric.over_time.control):
                treatment = metric.over_time.treatments["b"].arms[look]
                found[metric.metric.name].append({"a": control, "b": treatment})
    return found


def alternating(**columns: Any) -> Any:
    """310 units in the arms A and B by turns."""
    import pyarrow as pa

    units = range(310)
    return pa.table(
        {
            "id": units,
            "arm": ["AB"[i % 2] for i in units],
            **{name: [float(value(i)) for i in units] for name, value in columns.items()},
        }
    )


def test_a_mean_of_nothing_is_0_beside_a_column_that_hardly_varies() -> None:
    rows = alternating(
        clicks=lambda i: 0 if i % 2 == 0 else i % 4,
        load=lambda i: 30.0,
        nearly=lambda i: 1e6 + (i % 3) / 10,
    )
    alone, *others = (
        UnitsAnalysis(rows, unit="id", variant="arm", control="A", metrics=metrics).run()
        for metrics in (
            [Mean("clicks")],
            [Mean("clicks"), Mean("load")],
            [Mean("nearly"), Mean("load"), Mean("clicks")],
        )
    )
    (expected,) = alone.metrics
    assert expected.control.moments == Moments(155, 0.0, 0.0)
    assert expected.treatments[0].missing == (
        "more units that make up the sum in variant A (0 of 25 in effect)",
    )
    for result in others:
        found = next(m for m in result.metrics if m.metric == Mean("clicks"))
        assert found.control.moments == expected.control.moments
        assert found.treatments == expected.treatments


def test_a_ratio_whose_divisor_is_0_has_no_value_beside_a_column_that_hardly_varies() -> None:
    rows = alternating(
        orders=lambda i: i % 3, visits=lambda i: 0 if i % 2 else 2, load=lambda i: 30.1
    )
    ratio = Ratio("per visit", numerator=Mean("orders"), denominator=Mean("visits"))
    result = UnitsAnalysis(
        rows, unit="id", variant="arm", control="A", metrics=[ratio, Mean("load")]
    ).run()
    (treatment,) = result.metrics[0].treatments
    assert treatment.comparison is None
    assert "a divisor of per visit that is not 0 in variant B" in treatment.missing


@pytest.mark.parametrize("over_time", [None, "day"])
def test_an_action_that_everybody_does_once_changes_no_other_metric(
    tables: Tables, over_time: str | None
) -> None:
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2], "hour": i / 10} for i in range(310)]
    seen = [{"action": "page", "user_id": f"u{i}", "hour": 40} for i in range(310)]
    clicks = [
        {"action": "click", "user_id": f"u{i}", "hour": 41}
        for i in range(1, 310, 2)
        for _ in range(i % 4)
    ]
    one, both = (
        analyze(
            Design(name="Exp", salt="s", unit_type="user", control="a", metrics=metrics),
            **tables(exposures, seen + clicks),
            over_time=over_time,
        )
        for metrics in ((Total("click"),), (Total("click"), Total("page")))
    )
    assert both.metrics[0].control.moments == Moments(155, 0.0, 0.0)
    assert both.metrics[0].treatments == one.metrics[0].treatments


def test_what_was_paid_at_the_limit_is_not_capped_later_by_rounding(tables: Tables) -> None:
    metric = Sum("spent", action="buy", property="price", winsorize=Winsorize(upper=0.3))
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(4)]
    actions = [
        {"action": "buy", "user_id": "u0", "hour": hour, "properties": f'{{"price": {price}}}'}
        for hour, price in ((1, 0.3), (30, 0.1))
    ]
    design = Design(name="Exp", salt="s", unit_type="user", control="a", metrics=(metric,))
    (found,) = analyze(design, **tables(exposures, actions)).metrics
    assert found.control.capped == 1
    assert found.control.moments.mean == 0.15
