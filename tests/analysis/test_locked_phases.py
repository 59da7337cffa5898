"""Phases that the lock remembers: of exposures without weights, of who enters, and of sticky units."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from abkit import Conversion, Experiment, ExperimentManager, UserExperiment
from abkit.analysis import Analysis, Result
from abkit.experiments.checking.lock import LOCK_FILE, read_lock, write_lock
from abkit.exposure import MemoryStickyStore
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.files import FileSink

from .conftest import START, Tables

DAY = timedelta(days=1)
SPLITS = ({"a": 0.9, "b": 0.1}, {"a": 0.5, "b": 0.5})

Lock = Callable[..., None]


def declared(**attributes: Any) -> type[Experiment]:
    stated = {"salt": "s", "variants": SPLITS[1], "metrics": [Conversion("click", goal=0.2)]}
    return type("Exp", (UserExperiment,), {**stated, **attributes})


@pytest.fixture
def lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lock:
    """Writes the lock of a project: each experiment a day after the one before."""
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)

    def write(*experiments: type[Experiment]) -> None:
        path = tmp_path / LOCK_FILE
        for day, experiment in enumerate(experiments):
            before = read_lock(path) if path.exists() else {}
            write_lock(path, [experiment], before, at=START + day * DAY)

    return write


def exposed(*sizes: tuple[int, int], weights: tuple[str | None, ...] = (None, None)) -> list[Any]:
    """On each day so many units of a and b, from an hour after midnight on."""
    return [
        {
            "unit_id": f"{day}{variant}{number}",
            "variant": variant,
            "hour": 24 * day + 1,
            "weights": weights[day],
        }
        for day, of_day in enumerate(sizes)
        for variant, units in zip("ab", of_day, strict=True)
        for number in range(units)
    ]


RAMP = (declared(variants=SPLITS[0]), declared())
PLANNED = (1_800, 200), (1_000, 1_000)


def analyzed(tables: Tables, rows: list[Any]) -> Result:
    return Analysis(declared(), **tables(rows)).run()


@pytest.mark.parametrize("told", [(None, None), (None, '{"a":0.5,"b":0.5}')])
def test_a_planned_ramp_is_no_mismatch(
    lock: Lock, tables: Tables, told: tuple[str | None, ...]
) -> None:
    """Neither where no exposure tells its weights, nor where some do."""
    rows = exposed(*PLANNED, weights=told)
    assert analyzed(tables, rows).sample_ratio.alarm
    lock(*RAMP)
    result = analyzed(tables, rows)
    assert not result.sample_ratio.alarm
    assert [dict(phase.weights) for phase in result.phases] == [*SPLITS]
    assert [dict(phase.units) for phase in result.phases] == [
        {"a": 1_800, "b": 200},
        {"a": 1_000, "b": 1_000},
    ]


@pytest.mark.parametrize("sizes", [((1_800, 200), (1_150, 850)), ((1_500, 500), (1_000, 1_000))])
def test_a_mismatch_within_one_phase_is_found(lock: Lock, tables: Tables, sizes: Any) -> None:
    lock(*RAMP)
    assert analyzed(tables, exposed(*sizes)).sample_ratio.alarm


def test_a_table_without_the_column_is_read_with_the_lock(lock: Lock, tables: Tables) -> None:
    lock(*RAMP)
    data = tables(exposed(*PLANNED))
    data["exposures"] = data["exposures"].drop_columns(["weights"])
    result = Analysis(declared(), **data).run()
    assert len(result.phases) == 2
    assert not result.sample_ratio.alarm


def test_what_exposures_tell_counts_more_than_the_lock(lock: Lock, tables: Tables) -> None:
    """The lock was updated a day before the deploy."""
    lock(declared(variants=SPLITS[0]), declared())
    told = ('{"a":0.9,"b":0.1}', '{"a":0.9,"b":0.1}')
    result = analyzed(tables, exposed((900, 100), (900, 100), weights=told))
    assert result.phases == ()
    assert not result.sample_ratio.alarm


def test_another_rollout_is_told_and_does_not_split_the_comparison(
    lock: Lock, tables: Tables
) -> None:
    lock(declared(rollout=0.1), declared(rollout=0.5))
    result = analyzed(tables, exposed((100, 100), (500, 500)))
    assert result.phases == ()
    (phase,) = result.entering
    assert (phase.at, phase.entering) == (START + DAY, ("rollout 10% -> 50%",))
    assert result.to_dict()["entering"] == [
        {"at": "2024-03-02T00:00:00+00:00", "changes": ["rollout 10% -> 50%"]}
    ]


def test_the_report_marks_where_phases_begin_and_says_what_was_compared(
    lock: Lock, tables: Tables, tmp_path: Path
) -> None:
    """The rollout was raised with the units of a day, and the weights changed on the next."""
    lock(declared(variants=SPLITS[0], rollout=0.1), declared(variants=SPLITS[0]), declared())
    rows = exposed((90, 10), (900, 100), (500, 500), (500, 500), weights=(None,) * 4)
    result = analyzed(tables, rows)
    spec: Any = result.charts().cumulative
    marks = [
        (
            mark["number"],
            datetime.fromtimestamp(mark["time"] / 1000, UTC),
            layer["mark"]["strokeDash"],
        )
        for layer in spec.to_dict()["layer"]
        if layer["mark"]["type"] == "rule"
        for mark in layer["data"]["values"]
    ]
    assert marks == [("3", START + 2 * DAY, [1, 0]), ("2", START + DAY, [3, 3])]
    together = (
        "Phase 2 from 2024-03-02: rollout 10% -> 100%; units before and after are compared together, as "
        "the split stayed the same."
    )
    apart = "Phase 3 from 2024-03-03: weights a 50.0%, b 50.0%; units before and after are compared apart."
    page = unescape(result.to_html(tmp_path / "report.html").read_text())
    terminal = " ".join(str(result).split())
    for text in (page, terminal):
        assert together in text
        assert apart in text
    assert "990 : 110 units; compared: b" in terminal


def test_a_phase_that_was_not_compared_says_why(lock: Lock, tables: Tables, tmp_path: Path) -> None:
    lock(*RAMP)
    result = analyzed(tables, exposed((9, 1), (500, 500)))
    assert "9 : 1 units; compared: nothing: an arm has fewer than 2 units" in " ".join(
        str(result).split()
    )
    page = result.to_html(tmp_path / "report.html").read_text()
    assert "no: an arm has fewer than 2 units" in page


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("2024-03-01", "yesterday"),
        ("2024-03-01T00:00:00+00:00", "9999-12-31T23:59:59-14:00"),
        ('"a": 0.9', '"a": -1'),
        ('"a": 0.9', '"a": NaN'),
    ],
)
def test_a_lock_whose_phases_cannot_be_read_is_a_note(
    right: str, wrong: str, lock: Lock, tables: Tables, tmp_path: Path
) -> None:
    lock(*RAMP)
    path = tmp_path / LOCK_FILE
    path.write_text(path.read_text().replace(right, wrong))
    result = analyzed(tables, exposed(*PLANNED))
    assert any(f"{LOCK_FILE} cannot be read" in warning for warning in result.warnings)


def ramped(folder: Path, *, returning: int, sticky: bool = True) -> None:
    """A day at 90/10 and one at 50/50, on which some of the first day's users come again.

    On each day 2,000 new users come. Events are those of the real manager, logger and sink.
    """
    store = MemoryStickyStore()
    for day, variants in enumerate(SPLITS):
        now = (START + day * DAY).timestamp() + 3_600
        logger = ExposureLogger(FileSink(folder))
        manager = ExperimentManager(
            on_event=logger, sticky_store=store, clock=partial(float, now), strict=True
        )
        manager.add(declared(variants=variants, sticky=sticky))
        again = range(returning) if day else ()
        for user in (*again, *range(2_000 * day, 2_000 * (day + 1))):
            manager.log_exposure("Exp", user=user)
        assert manager.sticky is not None
        assert manager.sticky.flush()
        logger.close()


def test_sticky_units_count_for_the_weights_that_they_were_drawn_with(tmp_path: Path) -> None:
    ramped(tmp_path / "events", returning=1_000)
    result = Analysis(
        declared(sticky=True), exposures=tmp_path / "events" / "exposures", actions=None
    ).run()
    assert [sum(phase.units.values()) for phase in result.phases] == [2_000, 2_000]
    assert result.in_several == 0
    assert not result.sample_ratio.alarm
    assert not [warning for warning in result.warnings if "sticky" in warning]


def test_an_analysis_from_the_change_on_warns_of_sticky_units(tmp_path: Path) -> None:
    """They keep what 90/10 gave them, and their later exposures tell 50/50."""
    ramped(tmp_path / "events", returning=1_000)
    exposures = tmp_path / "events" / "exposures"
    late = Analysis(declared(sticky=True), exposures=exposures, actions=None).run(start=START + DAY)
    assert late.sample_ratio.alarm
    (said,) = [warning for warning in late.warnings if "before the start" in warning]
    assert said.startswith("1,000 units were exposed before the start of this analysis")


def test_units_that_are_redrawn_need_no_warning(tmp_path: Path) -> None:
    ramped(tmp_path / "events", returning=1_000, sticky=False)
    exposures = tmp_path / "events" / "exposures"
    late = Analysis(declared(), exposures=exposures, actions=None).run(start=START + DAY)
    assert not late.sample_ratio.alarm
    assert not [warning for warning in late.warnings if "sticky" in warning]


def test_a_mismatch_of_sticky_units_whose_first_exposures_are_gone_is_explained(
    lock: Lock, tables: Tables
) -> None:
    lock(*(declared(variants=split, sticky=True) for split in SPLITS))
    rows = exposed((0, 0), (1_900, 1_100))
    result = Analysis(declared(sticky=True), **tables(rows)).run()
    assert result.sample_ratio.alarm
    assert any("sticky and its weights changed" in warning for warning in result.warnings)
