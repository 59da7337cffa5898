"""`abkit interactions`: what it prints and writes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from abkit.cli.interactions import interactions
from abkit.events import Exposure
from abkit.sinks.files import FileSink

from .conftest import StandIn

MODULE = """
from abkit import Conversion, UserExperiment

class Buttons(UserExperiment):
    variants = ["grey", "green"]
    metrics = [Conversion("clicked")]

class Colours(UserExperiment):
    variants = ["red", "blue"]

class Sizes(UserExperiment):
    variants = ["s", "m"]
    enabled = False

ACTIVE_EXPERIMENTS = [Buttons, Colours, Sizes]
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stand_in: StandIn) -> Path:
    stand_in("touching_experiments", MODULE)
    monkeypatch.setenv("ABKIT_CONFIG", "touching_experiments")
    variants = {"Buttons": ("grey", "green"), "Colours": ("red", "blue"), "Sizes": ("s", "m")}
    FileSink(tmp_path / "events", format="jsonl").send(
        [
            Exposure(
                insert_id=f"{name}{unit}",
                experiment=name,
                salt=name,
                variant=names[unit % 2],
                unit_type="user",
                unit_id=str(unit),
                time=1_772_600_400.0 + unit,
                user_id=str(unit),
            )
            for name, names in variants.items()
            for unit in range(40)
        ]
    )
    return tmp_path


def test_the_running_experiments_are_compared(project: Path) -> None:
    ran = CliRunner().invoke(interactions, ["--events", "events", "--html", "page.html"])
    assert ran.exit_code == 0, ran.output
    assert "1 pair of 1 shares units" in ran.output
    assert "1 Buttons" in ran.output
    assert "Sizes" not in ran.output
    assert "Buttons and Colours" in (project / "page.html").read_text()


def test_named_experiments_are_compared_even_if_they_are_off(project: Path) -> None:
    ran = CliRunner().invoke(
        interactions, ["Buttons", "Sizes", "--events", str(project / "events"), "--json"]
    )
    assert ran.exit_code == 0, ran.output
    (pair,) = json.loads(ran.output)["pairs"]
    assert pair["experiments"] == ["Buttons", "Sizes"]
    assert pair["units"] == 40


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "where are the events?"),
        (["Buttons", "--events", "events"], "two experiments or more"),
        (["Nothing", "--events", "events"], "Nothing"),
    ],
)
def test_what_cannot_be_is_one_line(project: Path, arguments: list[str], said: str) -> None:
    assert project.exists()
    ran = CliRunner().invoke(interactions, arguments)
    assert ran.exit_code == 2
    assert said in ran.output
