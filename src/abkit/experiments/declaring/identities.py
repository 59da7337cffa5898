"""Which ids belong together: what `identify` is told, checked."""

import os
from collections.abc import Mapping
from typing import Any

from abkit.errors import IdentityError
from abkit.events import Identity
from abkit.experiments.declaring.subjects import (
    PERSONS,
    USER,
    is_nobody,
    missing_subject,
    unit_id_of,
)

VISITOR = "visitor"
"""The type of unit of whoever is not signed in."""

_PREFIX = "v-"
_DIGITS = 32
VISITOR_ID_LENGTH = len(_PREFIX) + _DIGITS
"""Of those that `new_visitor_id` makes, in characters."""

_HEXADECIMAL = frozenset("0123456789abcdef")
_CALL = "identify"
_RANK: Mapping[str, int] = {VISITOR: 0, USER: 1}


def new_visitor_id() -> str:
    """A new id of a visitor: 128 random bits, in a form that is recognized."""
    return _PREFIX + os.urandom(_DIGITS // 2).hex()


def is_visitor_id(text: str) -> bool:
    """Whether an id has the form of those that `new_visitor_id` makes."""
    digits = text[len(_PREFIX) :]
    return text.startswith(_PREFIX) and len(digits) == _DIGITS and _HEXADECIMAL.issuperset(digits)


def identity_of(subjects: Mapping[str, Any], *, time: float) -> Identity:
    """The identity that two subjects are.

    Args:
        subjects: Two of different types; an actor is a user.
        time: Seconds since the epoch.

    Raises:
        IdentityError: There are not two types, or a visitor's id is where another should be.
        MissingSubjectError: One is nobody, or has no id.
    """
    given = {USER if kind in PERSONS else kind: kind for kind in subjects}
    if len(given) != 2 or len(subjects) != 2:
        listed = ", ".join(f"{kind}=" for kind in subjects) or "nothing"
        message = (
            "identify() takes two subjects of different types, such as visitor= and user=, or user= and "
            f"org=; got {listed}"
        )
        raise IdentityError(message)
    narrow, wide = sorted(given, key=lambda kind: (_RANK.get(kind, 2), kind))
    from_id, to_id = (_id(given[kind], subjects) for kind in (narrow, wide))
    if narrow == VISITOR and is_visitor_id(to_id):
        advice = "pass the user" if is_visitor_id(from_id) else "the two are swapped"
        message = (
            f"identify(): {given[wide]}= is the id of a visitor ({to_id!r}), and visitor= is {from_id!r}: "
            f"{advice}"
        )
        raise IdentityError(message)
    return Identity(narrow, from_id, wide, to_id, time)


def _id(kind: str, subjects: Mapping[str, Any]) -> str:
    subject = subjects[kind]
    found = None if is_nobody(subject) else unit_id_of(subject)
    if not found:
        raise missing_subject(_CALL, kind, subjects)
    return found
