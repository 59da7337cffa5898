"""An explanation ends where the decision does, and says by which numbers."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from random import Random
from typing import Any

import pytest

from abkit import (
    BernoulliTrial,
    Experiment,
    ExperimentManager,
    Holdout,
    Layer,
    MissingSubjectError,
    OrgExperiment,
    Params,
    Reason,
    UniformChoice,
    UnknownExperimentError,
    WeightedChoice,
    force,
)
from abkit.assignment.assignment import Assignment
from abkit.assignment.forcing import FORCE_VARIABLE, forced_in_process
from abkit.events import Variant
from abkit.experiments.deciding.answer import assignment_of
from abkit.experiments.deciding.decision import compile_decision
from abkit.experiments.deciding.explain import explain
from abkit.experiments.deciding.explanation import Explanation
from abkit.experiments.deciding.sticky import Recalled

DECLARATIONS = 2_000
NOW = 1_000_000.0
OPERATORS = (
    lambda unit: WeightedChoice(choices=["a", "b", "c"], weights=[1, 2, 3], unit=unit),
    lambda unit: UniformChoice(choices=["a", "b"], unit=unit),
    lambda unit: "b",
)


def eligible(self: Experiment, org: Any) -> bool:
    if org.id.endswith("7"):
        raise ArithmeticError("not with a 7")
    return not org.id.endswith("3")


def assign_by(random: Random) -> Any:
    """An assign() that draws, forces, leaves out or fails, depending on the unit."""
    draw, looks = random.choice(OPERATORS), random.random() < 0.3

    def assign(self: Experiment, params: Params, org: Any) -> bool | None:
        if org.id.endswith("1"):
            return False
        if org.id.endswith("2"):
            params.variant = "c"
            return None
        if org.id.endswith("4"):
            params.variant = "nowhere declared"
            return None
        if looks:
            params.many = BernoulliTrial(p=0.5, unit=org.id)
            if params.many:
                params.variant = "a"
                return None
        params.variant = draw(org.id)
        return None

    return assign


def declared(random: Random) -> type[Experiment]:
    """Any experiment: each gate is there or not."""

    def maybe(chance: float, value: Any, otherwise: Any) -> Any:
        return value if random.random() < chance else otherwise

    in_code = random.random() < 0.3
    amplitude = not in_code and random.random() < 0.3
    size = random.choice([1, 10, 1000])
    first = random.randrange(size)
    slots = random.choice(
        [range(first, size), frozenset(random.choices(range(size), k=5)), range(0, size, 2)]
    )
    sticky = random.random() < 0.3
    attributes: dict[str, Any] = {
        "variants": {"a": random.choice([0, 1, 3]), "b": 1, "c": random.choice([0, 0.5])},
        "salt": f"salt {random.random()}",
        "bucketing": "amplitude" if amplitude else "planout",
        "rollout": maybe(0.5, random.choice([0.0, 0.01, 0.5, 0.99]), 1.0),
        "enabled": random.random() < 0.95,
        "winner": maybe(0.05, "b", None),
        "starts": maybe(0.2, random.choice(["1970-01-01", "1990-01-01"]), None),
        "ends": maybe(0.2, random.choice(["1970-01-03", "2020-01-01"]), None),
        "forced": maybe(0.2, {"c": ["12", "5"], "a": ["17"]}, {}),
        "holdouts": [
            Holdout(f"h{n}", random.random() / 2) for n in range(random.choice([0, 1, 2]))
        ],
        "sticky": sticky,
        "frozen": sticky and random.random() < 0.3,
        **maybe(0.3, {"layer": Layer("layer", size=size), "slots": slots}, {}),
        **maybe(0.3, {"eligible": eligible}, {}),
        **({"assign": assign_by(random)} if in_code else {}),
    }
    if attributes["starts"] == attributes["ends"] == "1970-01-01":
        attributes["ends"] = None
    if attributes["starts"] == "1990-01-01" and attributes["ends"] == "1970-01-03":
        attributes["starts"] = None
    return type("Any", (OrgExperiment,), attributes)


class SomeKept:
    """Units whose id ends with 5 or 6 keep a variant."""

    def recall(self, unit_id: str) -> Variant | None:
        return {"5": "a", "6": "b"}.get(unit_id[-1])

    def consult(self, unit_id: str, /) -> Recalled:
        return Recalled(self.recall(unit_id), "kept by the sticky store")

    def keep(self, unit_id: str, variant: Variant, /) -> None:
        raise AssertionError


@pytest.fixture(autouse=True)
def process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv(FORCE_VARIABLE, raising=False)
    forced_in_process.cache_clear()
    yield
    monkeypatch.undo()
    forced_in_process.cache_clear()


def assigned(decide: Any, experiment: Experiment, org: str) -> Assignment:
    """What a manager gives, which reports an error and gives the default."""
    try:
        decision = decide({"org": org})
    except (ArithmeticError, ValueError):
        decision = (org, experiment.default_value(), Reason.ERROR, None)
    return assignment_of(experiment.declaration, decision)


def test_of_2_000_declarations_the_last_step_is_the_reason_and_the_variant_is_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    random = Random(19)  # noqa: S311
    ended = Counter[tuple[str, Reason]]()
    kept = SomeKept()
    for _ in range(DECLARATIONS):
        experiment = declared(random)
        own_process = random.random() < 0.03
        if own_process:
            monkeypatch.setenv(FORCE_VARIABLE, "Other=1, Any=b")
            forced_in_process.cache_clear()
        instance, declaration = experiment(), experiment.declaration
        sticky = kept if declaration.sticky else None
        recall = None if sticky is None else sticky.recall
        decide = compile_decision(instance, declaration, clock=lambda: NOW, recall=recall)
        here = random.random() < 0.03
        variant = random.choice(["a", "nowhere declared"])
        with force("Any", variant) if here else nullcontext():
            for _ in range(3):
                org = str(random.randrange(1000))
                found = explain(instance, declaration, {"org": org}, clock=lambda: NOW, kept=sticky)
                expected = assigned(decide, instance, org)
                assert found.assignment == expected, (declaration, org)
                assert found.last.reason is expected.reason
                assert all(step.reason is None for step in found.steps[:-1])
                ended[found.last.name.split()[0], expected.reason] += 1
        if own_process:
            monkeypatch.delenv(FORCE_VARIABLE)
            forced_in_process.cache_clear()
    assert {
        ("forced", Reason.FORCED),
        ("forced", Reason.ERROR),
        ("enabled", Reason.INACTIVE),
        ("winner", Reason.INACTIVE),
        ("dates", Reason.INACTIVE),
        ("allow-list", Reason.FORCED),
        ("sticky", Reason.ASSIGNED),
        ("sticky", Reason.FORCED),
        ("eligible", Reason.INELIGIBLE),
        ("eligible", Reason.ERROR),
        ("holdout", Reason.HOLDOUT),
        ("layer", Reason.EXCLUDED),
        ("freeze", Reason.NOT_ENROLLED),
        ("rollout", Reason.NOT_ENROLLED),
        ("variant", Reason.ASSIGNED),
        ("variant", Reason.FORCED),
        ("variant", Reason.INELIGIBLE),
        ("variant", Reason.ERROR),
    } == ended.keys()


class Gated(OrgExperiment):
    variants = {"0": 0.5, "1": 0.5}
    holdouts = [Holdout("q3", 0.05)]
    layer, slots = Layer("checkout"), range(9_000)
    rollout = 0.5


class Coded(OrgExperiment):
    variants = ["0", "1"]

    def assign(self, params: Params, org: Any) -> None:
        params.colour = UniformChoice(choices=["red", "blue"], unit=org.id)
        params.size = 3
        params.variant = WeightedChoice(choices=["0", "1"], weights=[1, 1], unit=org.id)


def found(explanation: Explanation) -> dict[str, str]:
    return {step.name: step.found for step in explanation.steps}


def test_each_step_says_what_was_hashed_and_what_that_was_compared_with(
    manager: ExperimentManager,
) -> None:
    manager.add(Gated)
    steps = found(manager.explain("Gated", org=0))
    assert steps["holdout q3"] == "the hash of 'q3.holdout.0' is 0.064789, not below 0.05"
    assert steps["layer checkout"] == "the slot of 'checkout.segment.0' is 1508, among 0 to 8999"
    assert steps["rollout"].startswith("the hash of 'Gated.abkit:rollout.0' is 0.")
    assert [*steps][:8] == [
        "forced here",
        "forced in the process",
        "enabled",
        "winner",
        "dates",
        "allow-list",
        "sticky",
        "eligible",
    ]


def test_of_an_own_assign_the_operators_are_named(manager: ExperimentManager) -> None:
    manager.add(Coded)
    explanation = manager.explain(Coded, org=42)
    variant, params = explanation.assignment.variant, explanation.assignment.params
    assert explanation.last.found == (
        f"assign() gives {variant!r}, drawn by WeightedChoice of 'Coded.variant.42'; "
        f"colour = {params['colour']!r}, drawn by UniformChoice of 'Coded.colour.42'; size = 3"
    )


def test_an_explanation_is_json_and_its_hash_can_be_recomputed(manager: ExperimentManager) -> None:
    from abkit.assignment.hashing import hash_text

    manager.add(Gated)
    told = json.loads(json.dumps(manager.explain("Gated", org=0).to_dict()))
    assert told["ended_in"] == told["steps"][-1]["step"]
    (holdout,) = (step for step in told["steps"] if step["step"] == "holdout q3")
    numbers = holdout["numbers"]
    assert hash_text(numbers["hashed"]) == numbers["hash"] >= numbers["bound"]


def test_to_explain_exposes_nothing_and_counts_nothing(manager: ExperimentManager) -> None:
    events: list[object] = []
    manager.on_event = events.append
    manager.add(Coded)
    manager.explain("Coded", org=1)
    assert events == []
    assert not manager.errors


def test_who_asks_wrongly_is_told(manager: ExperimentManager) -> None:
    manager.add(Coded)
    with pytest.raises(UnknownExperimentError, match="Did you mean 'Coded'"):
        manager.explain("Code", org=1)
    with pytest.raises(MissingSubjectError, match="pass org="):
        manager.explain("Coded", user=1)


def test_the_settings_in_force_are_what_is_explained(manager: ExperimentManager) -> None:
    manager.add(Coded)
    manager.use_settings({"Coded": {"winner": "1"}})
    assert manager.explain("Coded", org=1).last.found == "'1': it is concluded, for everybody"
