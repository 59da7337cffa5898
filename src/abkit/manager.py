"""The registry of experiments, and what the application asks of it."""

import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any, Protocol, TypeVar, overload

from attrs import evolve, frozen

from abkit.assignment.assignment import Assignment, Reason
from abkit.errors import (
    ConfigError,
    DeclarationError,
    DuplicateExperimentError,
    MissingSubjectError,
    UnknownExperimentError,
)
from abkit.events import Action, Event, Exposure, Variant
from abkit.experiments.decision import (
    Clock,
    Decision,
    Subjects,
    assignment_of,
    compile_decision,
    unit_id_of,
)
from abkit.experiments.declaration import Declaration
from abkit.experiments.experiment import Experiment, is_experiment

logger = logging.getLogger("abkit")

_V = TypeVar("_V")

_PERSONS = ("user", "actor")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class EventHandler(Protocol):
    """What takes the events: an ExposureLogger, or any callable such as `list.append`.

    It may have a method `has_seen(key, variant)` besides, with the key (experiment, salt, unit type,
    unit id): where that is true, the exposure is not even made.
    """

    def __call__(self, event: Event, /) -> object:
        """Take one event."""


class _Weighted(Protocol[_V]):
    """An experiment class that declares its variants with weights."""

    @property
    def variants(self) -> Mapping[_V, float]: ...


class _Listed(Protocol[_V]):
    """An experiment class that declares its variants as a list."""

    @property
    def variants(self) -> list[_V]: ...


@frozen
class _Registered:
    """An experiment, ready to answer."""

    experiment: Experiment
    declaration: Declaration
    decide: Callable[[Subjects], Decision]


