"""The experiments of one request, with the session's subjects; each experiment is evaluated once."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import MappingProxyType
from typing import Any

from abkit.assignment.assignment import Assignment, Reason
from abkit.errors import ConfigError
from abkit.events import Variant
from abkit.experiments.deciding.only import Only, asked_for
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import (
    USER,
    Nobody,
    also_called,
    id_value_of,
    is_nobody,
    subject_of,
    unit_id_of,
    why_no_id,
)
from abkit.integrations.visitors import RequestVisitor
from abkit.manager import ExperimentManager

_NOTHING: Mapping[str, object] = MappingProxyType({})

ASKED_FOR = "$only"
"""In a payload of some experiments: which were asked for, and whether they are in it."""


def with_ids(subjects: Mapping[str, Any]) -> dict[str, Any]:
    """The subjects that are somebody: an anonymous user, or one whose id is None, is not.

    What is somebody and has no usable id, such as a bool, stays: the manager says what is wrong with it.
    """
    return {
        kind: each
        for kind, each in subjects.items()
        if not is_nobody(each) and id_value_of(each) is not None
    }


def experiments_payload(
    manager: ExperimentManager, /, *, only: Only | None = None, **subjects: object
) -> dict[str, dict[str, Variant]]:
    """Return the data about experiments for the browser, which can be written as JSON.

    Args:
        manager: The manager with the experiments.
        only: The names or classes of the experiments that the page uses; None: all. The payload then also
            says which were asked for, under "$only", so that a page that uses another one can say so.
        **subjects: As for `ExperimentManager.get`.

    Returns:
        For each experiment whose unit is among the subjects: `{"variant", "reason", "unitType",
        "unitId"}`, by its name. An experiment that fails has its default value, and "error" as the reason.
        One that has a winner and a holdout also has `"exposesToHoldout": true`: the browser logs it.

    Raises:
        UnknownExperimentError: `only` has a name that is not registered, and the manager is strict.
    """
    return RequestExperiments(manager, lambda: subjects).payload(only=only)


class RequestExperiments:
    """The manager's methods for one request, without passing the subjects each time.

    The subjects are looked up once, when they are first needed. An experiment is evaluated once,
    however often it is read.

    Args:
        manager: The manager with the experiments.
        subjects: Returns the subjects of the request; none, or None, if nobody is signed in.
        source: The name of that function in errors; None: its own name.
        visitor: The visitor of the request; None: experiments on visitors have the `visitor` of the
            subjects.
    """

    def __init__(
        self,
        manager: ExperimentManager,
        subjects: Callable[[], Mapping[str, object] | None],
        *,
        source: Callable[..., object] | None = None,
        visitor: RequestVisitor | None = None,
    ) -> None:
        self._manager = manager
        self._look_up = subjects
        self._source = subjects if source is None else source
        self._visitor = visitor
        self._nobodies: Mapping[str, object] = _NOTHING
        self._subjects: Mapping[str, Any] | None = None
        self._assignments: dict[str, Assignment] = {}
        self._exposed: set[str] = set()
        self._identified: str | None = None

    @property
    def subjects(self) -> Mapping[str, Any]:
        """The subjects of the request that have an id, by type.

        Raises:
            ConfigError: The function returned something else.
        """
        if self._subjects is None:
            found: Any = self._look_up()
            if not isinstance(found, Mapping | None):
                message = (
                    f'subjects must give a dict such as {{"org": ..., "user": ...}}, not {found!r}'
                )
                raise ConfigError(message)
            self._subjects = MappingProxyType(with_ids(found or {}))
            self._nobodies = found or _NOTHING
        return self._subjects

    @property
    def has_subjects(self) -> bool:
        """Whether the subjects were looked up already."""
        return self._subjects is not None

    @property
    def known_subjects(self) -> Mapping[str, Any]:
        """The subjects, and the visitor if there is one already: no cookie is made."""
        visitor_id = self.visitor_id
        return self.subjects if visitor_id is None else {VISITOR: visitor_id, **self.subjects}

    def keeping(self) -> AbstractContextManager[object]:
        """Let sticky experiments on visitors read and keep the visitor's variants within."""
        return nullcontext() if self._visitor is None else self._visitor.keeping()

    @property
    def visitor_id(self) -> str | None:
        """The visitor's id, if there is one already: no cookie is made."""
        return None if self._visitor is None else self._visitor.known()

    def identify(self, *, user: Any = None) -> None:
        """Tell that the request's visitor is a user, as `ExperimentManager.identify`; once in a request.

        The integrations call it at the end of each request that has both. Call it yourself in the request
        that signs a user up or in, to have it told at once.

        Args:
            user: The user; None: that of the subjects. If there is no user or no visitor, nothing is told.

        Raises:
            MissingSubjectError: The user that is passed has no id, such as one who is not saved yet, and the
                manager is strict.
        """
        is_passed = not is_nobody(user)
        try:
            user = subject_of(USER, self.subjects) if user is None else user
        except Exception as error:  # noqa: BLE001 - the application's function, at the request boundary
            user = Nobody(
                f"is not known: {_called(self._source)} raises {type(error).__name__}: {error}"
            )
            self._manager.identify(visitor=self.visitor_id, user=user)
            return
        user_id = None if is_nobody(user) else unit_id_of(user)
        visitor = self.known_subjects.get(VISITOR) if user_id or is_passed else None
        if visitor is not None and (not user_id or user_id != self._identified):
            self._identified = user_id
            self._manager.identify(visitor=visitor, user=user)

    def forget_subjects(self) -> None:
        """Look the subjects up anew when they are next needed, because somebody has signed in or out.

        The visitor remains.
        """
        self._subjects = None
        self._nobodies = _NOTHING
        self._assignments.clear()

    def assign(self, experiment: str | type[Experiment], /, *, default: Any = None) -> Assignment:
        """As `ExperimentManager.assign`."""
        name = _name(experiment)
        if name not in self._assignments:
            given = self._given(name)
            with self.keeping():
                self._assignments[name] = self._manager.assign(experiment, default=default, **given)
        return self._assignments[name]

    def get(self, experiment: str | type[Experiment], /, *, default: Any = None) -> Any:
        """As `ExperimentManager.get`."""
        return self.assign(experiment, default=default).variant

    def __getitem__(self, experiment: str | type[Experiment]) -> Any:
        return self.get(experiment)

    def log_exposure(
        self,
        experiment: str | type[Experiment],
        /,
        *,
        properties: Mapping[str, object] = _NOTHING,
    ) -> None:
        """As `ExperimentManager.log_exposure`; only the first call in a request has an effect."""
        name = _name(experiment)
        if name not in self._exposed:
            given = self._given(name)
            with self.keeping():
                self._manager.log_exposure(experiment, properties=properties, **given)
            self._exposed.add(name)

    def track(self, action: str, /, *, properties: Mapping[str, object] = _NOTHING) -> None:
        """As `ExperimentManager.track`; of nobody who is known it is only counted, in `Visitors.stats`."""
        subjects = self.known_subjects
        if not subjects and self._visitor is not None:
            self._visitor.count_untracked()
            return
        self._manager.track(action, properties=properties, **subjects)

    def _given(self, name: str) -> Mapping[str, Any]:
        """The subjects; in the place of the unit that is not among them, why it is not."""
        subjects = self.subjects
        if name not in self._manager:
            return subjects
        kind = self._manager.declaration(name).unit_type
        if subject_of(kind, subjects) is not None:
            if kind == VISITOR and self._visitor is not None:
                self._visitor.note_given()
            return subjects
        if kind == VISITOR and self._visitor is not None:
            return {**subjects, VISITOR: self._visitor.subject()}
        nobodies, other = self._nobodies, also_called(kind)
        why = why_no_id(nobodies[kind]) if kind in nobodies else "is missing"
        if kind not in nobodies and other is not None and other in nobodies:
            why += f", and {other}= {why_no_id(nobodies[other])}"
        return {**subjects, kind: Nobody(f"{why} ({_called(self._source)} gives the subjects)")}

    def payload(self, *, only: Only | None = None) -> dict[str, dict[str, Variant]]:
        """As `experiments_payload`, for the request's subjects."""
        if only is None:
            return self._entries(self._manager)
        names = [*map(_name, asked_for(only))]
        entries = self._entries(names)
        return {**entries, ASKED_FOR: {name: name in entries for name in names}}

    def _entries(self, names: Iterable[str]) -> dict[str, dict[str, Variant]]:
        """What the payload has of each of these experiments whose unit is there."""
        entries: dict[str, dict[str, Variant]] = {}
        for name in names:
            if name not in self._manager:
                self.assign(name)  # It says so.
                continue
            declaration = self._manager.declaration(name)
            if not self._has_unit(declaration.unit_type):
                continue
            assignment = self.assign(name)
            entries[name] = {
                "variant": assignment.variant,
                "reason": str(assignment.reason),
                "unitType": assignment.unit_type,
                "unitId": assignment.unit_id,
            }
            if _is_shipped(declaration, assignment):
                entries[name]["exposesToHoldout"] = True
        return entries

    def _has_unit(self, kind: str) -> bool:
        if kind == VISITOR and self._visitor is not None:
            return True
        return subject_of(kind, self.subjects) is not None

    def __repr__(self) -> str:
        return f"<RequestExperiments of {self._manager!r}>"


def _is_shipped(declaration: Declaration, assignment: Assignment) -> bool:
    """Whether all but the held out have the winner, and using it exposes to the holdouts."""
    return (
        bool(declaration.holdouts)
        and declaration.enabled
        and declaration.winner is not None
        and assignment.reason is Reason.INACTIVE
        and assignment.unit_id != ""
    )


def _name(experiment: str | type[Experiment]) -> str:
    return (
        experiment if isinstance(experiment, str) else str(getattr(experiment, "name", experiment))
    )


def _called(function: Callable[..., object]) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}.{name}"
