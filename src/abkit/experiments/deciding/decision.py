"""An experiment made ready to answer: what one unit gets, and why.

The order is fixed: forced here and now; off, concluded or out of its time; the allow-list; the variant that
the unit keeps; eligible; holdouts; layer; freeze; rollout; and only then the variant. Each step answers or
passes the unit on. A holdout also keeps its units out of what is concluded: else nobody would be left to
compare with.

What somebody wants now comes before what a unit has had: who forces a variant, and who ends an experiment
for all, means it. What decides who enters comes after: a unit that keeps a variant has entered.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any, TypeAlias

from abkit.assignment.assignment import Reason
from abkit.assignment.forcing import forced_here, forced_in_process
from abkit.assignment.hashing import sha1
from abkit.assignment.split import AmplitudeSplit, PlanOutSplit, Split
from abkit.events import Variant
from abkit.experiments.deciding.answer import Clock, Decide, Decision
from abkit.experiments.deciding.gates import checks_of, gate_of
from abkit.experiments.deciding.sticky import Recall
from abkit.experiments.declaring.declaration import Bucketing, Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code
from abkit.experiments.declaring.subjects import (
    NotIdentified,
    Subjects,
    also_called,
    unit_id_of,
    with_subject,
)

IfKept: TypeAlias = Callable[[str, Subjects], Decision | None]
"""From a unit's id and the subjects to what the unit gets if it keeps a variant."""


def compile_decision(
    experiment: Experiment,
    declaration: Declaration,
    *,
    clock: Clock,
    recall: Recall | None = None,
) -> Decide:
    """A function from the subjects of a request to what their unit gets.

    Args:
        experiment: Its hooks are asked.
        declaration: Its own, or what the settings make of it.
        clock: Gives the seconds since the epoch.
        recall: Knows the variants that units keep; None: they keep none.

    Raises:
        DeclarationError: ABKIT_FORCE forces a variant that the experiment does not have.

    Raises, when it is called:
        MissingSubjectError: The subjects lack the one that is randomized, or it has no id.
        DeclarationError: A variant is forced or assigned that the experiment does not have.
    """
    name, unit_type = declaration.name, declaration.unit_type
    also = also_called(unit_type) or unit_type
    kept = None if recall is None else _if_kept(experiment, declaration, recall)
    keep_out = _keep_out(experiment, declaration, clock, kept)
    checks, default = checks_of(declaration), experiment.default_value
    without_id = _without_id(experiment, declaration, clock)
    assign: Callable[[str, Subjects], Decision]
    choose: Callable[[str], Variant] | None = None
    prefix, choices, ends = "", declaration.variants, None
    if decides_in_code(type(experiment)):
        from abkit.experiments.deciding.in_code import compile_assign

        assign = compile_assign(experiment, declaration)
    else:
        split = split_of(declaration)
        prefix, choose = split.prefix, split.choose
        ends = split.ends if isinstance(split, PlanOutSplit) else None
    get_forced_here, assigned = forced_here.get, Reason.ASSIGNED
    # Who exposes a unit has mostly just asked for its variant: the last answer that followed from nothing
    # but the unit's id is kept. It is replaced as one tuple, so that threads only ever miss it.
    last: Decision = ("", "", assigned, None)

    # One long function, because a call costs a tenth of the hash, and this is run at each request.
    def decide(subjects: Subjects) -> Decision:
        nonlocal last
        try:
            unit_id = subject = subjects[unit_type]
        except KeyError:
            unit_id = subject = subjects.get(also)
        if type(subject) is not str:
            unit_id = getattr(subject, "id", None)
            if type(unit_id) is not str:
                unit_id = unit_id_of(subject)
        if not unit_id:
            return without_id(subject, subjects, decide)
        here = get_forced_here()
        if here is not None and name in here:
            return unit_id, declaration.variant_of(here[name]), Reason.FORCED, None
        if keep_out is not None:
            kept_out = keep_out(unit_id, subjects)
            if kept_out is not None:
                return kept_out
        decision = last
        if decision[0] == unit_id:
            return decision
        for check in checks:
            closed = check(unit_id)
            if closed is not None:
                return unit_id, default(), closed, None
        if ends is not None:
            # As choose(), without the call.
            variant = choices[bisect_right(ends, sha1(f"{prefix}{unit_id}".encode()).digest())]
        elif choose is not None:
            variant = choose(unit_id)
        else:
            return assign(unit_id, subjects)
        last = decision = (unit_id, variant, assigned, None)
        return decision

    return decide


