"""The lock remembers since when which weights and which ways in were in force."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import ConfigError, Experiment, Holdout, Layer, OrgExperiment
from abkit.experiments.checking.lock import compare, locked, read_lock, write_lock
from abkit.experiments.checking.phases import begun, locked_phases, recorded

START = datetime(2026, 11, 2, tzinfo=UTC)
LAYER = Layer("page", size=100)


def declared(**attributes: Any) -> type[Experiment]:
    return type("Ramp", (OrgExperiment,), {"variants": {"old": 9, "new": 1}, **attributes})


def history(*experiments: type[Experiment]) -> list[Any]:
    """What the lock remembers when each of them was written down, a day after the other."""
    entry: dict[str, Any] | None = None
    for day, experiment in enumerate(experiments):
        now = locked(experiment)
        found = recorded(entry, now, at=START + timedelta(days=day))
        entry = {**now, "phases": found}
    return [] if entry is None else entry["phases"]


def test_a_change_of_the_weights_starts_a_phase_and_its_time_is_kept() -> None:
    first, second = locked_phases(
        history(declared(), declared(), declared(variants=["old", "new"]))
    )
    assert (first.at, dict(first.weights)) == (START, {"old": 9, "new": 1})
    assert (second.at, dict(second.weights)) == (START + timedelta(days=2), {"old": 1, "new": 1})
    assert first.entering == second.entering == ()


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ({}, {"variants": {"old": 1, "new": 1}}, "weights 90/10 -> 50/50"),
        (
            {},
            {"variants": {"old": 1, "new": 1, "newer": 2}},
            "weights old 90/new 10 -> old 25/new 25/newer 50",
        ),
        ({"rollout": 0.1}, {"rollout": 0.5}, "rollout 10% -> 50%"),
        (
            {"layer": LAYER, "slots": range(10)},
            {"layer": LAYER, "slots": range(50)},
            "layer 'page' (10 of 100 slots) -> 'page' (50 of 100 slots)",
        ),
        ({}, {"holdouts": [Holdout("year", 0.05)]}, "holdouts none -> 'year' (5%)"),
        ({}, {"eligible": lambda self, org: bool(org)}, "eligible() was added"),
    ],
)
def test_the_check_says_what_starts_a_phase(
    before: dict[str, Any], after: dict[str, Any], says: str
) -> None:
    (change,) = compare({"Ramp": locked(declared(**before))}, [declared(**after)])
    assert change.phase == (says,)
    assert f"; starts a new phase: {says} (" in str(change)


def test_other_changes_start_none() -> None:
    twice = declared(variants={"old": 18, "new": 2})
    assert begun(locked(declared()), locked(twice)) == ()
    (change,) = compare({"Ramp": locked(declared())}, [declared(salt="other")])
    assert "phase" not in str(change)


def test_a_lock_without_phases_is_read_and_its_history_begins_with_what_it_tells(
    tmp_path: Path,
) -> None:
    path = tmp_path / "experiments.lock.json"
    write_lock(path, [declared()], at=START)
    old = {name: {**entry, "phases": []} for name, entry in read_lock(path).items()}
    del old["Ramp"]["phases"]
    assert compare(old, [declared()]) == ()
    later = START + timedelta(days=3)
    write_lock(path, [declared(rollout=0.5)], old, at=later)
    first, second = locked_phases(read_lock(path)["Ramp"]["phases"])
    assert first.at == second.at == later
    assert second.entering == ("rollout 100% -> 50%",)


def test_phases_that_a_merge_left_in_another_order_are_told_by_their_times() -> None:
    states = history(declared(rollout=0.1), declared(rollout=0.2), declared(rollout=0.5))
    expected = locked_phases(states)
    assert [phase.entering for phase in expected] == [
        (),
        ("rollout 10% -> 20%",),
        ("rollout 20% -> 50%",),
    ]
    for other in permutations(states):
        assert locked_phases(other) == expected


@pytest.mark.parametrize(
    "damage",
    [
        {"at": "yesterday"},
        {"weights": {"old": -1}},
        {"weights": [1]},
        {"weights": {"old": "x"}},
        {"at": None},
    ],
)
def test_a_history_that_cannot_be_read_is_refused_with_the_name(
    tmp_path: Path, damage: dict[str, Any]
) -> None:
    path = tmp_path / "experiments.lock.json"
    write_lock(path, [declared()], at=START)
    content = json.loads(path.read_text())
    content["experiments"]["Ramp"]["phases"][0] |= damage
    path.write_text(json.dumps(content))
    with pytest.raises(
        ConfigError, match=r"the history of Ramp \(.*write it anew: abkit check --update"
    ):
        read_lock(path)


@given(st.lists(st.sampled_from([(9, 1, 1.0), (1, 1, 1.0), (1, 1, 0.5), (2, 2, 0.5)]), max_size=8))
def test_a_history_has_no_two_alike_in_a_row(steps: list[tuple[int, int, float]]) -> None:
    found = history(
        *(declared(variants={"old": old, "new": new}, rollout=share) for old, new, share in steps)
    )
    told = [(old / (old + new), share) for old, new, share in steps]
    assert len(found) == sum(one != other for one, other in zip(told, [None, *told], strict=False))
    times = [phase.at for phase in locked_phases(found)]
    assert times == sorted(times)


@pytest.mark.parametrize(
    "wrong", ['[{"rollout": "all"}]', '[{"weights": [1]}]', "[1]", '{"at": 1}']
)
def test_phases_of_another_form_are_refused_in_words(wrong: str, tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    write_lock(path, [declared()], at=START)
    text = path.read_text()
    begin = text.index('"phases": [')
    end = text.index('"judged"')
    path.write_text(f'{text[:begin]}"phases": {wrong},{text[end:]}')
    with pytest.raises(ConfigError, match="restore it, or delete it and write it anew"):
        compare(read_lock(path), [declared(rollout=0.5)])
