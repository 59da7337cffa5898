"""How an experiment's own methods are called: with the subjects that they name."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from abkit.experiments.subjects import Subjects, has_an_id, is_a_number, may_be_an_id, unit_id_of


class IntId(int):
    """A bare id that answers to `.id` as an object would."""

    id = property(int, doc="The id itself.")


class StrId(str):
    """A bare id that answers to `.id` as an object would."""

    __slots__ = ()

    id = property(str, doc="The id itself.")


kinds_of_subjects: dict[type, Callable[[Any], Any] | None] = {int: IntId, str: StrId}
"""A cache: what makes a bare id of each type answer to `.id`; None for the types of other subjects."""
_MOST_TYPES = 1024


def _kind_of(subject: Any) -> Callable[[Any], Any] | None:
    """What makes subjects of that type answer to `.id`, found out when the first one comes."""
    kind = _bare if may_be_an_id(type(subject)) else None
    if len(kinds_of_subjects) < _MOST_TYPES:
        kinds_of_subjects[type(subject)] = kind
    return kind


def _bare(subject: Any) -> Any:
    """A bare id of a rarer type with an `id`: what is whole as an int, all else as its text."""
    unit_id = None if has_an_id(subject) else unit_id_of(subject)
    if unit_id is None:
        return subject
    return IntId(unit_id) if is_a_number(type(subject)) else StrId(unit_id)


def call_of(method: Callable[..., Any]) -> Callable[[Subjects], Any]:
    """A function that calls a method with the subjects that it names."""
    call = caller_of(method)
    return lambda subjects: call((), subjects)


def caller_of(method: Callable[..., Any]) -> Callable[[Sequence[Any], Subjects], Any]:
    """A function that calls a method with the subjects that it names, behind other arguments.

    A subject that the request lacks is None; a bare id gets an `id`.
    """
    parameters = inspect.signature(method).parameters.values()
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]

    def call(first: Sequence[Any], subjects: Subjects) -> Any:
        own = names[len(first) :]
        given = {name: subjects.get(name) for name in own} | (dict(subjects) if takes_all else {})
        return method(*first, **{name: with_id(subject) for name, subject in given.items()})

    return call


def names_of(method: Callable[..., Any]) -> tuple[str, ...]:
    """The subjects that an `assign()` names, behind the params; none if it takes others as well."""
    parameters = [*inspect.signature(method).parameters.values()][1:]
    if any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
        return ()
    return tuple(p.name for p in parameters)


def with_id(subject: Any) -> Any:
    """The subject, or a bare id that answers to `.id`."""
    try:
        kind = kinds_of_subjects[type(subject)]
    except KeyError:
        kind = _kind_of(subject)
    return subject if kind is None else kind(subject)
