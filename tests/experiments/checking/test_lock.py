"""The lock says, in numbers, what a change does to units."""

import json
from pathlib import Path
from typing import Any

import pytest

from abkit import ConfigError, Experiment, Holdout, Layer, OrgExperiment, Params, WeightedChoice
from abkit.experiments.checking.lock import Change, Moves, compare, locked, read_lock, write_lock
from abkit.experiments.declaring.script import ScriptExperiment

LAYER = Layer("layer", size=100)


def declared(**attributes: Any) -> type[Experiment]:
    return type("Locked", (OrgExperiment,), {"variants": {"0": 1, "1": 1}, **attributes})


def change(before: type[Experiment], after: type[Experiment]) -> Change:
    (found,) = compare({before.name: locked(before)}, [after])
    return found


def moves(before: type[Experiment], after: type[Experiment]) -> Moves:
    found = change(before, after).moves
    assert found is not None
    return found


def test_what_has_not_changed_is_no_change() -> None:
    first = declared(layer=LAYER, slots=range(5), holdouts=[Holdout("h", 0.1)])
    assert compare({"Locked": locked(first)}, [first]) == ()


def test_what_decides_nothing_is_no_change() -> None:
    after = declared(hypothesis="Other words.", owner="somebody else", ends="2030-01-01")
    assert compare({"Locked": locked(declared())}, [after]) == ()


def test_another_split_moves_the_difference() -> None:
    found = change(declared(), declared(variants={"0": 0.6, "1": 0.4}))
    assert found.what == ('variants: [["0", 1], ["1", 1]] -> [["0", 0.6], ["1", 0.4]]',)
    assert found.moves is not None
    assert found.moves.enrolled_before == 100_000
    assert abs(found.moves.moved - 10_000) < 400
    assert str(found).endswith(
        f"(moves {found.moves.moved / 1000:.1f}% of enrolled units to another variant)"
    )


def test_another_salt_moves_half_of_the_units_of_two_variants() -> None:
    assert abs(moves(declared(), declared(salt="other")).moved - 50_000) < 700


def test_a_third_equal_variant_moves_half_of_the_units() -> None:
    found = moves(declared(), declared(variants=["0", "1", "2"]))
    assert abs(found.moved - 50_000) < 700


def test_ramping_up_moves_nobody_and_enrols_the_difference() -> None:
    found = moves(declared(rollout=0.1), declared(rollout=0.5))
    assert (found.moved, found.left) == (0, 0)
    assert abs(found.joined - 40_000) < 700
    assert "enrols 40." in str(found) or "enrols 39." in str(found)


def test_ramping_down_takes_units_out() -> None:
    found = moves(declared(rollout=0.5), declared(rollout=0.25))
    assert found.moved == 0
    assert abs(found.left / found.enrolled_before - 0.5) < 0.01
    assert "takes" in str(found)


def test_slots_holdouts_and_bucketing_are_compared() -> None:
    before = declared(layer=LAYER, slots=range(50))
    found = moves(before, declared(layer=LAYER, slots=range(25)))
    assert abs(found.left / found.enrolled_before - 0.5) < 0.02
    assert moves(declared(), declared(holdouts=[Holdout("h", 0.2)])).left > 0
    assert moves(declared(), declared(bucketing="amplitude")).moved > 0


def test_a_rename_with_the_old_salt_moves_nobody_in_the_new_name() -> None:
    renamed: type[Experiment] = type(
        "Renamed", (OrgExperiment,), {"variants": ["0", "1"], "salt": "Locked"}
    )
    new, gone = compare({"Locked": locked(declared())}, [renamed])
    assert (new.experiment, new.what) == ("Renamed", ("is new",))
    assert (gone.experiment, gone.what) == ("Locked", ("is gone",))
    assert str(gone) == "Locked: is gone (moves nobody)"


def test_code_that_changes_is_seen_but_not_its_comments() -> None:
    class First(OrgExperiment):
        name = "Coded"
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any) -> None:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 1], unit=org.id)

    class Commented(OrgExperiment):
        name = "Coded"
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any) -> None:
            # Half and half.
            params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 1], unit=org.id)

    class Changed(OrgExperiment):
        name = "Coded"
        variants = ["0", "1"]

        def assign(self, params: Params, org: Any) -> None:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 2], unit=org.id)

    assert locked(First) == locked(Commented)
    found = change(First, Changed)
    drawn = 'drawn: [["0", 1], ["1", 1]] -> [["0", 1], ["1", 2]]'
    assert found.what == (drawn, "code changed")
    assert found.moves is None
    assert "code decides" in str(found)


def test_a_script_that_changes_is_seen() -> None:
    def scripted(choices: list[str]) -> type[Experiment]:
        value = {"op": "uniformChoice", "choices": choices, "unit": {"op": "get", "var": "org"}}
        script = {"op": "set", "var": "variant", "value": value}
        attributes = {"script": script, "variants": ["a", "b"]}
        return type("Scripted", (ScriptExperiment, OrgExperiment), attributes)

    before = locked(scripted(["a", "b"]))
    assert compare({"Scripted": before}, [scripted(["a", "b"])]) == ()
    (found,) = compare({"Scripted": before}, [scripted(["b", "a"])])
    assert found.what == ("code changed",)


