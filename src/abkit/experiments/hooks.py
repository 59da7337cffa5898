"""How an experiment's own methods are called: with the subjects that they name."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, TypeAlias

from abkit.assignment._planout import PlanOutOpRandom
from abkit.experiments.experiment import Experiment

Subjects: TypeAlias = Mapping[str, Any]
"""What the caller passes, by kind: objects with an `id`, or ids."""


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


def hook_of(experiment: Experiment, hook: str) -> Callable[[Subjects], Any] | None:
    """The experiment's own method as a function of the subjects; None if it has none of its own."""
    if getattr(type(experiment), hook) is getattr(Experiment, hook):
        return None
    call = caller_of(getattr(experiment, hook))
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


def getter_of(
    method: Callable[..., Any], *, skip: int
) -> Callable[[Subjects], Sequence[Any]] | None:
    """A fast way to all subjects that a method names, for the requests that have them all.

    Args:
        method: A bound method.
        skip: How many of its arguments are no subjects.

    Returns:
        None if there is none for the method. What is returned fails with a KeyError where a
        subject is missing.
    """
    parameters = [*inspect.signature(method).parameters.values()][skip:]
    if not parameters or any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters):
        return None
    names = [p.name for p in parameters]
    if len(names) == 1:
        (only,) = names
        return lambda subjects: (subjects[only],)
    return itemgetter(*names)


is_free_of_ids: Callable[[Iterable[type]], bool] = frozenset(_BARE).isdisjoint
"""Whether no bare id is of these types."""


def with_id(subject: Any) -> Any:
    """The subject, or a bare id that answers to `.id`."""
    kind = _BARE.get(type(subject))
    return subject if kind is None else kind(subject)


def mentions_random_operator(function: Any) -> bool:
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
