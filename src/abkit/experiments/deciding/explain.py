"""Why a unit gets what it gets: the steps of the decision, gone through one by one.

It asks what `abkit.experiments.deciding.decision` is compiled of, and reads the numbers of that.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeAlias

from attrs import frozen

from abkit.assignment.assignment import Reason
from abkit.assignment.forcing import FORCE_VARIABLE, forced_here, forced_in_process
from abkit.assignment.hashing import hash_text
from abkit.assignment.split import AMPLITUDE_RANGE, PlanOutSplit, amplitude_allocation
from abkit.assignment.weights import HASH_RANGE, uniform
from abkit.events import Variant, variant_text
from abkit.experiments.deciding.answer import Clock, Decision, assignment_of
from abkit.experiments.deciding.decision import dormancy_of, split_of
from abkit.experiments.deciding.drawing import Drawing, drawn
from abkit.experiments.deciding.explanation import Explanation, Step
from abkit.experiments.deciding.gates import (
    Gate,
    HashGate,
    LayerGate,
    PercentGate,
    gate_of,
    gates_of,
)
from abkit.experiments.deciding.hooks import call_of
from abkit.experiments.deciding.in_code import compile_kept
from abkit.experiments.deciding.sticky import Kept
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code
from abkit.experiments.declaring.subjects import Subjects, unit_id_of, with_subject

_Found: TypeAlias = tuple[Step, Decision | None]
"""A step, and the decision if it ended there."""


@frozen
class _Case:
    """One unit, before one experiment."""

    experiment: Experiment
    declaration: Declaration
    subjects: Subjects
    unit_id: str
    clock: Clock
    kept: Kept | None

    def ended(
        self, name: str, found: str, variant: Variant, reason: Reason, **numbers: Any
    ) -> _Found:
        """The decision ends in this step."""
        return Step(name, found, reason, numbers), (self.unit_id, variant, reason, None)

    def left_out(self, name: str, found: str, reason: Reason, **numbers: Any) -> _Found:
        """It ends with the default value."""
        return self.ended(name, found, self.experiment.default_value(), reason, **numbers)

    def attempt(self, name: str, answer: Callable[[], _Found]) -> _Found:
        """A step in which the user's code is run."""
        try:
            return answer()
        except Exception as error:  # noqa: BLE001 - that it raises is what was asked for
            return self.left_out(name, f"{type(error).__name__}: {error}", Reason.ERROR)


def explain(
    experiment: Experiment,
    declaration: Declaration,
    subjects: Subjects,
    *,
    clock: Clock,
    kept: Kept | None = None,
) -> Explanation:
    """Go through the steps of a decision, for one unit.

    Code that raises ends it with the reason "error", as it does at a request.

    Args:
        experiment: Its hooks are asked.
        declaration: Its own, or what the settings make of it.
        subjects: As for `ExperimentManager.get`.
        clock: Gives the seconds since the epoch.
        kept: The variants that its units keep; None if nothing keeps them.

    Raises:
        MissingSubjectError: The subjects lack the one that is randomized, or it has no id.
    """
    unit_type = declaration.unit_type
    unit_id = unit_id_of(subjects.get(unit_type))
    if not unit_id:
        subjects = with_subject(unit_type, subjects, of=declaration.name)
        unit_id = unit_id_of(subjects[unit_type]) or ""
    case = _Case(experiment, declaration, subjects, unit_id, clock, kept)
    steps: list[Step] = []
    for step, decision in _steps(case):
        steps.append(step)
        if decision is not None:
            return Explanation(assignment_of(declaration, decision), tuple(steps))
    message = "no step has ended the decision"
    raise AssertionError(message)


def _steps(case: _Case) -> Iterator[_Found]:
    """In the order of `abkit.experiments.deciding.decision`; who has a decision asks for no more."""
    yield case.attempt("forced here", lambda: _forced_here(case))
    yield case.attempt("forced in the process", lambda: _forced_in_process(case))
    yield from _whether_it_runs(case)
    yield _allow_list(case)
    yield case.attempt("sticky", lambda: _sticky(case))
    yield case.attempt("eligible", lambda: _eligible(case))
    yield from _gates(case)
    yield case.attempt("variant", lambda: _variant(case))


