"""How an experiment's own methods are called: with the subjects that they name."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from abkit.experiments.subjects import Subjects


class IntId(int):
    """A bare id that answers to `.id` as an object would."""

    id = property(int, doc="The id itself.")


class StrId(str):
    """A bare id that answers to `.id` as an object would."""

    __slots__ = ()

    id = property(str, doc="The id itself.")


ids_with_an_id: Mapping[type, type] = {int: IntId, str: StrId}
"""For each type of a bare id, the one that answers to `.id`."""


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
    kind = ids_with_an_id.get(type(subject))
    return subject if kind is None else kind(subject)
