"""The variants of whole columns of units: what `get` gives, unit by unit, at the speed of the hash.

An experiment that only splits is one hash and one comparison of bytes per unit; one that is declared
is what its hashes say; any other is decided as a request is, one unit after the other.
"""

import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import Any, TypeAlias, overload

from abkit.assignment.assignment import Reason
from abkit.assignment.forcing import forced_here, forced_in_process
from abkit.assignment.hashing import sha1
from abkit.assignment.split import PlanOutSplit, Split
from abkit.assignment.weights import HASH_RANGE
from abkit.errors import DeclarationError, SubjectMismatchError, UnitsError
from abkit.events import Variant
from abkit.experiments.deciding.decision import compile_decision, dormancy_of, split_of
from abkit.experiments.deciding.gates import checks_of
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment, decides_in_code, is_experiment
from abkit.experiments.declaring.subjects import also_called, unit_id_of, why_no_id
from abkit.experiments.in_bulk.columns import Column, column_of

_Answers: TypeAlias = Callable[[Sequence[Any], int], Sequence[Any]]
"""From some units, and the position of the first, to what each of them gets."""

_STRETCH = 65_536
"""So many units are taken out of a column at a time: enough to be fast, little to be held."""

_BARE_IDS = frozenset({str, int})
_VARIANT, _REASON = 1, 2
"""Their places in a decision."""