def _keep_out(
    experiment: Experiment, declaration: Declaration, clock: Clock, kept: IfKept | None
) -> Callable[[str, Subjects], Decision | None] | None:
    """All that does not follow from the unit's id alone, or has precedence; None if there is nothing."""
    default = experiment.default_value
    forced = forced_in_process().get(declaration.name)
    if forced is not None:
        variant = declaration.variant_of(forced)
        return lambda unit_id, _: (unit_id, variant, Reason.FORCED, None)
    dormant = dormancy_of(declaration, clock)
    winner = declaration.winner if declaration.enabled else None
    if winner is not None and declaration.holdouts:
        return _concluded(declaration, winner, default)
    allowed = declaration.forced
    eligible: Callable[[Subjects], Any] | None = None
    if type(experiment).eligible is not Experiment.eligible:
        from abkit.experiments.deciding.hooks import call_of

        eligible = call_of(experiment.eligible, declaration)
    if dormant is None and eligible is None and not allowed:
        return kept

    def keep_out(unit_id: str, subjects: Subjects) -> Decision | None:
        if dormant is not None and dormant():
            return unit_id, default() if winner is None else winner, Reason.INACTIVE, None
        if unit_id in allowed:
            return unit_id, allowed[unit_id], Reason.FORCED, None
        if kept is not None:
            found = kept(unit_id, subjects)
            if found is not None:
                return found
        if eligible is not None and not eligible(subjects):
            return unit_id, default(), Reason.INELIGIBLE, None
        return None

    return keep_out


def _without_id(
    experiment: Experiment, declaration: Declaration, clock: Clock
) -> Callable[[object, Subjects, Decide], Decision]:
    """What a subject gets that has no id: as its other name has one; or what is in force for all."""
    dormant, winner = dormancy_of(declaration, clock), declaration.winner
    in_process = forced_in_process()

    def decide(subject: object, subjects: Subjects, otherwise: Decide) -> Decision:
        if not isinstance(subject, NotIdentified):
            found = with_subject(declaration.unit_type, subjects, of=declaration.name)
            return otherwise(found)
        forced = {**in_process, **(forced_here.get() or {})}
        if declaration.name in forced:
            variant = declaration.variant_of(forced[declaration.name])
            return "", variant, Reason.FORCED, None
        is_off = dormant is not None and dormant()
        if is_off and declaration.enabled and winner is not None:
            return "", winner, Reason.INACTIVE, None
        reason = Reason.INACTIVE if is_off else Reason.NOT_ENROLLED
        return "", experiment.default_value(), reason, None

    return decide


def _concluded(
    declaration: Declaration, winner: Variant, default: Callable[[], Variant]
) -> Callable[[str, Subjects], Decision]:
    """What is shipped to all but those that are held out."""
    checks = [gate_of(holdout).check for holdout in declaration.holdouts]

    def decide(unit_id: str, _: Subjects) -> Decision:
        for check in checks:
            closed = check(unit_id)
            if closed is not None:
                return unit_id, default(), closed, None
        return unit_id, winner, Reason.INACTIVE, None

    return decide


def _if_kept(experiment: Experiment, declaration: Declaration, recall: Recall) -> IfKept:
    if decides_in_code(type(experiment)):
        from abkit.experiments.deciding.in_code import compile_kept

        return compile_kept(experiment, declaration, recall)
    assigned = Reason.ASSIGNED

    def decide(unit_id: str, _: Subjects) -> Decision | None:
        variant = recall(unit_id)
        return None if variant is None else (unit_id, variant, assigned, None)

    return decide


def split_of(declaration: Declaration) -> Split:
    """How the declared weights cut the range of the hash."""
    variants, weights = declaration.variants, [*declaration.weights.values()]
    if declaration.bucketing is Bucketing.AMPLITUDE:
        return AmplitudeSplit.of(declaration.salt, variants, weights)
    return PlanOutSplit.of(f"{declaration.salt}.{declaration.param_name}", variants, weights)


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
