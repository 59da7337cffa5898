"""How an experiment's own methods are called: with the subjects that they name."""

import inspect
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

from abkit.errors import SubjectMismatchError
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.subjects import (
    PERSONS,
    USUAL,
    Subjects,
    also_called,
    has_an_id,
    is_a_number,
    may_be_an_id,
    subject_of,
    unit_id_of,
)
from abkit.quoting import quoted


class IntId(int):
    """A bare id that answers to `.id` as an object would."""

    id: property = property(int, doc="The id itself.")


class StrId(str):
    """A bare id that answers to `.id` as an object would."""

    __slots__ = ()

    id: property = property(str.__str__, doc="The id itself.")


kinds_of_subjects: dict[type, Callable[[Any], Any] | None] = {int: IntId, str: StrId}
"""A cache: what makes a bare id of each type answer to `.id`; None for the types of other subjects."""
_MOST_TYPES = 1024
_LONGEST_ID = 60


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


class Asked(NamedTuple):
    """Whom a hook of an experiment asks for.

    Attributes:
        names: Its parameters, behind those that are not subjects.
        optional: Of these, those with a default, which they keep where the call does not have them.
        takes_all: Whether it takes all others too, as `**subjects`.
        by_keyword: Whether some of it can only be passed by keyword.
    """

    names: tuple[str, ...]
    optional: frozenset[str]
    takes_all: bool
    by_keyword: bool

    @classmethod
    def by(cls, method: Callable[..., Any], *, behind: int = 0) -> Self:
        """What a method asks for, behind its first arguments."""
        parameters = [*inspect.signature(method).parameters.values()][behind:]
        named = [p for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
        return cls(
            names=tuple(p.name for p in named),
            optional=frozenset(p.name for p in named if p.default is not p.empty),
            takes_all=any(p.kind is p.VAR_KEYWORD for p in parameters),
            by_keyword=any(p.kind is not p.POSITIONAL_OR_KEYWORD for p in parameters),
        )

    def strange_to(self, unit_type: str) -> tuple[str, ...]:
        """The names that are no usual kind of subject, and have no default: a call must know them."""
        usual = {unit_type, *USUAL}
        return tuple(n for n in self.names if n not in usual and n not in self.optional)

    def takes(self, unit_type: str) -> bool:
        """Whether the unit is among those it asks for, under one of its own names."""
        return self.takes_all or not {unit_type, also_called(unit_type)}.isdisjoint(self.names)

    def unit_under_another_name(self, unit_type: str) -> str | None:
        """The one name of an `assign()` that can only mean the unit: there is no other for it."""
        strange = self.strange_to(unit_type)
        return strange[0] if len(strange) == 1 and not self.takes(unit_type) else None


def call_of(method: Callable[..., Any], declaration: Declaration) -> Callable[[Subjects], Any]:
    """A function that calls `eligible()` with the subjects that it names."""
    call = caller_of(method, declaration)

    def eligible(subjects: Subjects) -> Any:
        try:
            return call((), subjects)
        except AttributeError as error:
            lacking = lack_of(error, method, subjects, of=declaration.name)
            if lacking is None:
                raise
            raise lacking from error

    return eligible


def caller_of(
    method: Callable[..., Any], declaration: Declaration, *, behind: int = 0
) -> Callable[[Sequence[Any], Subjects], Any]:
    """A function that calls a method with the subjects that it names, behind other arguments.

    The actor is the user where the call has no `user=`, and the other way round; an argument of `assign()`
    that can only mean the unit is it. Any other subject that the request lacks is None; a bare id gets an
    `id`.

    Args:
        method: The hook, bound.
        declaration: Of its experiment.
        behind: So many arguments come first: the params of `assign()`.

    Raises, when it is called:
        SubjectMismatchError: The call names its subjects otherwise.
    """
    asked, unit_type = Asked.by(method, behind=behind), declaration.unit_type
    known, strange = frozenset(asked.names), frozenset(asked.strange_to(unit_type))
    unit_is = asked.unit_under_another_name(unit_type) if behind else None

    def absent(name: str, subjects: Subjects) -> Any:
        if name == unit_is:
            return subject_of(unit_type, subjects)
        if name in strange and not asked.takes_all:
            unasked = [kind for kind in subjects if not {kind, also_called(kind)} & known]
            if unasked:
                raise _misnamed(method, declaration.name, name, subjects, unasked)
        return subject_of(name, subjects)

    def call(first: Sequence[Any], subjects: Subjects) -> Any:
        given = _all_of(subjects, unit_type) if asked.takes_all else {}
        for name in asked.names:
            if name in subjects:
                given[name] = with_id(subjects[name])
            elif name not in asked.optional or also_called(name) in subjects:
                given[name] = with_id(absent(name, subjects))
        return method(*first, **given)

    return call


def _all_of(subjects: Subjects, unit_type: str) -> dict[str, Any]:
    """All subjects, a person under both names, as whoever takes all of them may look for either."""
    given = {kind: with_id(subject) for kind, subject in subjects.items()}
    for kind in (unit_type, *PERSONS):
        if kind not in given:
            found = subject_of(kind, subjects)
            if found is not None:
                given[kind] = with_id(found)
    return given


def names_of(method: Callable[..., Any]) -> tuple[str, ...]:
    """The subjects that an `assign()` names, behind the params; none if it takes others as well."""
    asked = Asked.by(method, behind=1)
    return () if asked.by_keyword else asked.names


def lack_of(
    error: AttributeError, method: Callable[..., Any], subjects: Subjects, *, of: str
) -> SubjectMismatchError | None:
    """What a call lacks of its subjects, if that is why a hook failed; None if it is not.

    Args:
        error: What the hook raised.
        method: The hook.
        subjects: Those of the call.
        of: The name of the experiment.
    """
    attribute, subject = error.name, error.obj
    names = dict.fromkeys((*Asked.by(method).names, *subjects))
    if subject is None:
        absent = [n for n in names if subjects.get(n, subject_of(n, subjects)) is None]
        found = [name for name in absent if (name, attribute) in _read_by(method)]
    elif isinstance(subject, IntId | StrId):
        same = [name for name in names if with_id(subject_of(name, subjects)) == subject]
        found = [name for name in same if (name, attribute) in _read_by(method)] or same
    else:
        return None
    if not found:
        return None
    kind = found[0]
    if subject is None:
        problem = f"the call gave {_listed(subjects)}: pass {kind}=, an object that has it"
    else:
        which = quoted(repr(subject), _LONGEST_ID)
        problem = f"{kind}= is the bare id {which}: pass an object with an `id` and a `{attribute}`"
    return SubjectMismatchError(of, _hook(method), f"{kind}.{attribute}", subjects, problem)


def _misnamed(
    method: Callable[..., Any], of: str, name: str, subjects: Subjects, unasked: Sequence[str]
) -> SubjectMismatchError:
    others = " or ".join(f"`{kind}`" for kind in unasked)
    problem = (
        f"the call gave {_listed(subjects)}: call that argument {others}, or pass {name}= "
        f"(or give it a default, {name}=None)"
    )
    return SubjectMismatchError(of, _hook(method), name, subjects, problem)


def _hook(method: Callable[..., Any]) -> str:
    return (
        "eligible" if method.__name__ == "eligible" else "assign"
    )  # of a script, it is called otherwise


def _listed(subjects: Subjects) -> str:
    return ", ".join(f"{kind}=" for kind in subjects) or "nothing"


def _read_by(method: Callable[..., Any]) -> set[tuple[str, str]]:
    """Which attribute of which of its arguments the code of a hook reads."""
    import dis  # Only when something is wrong.

    found: set[tuple[str, str]] = set()
    code = getattr(inspect.unwrap(method), "__code__", None)
    if code is None:
        return found
    for before, instruction in pairwise(dis.get_instructions(code)):
        if instruction.opname not in {"LOAD_ATTR", "LOAD_METHOD"}:
            continue
        if before.opname.startswith("LOAD_FAST"):
            loaded = before.argval if isinstance(before.argval, tuple) else (before.argval,)
            found.add((loaded[-1], instruction.argval))
    return found


def with_id(subject: Any) -> Any:
    """The subject, or a bare id that answers to `.id`."""
    try:
        kind = kinds_of_subjects[type(subject)]
    except KeyError:
        kind = _kind_of(subject)
    return subject if kind is None else kind(subject)
