"""Who a request is about, what its id is, and as whom events tell it.

An id is a text that is not empty, a whole number, or another value that has an order and a text of its
own and is the same whenever it is read: a UUID, an ObjectId, a date. A float or a decimal that is whole
counts as that whole number, because a column of ids with a gap is one of floats. The analysis reads the
ids of tables alike.
"""

from collections.abc import Callable, Mapping
from operator import index
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.errors import MissingSubjectError, with_article

Subjects: TypeAlias = Mapping[str, Any]
"""What the caller passes, by kind: objects with an `id` or a `pk`, or ids."""

USER = "user"
PERSONS = (USER, "actor")
"""Two names of one kind: whoever acts is the user, unless another one is given."""
USUAL = frozenset({"org", "visitor", *PERSONS})
"""The kinds that any call may have; of these, one that is not there is nobody."""

_NO_GROUPS: Mapping[str, str] = MappingProxyType({})
_ABSENT = object()
_OTHER_PERSON: Mapping[str, str] = MappingProxyType({"user": "actor", "actor": "user"})
_EXACT_AS_FLOAT = 2**53
_BOOLS = frozenset({"bool", "bool_"})  # Python's and NumPy's
_OF_AN_ID = ("__str__", "__lt__", "__eq__", "__hash__")


class Nobody:
    """A subject that is not there, and why: who asks for it is told.

    Attributes:
        why: What to say of it, as in "org= {why}".
    """

    def __init__(self, why: str) -> None:
        self.why = why


class NotIdentified(Nobody):
    """A subject that must not be told from others, such as a bot: it is never enrolled.

    It gets what is in force for all; else the control.
    """


def unit_id_of(subject: object) -> str | None:
    """The id of a subject as text: of its `id`, its `pk`, or of itself; None if that is no id.

    `why_no_id` says why not.
    """
    kind = type(subject)
    if kind is str:
        return subject or None  # type: ignore[return-value]
    if kind is int:
        return str(subject)
    found = getattr(subject, "id", None)
    kind = type(found)
    if kind is int:
        return str(found)
    if kind is str:
        return found or None
    return _text_of(id_value_of(subject))


def id_value_of(subject: object) -> Any:
    """The id of a subject as it is: its `id`, else its `pk`, else itself."""
    found = getattr(subject, "id", _ABSENT)
    if found is None or found is _ABSENT:
        # Of a Django model the primary key may be called otherwise; `pk` is it in any case.
        key = getattr(subject, "pk", _ABSENT)
        if key is not _ABSENT:
            return key
    return subject if found is _ABSENT else found


def also_called(kind: str) -> str | None:
    """The other name of a kind of subject, if it has one: the actor is the user where there is no `user=`."""
    return _OTHER_PERSON.get(kind)


def subject_of(kind: str, subjects: Subjects) -> Any:
    """The subject of a kind, or, where that is nobody, the one of its other name if that has an id."""
    found, other = subjects.get(kind), _OTHER_PERSON.get(kind)
    if other is not None and other in subjects and is_nobody(found):
        stands_in = subjects[other]
        if not is_nobody(stands_in) and unit_id_of(stands_in):
            return stands_in
    return found


def with_subject(kind: str, subjects: Subjects, *, of: str) -> Subjects:
    """The subjects with one of a kind that is not among them, or is nobody, by its other name.

    Args:
        kind: What is randomized.
        subjects: Those of the request.
        of: The name of the experiment.

    Raises:
        MissingSubjectError: There is none by that name either, or it has no id.
    """
    found = subject_of(kind, subjects)
    if found is subjects.get(kind):
        raise missing_subject(of, kind, subjects)
    return {**subjects, kind: found}


def is_nobody(subject: object) -> bool:
    """Whether a subject says that there is nobody: None, or the anonymous user of a framework."""
    return (
        subject.__class__ is type(None)
        or isinstance(subject, Nobody)
        or getattr(subject, "is_anonymous", False) is True
        or getattr(subject, "is_authenticated", True) is False
    )


def why_no_id(subject: object) -> str:
    """What is wrong with a subject of which `unit_id_of` knows no id, and what would be right."""
    if isinstance(subject, Nobody):
        return subject.why
    if subject is not None and is_nobody(subject):
        return f"is an anonymous {type(subject).__name__}: nobody is signed in"
    value = id_value_of(subject)
    if value is not subject:
        whose = "a `pk`" if getattr(subject, "id", None) is None else "an `id`"
        if value is None:
            return (
                f"is {with_article(type(subject))} whose id is None: it is not saved, or nobody yet"
            )
        return f"is {with_article(type(subject))} with {whose} that {_why_no_text(value)}"
    return _why_no_text(value)


def missing_subject(of: str, kind: str, subjects: Subjects) -> MissingSubjectError:
    """The error that a subject is not there, or has no id.

    Args:
        of: The experiment or the action.
        kind: What the subject is called, such as "org".
        subjects: All that were passed.
    """
    other = _OTHER_PERSON.get(kind)
    if kind in subjects:
        problem = why_no_id(subjects[kind])
    elif other is not None and other in subjects:
        problem = f"is missing, and {other}= {why_no_id(subjects[other])}"
    else:
        problem = ""
    given = [each for each, subject in subjects.items() if not isinstance(subject, Nobody)]
    return MissingSubjectError(of, kind, given, problem)


