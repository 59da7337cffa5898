"""How an experiment's own methods are called: with the subjects that they name."""

import inspect
from collections.abc import Callable, Mapping, Sequence
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
    method = getattr(experiment, hook)
    positional, keywords = arguments_of(method, skip=0)
    if keywords is not None:
        return lambda subjects: method(**keywords(subjects))
    return lambda subjects: method(*positional(subjects))


def arguments_of(
    method: Callable[..., Any], *, skip: int
) -> tuple[Callable[[Subjects], Sequence[Any]], Callable[[Subjects], dict[str, Any]] | None]:
    """What a method is to be called with, out of the subjects; one that the request lacks is None.

    Args:
        method: A bound method.
        skip: How many of its arguments are no subjects.

    Returns:
        The arguments by position; and the arguments by keyword, None if position is enough.
    """
    parameters = [*inspect.signature(method).parameters.values()][skip:]
    takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
    names = tuple(p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL))
    # One C call for all of them; it fails for a subject that is missing.
    all_at_once = itemgetter(*names) if len(names) > 1 else lambda subjects: (subjects[names[0]],)
    has_no_bare_id = frozenset(_BARE).isdisjoint

    def positional(subjects: Subjects) -> Sequence[Any]:
        try:
            values = all_at_once(subjects)
        except LookupError:
            values = tuple(map(subjects.get, names))
        return values if has_no_bare_id(map(type, values)) else [*map(_with_id, values)]

    def keywords(subjects: Subjects) -> dict[str, Any]:
        given = {name: subjects.get(name) for name in names} | (dict(subjects) if takes_all else {})
        return {name: _with_id(subject) for name, subject in given.items()}

    by_keyword = takes_all or any(p.kind is p.KEYWORD_ONLY for p in parameters)
    return positional, keywords if by_keyword else None


def _with_id(subject: Any) -> Any:
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
