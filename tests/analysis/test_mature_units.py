"""Of a metric that waits for a window, units count once it is over: everywhere, and as if the others were
not there."""

import random
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis import Analysis, AnalysisPlan, Design, Result
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric, Ratio, Role, Sum, Total

from .asked import analyze, analyze_units
from .conftest import START, Tables

DAY = timedelta(days=1)
WEEK = 7 * DAY
REVENUE = Sum("revenue", action="buy", property="price", window=WEEK, mature_only=True)
PER_VISIT = Ratio(
    "per visit",
    numerator=Total("buy", window=WEEK, mature_only=True),
    denominator=Total("visit", window=WEEK, mature_only=True),
)
BOUGHT = Conversion("bought", action="buy", window=WEEK, mature_only=True)


def designed(*metrics: Metric, **options: Any) -> Design:
    return Design(name="Exp", salt="s", unit_type="user", control="a", metrics=metrics, **options)


def events(
    days: int = 20, per_day: int = 80, *, weighed: bool = False, seed: int = 3
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Users who come day by day; the longer ago that is, the more each of them buys a day."""
    chance = random.Random(seed)  # noqa: S311 - reproducible data, no secret
    exposures: list[dict[str, Any]] = []
    actions: list[dict[str, Any]] = []
    for number in range(days * per_day):
        user, first = f"u{number}", number // per_day * 24 + chance.random() * 24
        later = weighed and first > days * 12
        variant = "b" if chance.random() < (0.2 if later else 0.5) else "a"
        exposures.append(
            {
                "unit_id": user,
                "variant": variant,
                "hour": first,
                "properties": f'{{"plan": "{chance.choice(["free", "pro"])}"}}',
                "weights": ('{"a":0.8,"b":0.2}' if later else '{"a":0.5,"b":0.5}')
                if weighed
                else None,
            }
        )
        for day in range(-7, days):
            hour = first + day * 24 + chance.random() * 20
            hazard = 0.03 if day < 0 else 0.02 * (day + 1)
            for action in ("visit", "buy"):
                if hour < days * 24 and chance.random() < hazard:
                    price = f'{{"price": {chance.lognormvariate(2, 0.6)}}}'
                    actions.append(
                        {"user_id": user, "action": action, "hour": hour, "properties": price}
                    )
    return exposures, actions


def mature(exposures: Sequence[Mapping[str, Any]], actions: Any) -> list[Mapping[str, Any]]:
    end = max(row["hour"] for row in [*exposures, *actions])
    return [row for row in exposures if row["hour"] + 7 * 24 <= end]


def of_all(metric: Metric) -> Metric:
    """The same metric, of all units."""
    if isinstance(metric, Ratio):
        numerator, denominator = of_all(metric.numerator), of_all(metric.denominator)
        return evolve(metric, numerator=numerator, denominator=denominator)
    return evolve(metric, mature_only=False)  # type: ignore[call-arg]


def arms(result: Result) -> list[Any]:
    """The moments of all arms, with CUPED and without, and the comparisons."""
    return [
        (arm.moments, arm.unadjusted, arm.conversions, arm.capped, arm.divided)
        for found in result.metrics
        for arm in (found.control, *(t.arm for t in found.treatments))
    ] + [t.comparison for found in result.metrics for t in found.treatments]


@pytest.mark.parametrize("over_time", ["day", None])
@pytest.mark.parametrize("weighed", [False, True], ids=["one phase", "two phases"])
def test_it_is_as_if_the_units_that_wait_were_not_there(
    tables: Tables, over_time: str | None, weighed: bool
) -> None:
    exposures, actions = events(weighed=weighed)
    metrics = (REVENUE, PER_VISIT, BOUGHT)
    asked: dict[str, Any] = {
        "method": "welch",
        "cuped": WEEK,
        "segments": ["plan"],
        "over_time": over_time,
    }
    data = tables(exposures, actions)
    result = analyze(designed(*metrics), **data, **asked)
    kept = tables(mature(exposures, actions), actions)
    alone = analyze(designed(*map(of_all, metrics)), **kept, **asked)
    assert len(result.phases) == (2 if weighed else 0)
    for found, expected in zip(arms(result), arms(alone), strict=True):
        same(found, expected)
    for segment, other in zip(result.segments, alone.segments, strict=True):
        for found, expected in zip(arms_of(segment), arms_of(other), strict=True):
            same(found, expected)
    # All units are in the check of the arms' sizes, and are told.
    assert result.units == len(exposures) > alone.units
    waiting = [found.control.immature for found in result.metrics]
    assert waiting == [result.counts[0].units - alone.counts[0].units] * 3


def arms_of(segment: Any) -> list[Any]:
    return [
        arm.moments
        for found in segment.metrics
        for arm in (found.control, *(t.arm for t in found.treatments))
    ]


def same(found: Any, expected: Any) -> None:
    """Equal, numbers to 1e-9."""
    if isinstance(expected, tuple):
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif hasattr(expected, "__attrs_attrs__"):
        for field in expected.__attrs_attrs__:
            same(getattr(found, field.name), getattr(expected, field.name))
    elif isinstance(expected, float):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12)
    elif isinstance(expected, Mapping):
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            same(found[key], value)
    else:
        assert found == expected


def test_units_at_the_end_bias_a_mean_that_does_not_wait_for_them(tables: Tables) -> None:
    """Each day after its exposure a unit buys with 2 percentage points more: 0.56 times in a week."""
    expected = sum(0.02 * (day + 1) for day in range(7))
    waits = Total("waits", action="buy", window=WEEK, mature_only=True)
    bought = Total("bought", action="buy", window=WEEK)
    means = []
    for seed in range(4):
        data = tables(*events(days=16, seed=seed))
        result = analyze(designed(waits, bought), **data, method="welch", correction="none")
        means.append([found.control.moments.mean for found in result.metrics])
        error = (
            result.metrics[0].control.moments.variance / result.metrics[0].control.moments.n
        ) ** 0.5
        assert means[-1][0] == pytest.approx(expected, abs=4 * error)
    (mature_mean, mean_of_all) = (sum(of) / len(means) for of in zip(*means, strict=True))
    assert mature_mean == pytest.approx(expected, abs=0.03)
    assert mean_of_all < 0.75 * expected


def test_each_look_is_the_result_of_that_day(tables: Tables) -> None:
    exposures, actions = events()
    sums = Analysis(
        designed(REVENUE, PER_VISIT), **tables(exposures, actions), plan=AnalysisPlan(cuped=WEEK)
    ).gather()
    until = START + 12 * DAY
    found = sums.result(until=until)
    again = analyze(
        designed(REVENUE, PER_VISIT), **tables(exposures, actions), cuped=WEEK, until=until
    )
    for one, other in zip(found.metrics, again.metrics, strict=True):
        same(one.control.moments, other.control.moments)
        same(one.control.immature, other.control.immature)
        same(one.tau, other.tau)
    assert found.metrics[0].control.immature


def test_units_of_several_variants_wait_in_each(tables: Tables) -> None:
    exposures, actions = events(days=12, per_day=60)
    again = [{**row, "variant": "b", "hour": row["hour"] + 30} for row in exposures[::9]]
    data = tables([*exposures, *again], actions)
    plain, by_day = (
        analyze(
            designed(REVENUE, BOUGHT), **data, several="include", cuped=WEEK, over_time=over_time
        )
        for over_time in (None, "day")
    )
    for one, other in zip(by_day.metrics, plain.metrics, strict=True):
        same(one.control.moments, other.control.moments)
        same(one.treatments[0].arm, other.treatments[0].arm)
        assert one.treatments[0].arm.immature


def test_the_report_says_how_many_wait(tables: Tables, tmp_path: Any) -> None:
    exposures, actions = events(per_day=20)
    result = analyze(designed(REVENUE), **tables(exposures, actions))
    count = len(mature(exposures, actions))
    said = f"Not mature: {count} units count, {len(exposures) - count} wait for the end of their window."
    assert said in " ".join(result.to_text(width=300).split())
    page = result.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert said in " ".join(page.split())
    document: Any = result.to_dict()
    told = document["metrics"][0]
    assert told["control"]["units"] + told["treatments"][0]["units"] == count


def test_a_window_longer_than_the_data_is_told(tables: Tables) -> None:
    exposures, actions = events(days=5)
    result = analyze(designed(REVENUE, Total("visit")), **tables(exposures, actions))
    (said,) = [text for text in result.warnings if "revenue" in text]
    assert said == (
        "'revenue' counts no unit yet: its window of 7 days is over for none by the end of the data. Wait, "
        "or declare a shorter window."
    )
    assert result.metrics[0].treatments[0].comparison is None
    assert result.metrics[0].control.moments.n == 0
    assert result.metrics[1].control.moments.n > 100


def test_a_planned_size_is_made_of_units_that_count(tables: Tables) -> None:
    data = tables(*events())
    guard = evolve(BOUGHT, name="guard", role=Role.GUARDRAIL)
    count = 1_600 - 80 * 7
    for method in ("welch", "group-sequential"):
        for size, reached in ((count - 60, True), (count + 100, False)):
            plan: dict[str, Any] = {"method": method, "sample_size": size, "correction": "none"}
            if method == "group-sequential":
                plan["looks"] = [1.0]
            result = analyze(designed(REVENUE, guard, Total("buy")), **data, **plan)
            compared = [found.treatments[0].comparison is not None for found in result.metrics]
            assert compared == [reached, reached, True], (method, size)


def test_tau_is_that_of_the_first_look_at_mature_units(tables: Tables) -> None:
    """Day by day it stays what it was, though more units wait and more have waited."""
    sums = Analysis(designed(REVENUE), **tables(*events(per_day=400))).gather()
    taus = [sums.result(until=START + day * DAY).metrics[0].tau for day in (9, 12, 15, 19)]
    assert all(isinstance(tau, float) for tau in taus)
    assert max(taus) < 1.15 * min(taus)  # type: ignore[type-var, operator]


def test_a_table_of_units_has_no_times() -> None:
    rows = [{"variant": v, "buy": True} for v in "ab" for _ in range(4)]
    for timed in (
        Conversion("buy", mature_only=True),
        Conversion("buy", window=DAY),
        Ratio("r", numerator=Conversion("buy", delay=DAY), denominator=Mean("x")),
    ):
        with pytest.raises(AnalysisError, match="need exposures and actions"):
            analyze_units(rows, variant="variant", control="a", metrics=[timed])


def test_nobody_in_the_time_that_counts_is_told(tables: Tables) -> None:
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(4)]
    actions = [{"user_id": "u1", "action": "buy", "hour": 1}]
    result = analyze(designed(Total("buy", delay=DAY)), **tables(exposures, actions))
    assert "No unit has any 'buy' in the time that counts for it." in result.warnings


def test_a_window_of_a_century_is_over_for_nobody_and_that_is_told(tables: Tables) -> None:
    forever = Total("buy", window=timedelta(days=36_500), mature_only=True)
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(4)]
    actions = [{"user_id": "u1", "action": "buy", "hour": 1}]
    result = analyze(designed(forever), **tables(exposures, actions))
    assert result["buy"].control.moments.n == 0
    assert any("counts no unit yet" in warning for warning in result.warnings)
