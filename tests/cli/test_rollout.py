"""Who acts from the command line is recorded, and can take it back."""

import json
import re
import sqlite3
import tomllib
from functools import partial
from pathlib import Path

import pytest

from .shop_project import abkit as shop_command
from .shop_project import shop_project

MODULE = """
from abkit import OrgExperiment

class Buttons(OrgExperiment):
    variants = {"old": 3, "new": 1}

class Colours(OrgExperiment):
    variants = ["red", "blue"]
    sticky = True

ACTIVE_EXPERIMENTS = [Buttons, Colours]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return shop_project(tmp_path, MODULE)


abkit = partial(shop_command, COLUMNS="160", ABKIT_USER="ada")


def records(project: Path) -> list[dict[str, str]]:
    lines = (project / "live.audit.jsonl").read_text().splitlines()
    return [each for each in map(json.loads, lines) if each["outcome"] == "written"]


def test_the_history_says_who_changed_what_when_and_why(project: Path) -> None:
    assert "No change is recorded." in abkit(project, "rollout", "--history").stdout
    abkit(project, "rollout", "Buttons", "--share", "0.5", "--yes", "--why", "it is Monday")
    abkit(project, "rollback", "Buttons", "--yes", "--why", "errors", ABKIT_USER="bob")
    abkit(project, "rollout", "Colours", "--variant", "blue", "--yes")
    shown = abkit(project, "rollout", "--history").stdout
    without_times = re.sub(r"[0-9a-f]{12}  20..-..-.. ..:..:.. UTC", "ID  TIME", shown)
    assert (
        without_times
        == """\
ID  TIME  Colours, by ada
  enabled: not set -> true
  winner: not set -> blue
ID  TIME  Buttons, by bob
  enabled: true -> false
  why: errors
ID  TIME  Buttons, by ada
  enabled: not set -> true
  rollout: not set -> 0.5
  why: it is Monday
"""
    )
    assert "Colours" not in abkit(project, "rollout", "--history", "Buttons").stdout


def test_the_system_says_who_it_was_if_nobody_else_does(project: Path) -> None:
    abkit(project, "rollback", "Buttons", "--yes", ABKIT_USER="", LOGNAME="eve")
    assert [each["who"] for each in records(project)] == ["eve"]


def test_an_undo_shows_asks_and_writes(project: Path) -> None:
    live = project / "live.toml"
    live.write_text('# kept\n[Buttons]\nwinner = "new"\n')
    abkit(project, "rollback", "Buttons", "--yes")
    (made,) = records(project)
    asked = abkit(project, "rollout", "--undo", made["id"], code=1, text="n\n").stdout
    assert "winner: not set -> new" in asked
    assert "enabled: false -> not set" in asked
    abkit(project, "rollout", "--undo", made["id"], "--yes", "--why", "it was the other one")
    assert live.read_text() == '# kept\n[Buttons]\nwinner = "new"\n'
    shown = abkit(project, "rollout", "--history").stdout
    assert f"undoes {made['id']}\n" in shown
    assert "why: it was the other one" in shown
    again = abkit(project, "rollout", "--undo", made["id"], "--yes", code=2).stderr
    assert "have been changed meanwhile" in again
    assert "by ada at" in again


def test_each_command_records_what_it_does(project: Path) -> None:
    store = ("--sticky-store", f"sqlite:///{project / 'sticky.db'}")
    abkit(project, "freeze", "Colours", *store, "--yes", "--why", "enough")
    abkit(project, "unfreeze", "Colours", "--yes", "--why", "not enough")
    assert [each["why"] for each in records(project)] == ["enough", "not enough"]
    assert tomllib.loads((project / "live.toml").read_text()) == {}


def test_the_log_may_be_in_a_database(project: Path) -> None:
    with (project / "pyproject.toml").open("a") as file:
        file.write('audit_log = "sqlite:///audit.db"\n')
    abkit(project, "rollback", "Buttons", "--yes", "--why", "errors")
    assert "errors" in abkit(project, "rollout", "--history").stdout
    assert not (project / "live.audit.jsonl").exists()
    connection = sqlite3.connect(project / "audit.db")
    assert connection.execute("SELECT count(*) FROM abkit_settings_audit").fetchone() == (2,)
    connection.close()


def test_a_damaged_record_is_told_beside_the_others(project: Path) -> None:
    abkit(project, "rollback", "Buttons", "--yes", "--why", "errors")
    with (project / "live.audit.jsonl").open("a") as file:
        file.write('{"id": "1\n')
    told = abkit(project, "rollout", "--history")
    assert "live.audit.jsonl, line 3: " in told.stderr
    assert "errors" in told.stdout


@pytest.mark.parametrize(
    ("outcome", "says"),
    [("begun", "interrupted: look whether it is in force"), ("failed", "nothing was changed")],
)
def test_a_change_that_was_not_finished_says_so(project: Path, outcome: str, says: str) -> None:
    abkit(project, "rollback", "Buttons", "--yes")
    log = project / "live.audit.jsonl"
    log.write_text(log.read_text().replace('"written"', f'"{outcome}"'))
    assert f"  {says}" in abkit(project, "rollout", "--history").stdout.replace("failed: ", "")


def test_what_others_wrote_does_not_obey_itself(project: Path) -> None:
    abkit(project, "rollback", "Buttons", "--yes", "--why", "[red]\x1b[31mred\nline")
    shown = abkit(project, "rollout", "--history").stdout
    assert "\x1b" not in shown
    assert "  why: [red]\\x1b[31mred line\n" in shown


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rollout",), "--history or --undo ID"),
        (("rollout", "--variant", "new"), "which experiment?"),
        (("rollout", "Buttons", "--history", "--share", "1"), "give either"),
        (("rollout", "Buttons", "--undo", "1f"), "needs no NAME"),
        (("rollout", "--undo", "1f"), "has no change '1f'"),
        (
            ("rollback", "Buttons", "--audit-log", "oracle://x", "--yes"),
            "MySQL or MariaDB, not in oracle",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_exit_code_2(
    project: Path, arguments: tuple[str, ...], says: str
) -> None:
    assert says in abkit(project, *arguments, code=2).stderr
    assert not (project / "live.toml").exists()
