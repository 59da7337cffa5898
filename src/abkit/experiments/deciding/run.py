"""One experiment for one unit, by itself, as PlanOut's experiments are used."""

from collections.abc import Callable, Hashable, Mapping
from functools import cached_property, lru_cache, wraps
from types import MappingProxyType
from typing import Any, cast

from abkit.assignment.assignment import Assignment, Parameters, Reason
from abkit.assignment.params import Params, override
from abkit.errors import DeclarationError
from abkit.events import Event, Exposure, Variant, system_time
from abkit.experiments.deciding.answer import Clock, Decide, assignment_of
from abkit.experiments.deciding.decision import compile_decision
from abkit.experiments.deciding.weights_drawn_with import weigher_of
from abkit.experiments.declaring.experiment import Experiment, decides_in_code, is_experiment
from abkit.experiments.declaring.subjects import person_and_groups

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Run:
    """One experiment for one unit, without a manager: `Run(ShowPlugins, org=org).get("variant")`.

    The unit is assigned when it is first asked for, and only then. Getting a parameter exposes it,
    once. It belongs to one request, and unlike the manager it raises what goes wrong; settings do not
    reach it.

    Args:
        experiment: The experiment's class.
        on_event: What takes the exposure, such as an ExposureLogger; None: nobody is told.
        overrides: Parameters that keep these values, whatever `assign()` writes. A variant among them
            is forced.
        clock: Gives the seconds since the epoch; None: the system's.
        **subjects: As for `ExperimentManager.get`.

    Raises:
        DeclarationError: The class is no experiment, or it does not have the variant of the overrides.
    """

    def __init__(
        self,
        experiment: type[Experiment],
        /,
        *,
        on_event: Callable[[Event], object] | None = None,
        overrides: Mapping[str, Any] = _NOTHING,
        clock: Clock | None = None,
        **subjects: Any,
    ) -> None:
        _check(experiment)
        clock = clock or system_time
        declaration = experiment.declaration
        if declaration.param_name in overrides:
            variant = declaration.variant_of(overrides[declaration.param_name])
            overrides = {**overrides, declaration.param_name: variant}
        self._decide = (
            _compiled(experiment, clock, overrides=overrides)
            if overrides
            else _decider(cast("Hashable", experiment), clock)
        )
        self._experiment, self._declaration = experiment, declaration
        self._overrides = overrides
        self._subjects = subjects
        self._on_event = on_event
        self._clock = clock
        self._exposed = False
        self._weights: str | None = None

    @cached_property
    def assignment(self) -> Assignment:
        """The whole answer; to look at it exposes nothing.

        Raises:
            MissingSubjectError: The subject that is randomized was not passed, or has no id.
        """
        declaration, overrides = self._declaration, self._overrides
        decision = self._decide(self._subjects)
        weigh = weigher_of(declaration, in_code=decides_in_code(self._experiment))
        self._weights = weigh(decision[-1])
        found = assignment_of(declaration, decision)
        if declaration.param_name in overrides:
            variant = overrides[declaration.param_name]
            found = found._replace(variant=variant, reason=Reason.FORCED)
        # What assign() wrote for a unit that it then left out is not its variant.
        params = {**found.params, **overrides, declaration.param_name: found.variant}
        return found._replace(params=Parameters(params))

    def get(self, name: str, default: Any = None) -> Any:
        """A parameter, or the default if the experiment gives none of the name; then nothing is exposed."""
        params = self.assignment.params
        if name not in params:
            return default
        self.log_exposure()
        return params[name]

    def get_params(self) -> Parameters:
        """All parameters."""
        self.log_exposure()
        return self.assignment.params

    def log_exposure(self) -> None:
        """Say that the unit is now subjected to the experiment, unless that was said or it is not.

        It says the same of the experiment's holdouts, as `ExperimentManager.log_exposure` does.
        """
        if self._on_event is None or self._exposed:
            return
        declaration, found = self._declaration, self.assignment
        if found.enrolled:
            identity = declaration.name, declaration.salt, declaration.unit_type
            self._expose(self._on_event, identity, found.variant, self._weights)
        if declaration.holdouts:
            self._expose_to_holdouts(self._on_event)
        self._exposed = True

    def _expose_to_holdouts(self, on_event: Callable[[Event], object]) -> None:
        # Loaded by who has a holdout.
        from abkit.experiments.deciding.held_out import HeldOut

        held_out = HeldOut(self._experiment(), self._declaration, clock=self._clock)
        found = self.assignment
        if not found.enrolled and not held_out.exposes(found.reason, self._subjects):
            return
        for each in held_out.comparisons:
            self._expose(on_event, each.identity, each.side_of(found.unit_id), each.weights)

    def _expose(
        self,
        on_event: Callable[[Event], object],
        identity: tuple[str, str, str],
        variant: Variant,
        weights: str | None,
    ) -> None:
        user_id, groups = person_and_groups(self._subjects, self._declaration.name)
        about = (*identity, self.assignment.unit_id, variant, self._clock(), user_id, groups)
        on_event(Exposure(*about, weights=weights))

    def __repr__(self) -> str:
        subjects = ", ".join(f"{kind}={subject!r}" for kind, subject in self._subjects.items())
        return f"<Run of {self._declaration.name} for {subjects}>"


def _check(experiment: Any) -> None:
    if not (isinstance(experiment, type) and issubclass(experiment, Experiment)):
        raise DeclarationError("Run", f"takes an Experiment class, not {experiment!r}")
    if not is_experiment(experiment):
        problem = "is a base class: an experiment declares `variants` or overrides assign()"
        raise DeclarationError(experiment.__name__, problem)


def _compiled(
    experiment: type[Experiment], clock: Clock, *, overrides: Mapping[str, Any] = _NOTHING
) -> Decide:
    instance = experiment()
    if overrides:
        instance.assign = _overriding(instance.assign, overrides)
    return compile_decision(instance, experiment.declaration, clock=clock)


def _overriding(assign: Callable[..., Any], overrides: Mapping[str, Any]) -> Callable[..., Any]:
    @wraps(assign)
    def overridden(params: Params, *args: Any, **kwargs: Any) -> Any:
        override(params, overrides)
        return assign(params, *args, **kwargs)

    return overridden


# A run is made for each request; what its class makes ready is not.
_decider = lru_cache(maxsize=1024)(_compiled)
