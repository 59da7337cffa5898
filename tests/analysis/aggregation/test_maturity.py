"""Units whose time is not over at the end of the data are counted and told."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit.analysis import Design, Result
from abkit.experiments.declaring.metrics import Conversion, Funnel, Metric, Ratio, Retention, Total

from ..asked import analyze
from ..conftest import START, Tables

WEEK_1 = Retention("week 1", start="visit", returning="visit", n=1, period="week")
TIMED = Funnel("bought", steps=["visit", "buy"], within=timedelta(hours=30))
PER_VISIT = Ratio("per visit", numerator=Total("buy"), denominator=Total("visit"))
METRICS: tuple[Metric, ...] = (WEEK_1, TIMED, Conversion("buy"), PER_VISIT)


def analyzed(
    tables: Tables,
    exposures: Sequence[dict[str, Any]],
    actions: Sequence[dict[str, Any]],
    *metrics: Metric,
    **options: Any,
) -> Result:
    design = Design(name="Exp", salt="s", unit_type="user", control="a", metrics=metrics or METRICS)
    return analyze(design, **tables(exposures, actions), **options)


def immature(result: Result) -> dict[str, list[int | None]]:
    return {
        found.metric.name: [found.control.immature, *(t.arm.immature for t in found.treatments)]
        for found in result.metrics
    }


def returning(tables: Tables) -> Result:
    """Forty users a day for ten days visit at once, and again after 7.5 days; so far as it is seen."""
    exposures = [
        {"unit_id": f"u{i}", "variant": "ab"[i % 2], "hour": i // 40 * 24} for i in range(400)
    ]
    visits = [
        {"action": "visit", "user_id": f"u{i}", "hour": hour}
        for i in range(400)
        for hour in (i // 40 * 24, i // 40 * 24 + 180)
        if hour <= 9 * 24
    ]
    return analyzed(tables, exposures, visits, WEEK_1)


def test_who_can_still_come_back_is_told(tables: Tables) -> None:
    """At the end of the tenth day no second week is over; two days of users have come back so far."""
    result = returning(tables)
    assert result.metrics[0].control.moments.mean == 0.2
    assert immature(result) == {"week 1": [200, 200]}


def test_the_result_shows_it_in_the_terminal_the_page_and_the_document(
    tables: Tables, tmp_path: Any
) -> None:
    result = returning(tables)
    said = "Not mature: for 400 of 400 units (100.00%) the time that counts is not over"
    assert said in " ".join(result.to_text(width=200).split())
    page = result.to_html(tmp_path / "report.html").read_text(encoding="utf-8")
    assert said in " ".join(page.split())
    document: Any = result.to_dict()
    assert document["metrics"][0]["control"]["immature"] == 200
    assert ",immature," in result.to_csv().splitlines()[0]


def test_once_all_time_is_over_nothing_is_said(tables: Tables) -> None:
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(10)]
    visits = [{"action": "visit", "user_id": f"u{i}", "hour": 1} for i in range(10)]
    late = [{"action": "other", "user_id": "nobody", "hour": 15 * 24}]
    result = analyzed(tables, exposures, visits + late, WEEK_1, Conversion("visit"))
    assert immature(result) == {"week 1": [0, 0], "visit": [None, None]}
    assert "Not mature" not in result.to_text(width=200)


def test_the_data_end_where_the_time_frame_does(tables: Tables) -> None:
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(10)]
    later = [{"action": "visit", "user_id": "u1", "hour": hour} for hour in (0, 400)]
    for hours, waiting in ((336, 0), (335, 5)):
        result = analyzed(tables, exposures, later, WEEK_1, until=START + timedelta(hours=hours))
        assert immature(result) == {"week 1": [waiting, waiting]}


events = st.lists(
    st.tuples(st.integers(0, 7), st.sampled_from(["visit", "buy"]), st.integers(0, 500)),
    max_size=20,
)


@settings(max_examples=12, deadline=None)
@given(events, st.sampled_from([None, timedelta(days=8), timedelta(days=20)]))
def test_units_that_are_not_mature_are_those_of_plain_python(
    tables: Tables, did: list[tuple[int, str, int]], window: timedelta | None
) -> None:
    first = {unit: unit * 30 for unit in range(8)}
    exposures = [
        {"unit_id": f"u{unit}", "variant": "ab"[unit % 2], "hour": hour}
        for unit, hour in first.items()
    ]
    actions = [{"action": a, "user_id": f"u{unit}", "hour": hour} for unit, a, hour in did]
    end = max([*first.values(), *(hour for *_, hour in did)])
    reach = float("inf") if window is None else window / timedelta(hours=1)
    expected: dict[str, list[int | None]] = {}
    for name, length in (("week 1", 14 * 24), ("bought", 30), ("buy", None), ("per visit", None)):
        counts: list[int | None] = []
        for arm in (0, 1):
            waiting = 0
            for unit in range(arm, 8, 2):
                starts = [
                    hour
                    for who, action, hour in did
                    if who == unit
                    and action == "visit"
                    and first[unit] <= hour < first[unit] + reach
                ]
                over = first[unit] + reach
                if length is not None:
                    over = min(over, min(starts, default=first[unit]) + length)
                waiting += end < over
            counts.append(None if length is None and window is None else waiting)
        expected[name] = counts
    assert immature(analyzed(tables, exposures, actions, window=window)) == expected


@pytest.mark.parametrize("over_time", ["day", None])
def test_before_the_first_action_every_unit_waits(tables: Tables, over_time: str | None) -> None:
    exposures = [{"unit_id": f"u{i}", "variant": "ab"[i % 2]} for i in range(4)]
    design = Design(name="Exp", salt="s", unit_type="user", control="a", metrics=(WEEK_1,))
    result = analyze(
        design, exposures=tables(exposures)["exposures"], actions=None, over_time=over_time
    )
    assert immature(result) == {"week 1": [2, 2]}