def person_and_groups(
    subjects: Subjects, of: str, /, *, all_have_ids: bool = False
) -> tuple[str | None, Mapping[str, str]]:
    """The id of the person, a user rather than an actor, and the ids of the other subjects by kind.

    Args:
        subjects: Those of the request.
        of: Whose subjects they are: the name of an experiment or an action.
        all_have_ids: Whether that is so. Among an experiment's there may be others, which only its
            `assign()` looks at; they are left out.

    Raises:
        MissingSubjectError: There is nobody, or a person or another subject has no id that should.
    """
    person = groups = None
    for kind in subjects:
        subject = subjects[kind]
        unit_id = subject if type(subject) is str else unit_id_of(subject)
        if not unit_id:
            if is_nobody(subject) or not (all_have_ids or kind in _OTHER_PERSON):
                continue
            raise missing_subject(of, kind, subjects)
        if kind == "user":
            person = unit_id
        elif kind == "actor":
            if person is None:
                person = unit_id
        elif groups is None:
            groups = {kind: unit_id}
        else:
            groups[kind] = unit_id
    if groups is None:
        if person is None:
            raise MissingSubjectError(of, "user", subjects, "is missing, as is every other subject")
        return person, _NO_GROUPS
    return person, groups


def describer(
    unit_type: str,
) -> Callable[[Subjects, str, str], tuple[str | None, Mapping[str, str]]]:
    """What does as `person_and_groups` for the requests of an experiment, whose unit's id is known.

    Args:
        unit_type: What the experiment randomizes.
    """
    is_person = unit_type in PERSONS

    def describe(
        subjects: Subjects, of: str, unit_id: str, /
    ) -> tuple[str | None, Mapping[str, str]]:
        if len(subjects) == 1:  # That is the unit, under either of its names.
            return (unit_id, _NO_GROUPS) if is_person else (None, {unit_type: unit_id})
        return person_and_groups(subjects, of)

    return describe


def has_an_id(subject: object) -> bool:
    """Whether a subject is an object with an id rather than a bare id."""
    return hasattr(subject, "id") or hasattr(subject, "pk")


def may_be_an_id(kind: type[Any]) -> bool:
    """Whether the values of a type can be ids by themselves."""
    if issubclass(kind, bytes) or kind.__hash__ is None or kind.__name__ in _BOOLS:
        return False
    own = all(getattr(kind, name) is not getattr(object, name) for name in _OF_AN_ID)
    return own or is_a_number(kind)


def is_a_number(kind: type[Any]) -> bool:
    """Whether the values of a type are numbers, of Python or of another library."""
    return hasattr(kind, "as_integer_ratio") or hasattr(kind, "__index__")


def _text_of(value: Any) -> str | None:
    """The text of an id; None if the value is none."""
    # Not type(): a lazy object, as Django's `request.user` is, says what it stands for.
    kind = value.__class__
    if callable(value) or not may_be_an_id(kind):
        return None
    if isinstance(value, str):
        # Of a member of an enumeration the value, not its name.
        return (str.__str__(value) if issubclass(type(value), str) else str(value)) or None
    if isinstance(value, int):
        return int.__repr__(value) if issubclass(type(value), int) else str(value)
    try:
        if hasattr(kind, "as_integer_ratio"):
            return _text_of_whole(value)
        if hasattr(kind, "__index__"):
            return str(index(value))
        hash(value)
        return (str(value) or None) if bool(value == value) else None  # noqa: PLR0124 - not NaT
    except (TypeError, ValueError, OverflowError):  # missing, not a number, infinite, an array
        return None


def _text_of_whole(value: Any) -> str | None:
    """The text of a float, a decimal or a fraction that is a whole number."""
    numerator, denominator = value.as_integer_ratio()
    if denominator != 1 or (isinstance(value, float) and abs(numerator) > _EXACT_AS_FLOAT):
        return None
    return str(numerator)


def _why_no_text(value: Any) -> str:
    kind = value.__class__
    if value is None or kind.__name__ in _BOOLS:
        return f"is {value}" + ("" if value is None else ", a bool")
    if isinstance(value, str):
        return "is empty"
    if isinstance(value, bytes):
        return "is bytes: decode them"
    if isinstance(value, type):
        return "is a class: pass one of its objects"
    if callable(value):
        return f"is {with_article(kind)}: call it, and pass what it gives"
    if hasattr(kind, "as_integer_ratio"):
        return _why_not_whole(value)
    hint = ": pass the id in it" if hasattr(kind, "__iter__") else ", which has no `id` and no `pk`"
    return f"is {with_article(kind)}{hint}"


def _why_not_whole(value: Any) -> str:
    if isinstance(value, float) and _EXACT_AS_FLOAT < abs(value) < float("inf"):
        return f"is {value!r}, too large for a float to be exact: pass an int or a text"
    return f"is {value!r}, no whole number"
