"""`abkit compact`: what it prints, and its exit codes."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from abkit.cli.compact import compact
from abkit.events import Action, Exposure
from abkit.sinks.files import FileSink

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
TWO_DAYS_AGO = (MIDNIGHT - timedelta(days=2)).date()


@pytest.fixture
def events(tmp_path: Path) -> Path:
    sink = FileSink(tmp_path / "events")
    for number in range(3):
        for day in (0, 2):
            time = (MIDNIGHT - timedelta(days=day)).timestamp() + 60 * number
            sink.send([Exposure("E", "s", "user", f"{number}", "a", time, insert_id=f"e{number}")])
            sink.send([Action("buy", time, f"{number}", insert_id=f"a{number // 2}")] * 2)
    return tmp_path / "events"


def run(events: Path, *options: str) -> Result:
    return CliRunner().invoke(compact, ["--events", str(events), "--settle", "0", *options])


def test_it_tells_what_became_of_each_day(events: Path) -> None:
    ran = run(events)
    assert ran.exit_code == 0, ran.output
    told = re.sub(r"\d+ kB", "... kB", ran.stdout).splitlines()
    assert told == [
        f"actions of {TWO_DAYS_AGO}: 3 files became 1: 3 rows, ... kB; 3 copies left out",
        f"exposures of {TWO_DAYS_AGO}: 3 files became 1: 3 rows, ... kB",
        f"6 files became 2 in {events}",
    ]
    assert run(events).stdout == f"nothing to merge in {events}\n"
    assert run(events, "--quiet").output == ""


def test_a_folder_that_no_sink_writes_to_is_told(events: Path) -> None:
    ran = run(events / "exposures")
    assert ran.exit_code == 0
    assert ran.stdout == (
        f"nothing to merge in {events / 'exposures'}, which has no folder exposures, actions or identities\n"
    )


@pytest.mark.parametrize("option", ["--older-than", "--settle"])
@pytest.mark.parametrize("value", ["nan", "inf", "-1", "1e9"])
def test_a_length_that_is_none_is_refused(events: Path, option: str, value: str) -> None:
    ran = run(events, option, value)
    assert ran.exit_code == 2
    assert f"Invalid value for '{option}'" in ran.stderr


def test_a_file_that_stays_is_told(events: Path) -> None:
    day = events / "exposures" / f"date={TWO_DAYS_AGO}"
    one = min(day.iterdir())
    pq.write_table(pq.read_table(one).drop_columns(["insert_id"]), one)
    ran = run(events)
    assert ran.exit_code == 0, ran.output
    assert "2 files became 1: 2 rows" in ran.stdout
    assert "; 1 file left as it is: rows without an insert_id\n" in ran.stdout


def test_a_day_that_cannot_be_merged_is_an_error_of_one_line(events: Path) -> None:
    broken = events / "actions" / f"date={TWO_DAYS_AGO}" / "broken.parquet"
    broken.write_bytes(b"PAR1")
    ran = run(events, "--quiet")
    assert ran.exit_code == 1
    (line,) = ran.stderr.splitlines()
    assert line.startswith(f"actions of {TWO_DAYS_AGO}: FAILED: ")
    assert "broken.parquet" in line
    assert len([*broken.parent.iterdir()]) == 4


def test_what_cannot_be_is_an_error_that_says_what_can(tmp_path: Path) -> None:
    ran = run(tmp_path / "evnts")
    assert ran.exit_code == 2
    assert "evnts is no folder; give the one that a FileSink writes to" in ran.stderr
    ran = run(tmp_path, "--memory", "much")
    assert ran.exit_code == 2
    assert "must be a size such as 512MB or 2GB, not 'much'" in ran.stderr
    assert run(tmp_path, "--older-than", "-1").exit_code == 2


def test_it_is_found_where_the_environment_says_that_events_are(
    events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ABKIT_EVENTS", str(events))
    ran = CliRunner().invoke(compact, ["--settle", "0", "--memory", "300MB", "--older-than", "0.5"])
    assert ran.stdout.endswith(f"6 files became 2 in {events}\n")
