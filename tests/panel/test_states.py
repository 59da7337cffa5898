"""What an experiment does at the moment."""

from datetime import UTC, datetime
from typing import Any

import pytest
from tests.panel.shop import Checkout

from abkit.panel.states import State, state

NOW = datetime(2026, 11, 27, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "exposed", "expected"),
    [
        ({}, True, State.RUNNING),
        ({"rollout": 0.1}, True, State.RAMPING),
        ({"frozen": True, "rollout": 0.1}, True, State.FROZEN),
        ({"winner": "express"}, True, State.CONCLUDED),
        ({"starts": NOW.timestamp() + 1}, False, State.DRAFT),
        ({"ends": NOW.timestamp()}, True, State.ENDED),
        ({"enabled": False}, False, State.DRAFT),
        ({"enabled": False}, True, State.OFF),
    ],
)
def test_a_declaration_tells_the_state(
    changes: dict[str, Any], exposed: bool, expected: State
) -> None:
    assert state(Checkout.declaration._replace(**changes), (), now=NOW, exposed=exposed) is expected


def test_who_switches_off_by_the_settings_rolls_back() -> None:
    declaration = Checkout.declaration._replace(enabled=False, winner="express")
    assert state(declaration, ("enabled",), now=NOW, exposed=True) is State.ROLLED_BACK
