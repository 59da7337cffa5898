"""The commands that act on a verdict."""

from collections.abc import Callable
from shlex import split
from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.presentation.commands import command
from abkit.analysis.result import Result
from abkit.cli.rollout import rollback, rollout

NAMES = ["Buttons", "two words", "it's $(rm -rf ~)", "`id`; echo", "--yes", "-x", '"<b>&|>']


def advised(
    full: Callable[..., Result], action: RecommendedAction, name: str, variant: str
) -> Result:
    chosen = variant if action is RecommendedAction.ROLL_OUT else None
    advice = Recommendation(action=action, variant=chosen, reasons=())
    return evolve(full(("0", variant), name=name, looks=0), recommendation=advice)


def parsed(line: str, command: Any) -> dict[str, Any]:
    """What click takes from the line, as a shell would hand it over."""
    abkit, _, *arguments = split(line)
    assert abkit == "abkit"
    with command.make_context("abkit", arguments) as context:
        given: dict[str, Any] = context.params
    return given


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("variant", ["green", *NAMES[1:]])
def test_a_winner_is_rolled_out_whatever_its_name(
    full: Callable[..., Result], name: str, variant: str
) -> None:
    found = command(advised(full, RecommendedAction.ROLL_OUT, name, variant))
    assert found is not None
    given = parsed(found.line, rollout)
    assert (given["name"], given["variant"], given["yes"]) == (name, variant, False)


def test_a_plain_name_gives_a_plain_command(full: Callable[..., Result]) -> None:
    found = command(advised(full, RecommendedAction.ROLL_OUT, "ShowPlugins", "1"))
    assert found is not None
    assert found.line == "abkit rollout ShowPlugins --variant 1"


@pytest.mark.parametrize("action", [RecommendedAction.ROLL_BACK, RecommendedAction.CONTINUE])
@pytest.mark.parametrize("name", NAMES)
def test_without_a_winner_the_way_back_is_offered(
    full: Callable[..., Result], action: RecommendedAction, name: str
) -> None:
    found = command(advised(full, action, name, "1"))
    assert found is not None
    assert parsed(found.line, rollback)["name"] == name
    assert ("instead" in found.purpose) == (action is RecommendedAction.CONTINUE)


def test_a_table_of_units_runs_nowhere_and_has_no_command(
    full: Callable[..., Result], changed: Any
) -> None:
    assert command(changed["bare"](full())) is None


def test_beside_another_control_nobody_is_sent_back_to_the_declared_one(
    full: Callable[..., Result],
) -> None:
    back = advised(full, RecommendedAction.ROLL_BACK, "Buttons", "1")
    assert command(evolve(back, declared_control="0")) is not None
    assert command(evolve(back, declared_control="1")) is None
