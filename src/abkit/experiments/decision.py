"""An experiment made ready to answer: what one unit gets, and why.

The order is fixed: forced here and now; off, concluded or out of its time; the allow-list; eligible;
holdouts; layer; rollout; and only then the variant. Each step answers or passes the unit on.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.assignment._planout import PlanOutOpRandom
from abkit.assignment.assignment import Assignment, Reason
from abkit.assignment.forcing import forced_variants
from abkit.assignment.operators import HASH_RANGE, digest
from abkit.assignment.params import Params, was_randomized
from abkit.assignment.split import AmplitudeSplit, PlanOutSplit, Split, amplitude_allocation
from abkit.errors import DeclarationError, MissingSubjectError
from abkit.events import Variant
from abkit.experiments.declaration import Bucketing, Declaration
from abkit.experiments.experiment import Experiment, decides_in_code
from abkit.experiments.layer import share_bound

Subjects: TypeAlias = Mapping[str, Any]
Parameters: TypeAlias = Mapping[str, object]
Decision: TypeAlias = tuple[str, Variant, Reason, Parameters | None]
"""Unit id, variant, reason, and the parameters if `assign()` wrote any. A plain tuple: it is made for
each request."""

Gate: TypeAlias = Callable[[str], Reason | None]
Clock: TypeAlias = Callable[[], float]


class IntId(int):
    """A bare id that answers to `.id` as an object would."""

    @property
    def id(self) -> int:
        """The id itself."""
        return int(self)


class StrId(str):
    """A bare id that answers to `.id` as an object would."""

    __slots__ = ()

    @property
    def id(self) -> str:
        """The id itself."""
        return str(self)


_BARE: Mapping[type, type] = {int: IntId, str: StrId}


def unit_id_of(subject: object) -> str | None:
    """The id of a subject as text: its `id`, or the subject itself if it is one; None if there is none."""
    if isinstance(subject, str | int):
        return str(subject) or None
    found = getattr(subject, "id", None)
    return None if found is None or found == "" else str(found)


def compile_decision(
    experiment: Experiment, declaration: Declaration, *, clock: Clock
) -> Callable[[Subjects], Decision]:
    """A function from the subjects of a request to what their unit gets.

    Args:
        experiment: Its hooks are asked.
        declaration: Its own, or what the settings make of it.
        clock: Gives the seconds since the epoch.

    Raises (the function that is returned):
        MissingSubjectError: The subjects lack the one that is randomized, or it has no id.
        DeclarationError: A variant is forced or assigned that the experiment does not have.
    """
    name, unit_type = declaration.name, declaration.unit_type
    default = experiment.default_value
    dormant = _dormancy(declaration, clock)
    winner, allowed = declaration.winner, declaration.forced
    eligible = _hook(experiment, "eligible")
    gates = tuple(_gates(declaration))
    choose = _chooser(experiment, declaration)
    assign = _assigner(experiment, declaration)

    def decide(subjects: Subjects) -> Decision:
        subject = subjects.get(unit_type)
        unit_id = subject if type(subject) is str else unit_id_of(subject)
        if not unit_id:
            raise MissingSubjectError(name, unit_type, subjects)
        forced = forced_variants()
        if forced is not None and name in forced:
            return unit_id, declaration.variant_of(forced[name]), Reason.FORCED, None
        if dormant is not None and dormant():
            return unit_id, default() if winner is None else winner, Reason.INACTIVE, None
        if allowed and unit_id in allowed:
            return unit_id, allowed[unit_id], Reason.FORCED, None
        if eligible is not None and not eligible(subjects):
            return unit_id, default(), Reason.INELIGIBLE, None
        for gate in gates:
            closed = gate(unit_id)
            if closed is not None:
                return unit_id, default(), closed, None
        if choose is not None:
            return unit_id, choose(unit_id), Reason.ASSIGNED, None
        variant, reason, params = assign(subjects)
        return unit_id, default() if variant is None else variant, reason, params

    return decide


def assignment_of(declaration: Declaration, decision: Decision) -> Assignment:
    """The decision as the value that the application gets."""
    unit_id, variant, reason, params = decision
    return Assignment(
        experiment=declaration.name,
        unit_type=declaration.unit_type,
        unit_id=unit_id,
        variant=variant,
        reason=reason,
        params=MappingProxyType({declaration.param_name: variant} if params is None else params),
    )


def split_of(declaration: Declaration) -> Split:
    """How the declared weights cut the range of the hash."""
    variants, weights = declaration.variants, [*declaration.weights.values()]
    if declaration.bucketing is Bucketing.AMPLITUDE:
        return AmplitudeSplit.of(declaration.salt, variants, weights)
    return PlanOutSplit.of(f"{declaration.salt}.{declaration.param_name}", variants, weights)


def rollout_prefix(declaration: Declaration) -> str:
    """What is hashed before the unit's id to enrol it: a salt that no parameter can have."""
    return f"{declaration.salt}.abkit:rollout."


def _dormancy(declaration: Declaration, clock: Clock) -> Callable[[], bool] | None:
    """Whether the experiment is off now; None if it always runs."""
    if not declaration.enabled or declaration.winner is not None:
        return lambda: True
    starts, ends = declaration.starts, declaration.ends
    if starts is None and ends is None:
        return None
    first = float("-inf") if starts is None else starts
    last = float("inf") if ends is None else ends
    return lambda: not first <= clock() < last


