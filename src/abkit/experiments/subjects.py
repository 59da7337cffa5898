"""Who a request is about, and as whom events tell it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.errors import MissingSubjectError

Subjects: TypeAlias = Mapping[str, Any]
"""What the caller passes, by kind: objects with an `id`, or ids."""

_NO_GROUPS: Mapping[str, str] = MappingProxyType({})


def unit_id_of(subject: object) -> str | None:
    """The id of a subject as text: its `id`, or itself if it is one; None if there is none."""
    found = getattr(subject, "id", None)
    if found is None and isinstance(subject, (str, int)):
        found = subject
    return None if found is None or found == "" else str(found)


def person_and_groups(subjects: Subjects, of: str, /) -> tuple[str | None, Mapping[str, str]]:
    """The id of the person, a user rather than an actor, and the ids of the other subjects by kind.

    Raises:
        MissingSubjectError: There is nobody; `of` says whose subjects they should be.
    """
    person = groups = None
    for kind in subjects:
        subject = subjects[kind]
        unit_id = subject if type(subject) is str else unit_id_of(subject)
        if not unit_id:
            continue
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
            raise MissingSubjectError(of, "user", subjects)
        return person, _NO_GROUPS
    return person, groups
