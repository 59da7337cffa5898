"""The demo is the whole way: what it prints is what the files hold."""

import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ..command_line import run


def demo(folder: Path, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    ran = run("demo", *arguments, folder=folder)
    assert ran.returncode == code, ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    return ran


def numbers(pattern: str, text: str) -> list[int]:
    return [int(found.replace(",", "")) for found in re.findall(pattern, text)]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("demo")
    return folder, demo(folder, "--organizations", "4000", "--lift", "0.5").stdout


def test_the_counts_are_those_of_the_files(ran: tuple[Path, str]) -> None:
    folder, shown = ran
    query = (
        "select count(*), count(distinct unit_id), count(distinct insert_id) from read_parquet(?)"
    )
    pattern = str(folder / "data/events/exposures/**/*.parquet")
    with duckdb.connect() as connection:
        ((rows, organizations, insert_ids),) = connection.execute(query, [pattern]).fetchall()
    (called,) = numbers(r"called, ([\d,]+) times", shown)
    (exposed,) = numbers(r"([\d,]+) organizations were exposed", shown)
    assert exposed == organizations
    assert called > rows == insert_ids > organizations


def test_a_large_lift_is_found_and_the_report_is_one_file(ran: tuple[Path, str]) -> None:
    folder, shown = ran
    assert "Significant" in shown
    assert "roll out 1" in shown
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "ShowPluginsExperiment" in page
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", page)


def test_an_organization_of_our_own_is_not_exposed(ran: tuple[Path, str]) -> None:
    folder, _ = ran
    pattern = str(folder / "data/events/exposures/**/*.parquet")
    query = "select count(*) from read_parquet(?) where unit_id = '0'"
    with duckdb.connect() as connection:
        assert connection.execute(query, [pattern]).fetchall() == [(0,)]


def test_the_commands_at_its_end_can_be_pasted(ran: tuple[Path, str]) -> None:
    folder, shown = ran
    commands = re.findall(r"^ *(\S*abkit (?:rollout|analyze) .*)$", shown, re.MULTILINE)
    assert len(commands) == 2
    program = f"abkit() {{ '{sys.executable}' -m abkit.cli \"$@\"; }}"
    for command in commands:
        line = f"{program}; {command}{' --yes' if 'rollout' in command else ''}"
        shell = ["/bin/sh", "-c", line]
        pasted = subprocess.run(shell, cwd=folder, capture_output=True, text=True, check=False)
        assert pasted.returncode == 0, pasted.stderr
    assert "winner" in (folder / "data/experiments.toml").read_text(encoding="utf-8")


def test_the_stored_events_can_be_analyzed_again(ran: tuple[Path, str]) -> None:
    folder, shown = ran
    again = run(
        *("analyze", "ShowPluginsExperiment", "--json"),
        *("--config", "abkit.cli.demo", "--events", "data/events"),
        folder=folder,
    )
    assert again.returncode == 0, again.stderr
    counted = [variant["exposed"] for variant in json.loads(again.stdout)["exposures"]["variants"]]
    assert [sum(counted)] == numbers(r"([\d,]+) organizations were exposed", shown)


def test_without_a_lift_nothing_is_found(tmp_path: Path) -> None:
    shown = demo(tmp_path, "--organizations", "1000", "--lift", "0.0").stdout
    assert "Not Significant" in shown


def test_one_seed_gives_one_result(tmp_path: Path) -> None:
    shown = [
        demo(tmp_path, "--organizations", "200", "--seed", seed).stdout for seed in ("1", "1", "2")
    ]
    tables = [text.partition("\n\n")[0] for text in shown]
    assert tables[0] == tables[1] != tables[2]


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("kept")
    ran = demo(tmp_path, "--events", "mine", code=2)
    assert "has files of its own" in ran.stderr
    assert (tmp_path / "mine" / "file").read_text() == "kept"


@pytest.mark.parametrize("lift", ["-1", "9", "nan"])
def test_a_lift_that_cannot_be_simulated_is_refused(tmp_path: Path, lift: str) -> None:
    assert "--lift must be above -1" in demo(tmp_path, "--lift", lift, code=2).stderr