class ExperimentManager:
    """The experiments of an application.

    Args:
        on_event: What takes the exposures and the actions; may be set later.
        strict: Raise what goes wrong while a request is served, rather than count it, log it once and
            give the default value. None: raise under pytest only.
        clock: Gives the seconds since the epoch.
    """

    def __init__(
        self,
        *,
        on_event: EventHandler | None = None,
        strict: bool | None = None,
        clock: Clock = time.time,
    ) -> None:
        self._registered: dict[str | type[Experiment], _Registered] = {}
        self._strict = strict
        self._clock = clock
        self._errors: Counter[tuple[str, str]] = Counter()
        self.on_event = on_event

    @property
    def on_event(self) -> EventHandler | None:
        """What takes the exposures and the actions."""
        return self._on_event

    @on_event.setter
    def on_event(self, handler: EventHandler | None) -> None:
        self._on_event = handler
        self._has_seen: Callable[[tuple[str, ...], Variant], bool] | None = getattr(
            handler, "has_seen", None
        )

    @property
    def strict(self) -> bool:
        """Whether what goes wrong while a request is served is raised."""
        return "PYTEST_VERSION" in os.environ if self._strict is None else self._strict

    @property
    def errors(self) -> Mapping[tuple[str, str], int]:
        """How often what went wrong, by experiment or action and kind of error."""
        return MappingProxyType(dict(self._errors))

    def add(self, experiment: type[Experiment], param_name: str | None = None) -> None:
        """Register an experiment.

        Args:
            experiment: Its class.
            param_name: The parameter that is the variant, if not the class's own.

        Raises:
            DeclarationError: The class is no experiment, or its slots belong to another one.
            DuplicateExperimentError: Its name is registered already.
        """
        if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
            raise DeclarationError("add", f"takes an Experiment class, not {experiment!r}")
        if not is_experiment(experiment):
            problem = "is a base class: an experiment declares `variants` or overrides assign()"
            raise DeclarationError(experiment.__name__, problem)
        declaration = experiment.declaration
        if param_name is not None and param_name != declaration.param_name:
            declaration = evolve(declaration, param_name=param_name)
        self._check_new(experiment, declaration)
        instance = experiment()
        registered = _Registered(
            instance, declaration, compile_decision(instance, declaration, clock=self._clock)
        )
        self._registered[declaration.name] = self._registered[experiment] = registered

    def _check_new(self, experiment: type[Experiment], declaration: Declaration) -> None:
        known = self._registered.get(declaration.name)
        if known is not None:
            classes = [
                f"{cls.__module__}.{cls.__qualname__}"
                for cls in (type(known.experiment), experiment)
            ]
            raise DuplicateExperimentError(declaration.name, *classes)
        for other in self._experiments():
            if other.declaration.layer is None or other.declaration.layer != declaration.layer:
                continue
            shared = set(other.declaration.slots).intersection(declaration.slots)
            if shared:
                problem = (
                    f"claims {len(shared)} slots of the layer {other.declaration.layer.name!r} "
                    f"(such as {min(shared)}) that belong to {other.declaration.name}"
                )
                raise DeclarationError(declaration.name, problem)

    def load(self, module: str) -> tuple[str, ...]:
        """Register all experiments of a module's ACTIVE_EXPERIMENTS.

        Args:
            module: Its dotted name.

        Returns:
            The names of the experiments.

        Raises:
            ConfigError: The module does not exist or has no such list.
            DeclarationError: As `add`.
        """
        try:
            found = import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
            message = f"There is no module {module!r} to load experiments from."
            raise ConfigError(message) from None
        experiments = getattr(found, "ACTIVE_EXPERIMENTS", None)
        if not isinstance(experiments, list | tuple):
            message = f"{module} must have a list ACTIVE_EXPERIMENTS = [YourExperiment, ...]"
            raise ConfigError(message)
        for experiment in experiments:
            self.add(experiment)
        return tuple(experiment.name for experiment in experiments)

    @overload
    def get(self, experiment: type[_Weighted[_V]], /, **subjects: Any) -> _V: ...
    @overload
    def get(self, experiment: type[_Listed[_V]], /, **subjects: Any) -> _V: ...
    @overload
    def get(self, experiment: str | type[Experiment], /, **subjects: Any) -> Any: ...
    def get(self, experiment: Any, /, **subjects: Any) -> Any:
        """The variant of one unit. It has no side effect: nothing is exposed.

        Args:
            experiment: The experiment's name, or its class.
            **subjects: `org=`, `actor=`, `user=`, or whatever the experiment's unit is called: objects
                with an `id`, or ids.

        Returns:
            The variant; the default value for a unit that is not enrolled.

        Raises:
            UnknownExperimentError: No experiment of that name is registered.
        """
        try:
            registered = self._registered[experiment]
        except KeyError:
            raise self._unknown(experiment) from None
        try:
            return registered.decide(subjects)[1]
        except Exception as error:  # noqa: BLE001 - the request boundary
            return self._failed(registered, error, subjects)[1]

    def assign(self, experiment: str | type[Experiment], /, **subjects: Any) -> Assignment:
        """As `get`, but the whole answer: variant, parameters, and the reason."""
        registered = self._find(experiment)
        return assignment_of(registered.declaration, self._decide(registered, subjects))

    def all(self, **subjects: Any) -> dict[str, Any]:
        """The variants of all experiments whose unit is among the subjects, by experiment name.

        One experiment that fails gives its default value; the others are not affected.
        """
        return {
            registered.declaration.name: self._decide(registered, subjects)[1]
            for registered in self._experiments()
            if subjects.get(registered.declaration.unit_type) is not None
        }

    def log_exposure(
        self,
        experiment: str | type[Experiment],
        /,
        *,
        properties: Mapping[str, object] = _NOTHING,
        **subjects: Any,
    ) -> None:
        """Say that a unit is now subjected to the experiment.

        Call it where the variants differ, as often as that happens: `on_event` deduplicates. Units
        that are not enrolled, or are forced, are not exposed.

        Args:
            experiment: The experiment's name, or its class.
            properties: What the event shall tell besides.
            **subjects: As for `get`.

        Raises:
            UnknownExperimentError: No experiment of that name is registered.
        """
        registered = self._find(experiment)
        unit_id, variant, reason, _ = self._decide(registered, subjects)
        if reason is not Reason.ASSIGNED:
            return
        declaration = registered.declaration
        name, salt, unit_type = declaration.name, declaration.salt, declaration.unit_type
        try:
            if self._has_seen is not None and self._has_seen(
                (name, salt, unit_type, unit_id), variant
            ):
                return
            user_id, groups = _who(subjects, of=name)
            self._hand_on(
                Exposure(
                    experiment=name,
                    salt=salt,
                    unit_type=unit_type,
                    unit_id=unit_id,
                    variant=variant,
                    time=self._clock(),
                    user_id=user_id,
                    groups=groups,
                    properties=properties,
                )
            )
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report(name, error)

    def track(
        self, action: str, /, *, properties: Mapping[str, object] = _NOTHING, **subjects: Any
    ) -> None:
        """Say that an action was done.

        Args:
            action: Its name, such as "integration link clicked"; a metric counts it.
            properties: Measures and labels of it, such as {"price": 9.5}.
            **subjects: Who did it, as for `get`.
        """
        try:
            user_id, groups = _who(subjects, of=action)
            self._hand_on(
                Action(
                    name=action,
                    time=self._clock(),
                    user_id=user_id,
                    groups=groups,
                    properties=properties,
                )
            )
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report(action, error)

    def _hand_on(self, event: Event) -> None:
        if self._on_event is None:
            message = (
                "expt_manager.on_event is not set: exposures and actions go nowhere. "
                "Set it to an ExposureLogger(sink), or to any callable."
            )
            raise ConfigError(message)
        self._on_event(event)

    def _find(self, experiment: str | type[Experiment]) -> _Registered:
        try:
            return self._registered[experiment]
        except KeyError:
            raise self._unknown(experiment) from None

    def _unknown(self, experiment: str | type[Experiment]) -> UnknownExperimentError:
        name = experiment if isinstance(experiment, str) else getattr(experiment, "__name__", "?")
        return UnknownExperimentError(name, self)

    def _decide(self, registered: _Registered, subjects: Subjects) -> Decision:
        try:
            return registered.decide(subjects)
        except Exception as error:  # noqa: BLE001 - the request boundary
            return self._failed(registered, error, subjects)

    def _failed(self, registered: _Registered, error: Exception, subjects: Subjects) -> Decision:
        """What a unit gets whose assignment failed."""
        declaration = registered.declaration
        self._report(declaration.name, error)
        unit_id = unit_id_of(subjects.get(declaration.unit_type)) or ""
        try:
            default = registered.experiment.default_value()
        except Exception as second:  # noqa: BLE001 - the user's code, at the request boundary
            self._report(declaration.name, second)
            default = "" if declaration.control is None else declaration.control
        return unit_id, default, Reason.ERROR, None

    def _report(self, what: str, error: Exception) -> None:
        """Raise an error if strict; otherwise count it, and log it the first time."""
        if self.strict:
            raise error
        kind = (what, type(error).__name__)
        self._errors[kind] += 1
        if self._errors[kind] == 1:
            logger.error("%s failed; further %s are only counted", what, kind[1], exc_info=error)

    def _experiments(self) -> Iterator[_Registered]:
        return (entry for key, entry in self._registered.items() if isinstance(key, str))

    def __contains__(self, experiment: object) -> bool:
        return experiment in self._registered

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._registered if isinstance(key, str))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<ExperimentManager {', '.join(self) or 'without experiments'}>"


def _who(subjects: Subjects, *, of: str) -> tuple[str | None, dict[str, str]]:
    """The person, and the ids of the other subjects by kind.

    Raises:
        MissingSubjectError: There is nobody; `of` says whose subjects they should be.
    """
    person: str | None = None
    groups: dict[str, str] = {}
    for kind, subject in subjects.items():
        unit_id = unit_id_of(subject)
        if unit_id is None:
            continue
        if kind not in _PERSONS:
            groups[kind] = unit_id
        elif person is None or kind == "user":
            person = unit_id
    if person is None and not groups:
        raise MissingSubjectError(of, "user", subjects)
    return person, groups


expt_manager = ExperimentManager()
"""The manager of the application; `abkit.expt_manager`."""
