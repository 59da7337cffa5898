"""Who a request is about, as events tell it."""

from abkit.errors import MissingSubjectError
from abkit.experiments.decision import unit_id_of
from abkit.experiments.hooks import Subjects

_PERSONS = ("user", "actor")


def person_and_groups(subjects: Subjects, *, of: str) -> tuple[str | None, dict[str, str]]:
    """The id of the person, a user rather than an actor, and the ids of the other subjects by kind.

    Raises:
        MissingSubjectError: There is nobody; `of` says whose subjects they should be.
    """
    person: str | None = None
    groups: dict[str, str] = {}
    for kind, subject in subjects.items():
        if subject is None:
            continue
        unit_id = subject if type(subject) is str else unit_id_of(subject)
        if not unit_id:
            continue
        if kind not in _PERSONS:
            groups[kind] = unit_id
        elif person is None or kind == "user":
            person = unit_id
    if person is None and not groups:
        raise MissingSubjectError(of, "user", subjects)
    return person, groups
