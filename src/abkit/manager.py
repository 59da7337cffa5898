"""The registry of experiments, and the calls that an application makes."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from abkit.assignment.assignment import Assignment, Reason
from abkit.error_counts import ErrorCounts, log_error
from abkit.errors import AbkitError, ConfigError, UnknownExperimentError
from abkit.events import Action, properties_told, system_time
from abkit.experiments.deciding.answer import Clock, Decision, assignment_of
from abkit.experiments.deciding.only import Only, asked_for
from abkit.experiments.deciding.registry import Registered, Registry
from abkit.experiments.deciding.weights_drawn_with import FORCED
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.identities import identity_of
from abkit.experiments.declaring.subjects import (
    Subjects,
    is_nobody,
    person_and_groups,
    subject_of,
    unit_id_of,
)
from abkit.handler import (
    EventHandler,
    Expose,
    check_handler,
    expose_and_store,
    expose_to_holdouts,
    exposer_of,
    hand_on,
)

if TYPE_CHECKING:
    from abkit.experiments.deciding.explanation import Explanation
    from abkit.experiments.deciding.settings import Settings, SettingsSource
    from abkit.experiments.deciding.sticky import StickyVariantSource
    from abkit.exposure.sticky.store import StickyStore
    from abkit.exposure.sticky.variants import StickyVariants

_V_co = TypeVar("_V_co", covariant=True)

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ASSIGNED = Reason.ASSIGNED


class _Declares(Protocol[_V_co]):
    """An experiment class whose variants have a type; a mapping iterates over them as a list does."""

    @property
    def variants(self) -> Iterable[_V_co]: ...


class ExperimentManager:
    """The experiments of an application.

    Args:
        on_event: Receives the events: exposures, actions and identities. It can be set later.
        settings: See `use_settings`, which can be called later.
        sticky_store: See `use_sticky_store`, which can be called later.
        strict: Raise errors while a request is served. If false, count an error, log it once and
            return the default value. None: raise under pytest only.
        clock: Returns the current time in seconds since the epoch. None: the system clock.
    """

    def __init__(
        self,
        *,
        on_event: EventHandler | None = None,
        settings: "Settings | str | os.PathLike[str] | SettingsSource | None" = None,
        sticky_store: "StickyStore | None" = None,
        strict: bool | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._registry = Registry(clock=clock)
        self._entries = self._registry.entries
        self._watches = False
        self._strict = strict
        self._clock = clock
        self._errors = ErrorCounts()
        self.on_event = on_event
        self._sticky: StickyVariants | None = None
        if sticky_store is not None:
            self.use_sticky_store(sticky_store)
        if settings is not None:
            self.use_settings(settings)

    @property
    def on_event(self) -> EventHandler | None:
        """Receives the events: exposures, actions and identities."""
        return self._on_event

    @on_event.setter
    def on_event(self, handler: EventHandler | None) -> None:
        check_handler(handler)
        self._on_event = handler

    @property
    def strict(self) -> bool:
        """Whether errors are raised while a request is served."""
        return "PYTEST_VERSION" in os.environ if self._strict is None else self._strict

    @property
    def errors(self) -> Mapping[tuple[str, str], int]:
        """The number of errors, by experiment or action and by type of error.

        Errors of the settings source are counted under "settings". At most 20 names are counted separately
        for each type of error, because actions may be named dynamically; "(others)" counts the rest.
        """
        return MappingProxyType(dict(self._errors))

    def add(self, experiment: type[Experiment], param_name: str | None = None) -> None:
        """Register an experiment.

        Args:
            experiment: The experiment's class.
            param_name: The parameter that is the variant, if it differs from the class's own.

        Raises:
            DeclarationError: The class is not an experiment, or another experiment has its slots.
            DuplicateExperimentError: An experiment with this name is already registered.
        """
        self._registry.add(experiment, param_name)

    def load(self, module: str) -> tuple[str, ...]:
        """Register all experiments in a module's ACTIVE_EXPERIMENTS.

        Args:
            module: The module's dotted name.

        Returns:
            The names of the experiments.

        Raises:
            ConfigError: The module does not exist or has no such list.
            DeclarationError: As for `add`.
        """
        return self._registry.load(module)

    def use_settings(
        self,
        settings: "Settings | str | os.PathLike[str] | SettingsSource",
        *,
        interval: float = 1.0,
    ) -> None:
        """Change experiments with settings, without a deploy.

        Settings are read at most once per interval: a file or a dict within a request, any other source in
        a separate thread. If reading fails, the current settings stay in force; the error is counted in
        `errors`, under "settings", and logged once. A strict manager reads every source within the request,
        and raises errors that are not abkit's own.

        Args:
            settings: A .toml or .json file or its URL, a mapping (which the application may change at any
                time), or any `SettingsSource`. See `abkit.experiments.deciding.settings`.
            interval: Seconds between two reads.

        Raises:
            ConfigError: The file is neither .toml nor .json.
        """
        self._registry.use_settings(
            settings, interval=interval, strict=self.strict, failed=self._settings_failed
        )
        self._watches = True

    def use_sticky_store(
        self,
        store: "StickyStore",
        *,
        timeout: float = 0.2,
        max_units: int = 50_000,
        recheck: float = 5.0,
    ) -> None:
        """Store the variants of exposed units in sticky experiments.

        Args:
            store: The store, which all processes of the application share.
            timeout: Seconds that a request may wait for the store if this process has not cached the unit.
                If there is no answer, the hash decides.
            max_units: The maximum number of units per experiment to cache in this process.
            recheck: Seconds until a unit without a stored variant is looked up again.

        Raises:
            ConfigError: The store has no `get` and `set`, or a number is invalid.
        """
        from abkit.exposure.sticky.variants import StickyVariants

        self._sticky = StickyVariants(store, timeout=timeout, max_units=max_units, recheck=recheck)
        self._registry.use_sticky_variants(self._sticky)

    def use_visitor_variants(self, source: "StickyVariantSource | None") -> None:
        """Take the variants of sticky experiments on visitors from there, if there is no sticky store.

        The integrations call it: the visitor's own cookie keeps them.
        """
        self._registry.use_visitor_variants(source)

    @property
    def sticky(self) -> "StickyVariants | None":
        """Manages the variants of sticky experiments. None if there is no sticky store."""
        return self._sticky

    def clear(self) -> None:
        """Remove all experiments, settings, errors, `on_event` and the sticky store."""
        self._entries.clear()
        self._registry.sticky_variants = self._registry.visitor_variants = self._sticky = None
        self._registry.watch = None
        self._watches = False
        self._errors.clear()
        self.on_event = None

    @overload
    def get(
        self, experiment: type[_Declares[_V_co]], /, *, default: Any = None, **subjects: Any
    ) -> _V_co: ...
    @overload
    def get(
        self, experiment: str | type[Experiment], /, *, default: Any = None, **subjects: Any
    ) -> Any: ...
    def get(self, experiment: Any, /, *, default: Any = None, **subjects: Any) -> Any:
        """Return the variant of one unit. This has no side effects: no exposure is logged.

        Args:
            experiment: The experiment's name or class.
            default: The value to return if there is no such experiment, because it was removed.
            **subjects: `org=`, `actor=`, `user=`, or the experiment's own unit type: objects
                with an `id` or a `pk`, or ids. The actor is the user if there is no `user=`.

        Returns:
            The variant, or the default value for a unit that is not enrolled.

        Raises:
            UnknownExperimentError: No experiment with this name is registered, and the manager is strict.
        """
        if self._watches:
            self._registry.refresh()
        try:
            registered = self._entries[experiment]
        except KeyError:
            found = self._find_if_any(experiment)
            if found is None:
                return default
            registered = found
        try:
            return registered.decide(subjects)[1]
        except Exception as error:  # noqa: BLE001 - the request boundary
            return self._failed(registered, error, subjects)[1]

    def assign(
        self, experiment: str | type[Experiment], /, *, default: Any = None, **subjects: Any
    ) -> Assignment:
        """Return the complete assignment of one unit: variant, parameters, and reason. See `get`."""
        if self._watches:
            self._registry.refresh()
        registered = self._find_if_any(experiment)
        if registered is None:
            return Assignment(_name_of(experiment), "", "", default, Reason.ERROR)
        return assignment_of(registered.declaration, self._decide(registered, subjects))

    def all(self, *, only: Only | None = None, **subjects: Any) -> dict[str, Any]:
        """Return the variants of all experiments whose unit is among the subjects, by experiment name.

        If an experiment fails, it has its default value, and the others are not affected.

        Args:
            only: The names or classes of the experiments to evaluate, so that a page does not pay for the
                others. None: all.
            **subjects: As for `get`.

        Raises:
            UnknownExperimentError: `only` has a name that is not registered, and the manager is strict.
                Otherwise it is left out.
        """
        self._registry.refresh()
        chosen = self._registry.experiments() if only is None else self._chosen(only)
        # Most have one of a few types of units: each is looked for once.
        is_there: dict[str, bool] = {}
        variants: dict[str, Any] = {}
        for registered in chosen:
            declaration = registered.declaration
            kind = declaration.unit_type
            if kind not in is_there:
                is_there[kind] = not is_nobody(subject_of(kind, subjects))
            if is_there[kind]:
                variants[declaration.name] = self._decide(registered, subjects)[1]
        return variants

    def log_exposure(
        self,
        experiment: str | type[Experiment],
        /,
        *,
        properties: Mapping[str, object] = _NOTHING,
        even_if_forced: bool = False,
        **subjects: Any,
    ) -> None:
        """Log that a unit is exposed to the experiment.

        Call it where the variants differ, as often as that code runs: `on_event` deduplicates. Units
        that are not enrolled are not exposed. Forced units are exposed only with `even_if_forced`. If the
        experiment has holdouts, the unit is exposed to them too, or only to them if one keeps it out.

        Args:
            experiment: The experiment's name or class.
            properties: Additional properties of the event.
            even_if_forced: Expose a forced unit too, to check that the event arrives. The event has the
                property "reason": "forced". The analysis counts it like any other exposure.
            **subjects: As for `get`.

        Raises:
            UnknownExperimentError: No experiment with this name is registered, and the manager is strict.
        """
        if self._watches:
            self._registry.refresh()
        try:
            registered = self._entries[experiment]
        except KeyError:
            found = self._find_if_any(experiment)
            if found is None:
                return
            registered = found
        try:
            unit_id, variant, reason, params = registered.decide(subjects)
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._failed(registered, error, subjects)
            return
        if reason is not _ASSIGNED:
            if registered.held_out is not None and unit_id:
                self._expose_to_holdouts(registered, unit_id, reason, properties, subjects)
            if not even_if_forced or reason is not Reason.FORCED:
                return
            properties, params = {**properties, "reason": str(reason)}, FORCED
        try:
            handler, expose = registered.exposer
            if handler is not self._on_event:
                handler = self._on_event
                expose = self._exposer(registered)
                registered.exposer = handler, expose
            if reason is not _ASSIGNED:
                expose = exposer_of(
                    handler, registered.identity, registered.weigh
                )  # It is not to be kept.
            clock = self._clock
            # Looked up when it is asked: a test may have put another clock in the system's place.
            now = time.time() if clock is None else clock()
            expose(unit_id, variant, now, properties, subjects, params)
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report(registered.declaration.name, error)

    def track(
        self, action: str, /, *, properties: Mapping[str, object] = _NOTHING, **subjects: Any
    ) -> None:
        """Track an action.

        Args:
            action: The action's name, such as "integration link clicked". Metrics refer to it.
            properties: Values and labels, such as {"price": 9.5}.
            **subjects: The subjects that did it, as for `get`.
        """
        try:
            user_id, groups = person_and_groups(subjects, action, all_have_ids=True)
            done = Action(
                name=action,
                time=time.time() if self._clock is None else self._clock(),
                user_id=user_id,
                groups=groups,
                properties=properties_told(properties) if properties else _NOTHING,
            )
            hand_on(done, self._on_event)
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report(action, error)

    def identify(self, **subjects: Any) -> None:
        """Tell that two subjects belong together: a visitor has signed in, or a user has an organization.

        The analysis then counts what the one does for the other, also what was done before. No variant
        changes. Call it at each sign-up and sign-in: `on_event` deduplicates. The integrations do it by
        themselves for the visitors of their cookie.

        Args:
            **subjects: Two of different types, such as `visitor=` and `user=`, or `user=` and `org=`.

        Raises:
            IdentityError: There are not two types, or the ids are swapped, and the manager is strict.
            MissingSubjectError: One is nobody, or has no id, and the manager is strict.
        """
        try:
            now = time.time() if self._clock is None else self._clock()
            hand_on(identity_of(subjects, time=now), self._on_event)
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report("identify", error)

    def declaration(self, experiment: str | type[Experiment], /) -> Declaration:
        """Return an experiment's declaration, including the current settings.

        Raises:
            UnknownExperimentError: No experiment with this name is registered.
        """
        return self._find(experiment).declaration

    def experiment(self, name: str | type[Experiment], /) -> type[Experiment]:
        """Return the class of an experiment, as its code declares it.

        Raises:
            UnknownExperimentError: No experiment with this name is registered.
        """
        return type(self._find(name).experiment)

    def explain(self, experiment: str | type[Experiment], /, **subjects: Any) -> "Explanation":
        """Explain the assignment of a unit: each step, and its outcome.

        Like `get` it has no side effects. It runs the experiment's code and queries the sticky store.

        Args:
            experiment: The experiment's name or class.
            **subjects: As for `get`.

        Raises:
            UnknownExperimentError: No experiment with this name is registered.
            MissingSubjectError: The subject that is randomized was not passed, or has no id.
        """
        from abkit.experiments.deciding.explain import (
            explain,  # Who only serves need not wait for it.
        )

        found = self._find(experiment)
        return explain(
            found.experiment,
            found.declaration,
            subjects,
            clock=self._clock or system_time,
            kept=found.kept,
        )

    def _exposer(self, registered: Registered) -> Expose:
        """What exposes the units of an experiment to `on_event`; if it is sticky, they keep what they get."""
        expose = exposer_of(self._on_event, registered.identity, registered.weigh)
        if registered.kept is not None:
            expose = expose_and_store(expose, registered.kept.keep)
        elif registered.declaration.sticky:
            self._tell_that_nothing_is_kept(registered.declaration.name)
        if registered.held_out is None:
            return expose
        return expose_to_holdouts(self._on_event, registered.held_out, expose)

    def _expose_to_holdouts(
        self,
        registered: Registered,
        unit_id: str,
        reason: Reason,
        properties: Mapping[str, object],
        subjects: Subjects,
    ) -> None:
        """Expose a unit that is not enrolled to the experiment's holdouts, if it would be were there none."""
        held_out = registered.held_out
        try:
            if held_out is None or not held_out.exposes(reason, subjects):
                return
            handler, expose = registered.holdout_exposer
            if handler is not self._on_event:
                handler = self._on_event
                expose = expose_to_holdouts(handler, held_out)
                registered.holdout_exposer = handler, expose
            now = time.time() if self._clock is None else self._clock()
            expose(unit_id, "", now, properties, subjects, None)
        except Exception as error:  # noqa: BLE001 - the request boundary
            self._report(registered.declaration.name, error)

    def _find(self, experiment: str | type[Experiment]) -> Registered:
        if self._watches:
            self._registry.refresh()
        return self._registry.find(experiment)

    def _chosen(self, only: Only) -> Iterator[Registered]:
        for experiment in asked_for(only):
            found = self._find_if_any(experiment)
            if found is not None:
                yield found

    def _find_if_any(self, experiment: str | type[Experiment]) -> Registered | None:
        """The experiment; None, once that is reported, if it was removed while somebody asks for it."""
        try:
            return self._registry.find(experiment)
        except UnknownExperimentError as error:
            self._report(_name_of(experiment), error)
            return None

    def _decide(self, registered: Registered, subjects: Subjects) -> Decision:
        try:
            return registered.decide(subjects)
        except Exception as error:  # noqa: BLE001 - the request boundary
            return self._failed(registered, error, subjects)

    def _failed(self, registered: Registered, error: Exception, subjects: Subjects) -> Decision:
        """What a unit gets whose assignment failed."""
        declaration = registered.declaration
        self._report(declaration.name, error)
        try:
            unit_id = unit_id_of(subject_of(declaration.unit_type, subjects)) or ""
        except Exception:  # noqa: BLE001 - the user's code, whose error is reported already
            unit_id = ""
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
        kind, is_first = self._errors.record(what, error)
        if is_first:
            message = "%s failed; further %s are only counted, in the manager's `errors`"
            log_error(message, *kind, error=error)

    def _tell_that_nothing_is_kept(self, experiment: str) -> None:
        """Count and log it, but also if strict: tests of an application need no store."""
        message = "is sticky, but the manager has no sticky store: the hash decides alone"
        _, is_first = self._errors.record(experiment, ConfigError(message))
        if is_first:
            advice = "call expt_manager.use_sticky_store(RedisStickyStore(...))"
            log_error("%s %s; %s", experiment, message, advice)

    def _settings_failed(self, error: Exception) -> None:
        """Count an error of the settings; raise it if strict, unless it is about what they say."""
        if self.strict and not isinstance(error, AbkitError):
            raise error
        self._errors.record("settings", error)

    def __contains__(self, experiment: object) -> bool:
        return experiment in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._registry)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<ExperimentManager {', '.join(self) or 'without experiments'}>"


def _name_of(experiment: object) -> str:
    return str(getattr(experiment, "name", experiment))


expt_manager: ExperimentManager = ExperimentManager()
"""The application's manager, `abkit.expt_manager`."""
