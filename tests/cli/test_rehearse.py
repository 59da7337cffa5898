"""`abkit rehearse`: what it prints."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abkit.cli.rehearse import rehearse
from abkit.events import Action
from abkit.sinks.files import FileSink

from .conftest import StandIn

MODULE = """
from abkit import Conversion, UserExperiment

class Headline(UserExperiment):
    variants = ["short", "long"]
    metrics = [Conversion("sign up")]
    rollout = 0.1

ACTIVE_EXPERIMENTS = [Headline]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> Path:
    stand_in("rehearsed_experiments", MODULE)
    monkeypatch.setenv("ABKIT_CONFIG", "rehearsed_experiments")
    FileSink(tmp_path / "events", format="jsonl").send(
        [
            Action(
                name=name,
                time=1_772_600_400.0 + 3_600 * unit + day * 86_400,
                user_id=str(unit),
                insert_id=f"{name}{unit}-{day}",
            )
            for unit in range(300)
            for day in (0, 9)
            for name in (["visit", "sign up"] if (unit + day) % 3 == 0 else ["visit"])
        ]
    )
    return tmp_path


def test_it_prints_false_alarms_and_a_plan_to_paste(project: Path) -> None:
    assert project.exists()
    ran = CliRunner().invoke(rehearse, ["Headline", "--events", "events", "--splits", "20"])
    assert ran.exit_code == 0, ran.output
    assert "Rehearsal of Headline on" in ran.output
    assert "split 20 times" in ran.output
    assert "at its rollout of 10%" in ran.output
    assert "plan = AnalysisPlan(" in ran.output
    assert "declares no goal" in ran.output


def test_the_numbers_are_there_as_json(project: Path) -> None:
    where = ["--events", str(project / "events")]
    ran = CliRunner().invoke(
        rehearse, ["Headline", *where, "--splits", "20", "--days", "12", "--json"]
    )
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    assert found["splits"] == 20
    (metric,) = found["metrics"]
    assert metric["metric"] == "sign up"
    assert metric["false_alarms_at_any_look"]["of"] == 20
    assert found["plan"].startswith("plan = AnalysisPlan(")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Headline"], "where are the events?"),
        (["Headlines", "--events", "events"], "Headline"),
        (["Headline", "--events", "nowhere"], "nowhere"),
    ],
)
def test_what_cannot_be_is_one_line(project: Path, arguments: list[str], said: str) -> None:
    assert project.exists()
    ran = CliRunner().invoke(rehearse, arguments)
    assert ran.exit_code == 2
    assert said in ran.output