@overload
def assign_many(
    experiment: type[Experiment],
    units: list[Any],
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> list[Any]: ...
@overload
def assign_many(
    experiment: type[Experiment],
    units: Any,
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> Any: ...
def assign_many(
    experiment: type[Experiment],
    units: Any,
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> Any:
    """The variant of each unit, as `ExperimentManager.get` gives it to units that keep none.

    What a sticky store keeps is not looked up.

    Args:
        experiment: Its class.
        units: Ids (texts or whole numbers, also as floats), or objects with an `id`: any iterable, a
            NumPy array, a PyArrow array or chunked array, a pandas or a Polars Series.
        now: When, in seconds since the epoch: an experiment may not have begun or be over. The clock's
            time if not given.
        declaration: What is in force if that is not what the class says, such as
            `manager.declaration("ShowPlugins")` under settings.

    Returns:
        The variants in the order of the units: a column of the same kind, or a list. A typed column of
        variants of several types (such as "0" and 1) has them as text.

    Raises:
        UnitsError: A unit has no id, and at which position; or the column is none.
        DeclarationError: The class is no experiment, or its code gives a variant that it has not.
    """
    declared = declaration_in_force(experiment, declaration)
    column = column_of(units, experiment=declared.name)
    answers = _all(column, _variants(experiment, declared, moment(now)))
    possible = [*declared.variants, *set(answers)] if column.is_typed else ()
    return column.like(answers, possible, declared.param_name)


@overload
def reasons_many(
    experiment: type[Experiment],
    units: list[Any],
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> list[Reason]: ...
@overload
def reasons_many(
    experiment: type[Experiment],
    units: Any,
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> Any: ...
def reasons_many(
    experiment: type[Experiment],
    units: Any,
    *,
    now: float | None = None,
    declaration: Declaration | None = None,
) -> Any:
    """Why each unit has its variant: `Reason` texts, as `ExperimentManager.assign` gives them.

    Arguments, answer and errors are those of `assign_many`.
    """
    declared = declaration_in_force(experiment, declaration)
    column = column_of(units, experiment=declared.name)
    answers = _all(column, _reasons(experiment, declared, moment(now)))
    return column.like(answers, tuple(Reason), "reason")


def declaration_in_force(
    experiment: type[Experiment], declaration: Declaration | None
) -> Declaration:
    """The declaration given, or the class's own.

    Raises:
        DeclarationError: The class is no experiment, or the declaration is another one's.
    """
    if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
        raise DeclarationError("bulk assignment", f"takes an Experiment class, not {experiment!r}")
    if not is_experiment(experiment):
        problem = "is a base class: an experiment declares `variants` or overrides assign()"
        raise DeclarationError(experiment.__name__, problem)
    if declaration is None:
        return experiment.declaration
    if declaration.name != experiment.declaration.name:
        raise DeclarationError(experiment.name, f"was given the declaration of {declaration.name}")
    return declaration


def moment(now: float | None) -> float:
    """The moment given, or the present one, in seconds since the epoch."""
    return time.time() if now is None else now


def _all(column: Column, answers: _Answers) -> list[Any]:
    starts = range(0, column.length, _STRETCH)
    stretches = ((column.read(start, start + _STRETCH), start) for start in starts)
    return [*chain.from_iterable(answers(units, start) for units, start in stretches)]


def _variants(experiment: type[Experiment], declaration: Declaration, now: float) -> _Answers:
    if not _is_declared(experiment, declaration, now):
        return _decided(experiment, declaration, now, part=_VARIANT)
    checks, allowed = checks_of(declaration), declaration.forced
    if not checks and not allowed:
        return _of_ids(_chooser(split_of(declaration)), declaration.name)
    choose, default = split_of(declaration).choose, cache(experiment().default_value)

    def variant(unit_id: str) -> Variant:
        if unit_id in allowed:
            return allowed[unit_id]
        for check in checks:
            if check(unit_id) is not None:
                return default()
        return choose(unit_id)

    return _of_ids(lambda ids: [*map(variant, map(str, ids))], declaration.name)


def _reasons(experiment: type[Experiment], declaration: Declaration, now: float) -> _Answers:
    if not _is_declared(experiment, declaration, now):
        return _decided(experiment, declaration, now, part=_REASON)
    checks, allowed = checks_of(declaration), declaration.forced
    if not checks and not allowed:
        return _of_ids(lambda ids: [Reason.ASSIGNED] * len(ids), declaration.name)

    def reason(unit_id: str) -> Reason:
        if unit_id in allowed:
            return Reason.FORCED
        for check in checks:
            closed = check(unit_id)
            if closed is not None:
                return closed
        return Reason.ASSIGNED

    return _of_ids(lambda ids: [*map(reason, map(str, ids))], declaration.name)


def _of_ids(answers: Callable[[Sequence[Any]], list[Any]], experiment: str) -> _Answers:
    return lambda units, start: answers(_ids(units, start, experiment))


def _is_declared(experiment: type[Experiment], declaration: Declaration, now: float) -> bool:
    """Whether the allow-list and the unit's hashes decide, and nothing else."""
    dormant = dormancy_of(declaration, lambda: now)
    return not (
        decides_in_code(experiment)
        or experiment.eligible is not Experiment.eligible
        or declaration.name in (forced_here.get() or ())
        or declaration.name in forced_in_process()
        or (dormant is not None and dormant())
    )


def _chooser(split: Split) -> Callable[[Sequence[Any]], list[Variant]]:
    """As `split.choose` for many ids: a call per unit would cost a fifth of its hash."""
    if not isinstance(split, PlanOutSplit):
        choose = split.choose
        return lambda ids: [*map(choose, ids)]
    prefix, choices = split.prefix, split.choices
    bounds = [(bound << 4).to_bytes(8) for bound in split.bounds[:-1] if bound < HASH_RANGE]
    if len(bounds) == 1:
        end, (first, second, *_) = bounds[0], choices
        return lambda ids: [
            first if sha1(f"{prefix}{unit_id}".encode()).digest() < end else second
            for unit_id in ids
        ]
    return lambda ids: [
        choices[bisect_right(bounds, sha1(f"{prefix}{unit_id}".encode()).digest())]
        for unit_id in ids
    ]


def _decided(
    experiment: type[Experiment], declaration: Declaration, now: float, *, part: int
) -> _Answers:
    """One decision after the other, as for a request that passes nothing but the unit."""
    decide = compile_decision(experiment(), declaration, clock=lambda: now)
    name, unit_type = declaration.name, declaration.unit_type

    def answers(units: Sequence[Any], start: int) -> list[Any]:
        subjects = _with_ids(units, start, name)
        found: list[Any] = []
        try:
            for subject in subjects:
                found.append(decide({unit_type: subject})[part])  # noqa: PERF401 - its length tells where
        except SubjectMismatchError as error:
            problem = f"has one that assign() cannot decide: {_more_than(unit_type, error)}"
            raise UnitsError(name, problem, start + len(found)) from error
        except Exception as error:
            error.add_note(f"This is the unit at position {start + len(found)} of the column.")
            raise
        return found

    return answers


def _more_than(unit_type: str, error: SubjectMismatchError) -> str:
    """What the code asks for besides the unit's id, and how to give it that."""
    kind, _, attribute = error.asked.partition(".")
    if attribute and kind in {unit_type, also_called(unit_type)}:
        return (
            f"it asks for {error.asked}; give objects with an `id` and a `{attribute}` as the units"
        )
    return (
        f"it asks for {error.asked}, and a column has no {kind}; ask get() for each unit instead, "
        f"with {kind}="
    )


def _ids(units: Sequence[Any], start: int, experiment: str) -> Sequence[Any]:
    """The ids of the units; numbers are as good as their text."""
    subjects = _with_ids(units, start, experiment)
    return subjects if subjects is units else [*map(unit_id_of, subjects)]


def _with_ids(units: Sequence[Any], start: int, experiment: str) -> Sequence[Any]:
    """The units as subjects, each of which has an id.

    Raises:
        UnitsError: One has none.
    """
    if _BARE_IDS.issuperset(map(type, units)) and "" not in units:
        return units
    return [*_subjects(units, start, experiment)]


def _subjects(units: Sequence[Any], start: int, experiment: str) -> Iterator[Any]:
    for position, unit in enumerate(units, start):
        if unit_id_of(unit) is None:
            problem = (
                f"has one that {why_no_id(unit)}. A unit is a text that is not empty, a whole number, or "
                "an object with an `id` or a `pk`; drop or fill what is missing"
            )
            raise UnitsError(experiment, problem, position)
        yield unit
