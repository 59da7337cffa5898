"""Days that are missing in the data, and newest events that are late."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from attrs import evolve
from tests.panel.shop import analysis_of, write_events

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.panel.data_health import DataHealth, age_if_late, data_health, explained, faults
from abkit.panel.glance import glance

NEWEST = datetime(2026, 11, 22, 12, tzinfo=UTC)
LOST = date(2026, 11, 10)


@pytest.fixture(scope="module")
def sums(shop_events: Path) -> ExperimentSums:
    return analysis_of(shop_events).gather()


def without(sums: ExperimentSums, lost: date) -> ExperimentSums:
    """The same, as if the units of one day had not been loaded."""
    kept = {key: of for key, of in sums.exposed.by_period.items() if key[0].date() != lost}
    return evolve(sums, exposed=evolve(sums.exposed, by_period=kept))


def test_complete_data_have_no_fault(sums: ExperimentSums) -> None:
    health = data_health(sums)
    assert health.newest == sums.exposed.latest
    assert 130 < health.daily < 160  # 3,000 units in 21 days
    assert [*faults(health, None)] == []
    assert [*explained(health, None)] == []


def test_a_day_without_units_is_told(sums: ExperimentSums) -> None:
    health = data_health(without(sums, LOST))
    assert health.without_units == (LOST,)
    assert [*faults(health, None)] == ["1 day without exposures"]
    (sentence,) = explained(health, None)
    assert sentence.startswith("2026-11-10 has no new unit")


def test_few_units_a_day_leave_days_without_any(sums: ExperimentSums) -> None:
    few = dict.fromkeys(sums.exposed.by_period, 1)
    rare = evolve(sums, exposed=evolve(sums.exposed, by_period=few))
    assert data_health(without(rare, LOST)).without_units == ()


def test_a_day_with_units_and_without_actions_is_told(sums: ExperimentSums) -> None:
    looks = list(sums.measured.looks)
    place = next(i for i, (end, _) in enumerate(looks) if end.date() == LOST + timedelta(days=1))
    looks[place] = (looks[place][0], looks[place - 1][1])  # nothing is added on that day
    health = data_health(evolve(sums, measured=evolve(sums.measured, looks=tuple(looks))))
    assert health.without_actions == (LOST,)
    assert health.without_units == ()
    assert "2026-11-10 has no action that a metric counts" in next(iter(explained(health, None)))


def test_actions_that_lack_what_a_metric_wants_are_told(tmp_path: Path) -> None:
    events = write_events(tmp_path / "shop", units=600)
    with duckdb.connect() as database:
        of = f"'{events}/actions/part.parquet'"
        database.execute(f"create table actions as select * from {of}")  # noqa: S608 - our own
        torn = "case when hash(insert_id) % 2 = 0 then '{}' else properties end as properties"
        database.execute(f"copy (select * replace ({torn}) from actions) to {of}")  # noqa: S608 - our own
    found = glance(analysis_of(events).gather())
    (lacking,) = found.data.lacking
    assert "'purchase' that count have no number 'price'" in lacking
    assert "incomplete actions" in [*faults(found.data, None)]
    assert not any("warning" in fault for fault in found.health)  # it is told once


@pytest.mark.parametrize(
    ("daily", "age", "late"),
    [
        (500.0, timedelta(hours=20), False),  # a day is always waited for
        (500.0, timedelta(days=3), True),
        (2.0, timedelta(days=3), False),  # of 2 a day, 3 days without one are no wonder
        (2.0, timedelta(days=11), True),
        (0.0, timedelta(days=19), False),
        (0.0, timedelta(days=21), True),
    ],
)
def test_the_newest_exposure_is_late_if_others_should_have_come(
    daily: float, age: timedelta, late: bool
) -> None:
    health = DataHealth(newest=NEWEST, daily=daily)
    assert age_if_late(health, NEWEST + age) == (age if late else None)


def test_how_late_is_told_in_days_and_what_is_incomplete_is_counted() -> None:
    health = DataHealth(newest=NEWEST, daily=500.0, incomplete=1)
    late = age_if_late(health, NEWEST + timedelta(days=3, hours=2))
    assert [*faults(health, late)] == ["newest exposure 3 days old", "1 incomplete exposure"]
    assert next(iter(explained(health, late))).startswith("The newest exposure is 3 days old")


def test_nothing_is_late_where_nobody_was_exposed() -> None:
    assert age_if_late(DataHealth(), NEWEST) is None