def _forced_here(case: _Case) -> _Found:
    name, forced = "forced here", forced_here.get() or {}
    declaration = case.declaration
    if declaration.name not in forced:
        return Step(name, "no"), None
    variant = declaration.variant_of(forced[declaration.name])
    return case.ended(name, f"force() gives {variant!r}", variant, Reason.FORCED)


def _forced_in_process(case: _Case) -> _Found:
    name, declaration = "forced in the process", case.declaration
    forced = forced_in_process().get(declaration.name)
    if forced is None:
        return Step(name, "no"), None
    variant = declaration.variant_of(forced)
    return case.ended(name, f"{FORCE_VARIABLE} gives {variant!r}", variant, Reason.FORCED)


def _whether_it_runs(case: _Case) -> Iterator[_Found]:
    declaration = case.declaration
    dormant = dormancy_of(declaration, case.clock)
    is_dormant = dormant is not None and dormant()
    if not declaration.enabled:
        yield case.left_out("enabled", "no: it is switched off", Reason.INACTIVE)
    yield Step("enabled", "yes"), None
    if declaration.winner is not None:
        winner, gates = declaration.winner, [*map(gate_of, declaration.holdouts)]
        yield from (_through(case, gate) for gate in gates)
        found = f"{winner!r}: it is concluded, for everybody{' else' if gates else ''}"
        yield case.ended("winner", found, winner, Reason.INACTIVE)
    yield Step("winner", "none"), None
    starts, ends = declaration.starts, declaration.ends
    numbers = {"now": case.clock(), "starts": starts, "ends": ends}
    told = [f"{word} {_moment(at)}" for word, at in (("from", starts), ("until", ends)) if at]
    when = " ".join(told) or "always"
    if is_dormant:
        yield case.left_out("dates", f"{when}: not now", Reason.INACTIVE, **numbers)
    yield Step("dates", f"{when}: it runs" if told else when, numbers=numbers if told else {}), None


def _moment(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%d}" if seconds % 86_400 == 0 else f"{moment:%Y-%m-%d %H:%M} UTC"


def _allow_list(case: _Case) -> _Found:
    name, forced = "allow-list", case.declaration.forced
    if case.unit_id in forced:
        variant = forced[case.unit_id]
        return case.ended(name, f"it gives {variant!r}", variant, Reason.FORCED)
    return Step(name, "the unit is not on it" if forced else "nobody is on it"), None


def _sticky(case: _Case) -> _Found:
    name, declaration, kept = "sticky", case.declaration, case.kept
    if not declaration.sticky:
        return Step(name, "no"), None
    if kept is None:
        return Step(name, "yes, but there is no sticky store: nothing is kept"), None
    recalled = kept.consult(case.unit_id)
    if recalled.variant is None:
        return Step(name, recalled.found), None
    variant, found = recalled.variant, recalled.found
    if not decides_in_code(type(case.experiment)):
        return case.ended(name, found, variant, Reason.ASSIGNED)
    decide = compile_kept(case.experiment, declaration, lambda _: variant)
    decision = decide(case.unit_id, case.subjects)
    if decision is None:
        return Step(name, found), None
    if decision[2] is Reason.FORCED:
        found = f"{found}, but assign() forces {decision[1]!r}"
    return Step(name, found, decision[2]), decision


def _eligible(case: _Case) -> _Found:
    name, experiment = "eligible", case.experiment
    if type(experiment).eligible is Experiment.eligible:
        return Step(name, "everybody is"), None
    answer = call_of(experiment.eligible, case.declaration)(case.subjects)
    found = f"eligible() gives {answer!r}"
    if not answer:
        return case.left_out(name, found, Reason.INELIGIBLE)
    return Step(name, found), None


def _gates(case: _Case) -> Iterator[_Found]:
    declaration, gates = case.declaration, [*gates_of(case.declaration)]
    holdouts, others = gates[: len(declaration.holdouts)], gates[len(declaration.holdouts) :]
    if not holdouts:
        yield Step("holdouts", "none"), None
    yield from (_through(case, gate) for gate in holdouts)
    if declaration.layer is None:
        yield Step("layer", "none"), None
    yield from (_through(case, gate) for gate in others)
    if declaration.rollout >= 1:
        yield Step("rollout", "everybody"), None


