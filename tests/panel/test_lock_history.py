"""What the lock tells of an experiment."""

from datetime import UTC, datetime

from abkit.analysis.declared.history import History
from abkit.experiments.checking.phases import LockedPhase
from abkit.experiments.checking.registration import Amendment
from abkit.panel.lock_history import lock_entries


def on(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


HISTORY = History(
    amendments=(Amendment(on(5, 9), "the goal of 'purchase' was changed from 0.02 to 0.05"),),
    phases=(
        LockedPhase(at=on(1), weights={"off": 9, "on": 1}),
        LockedPhase(at=on(4), weights={"off": 90, "on": 10}, entering=("rollout 10% -> 50%",)),
        LockedPhase(at=on(8), weights={"off": 1, "on": 1}),
    ),
    registered=on(1),
)


def test_everything_that_was_written_down_is_told_in_its_order() -> None:
    entries = lock_entries(HISTORY, on(3))
    assert [entry.what for entry in entries] == [
        "Written down for the first time.",
        "Who enters was changed: rollout 10% -> 50%.",
        "The goal of 'purchase' was changed from 0.02 to 0.05.",
        "The weights were changed from off 90.0%, on 10.0% to off 50.0%, on 50.0%.",
    ]


def test_each_is_told_with_the_day_of_the_experiment() -> None:
    assert [entry.day for entry in lock_entries(HISTORY, on(3))] == [None, 2, 3, 6]
    assert [entry.day for entry in lock_entries(HISTORY, None)] == [None] * 4


def test_weights_that_only_code_knows_are_called_so() -> None:
    phases = (LockedPhase(at=on(1)), LockedPhase(at=on(2), weights={"off": 1, "on": 1}))
    last = lock_entries(History(phases=phases), None)[-1]
    assert last.what == (
        "The weights were changed from weights that only code knows to off 50.0%, on 50.0%."
    )


def test_without_a_lock_there_is_nothing() -> None:
    assert lock_entries(History(), on(3)) == ()
