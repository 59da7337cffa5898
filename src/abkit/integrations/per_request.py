"""The experiments of one request, with the session's subjects; each experiment is evaluated once."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from abkit.assignment.assignment import Assignment, Reason
from abkit.errors import ConfigError
from abkit.events import Variant
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.subjects import (
    Nobody,
    also_called,
    id_value_of,
    is_nobody,
    subject_of,
    why_no_id,
)
from abkit.manager import ExperimentManager

_NOTHING: Mapping[str, object] = MappingProxyType({})


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
    manager: ExperimentManager, /, **subjects: object
) -> dict[str, dict[str, Variant]]:
    """Return the data about experiments for the browser, which can be written as JSON.

    Args:
        manager: The manager with the experiments.
        **subjects: As for `ExperimentManager.get`.

    Returns:
        For each experiment whose unit is among the subjects: `{"variant", "reason", "unitType",
        "unitId"}`, by its name. An experiment that fails has its default value, and "error" as the reason.
        One that has a winner and a holdout also has `"exposesToHoldout": true`: the browser logs it.
    """
    return RequestExperiments(manager, lambda: subjects).payload()


class RequestExperiments:
    """The manager's methods for one request, without passing the subjects each time.

    The subjects are looked up once, when they are first needed. An experiment is evaluated once,
    however often it is read.

    Args:
        manager: The manager with the experiments.
        subjects: Returns the subjects of the request; none, or None, if nobody is signed in.
        source: The name of that function in errors; None: its own name.
    """

    def __init__(
        self,
        manager: ExperimentManager,
        subjects: Callable[[], Mapping[str, object] | None],
        *,
        source: Callable[..., object] | None = None,
    ) -> None:
        self._manager = manager
        self._look_up = subjects
        self._source = subjects if source is None else source
        self._nobodies: Mapping[str, object] = _NOTHING
        self._subjects: Mapping[str, Any] | None = None
        self._assignments: dict[str, Assignment] = {}
        self._exposed: set[str] = set()

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

    def assign(self, experiment: str | type[Experiment], /, *, default: Any = None) -> Assignment:
        """As `ExperimentManager.assign`."""
        name = _name(experiment)
        if name not in self._assignments:
            self._assignments[name] = self._manager.assign(
                experiment, default=default, **self._given(name)
            )
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
            self._manager.log_exposure(experiment, properties=properties, **self._given(name))
            self._exposed.add(name)

    def track(self, action: str, /, *, properties: Mapping[str, object] = _NOTHING) -> None:
        """As `ExperimentManager.track`."""
        self._manager.track(action, properties=properties, **self.subjects)

    def _given(self, name: str) -> Mapping[str, Any]:
        """The subjects; in the place of the unit that is not among them, why it is not."""
        subjects = self.subjects
        if name not in self._manager:
            return subjects
        kind = self._manager.declaration(name).unit_type
        if subject_of(kind, subjects) is not None:
            return subjects
        nobodies, other = self._nobodies, also_called(kind)
        why = why_no_id(nobodies[kind]) if kind in nobodies else "is missing"
        if kind not in nobodies and other is not None and other in nobodies:
            why += f", and {other}= {why_no_id(nobodies[other])}"
        return {**subjects, kind: Nobody(f"{why} ({_called(self._source)} gives the subjects)")}

    def payload(self) -> dict[str, dict[str, Variant]]:
        """As `experiments_payload`, for the request's subjects."""
        return {
            name: {
                "variant": assignment.variant,
                "reason": str(assignment.reason),
                "unitType": assignment.unit_type,
                "unitId": assignment.unit_id,
                **({"exposesToHoldout": True} if _is_shipped(declaration, assignment) else {}),
            }
            for name in self._manager
            for declaration in [self._manager.declaration(name)]
            if subject_of(declaration.unit_type, self.subjects) is not None
            for assignment in [self.assign(name)]
        }

    def __repr__(self) -> str:
        return f"<RequestExperiments of {self._manager!r}>"


def _is_shipped(declaration: Declaration, assignment: Assignment) -> bool:
    """Whether all but the held out have the winner, and using it exposes to the holdouts."""
    return (
        bool(declaration.holdouts)
        and declaration.enabled
        and declaration.winner is not None
        and assignment.reason is Reason.INACTIVE
    )


def _name(experiment: str | type[Experiment]) -> str:
    return experiment if isinstance(experiment, str) else experiment.name


def _called(function: Callable[..., object]) -> str:
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{function.__module__}.{name}"
