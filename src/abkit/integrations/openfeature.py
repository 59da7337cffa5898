"""An OpenFeature provider whose flags are the experiments; see docs/howto/openfeature.md."""

from collections.abc import Callable, Collection, Mapping
from types import SimpleNamespace
from typing import Any

from abkit.assignment.assignment import Assignment
from abkit.assignment.assignment import Reason as AbkitReason
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.identities import VISITOR, is_visitor_id
from abkit.experiments.declaring.subjects import subject_of, unit_id_of, why_no_id
from abkit.extras import extra
from abkit.manager import ExperimentManager, expt_manager

with extra("openfeature"):
    # The packages, not their names: pyright --verifytypes finds no names in packages of a namespace package.
    from openfeature import evaluation_context as contexts
    from openfeature import hook as hooks
    from openfeature import provider as providers
    from openfeature import track as tracking
    from openfeature.exception import (
        FlagNotFoundError,
        OpenFeatureError,
        TargetingKeyMissingError,
    )
    from openfeature.flag_evaluation import (
        FlagEvaluationDetails,
        FlagResolutionDetails,
        FlagValueType,
        Reason,
    )

    from abkit.integrations import flag_details
    from abkit.integrations.flag_details import Structure

NAME = "abkit"
"""The name by which OpenFeature knows the provider."""

_PERSONS = ("user", "actor")
_EXPOSED = frozenset({Reason.SPLIT, Reason.STATIC})
_HELD_OUT = str(AbkitReason.HOLDOUT)


