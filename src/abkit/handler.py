"""The event handler of a manager, and how it receives events."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from abkit.errors import ConfigError
from abkit.events import SHIPPED, Event, Exposure, Variant, properties_told
from abkit.experiments.deciding.weights_drawn_with import Weigh
from abkit.experiments.declaring.subjects import Subjects, describer, person_and_groups

if TYPE_CHECKING:
    from abkit.experiments.deciding.held_out import HeldOut

Expose: TypeAlias = Callable[
    [str, Variant, float, Mapping[str, Any], Subjects, Mapping[str, Any] | None], object
]
"""Exposes a unit of one experiment: unit id, variant, time, properties, subjects, and the parameters of
the decision."""


_NOTHING: Mapping[str, Any] = MappingProxyType({})


class EventHandler(Protocol):
    """Receives events: an ExposureLogger, or any callable such as `list.append`.

    It may have more methods. If `has_seen(key, variant)` is true, with the key (experiment, salt, unit
    type, unit id), the exposure is not even created. `exposer(experiment, salt, unit_type, describe, weigh)`
    returns a function that exposes the units of one experiment, `expose(unit_id, variant, time, properties,
    subjects, params)`, or None. It can call `describe(subjects, experiment, unit_id)` for the user id and the
    groups, and `weigh(params)` for the weights. If `expose` returns False, the exposure was dropped, and a
    sticky experiment does not store the variant.
    """

    def __call__(self, event: Event, /) -> object:
        """Receive one event."""


def check_handler(handler: object) -> None:
    """Refuse an invalid handler when it is set, instead of losing every event later.

    Args:
        handler: The value for `on_event`; None for no handler.

    Raises:
        ConfigError: It cannot receive events.
    """
    if handler is None:
        return
    problem = _objection_to(handler)
    if problem is not None:
        from abkit.quoting import quoted

        message = (
            f"on_event must be a callable that takes one event, such as ExposureLogger(sink) or "
            f"list.append; {quoted(repr(handler), 100)} {problem}"
        )
        raise ConfigError(message)


def _objection_to(handler: Any) -> str | None:
    import inspect

    if issubclass(type(handler), type):
        return f"is a class: set an object of it, such as {handler.__name__}(...)"
    if not callable(handler):
        if callable(getattr(handler, "send", None)):
            return "is a sink, which takes batches: set ExposureLogger(sink)"
        return "cannot be called"
    call = getattr(handler, "__call__", None)  # noqa: B004 - it may be an object with an async one
    for function in (handler, call):
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            return "is async, and nobody awaits it: set a plain function"
        if inspect.isgeneratorfunction(function):
            return (
                "is a generator function, which does nothing when it is called: remove its `yield`"
            )
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError):  # as of some functions that are written in C
        return None
    try:
        signature.bind(None)
    except TypeError as error:
        return f"cannot be called with one event: {error}"
    return None


def exposer_of(
    handler: EventHandler | None, identity: tuple[str, str, str], weigh: Weigh
) -> Expose:
    """Return the function that exposes units of the experiment (name, salt, unit type) to a handler."""
    make = getattr(handler, "exposer", None)
    expose: Expose | None = None if make is None else make(*identity, describer(identity[2]), weigh)
    return expose or _by_event(handler, identity, weigh)


def _by_event(handler: EventHandler | None, identity: tuple[str, str, str], weigh: Weigh) -> Expose:
    """What makes the exposure and calls the handler, which knows no shorter way."""
    has_seen: Callable[[tuple[str, str, str, str], Variant], bool] | None
    has_seen = getattr(handler, "has_seen", None)

    def expose(
        unit_id: str,
        variant: Variant,
        now: float,
        properties: Mapping[str, Any],
        subjects: Subjects,
        params: Mapping[str, Any] | None,
    ) -> None:
        if has_seen is not None and has_seen((*identity, unit_id), variant):
            return
        user_id, groups = person_and_groups(subjects, identity[0])
        told = properties_told(properties) if properties else _NOTHING
        about = (*identity, unit_id, variant, now, user_id, groups, told, "", weigh(params))
        hand_on(Exposure(*about), handler)

    return expose


def hand_on(event: Event, handler: EventHandler | None) -> None:
    """Pass an event to a handler.

    Raises:
        ConfigError: There is no handler.
    """
    if handler is None:
        message = (
            "expt_manager.on_event is not set: events go nowhere. "
            "Set it to an ExposureLogger(sink), or to any callable."
        )
        raise ConfigError(message)
    handler(event)


def expose_to_holdouts(
    handler: EventHandler | None, held_out: "HeldOut", expose: Expose | None = None
) -> Expose:
    """Return the function that exposes units of an experiment to its holdouts.

    Args:
        handler: Receives the exposures.
        held_out: The holdouts.
        expose: Exposes the unit to the experiment, before that, and its answer is returned. None: its units
            are not enrolled.
    """
    # What is enrolled passed the holdouts, unless it kept its variant from before: no hash is needed.
    has_passed = expose is not None and not held_out.keeps_variants
    exposers = [
        (None if has_passed else each.side_of, exposer_of(handler, each.identity, each.weigh))
        for each in held_out.comparisons
    ]

    def expose_all(
        unit_id: str,
        variant: Variant,
        now: float,
        properties: Mapping[str, Any],
        subjects: Subjects,
        params: Mapping[str, Any] | None,
    ) -> object:
        done = None
        if expose is not None:
            done = expose(unit_id, variant, now, properties, subjects, params)
        for side_of, expose_to_holdout in exposers:
            side = SHIPPED if side_of is None else side_of(unit_id)
            expose_to_holdout(unit_id, side, now, properties, subjects, params)
        return done

    return expose_all


def expose_and_store(expose: Expose, keep: Callable[[str, Variant], object]) -> Expose:
    """Wrap the function, so that the variants of exposed units are stored."""

    def expose_and_keep(unit_id: str, variant: Variant, /, *told: Any) -> None:
        if expose(unit_id, variant, *told) is not False:
            keep(unit_id, variant)

    return expose_and_keep
