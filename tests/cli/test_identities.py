"""Identities beside the events: every command that reads a folder of events finds them."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click import Command
from click.testing import CliRunner, Result

from abkit.cli.analyze import analyze
from abkit.cli.interactions import interactions
from abkit.cli.power import power
from abkit.cli.watch import watch
from abkit.events import Action, Exposure, Identity
from abkit.sinks.files import FileSink

from .conftest import StandIn

MODULE = """
from abkit import Total, VisitorExperiment

class SignupWithGitHub(VisitorExperiment):
    hypothesis = "It raises the number of invitations."
    variants = {"form": 0.5, "github": 0.5}
    metrics = [Total("invited", goal=0.5)]

class Headline(SignupWithGitHub):
    pass

ACTIVE_EXPERIMENTS = [SignupWithGitHub, Headline]
"""
VISITORS = 480
START = 1.7e9


def visits() -> Iterator[Exposure | Action | Identity]:
    """Each user has two devices, in one variant; every second user invites somebody twice."""
    for number in range(VISITORS):
        visitor, user = f"v{number:03}", f"u{number // 2}"
        for place, name in enumerate(("SignupWithGitHub", "Headline")):
            yield Exposure(
                experiment=name,
                salt=name,
                unit_type="visitor",
                unit_id=visitor,
                variant=("form", "github")[number // (2 + 2 * place) % 2],
                time=START + number,
                insert_id=f"e{place}-{number}",
            )
        yield Identity("visitor", visitor, "user", user, START + 900, f"i{number}")
        if number % 3:
            yield Action(name="invited", time=START + 600, user_id=user, insert_id=f"a{number}")


@pytest.fixture
def events(tmp_path: Path, stand_in: StandIn) -> Path:
    stand_in("visitor_config", MODULE)
    FileSink(tmp_path / "events", format="jsonl").send(list(visits()))
    return tmp_path / "events"


def call(command: Command, *arguments: object) -> Result:
    found = CliRunner().invoke(command, [*map(str, arguments), "--config", "visitor_config"])
    assert found.exit_code == 0, found.output
    return found


def test_analyze_finds_them_and_its_notebook_too(events: Path, tmp_path: Path) -> None:
    notebook = tmp_path / "n.ipynb"
    asked = (analyze, "SignupWithGitHub", "--events", events)
    found = json.loads(call(*asked, "--notebook", notebook, "--json").stdout)
    linked = found["exposures"]["identities"]
    assert (found["units"], linked["merged"]) == (VISITORS // 2, VISITORS)
    cells = json.loads(notebook.read_text())["cells"]
    assert any(f"identities={str(events / 'identities')!r}" in "".join(c["source"]) for c in cells)

    elsewhere = (events / "identities").rename(tmp_path / "elsewhere")
    assert json.loads(call(*asked, "--json").stdout)["exposures"]["identities"] is None
    again = json.loads(call(*asked, "--identities", elsewhere, "--json").stdout)
    assert again["metrics"] == found["metrics"]


def test_watch_counts_people(events: Path) -> None:
    assert f"{VISITORS // 2} units" in call(watch, "--events", events, "--dry-run").stdout


def test_interactions_are_of_people(events: Path) -> None:
    found = json.loads(call(interactions, "--events", events, "--json").stdout)
    assert [each["units"] for each in found["experiments"]] == [VISITORS // 2] * 2
    assert found["notes"] == []


def test_power_measures_what_users_did(events: Path) -> None:
    asked = (power, "SignupWithGitHub", "--from-events", events)
    assert f"Measured: {VISITORS // 2} units" in call(*asked).stdout
    (events / "exposures").rename(events / "before")
    assert f"Measured: {VISITORS // 2} units" in call(*asked).stdout
