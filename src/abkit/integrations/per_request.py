"""The experiments of one request: the session's subjects, and at most one answer per experiment."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from abkit.assignment.assignment import Assignment
from abkit.errors import ConfigError
from abkit.events import Variant
from abkit.experiments.experiment import Experiment
from abkit.experiments.subjects import unit_id_of
from abkit.manager import ExperimentManager

_NOTHING: Mapping[str, object] = MappingProxyType({})


def with_ids(subjects: Mapping[str, Any]) -> dict[str, Any]:
    """The subjects that are somebody: an anonymous user, who has no id, is not."""
    return {kind: each for kind, each in subjects.items() if unit_id_of(each) is not None}


def experiments_payload(
    manager: ExperimentManager, /, **subjects: object
) -> dict[str, dict[str, Variant]]:
    """What the page, or one's own API, tells the browser; it can be written as JSON.

    Args:
        manager: Knows the experiments.
        **subjects: As for `ExperimentManager.get`.

    Returns:
        For each experiment whose unit is among the subjects: `{"variant", "reason", "unitType",
        "unitId"}`, by its name. One that fails has its default value, and "error" as the reason.
    """
    return RequestExperiments(manager, lambda: subjects).payload()


class RequestExperiments:
    """What a request asks of the manager, without passing the subjects each time.

    The subjects are looked up once, when they are first needed; an experiment is evaluated once,
    however often it is asked for.

    Args:
        manager: Knows the experiments.
        subjects: Gives those of the request; none, or None, if nobody is signed in.
    """

    def __init__(
        self, manager: ExperimentManager, subjects: Callable[[], Mapping[str, object] | None]
    ) -> None:
        self._manager = manager
        self._look_up = subjects
        self._subjects: Mapping[str, Any] | None = None
        self._assignments: dict[str, Assignment] = {}
        self._exposed: set[str] = set()

    @property
    def subjects(self) -> Mapping[str, Any]:
        """Those of the request that have an id, by kind.

        Raises:
            ConfigError: What gives them gives something else.
        """
        if self._subjects is None:
            found: Any = self._look_up()
            if not isinstance(found, Mapping | None):
                message = (
                    f'subjects must give a dict such as {{"org": ..., "user": ...}}, not {found!r}'
                )
                raise ConfigError(message)
            self._subjects = MappingProxyType(with_ids(found or {}))
        return self._subjects

    def assign(self, experiment: str | type[Experiment], /) -> Assignment:
        """As `ExperimentManager.assign`."""
        name = _name(experiment)
        if name not in self._assignments:
            self._assignments[name] = self._manager.assign(experiment, **self.subjects)
        return self._assignments[name]

    def get(self, experiment: str | type[Experiment], /) -> Any:
        """As `ExperimentManager.get`."""
        return self.assign(experiment).variant

    def __getitem__(self, experiment: str | type[Experiment]) -> Any:
        return self.get(experiment)

    def log_exposure(
        self,
        experiment: str | type[Experiment],
        /,
        *,
        properties: Mapping[str, object] = _NOTHING,
    ) -> None:
        """As `ExperimentManager.log_exposure`; only the first call in a request counts."""
        name = _name(experiment)
        if name not in self._exposed:
            self._manager.log_exposure(experiment, properties=properties, **self.subjects)
            self._exposed.add(name)

    def track(self, action: str, /, *, properties: Mapping[str, object] = _NOTHING) -> None:
        """As `ExperimentManager.track`."""
        self._manager.track(action, properties=properties, **self.subjects)

    def payload(self) -> dict[str, dict[str, Variant]]:
        """As `experiments_payload`, of the request's subjects."""
        return {
            name: {
                "variant": assignment.variant,
                "reason": str(assignment.reason),
                "unitType": assignment.unit_type,
                "unitId": assignment.unit_id,
            }
            for name in self._manager
            if self._manager.declaration(name).unit_type in self.subjects
            for assignment in [self.assign(name)]
        }

    def __repr__(self) -> str:
        return f"<RequestExperiments of {self._manager!r}>"


def _name(experiment: str | type[Experiment]) -> str:
    return experiment if isinstance(experiment, str) else experiment.name