def _gates(declaration: Declaration) -> Iterable[Gate]:
    """What can keep a unit out, in order; a gate gives the reason, or None to let it through."""
    for holdout in declaration.holdouts:
        yield _hash_gate(holdout.prefix, holdout.bound, below=Reason.EXCLUDED, above=None)
    if declaration.layer is not None:
        layer_slot, slots = declaration.layer.slot, declaration.slots
        yield lambda unit_id: None if layer_slot(unit_id) in slots else Reason.EXCLUDED
    if declaration.rollout < 1:
        if declaration.bucketing is Bucketing.AMPLITUDE:
            salt, percent = declaration.salt, round(declaration.rollout * 100)
            yield (
                lambda unit_id: (
                    None if amplitude_allocation(salt, unit_id) < percent else Reason.NOT_ENROLLED
                )
            )
        else:
            bound = share_bound(declaration.rollout)
            prefix = rollout_prefix(declaration)
            yield _hash_gate(prefix, bound, below=None, above=Reason.NOT_ENROLLED)


def _hash_gate(prefix: str, bound: int, *, below: Reason | None, above: Reason | None) -> Gate:
    if bound >= HASH_RANGE:
        return lambda _: below
    end = (bound << 4).to_bytes(8)
    return lambda unit_id: below if digest(f"{prefix}{unit_id}") < end else above


def _chooser(experiment: Experiment, declaration: Declaration) -> Callable[[str], Variant] | None:
    """The declared split; None if the experiment decides in code."""
    return None if decides_in_code(type(experiment)) else split_of(declaration).choose


def _hook(experiment: Experiment, hook: str) -> Callable[[Subjects], Any] | None:
    """The experiment's own method as a function of the subjects; None if it has none of its own."""
    if getattr(type(experiment), hook) is getattr(Experiment, hook):
        return None
    call = _with_subjects(getattr(experiment, hook), skip=0)
    return lambda subjects: call(None, subjects)


def _with_subjects(method: Callable[..., Any], *, skip: int) -> Callable[[Any, Subjects], Any]:
    """Call a method with the subjects that it names; one that the request lacks is None.

    Args:
        method: A bound method.
        skip: 1 if its first argument is the params, which are passed on; 0 if it takes none.
    """
    parameters = [*inspect.signature(method).parameters.values()][skip:]
    takes_all = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    named = [parameter for parameter in parameters if parameter.kind is not parameter.VAR_KEYWORD]
    names = tuple(parameter.name for parameter in named)
    bare = _BARE

    if takes_all or any(parameter.kind is parameter.KEYWORD_ONLY for parameter in named):

        def call_by_keyword(params: Any, subjects: Subjects) -> Any:
            given = subjects if takes_all else {name: subjects.get(name) for name in names}
            values = {name: _with_id(subject) for name, subject in given.items()}
            return method(params, **values) if skip else method(**values)

        return call_by_keyword

    def call(params: Any, subjects: Subjects) -> Any:
        values = [
            subject
            if (kind := type(subject := subjects.get(name))) not in bare
            else bare[kind](subject)
            for name in names
        ]
        return method(params, *values) if skip else method(*values)

    return call


def _with_id(subject: Any) -> Any:
    kind = _BARE.get(type(subject))
    return subject if kind is None else kind(subject)


def _assigner(
    experiment: Experiment, declaration: Declaration
) -> Callable[[Subjects], tuple[Variant | None, Reason, Parameters]]:
    """The experiment's own `assign()` as a function of the subjects."""
    salt, param_name = declaration.salt, declaration.param_name
    call = _with_subjects(experiment.assign, skip=1)
    canonical = {variant: variant for variant in declaration.variants}
    randomizes = _mentions_random_operator(type(experiment).assign)

    def assign(subjects: Subjects) -> tuple[Variant | None, Reason, Parameters]:
        params = Params(salt)
        outcome = call(params, subjects)
        if outcome is not None and not outcome:
            return None, Reason.INELIGIBLE, params
        variant = params.__dict__.get(param_name)
        if variant is None:
            return None, Reason.INELIGIBLE, params
        known = canonical.get(variant) if canonical and variant.__hash__ else None
        variant = _checked(declaration, variant) if known is None else known
        reason = Reason.ASSIGNED if was_randomized(params) or not randomizes else Reason.FORCED
        return variant, reason, params

    return assign


def _checked(declaration: Declaration, variant: object) -> Variant:
    if declaration.weights or not isinstance(variant, str | int | float):
        given = f"assign() gave {variant!r} for {declaration.param_name!r}"
        wanted = ", ".join(map(repr, declaration.variants)) or "text, a number or a bool"
        raise DeclarationError(declaration.name, f"{given}; it must be one of: {wanted}")
    return variant


def _mentions_random_operator(function: Any) -> bool:
    """Whether a function's own code names a random operator.

    In such an experiment a unit whose variant came without one was forced by the code (as in
    `if org.slug == "acme": params.variant = "1"`); in any other, the code is the randomization.
    """
    code = function.__code__
    for name in code.co_names:
        found = function.__globals__.get(name)
        if isinstance(found, type) and issubclass(found, PlanOutOpRandom):
            return True
    return any(operator.__name__ in code.co_names for operator in PlanOutOpRandom.__subclasses__())
