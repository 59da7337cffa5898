"""Experiments that decide in their own `assign()`."""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from abkit.assignment.assignment import Reason
from abkit.assignment.params import (
    DRAWN,
    Params,
    overwrite,
    set_environment,
    values_of,
    was_looked_at,
    was_randomized,
)
from abkit.errors import DeclarationError
from abkit.events import Variant
from abkit.experiments.deciding.answer import Decision
from abkit.experiments.deciding.hooks import (
    caller_of,
    kinds_of_subjects,
    lack_of,
    names_of,
    with_id,
)
from abkit.experiments.deciding.sticky import Recall
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.subjects import Subjects


def compile_assign(
    experiment: Experiment, declaration: Declaration, *, params_class: type[Params] = Params
) -> Callable[[str, Subjects], Decision]:
    """A function from a unit's id, and the subjects of the request, to what `assign()` gives the unit.

    Args:
        experiment: Its `assign()` is called.
        declaration: Its own, or what the settings make of it.
        params_class: What the parameters are written into.

    Raises, when it is called:
        DeclarationError: A variant is assigned that the experiment does not have.
        SubjectMismatchError: `assign()` asks for a subject, or an attribute of one, that the call lacks.
    """
    salt, param_name, method = declaration.salt, declaration.param_name, experiment.assign
    names, call = names_of(method), caller_of(method, declaration, behind=1)
    given = frozenset(names)
    only = names[0] if len(names) == 1 else None
    get_all: Any = itemgetter(*names) if names else None
    judge, known = _judge(experiment, declaration), frozenset(declaration.variants)
    assigned, new, kind_of_type = Reason.ASSIGNED, object.__new__, kinds_of_subjects.get
    splits: dict[str, Any] = {}

    def assign(unit_id: str, subjects: Subjects) -> Decision:
        params = new(params_class)
        environment: list[Any] = [salt, None, None, False, None, splits]
        set_environment(params, environment)
        try:
            if only is not None and only in subjects:
                subject = subjects[only]
                kind = kind_of_type(type(subject), with_id)
                outcome = method(params, subject if kind is None else kind(subject))
            elif only is None and get_all is not None and given.issubset(subjects):
                outcome = method(params, *map(with_id, get_all(subjects)))
            else:
                outcome = call((params,), subjects)
        except AttributeError as error:
            lacking = lack_of(error, method, subjects, of=declaration.name)
            if lacking is None:
                raise
            raise lacking from error
        drawn = environment[DRAWN]
        if outcome is None and drawn is not None:
            variant = drawn.get(param_name)
            if type(variant) is str and (variant in known or not known):
                return unit_id, variant, assigned, params
        return judge(unit_id, params, outcome)

    return assign


def compile_kept(
    experiment: Experiment, declaration: Declaration, recall: Recall
) -> Callable[[str, Subjects], Decision | None]:
    """A function from a unit's id, and the subjects, to what the unit gets if it keeps a variant.

    What `assign()` forces has precedence. If it gives another variant, or none, and its code has looked at
    what was drawn, it is run once more with the variant overridden, so that its other parameters go with it.
    """
    assign, call = (
        compile_assign(experiment, declaration),
        caller_of(experiment.assign, declaration, behind=1),
    )
    salt, param_name = declaration.salt, declaration.param_name
    assigned, forced = Reason.ASSIGNED, Reason.FORCED

    def decide(unit_id: str, subjects: Subjects) -> Decision | None:
        variant = recall(unit_id)
        if variant is None:
            return None
        decision = assign(unit_id, subjects)
        _, given, reason, params = decision
        if reason is forced:
            return decision
        if given == variant and type(given) is type(variant) and reason is assigned:
            return decision
        if isinstance(params, Params) and not was_looked_at(params):
            overwrite(params, param_name, variant)
        else:
            params = Params(salt, {param_name: variant})
            call((params,), subjects)
        return unit_id, variant, assigned, params

    return decide


def _judge(experiment: Experiment, declaration: Declaration) -> Callable[..., Decision]:
    """What a unit gets, given what `assign()` wrote for it and returned."""
    default, param_name = experiment.default_value, declaration.param_name
    canonical = {variant: variant for variant in declaration.variants}
    own_randomization = type(experiment).own_randomization

    def judge(unit_id: str, params: Params, outcome: object) -> Decision:
        variant = values_of(params).get(param_name)
        if variant is None or (outcome is not None and not outcome):
            return unit_id, default(), Reason.INELIGIBLE, params
        randomized = own_randomization or was_randomized(params, param_name)
        reason = Reason.ASSIGNED if randomized else Reason.FORCED
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