def test_a_lock_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "experiments.lock.json"
    experiment = declared(
        name="Ünïcode", layer=LAYER, slots=[1, 2, 3, 7], variants={True: 1, False: 2}
    )
    write_lock(path, [experiment])
    assert compare(read_lock(path), [experiment]) == ()
    assert '"slots": [' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "There is no"),
        ("{", "is no lock"),
        ("[]", "is no lock"),
        ('{"version": 1}', "is no lock"),
        ('{"version": 99, "experiments": {}}', "has version 99"),
    ],
)
def test_a_lock_that_is_none_says_how_to_write_one(
    tmp_path: Path, text: str | None, says: str
) -> None:
    path = tmp_path / "lock.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ConfigError, match=f"{says}.*abkit check --update"):
        read_lock(path)


@pytest.mark.parametrize("history", ["phases", "judged"])
@pytest.mark.parametrize(
    ("states", "says"),
    [
        ([], "{history}` is empty, and must begin with what was written down first"),
        ([{"at": "yesterday"}], "`at` must be a time such as .*, not 'yesterday'"),
        ([{"at": 3}], "`at` must be a time such as .*, not 3"),
        ([{}], "`at` must be a time such as .*, not None"),
    ],
)
def test_a_history_without_a_beginning_or_a_time_is_refused(
    tmp_path: Path, history: str, states: list[dict[str, Any]], says: str
) -> None:
    path = tmp_path / "lock.json"
    write_lock(path, [declared()])
    content = json.loads(path.read_text(encoding="utf-8"))
    content["experiments"]["Locked"][history] = states
    path.write_text(json.dumps(content), encoding="utf-8")
    wrong = says.format(history=history)
    with pytest.raises(ConfigError, match=rf"the history of Locked \(.*{wrong}.*--update"):
        read_lock(path)


def test_an_entry_that_cannot_be_read_is_an_error() -> None:
    broken = {"Locked": {**locked(declared()), "variants": 3}}
    with pytest.raises(ConfigError, match="lock of Locked cannot be read"):
        compare(broken, [declared()])


def test_units_that_nobody_had_enrolled_are_no_share() -> None:
    assert str(Moves(enrolled_before=0, moved=1, left=0, joined=0)).startswith("moves 0%")


def test_of_a_sticky_experiment_it_says_what_a_change_does_with_and_without_that() -> None:
    for change_of in ({"variants": {"0": 3, "1": 1}}, {"rollout": 0.5}, {"salt": "other"}):
        found = str(change(declared(sticky=True), declared(sticky=True, **change_of)))
        without = str(change(declared(), declared(**change_of)))
        assert found == (
            f"{without[:-1]}; it is sticky: units that were exposed keep their variant and stay)"
        )


def test_of_a_change_that_moves_nobody_it_does_not_matter_whether_it_is_sticky() -> None:
    found = change(declared(sticky=True, rollout=0.1), declared(sticky=True, rollout=0.5))
    assert "it is sticky" not in str(found)


def test_to_become_sticky_or_to_end_it_is_a_change() -> None:
    begins, ends = (
        change(declared(), declared(sticky=True)),
        change(declared(sticky=True), declared()),
    )
    assert begins.what == ("is sticky now",)
    assert ends.what[0].startswith("is sticky no more: what was kept does not count")
    assert "it is sticky" not in str(change(declared(), declared(sticky=True, salt="other")))


def test_the_lock_of_an_experiment_that_is_not_sticky_does_not_mention_it() -> None:
    assert "sticky" not in locked(declared())


def test_what_an_operator_draws_is_compared_only_where_both_are_known() -> None:
    class Drawing(OrgExperiment):
        control = "0"
        _weight = 0.1

        def assign(self, params: Params, org: Any, actor: Any) -> None:
            choices, weights = ["0", "1"], [1 - self._weight, self._weight]
            if self._weight and actor != org:
                params.variant = WeightedChoice(choices=choices, weights=weights, unit=org.id)

    before = {"Drawing": locked(Drawing)}
    assert before["Drawing"]["drawn"] == [["0", 0.9], ["1", 0.1]]
    assert compare(before, [Drawing]) == ()
    older = {"Drawing": {k: v for k, v in before["Drawing"].items() if k != "drawn"}}
    assert compare(older, [Drawing]) == ()
    Drawing._weight = 0.0  # as a setting for tests
    assert locked(Drawing)["drawn"] is None
    assert compare(before, [Drawing]) == ()
    Drawing._weight = 0.5
    (change,) = compare(before, [Drawing])
    assert change.what == ('drawn: [["0", 0.9], ["1", 0.1]] -> [["0", 0.5], ["1", 0.5]]',)