class AbkitProvider(providers.AbstractProvider):
    """Resolves flags from the experiments of a manager. Reading a flag has no side effects.

    The flag "Exp" is the variant of the experiment Exp, or all its parameters if it is read as an object.
    The flag "Exp.colour" is one of its parameters.

    The attributes `org`, `user`, `actor`, `visitor` and all other unit types in the evaluation context are
    the subjects: ids, or structures with an "id" whose other fields `assign()` reads as attributes. The
    targeting key is the id of the unit, unless there is an attribute for it; then it is the user, or the
    visitor if it is an id of abkit's own cookie.

    Args:
        manager: The manager whose experiments are the flags; None: `expt_manager`.
        targeting: What the targeting key always is, such as "user"; None: as described above.
        subjects: Names of other attributes that are subjects.
    """

    def __init__(
        self,
        manager: ExperimentManager | None = None,
        *,
        targeting: str | None = None,
        subjects: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._manager = expt_manager if manager is None else manager
        self._targeting = targeting
        self._kinds = frozenset({"org", VISITOR, *_PERSONS, *subjects})

    def get_metadata(self) -> providers.Metadata:
        """The provider's name."""
        return providers.Metadata(name=NAME)

    def shutdown(self) -> None:
        """Deliver queued events; the manager's handler is not closed."""
        flush = getattr(self._manager.on_event, "flush", None)
        if flush is not None:
            flush()

    def resolve_boolean_details(
        self,
        flag_key: str,
        default_value: bool,
        evaluation_context: contexts.EvaluationContext | None = None,
    ) -> FlagResolutionDetails[bool]:
        """The flag, if it is true or false."""
        return self._resolve(flag_key, default_value, evaluation_context, flag_details.boolean)

    def resolve_string_details(
        self,
        flag_key: str,
        default_value: str,
        evaluation_context: contexts.EvaluationContext | None = None,
    ) -> FlagResolutionDetails[str]:
        """The flag, if it is a text."""
        return self._resolve(flag_key, default_value, evaluation_context, flag_details.string)

    def resolve_integer_details(
        self,
        flag_key: str,
        default_value: int,
        evaluation_context: contexts.EvaluationContext | None = None,
    ) -> FlagResolutionDetails[int]:
        """The flag, if it is a whole number."""
        return self._resolve(flag_key, default_value, evaluation_context, flag_details.integer)

    def resolve_float_details(
        self,
        flag_key: str,
        default_value: float,
        evaluation_context: contexts.EvaluationContext | None = None,
    ) -> FlagResolutionDetails[float]:
        """The flag, if it is a number."""
        return self._resolve(flag_key, default_value, evaluation_context, flag_details.number)

    def resolve_object_details(
        self,
        flag_key: str,
        default_value: Structure,
        evaluation_context: contexts.EvaluationContext | None = None,
    ) -> FlagResolutionDetails[Structure]:
        """All parameters of an experiment, or the one parameter, if it is a list or a mapping."""
        return self._resolve(flag_key, default_value, evaluation_context, flag_details.structure)

    def track(
        self,
        tracking_event_name: str,
        evaluation_context: contexts.EvaluationContext | None = None,
        tracking_event_details: tracking.TrackingEventDetails | None = None,
    ) -> None:
        """Track an action; its properties are the attributes of the details, and "value" is their value."""
        properties: dict[str, object] = {}
        if tracking_event_details is not None:
            properties.update(tracking_event_details.attributes)
            if tracking_event_details.value is not None:
                properties["value"] = tracking_event_details.value
        kinds = {*self._kinds}
        for name in self._manager:
            kinds.add(self._manager.declaration(name).unit_type)
        subjects = self._subjects(evaluation_context, kinds, targeting=self._targeting)
        self._manager.track(tracking_event_name, properties=properties, **subjects)

    def log_exposure(
        self,
        experiment: str,
        evaluation_context: contexts.EvaluationContext | None = None,
        *,
        unit_id: str | None = None,
    ) -> None:
        """Log the exposure of a unit, as `ExposureHook` does after each evaluation.

        Args:
            experiment: The experiment's name.
            evaluation_context: As for an evaluation.
            unit_id: The id of the unit, if it is known better than from the context.
        """
        unit_type = self._manager.declaration(experiment).unit_type
        subjects = self._subjects_of(unit_type, evaluation_context)
        if unit_id is not None and unit_id_of(subject_of(unit_type, subjects)) != unit_id:
            subjects[unit_type] = unit_id
        self._manager.log_exposure(experiment, **subjects)

    def _resolve(
        self,
        flag_key: str,
        default: Any,
        context: contexts.EvaluationContext | None,
        converted: Callable[[object], Any],
    ) -> FlagResolutionDetails[Any]:
        try:
            declaration, parameter = self._flag(flag_key)
            assignment = self._assign(declaration, context)
            return flag_details.details(assignment, declaration, parameter, default, converted)
        except OpenFeatureError as error:
            return FlagResolutionDetails(
                default,
                reason=Reason.ERROR,
                error_code=error.error_code,
                error_message=f"{flag_key}: {error.error_message}",
            )

    def _flag(self, flag_key: str) -> tuple[Declaration, str | None]:
        """The experiment that a flag belongs to, and the parameter if it names one."""
        if flag_key in self._manager:
            return self._manager.declaration(flag_key), None
        experiment, _, parameter = flag_key.rpartition(".")
        if experiment not in self._manager:
            known = ", ".join(sorted(self._manager)) or "none"
            raise FlagNotFoundError(
                f"no experiment of that name is registered. Registered: {known}"
            )
        return self._manager.declaration(experiment), parameter

    def _assign(
        self, declaration: Declaration, context: contexts.EvaluationContext | None
    ) -> Assignment:
        unit_type = declaration.unit_type
        subjects = self._subjects_of(unit_type, context)
        if unit_id_of(subject_of(unit_type, subjects)) is None:
            needed = f"an attribute {unit_type!r} with an id"
            if self._targeting in {None, unit_type}:
                needed = f"a targeting key, or {needed}"
            message = f"{declaration.name} randomizes by {unit_type}: the context needs {needed}"
            if unit_type in subjects:
                message += f"; its {unit_type} {why_no_id(subjects[unit_type])}"
            raise TargetingKeyMissingError(message)
        return self._manager.assign(declaration.name, **subjects)

    def _subjects_of(
        self, unit_type: str, context: contexts.EvaluationContext | None
    ) -> dict[str, Any]:
        targeting = self._targeting
        if targeting is None and context is not None and unit_type not in context.attributes:
            targeting = unit_type
        return self._subjects(context, self._kinds | {unit_type}, targeting=targeting)

    def _subjects(
        self,
        context: contexts.EvaluationContext | None,
        kinds: Collection[str],
        *,
        targeting: str | None,
    ) -> dict[str, Any]:
        """The subjects that a context names; without `targeting`, its key is the person or the visitor."""
        if context is None:
            return {}
        subjects = {
            kind: _subject(value) for kind, value in context.attributes.items() if kind in kinds
        }
        if context.targeting_key:
            if targeting is not None:
                subjects.setdefault(targeting, context.targeting_key)
            elif is_visitor_id(str(context.targeting_key)):
                subjects.setdefault(VISITOR, context.targeting_key)
            elif not any(person in subjects for person in _PERSONS):
                subjects["user"] = context.targeting_key
        return subjects


class ExposureHook(hooks.Hook):
    """Logs an exposure after each evaluation that returned a randomized variant.

    Units that a holdout keeps out, and those that get a winner, are exposed to the experiment's holdouts.

    Add it where the value is used as soon as it is read: to an evaluation, a client, or the API.

    Args:
        provider: The provider; evaluations of other providers are ignored.
    """

    def __init__(self, provider: AbkitProvider) -> None:
        self._provider = provider

    def after(
        self,
        hook_context: hooks.HookContext,
        details: FlagEvaluationDetails[FlagValueType],
        hints: hooks.HookHints,  # noqa: ARG002 - OpenFeature's signature
    ) -> None:
        """Log the exposure; it is deduplicated."""
        provider = hook_context.provider_metadata
        if provider is None or provider.name != NAME:
            return
        if details.reason in _EXPOSED or details.flag_metadata.get("reason") == _HELD_OUT:
            # The unit as it was evaluated: a hook may have changed the context, and this one does not see it.
            self._provider.log_exposure(
                str(details.flag_metadata["experiment"]),
                hook_context.evaluation_context,
                unit_id=str(details.flag_metadata["unit_id"]),
            )


def _subject(value: object) -> object:
    return SimpleNamespace(**value) if isinstance(value, Mapping) else value
