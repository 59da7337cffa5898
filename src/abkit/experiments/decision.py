"""An experiment made ready to answer: what one unit gets, and why.

The order is fixed: forced here and now; off, concluded or out of its time; the allow-list; eligible;
holdouts; layer; rollout; and only then the variant. Each step answers or passes the unit on.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.assignment.assignment import Assignment, Reason
from abkit.assignment.forcing import forced_here, forced_in_process
from abkit.assignment.operators import HASH_RANGE, first_64_bits, sha1
from abkit.assignment.params import Params, set_environment
from abkit.assignment.split import AmplitudeSplit, PlanOutSplit, Split, amplitude_allocation
from abkit.errors import DeclarationError, MissingSubjectError
from abkit.events import Variant
from abkit.experiments.declaration import Bucketing, Declaration
from abkit.experiments.experiment import Experiment, decides_in_code
from abkit.experiments.hooks import (
    Subjects,
    caller_of,
    getter_of,
    hook_of,
    is_free_of_ids,
    mentions_random_operator,
    with_id,
)
from abkit.experiments.layer import Layer, share_bound

Parameters: TypeAlias = Mapping[str, object]
Decision: TypeAlias = tuple[str, Variant, Reason, Parameters | None]
"""Unit id, variant, reason, and the parameters if `assign()` wrote any. A plain tuple: it is made for
each request."""

Gate: TypeAlias = Callable[[str], Reason | None]
Clock: TypeAlias = Callable[[], float]


def unit_id_of(subject: object) -> str | None:
    """The id of a subject as text: its `id`, or itself if it is one; None if there is none."""
    found = getattr(subject, "id", None)
    if found is None and isinstance(subject, (str, int)):
        found = subject
    return None if found is None or found == "" else str(found)


def compile_decision(  # noqa: C901 - see decide()
    experiment: Experiment, declaration: Declaration, *, clock: Clock
) -> Callable[[Subjects], Decision]:
    """A function from the subjects of a request to what their unit gets.

    Args:
        experiment: Its hooks are asked.
        declaration: Its own, or what the settings make of it.
        clock: Gives the seconds since the epoch.

    Raises:
        DeclarationError: ABKIT_FORCE forces a variant that the experiment does not have.

    Raises, when it is called:
        MissingSubjectError: The subjects lack the one that is randomized, or it has no id.
        DeclarationError: A variant is forced or assigned that the experiment does not have.
    """
    name, unit_type = declaration.name, declaration.unit_type
    forced = forced_in_process().get(name)
    if forced is not None:
        forced = declaration.variant_of(forced)
    default = experiment.default_value
    keep_out = _keep_out(experiment, declaration, clock)
    gates = tuple(gates_of(declaration))
    assigned = Reason.ASSIGNED
    in_code = decides_in_code(type(experiment))
    choose = None if in_code else split_of(declaration).choose
    salt, param_name, method = declaration.salt, declaration.param_name, experiment.assign
    get_all: Any = getter_of(method, skip=1)
    call = caller_of(method)
    judge, known = _judge(experiment, declaration), frozenset(declaration.variants)
    new = object.__new__
    # Who exposes a unit has mostly just asked for its variant: the last answer is kept. It is replaced
    # as one tuple, so that threads only ever miss it.
    last: Decision = ("", "", assigned, None)

    # One long function, because a call costs a tenth of the hash, and this is run at each request.
    def decide(subjects: Subjects) -> Decision:
        nonlocal last
        subject = subjects.get(unit_type)
        unit_id = subject if type(subject) is str else getattr(subject, "id", None)
        if type(unit_id) is not str or not unit_id:
            unit_id = unit_id_of(subject)
            if unit_id is None:
                raise MissingSubjectError(name, unit_type, subjects)
        here = forced_here.get()
        if here is not None and name in here:
            return unit_id, declaration.variant_of(here[name]), Reason.FORCED, None
        if forced is not None:
            return unit_id, forced, Reason.FORCED, None
        if keep_out is not None:
            kept = keep_out(unit_id, subjects)
            if kept is not None:
                return kept
        for gate in gates:
            closed = gate(unit_id)
            if closed is not None:
                return unit_id, default(), closed, None
        if choose is not None:
            decision = last
            if decision[0] != unit_id:
                last = decision = (unit_id, choose(unit_id), assigned, None)
            return decision
        params = new(Params)
        environment = [salt, None, False]
        set_environment(params, environment)
        try:
            values = get_all(subjects)
        except (KeyError, TypeError):
            outcome = call((params,), subjects)
        else:
            if not is_free_of_ids(map(type, values)):
                values = map(with_id, values)
            outcome = method(params, *values)
        variant = params.__dict__.get(param_name)
        if (
            outcome is None
            and environment[-1]
            and type(variant) is str
            and (variant in known or not known)
        ):
            return unit_id, variant, assigned, params
        return judge(unit_id, params, outcome, randomized=environment[-1])

    return decide


def _keep_out(
    experiment: Experiment, declaration: Declaration, clock: Clock
) -> Callable[[str, Subjects], Decision | None] | None:
    """All that stands before the gates; None if nothing does."""
    default = experiment.default_value
    dormant = dormancy_of(declaration, clock)
    winner = declaration.winner if declaration.enabled else None
    allowed = declaration.forced
    eligible = hook_of(experiment, "eligible")
    if dormant is None and eligible is None and not allowed:
        return None

    def keep_out(unit_id: str, subjects: Subjects) -> Decision | None:
        if dormant is not None and dormant():
            return unit_id, default() if winner is None else winner, Reason.INACTIVE, None
        if unit_id in allowed:
            return unit_id, allowed[unit_id], Reason.FORCED, None
        if eligible is not None and not eligible(subjects):
            return unit_id, default(), Reason.INELIGIBLE, None
        return None

    return keep_out


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


def dormancy_of(declaration: Declaration, clock: Clock) -> Callable[[], bool] | None:
    """Whether the experiment is off now; None if it always runs."""
    if not declaration.enabled or declaration.winner is not None:
        return lambda: True
    starts, ends = declaration.starts, declaration.ends
    if starts is None and ends is None:
        return None
    first = float("-inf") if starts is None else starts
    last = float("inf") if ends is None else ends
    return lambda: not first <= clock() < last


def gates_of(declaration: Declaration) -> Iterable[Gate]:
    """What can keep a unit out, in order; a gate gives the reason, or None to let it through."""
    for holdout in declaration.holdouts:
        yield _hash_gate(holdout.prefix, holdout.bound, below=Reason.EXCLUDED, above=None)
    if declaration.layer is not None:
        yield _layer_gate(declaration.layer, declaration.slots)
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


def _layer_gate(layer: Layer, slots: range | frozenset[int]) -> Gate:
    # As layer.slot, without its calls: a layer should cost little more than its hash.
    prefix, size, excluded = layer.prefix, layer.size, Reason.EXCLUDED

    def gate(unit_id: str) -> Reason | None:
        first_60_bits = first_64_bits(sha1(f"{prefix}{unit_id}".encode()).digest())[0] >> 4
        return None if first_60_bits % size in slots else excluded

    return gate


def _hash_gate(prefix: str, bound: int, *, below: Reason | None, above: Reason | None) -> Gate:
    if bound >= HASH_RANGE:
        return lambda _: below
    end = (bound << 4).to_bytes(8)
    return lambda unit_id: below if sha1(f"{prefix}{unit_id}".encode()).digest() < end else above


def _judge(experiment: Experiment, declaration: Declaration) -> Callable[..., Decision]:
    """What a unit gets, given what `assign()` wrote for it and returned."""
    default, param_name = experiment.default_value, declaration.param_name
    canonical = {variant: variant for variant in declaration.variants}
    unforced = not mentions_random_operator(type(experiment).assign)

    def judge(unit_id: str, params: Params, outcome: object, *, randomized: bool) -> Decision:
        variant = params.get(param_name)
        if variant is None or (outcome is not None and not outcome):
            return unit_id, default(), Reason.INELIGIBLE, params
        reason = Reason.ASSIGNED if unforced or randomized else Reason.FORCED
        return unit_id, _checked(declaration, variant, canonical), reason, params

    return judge


def _checked(
    declaration: Declaration, variant: Any, canonical: Mapping[Variant, Variant]
) -> Variant:
    if isinstance(variant, (str, int, float)):
        if not canonical:
            return variant
        known = canonical.get(variant)
        if known is not None:
            return known
    given = f"assign() gave {variant!r} for {declaration.param_name!r}"
    wanted = ", ".join(map(repr, declaration.variants)) or "text, a number or a bool"
    raise DeclarationError(declaration.name, f"{given}; it must be one of: {wanted}")