def _through(case: _Case, gate: Gate) -> _Found:
    name, found, numbers = _told(gate, case.unit_id)
    reason = gate.check(case.unit_id)
    if reason is None:
        return Step(name, found, numbers=numbers), None
    return case.left_out(name, found, reason, **numbers)


def _told(gate: Gate, unit_id: str) -> tuple[str, str, dict[str, Any]]:
    """The name of a gate's step, what it finds, and by which numbers."""
    if isinstance(gate, HashGate):
        hashed, bound = gate.hash_of(unit_id), gate.bound
        place = uniform(hashed)
        text = f"{gate.prefix}{unit_id}"
        found = f"{_hash(text, place)}, {'' if hashed < bound else 'not '}below {gate.share:g}"
        return gate.what, found, {"hashed": text, "hash": hashed, "bound": bound, "place": place}
    if isinstance(gate, LayerGate):
        slot, slots = gate.layer.slot(unit_id), _slots(gate.slots)
        text = f"{gate.layer.prefix}{unit_id}"
        found = (
            f"the slot of {text!r} is {slot}, {'' if slot in gate.slots else 'not '}among {slots}"
        )
        return f"layer {gate.layer.name}", found, {"hashed": text, "slot": slot, "slots": slots}
    if isinstance(gate, PercentGate):
        allocation, percent = amplitude_allocation(gate.salt, unit_id), gate.percent
        text, place = f"{gate.salt}/{unit_id}", allocation / 100
        found = (
            f"{_hash(text, place)}, {'' if allocation < percent else 'not '}below {percent / 100:g}"
        )
        return "rollout", found, {"hashed": text, "allocation": allocation, "percent": percent}
    return "freeze", "it is frozen: nobody new is enrolled", {}


def _slots(slots: range | frozenset[int]) -> str:
    first, last = min(slots), max(slots)
    if len(slots) == last - first + 1:
        return f"{first} to {last}"
    return f"{len(slots)} slots from {first} to {last}"


def _variant(case: _Case) -> _Found:
    if decides_in_code(type(case.experiment)):
        return _drawn_variant(case)
    split, unit_id = split_of(case.declaration), case.unit_id
    variant, text = split.choose(unit_id), f"{split.prefix}{unit_id}"
    if isinstance(split, PlanOutSplit):
        hashed, whole = hash_text(text), HASH_RANGE
    else:
        from mmh3 import mmh3_32_uintdigest

        hashed, whole = mmh3_32_uintdigest(text.encode()) // 100, AMPLITUDE_RANGE
    ends = {variant_text(v): bound for v, bound in zip(split.choices, split.bounds, strict=True)}
    parts = ", ".join(f"{name} below {_share(end / whole)}" for name, end in ends.items())
    found = f"{_hash(text, hashed / whole)}, which is {variant!r}: {parts}"
    numbers = {"hashed": text, "hash": hashed, "bounds": ends, "place": hashed / whole}
    return case.ended("variant", found, variant, Reason.ASSIGNED, **numbers)


def _drawn_variant(case: _Case) -> _Found:
    decision, drawings = drawn(case.experiment, case.declaration, case.unit_id, case.subjects)
    _, variant, reason, _ = decision
    param = case.declaration.param_name
    others = (f"{each} = {d.value!r}{_by(d)}" for each, d in drawings.items() if each != param)
    found = "; ".join([f"assign() gives {variant!r}{_by(drawings.get(param))}", *others])
    if reason is Reason.INELIGIBLE:
        found = "assign() leaves the unit out"
    elif reason is Reason.FORCED:
        found = f"assign() gives {variant!r} without a random operator"
    numbers = {"params": {name: drawing.to_dict() for name, drawing in drawings.items()}}
    return Step("variant", found, reason, numbers), decision


def _by(drawing: Drawing | None) -> str:
    if drawing is None or drawing.operator is None:
        return ""
    hashed = "" if drawing.hashed is None else f" of {drawing.hashed!r}"
    return f", drawn by {drawing.operator}{hashed}"


def _hash(text: str, place: float) -> str:
    return f"the hash of {text!r} is {_share(place)}"


def _share(part: float) -> str:
    return f"{part:.6f}".rstrip("0").removesuffix(".") or "0"
