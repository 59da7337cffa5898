"""Capturing the events of a manager."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from types import MappingProxyType
from typing import Any, overload

from abkit.events import Action, Event, Exposure, Identity, Variant, variant_text
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.holdout import Holdout
from abkit.experiments.declaring.subjects import person_and_groups
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.identities import as_exposure
from abkit.handler import EventHandler, check_handler
from abkit.manager import ExperimentManager, expt_manager
from abkit.testing.declarations import exposed_to
from abkit.testing.forcing import forced_names, name_of


class Captured(Sequence[Exposure]):
    """The exposures that a destination would have received, in order, and the other captured events.

    It is a callable that receives an event, so that it can be a manager's `on_event`.

    Attributes:
        events: All events before deduplication.
    """

    stays_in_process = True

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event, /) -> None:
        """Receive one event."""
        self.events.append(event)

    @property
    def exposures(self) -> list[Exposure]:
        """The exposures, deduplicated like an `ExposureLogger` with default settings."""
        dedup = MemoryDedup()
        return [
            event
            for event in [*self.events]
            if isinstance(event, Exposure) and dedup.reserve(event) is not None
        ]

    @property
    def actions(self) -> list[Action]:
        """The actions, which are never deduplicated."""
        return [event for event in [*self.events] if isinstance(event, Action)]

    @property
    def identities(self) -> list[Identity]:
        """The identities, deduplicated like an `ExposureLogger` with default settings."""
        dedup = MemoryDedup()
        return [
            event
            for event in [*self.events]
            if isinstance(event, Identity) and dedup.reserve(as_exposure(event)) is not None
        ]

    def clear(self) -> None:
        """Discard the events that were captured so far."""
        self.events.clear()

    def assert_exposed(
        self,
        experiment: str | type | Holdout,
        /,
        *,
        variant: Variant | None = None,
        times: int | None = None,
        **subjects: Any,
    ) -> None:
        """Fail unless units were exposed to an experiment, or to a holdout.

        Args:
            experiment: The experiment's name or class; or a holdout, or its name.
            variant: Count only exposures to this variant; its text is sufficient. Of a holdout, "holdout" or
                "shipped".
            times: The exact number of exposures after deduplication; None: at least one.
            **subjects: Count only exposures of these, as for `log_exposure`; ids are sufficient.

        Raises:
            AssertionError: There are none, or a different number; the message lists what was captured.
            UnknownExperimentError: No experiment with this name is registered or defined.
            DeclarationError: The experiment has no such variant.
        """
        __tracebackhide__ = True
        wanted, found = self._exposures_of(experiment, variant, subjects)
        if len(found) != times if times is not None else not found:
            raise AssertionError(_message("exposed", wanted, times, len(found), self.exposures))

    def assert_not_exposed(
        self,
        experiment: str | type | Holdout,
        /,
        *,
        variant: Variant | None = None,
        **subjects: Any,
    ) -> None:
        """Fail if units were exposed to an experiment; the arguments are those of `assert_exposed`."""
        __tracebackhide__ = True
        self.assert_exposed(experiment, variant=variant, times=0, **subjects)

    def assert_tracked(
        self,
        action: str,
        /,
        *,
        properties: Mapping[str, object] | None = None,
        times: int | None = None,
        **subjects: Any,
    ) -> None:
        """Fail unless an action was tracked.

        Args:
            action: The action's name.
            properties: Count only actions with at least these properties.
            times: The exact number of actions; None: at least one.
            **subjects: Count only actions of these, as for `track`; ids are sufficient.

        Raises:
            AssertionError: There are none, or a different number; the message lists what was captured.
        """
        __tracebackhide__ = True
        needed = {} if properties is None else properties
        found = [
            event
            for event in self.actions
            if event.name == action
            and needed.items() <= event.properties.items()
            and _is_of(event, subjects)
        ]
        if len(found) != times if times is not None else not found:
            wanted = _described(action, subjects, dict(needed))
            raise AssertionError(_message("tracked", wanted, times, len(found), self.actions))

    def assert_not_tracked(
        self, action: str, /, *, properties: Mapping[str, object] | None = None, **subjects: Any
    ) -> None:
        """Fail if an action was tracked; the arguments are those of `assert_tracked`."""
        __tracebackhide__ = True
        self.assert_tracked(action, properties=properties, times=0, **subjects)

    def _exposures_of(
        self, experiment: str | type | Holdout, variant: Variant | None, subjects: Mapping[str, Any]
    ) -> tuple[str, list[Exposure]]:
        name, variant = exposed_to(experiment, variant)
        found = [
            event
            for event in self.exposures
            if event.experiment == name
            and (variant is None or variant_text(event.variant) == variant_text(variant))
            and _is_of(event, subjects)
        ]
        labels = {} if variant is None else {"variant": variant}
        return _described(name, subjects, labels), found

    @overload
    def __getitem__(self, index: int) -> Exposure: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Exposure]: ...
    def __getitem__(self, index: int | slice) -> Exposure | Sequence[Exposure]:
        return self.exposures[index]

    def __len__(self) -> int:
        return len(self.exposures)

    def __repr__(self) -> str:
        return f"<Captured {len(self)} exposures and {len(self.actions)} actions>"


@contextmanager
def captured_exposures(manager: ExperimentManager | None = None) -> Iterator[Captured]:
    """Capture the events that a manager would pass to `on_event`.

    `on_event` is not called, even if it is set inside the block. In production, a forced unit is never
    exposed. Here it is exposed if the test forced it, so that the test can check that the code of a
    forced variant logs its exposure.

    Args:
        manager: The application's manager; None: `expt_manager`.
    """
    manager = expt_manager if manager is None else manager
    captured = Captured()
    if isinstance(manager, _Capturing):
        with manager.capturing(captured):
            yield captured
        return
    own_class, handler = type(manager), manager.on_event
    manager.on_event = innermost = _Innermost()
    # Only a class of its own can keep on_event from whoever sets it.
    manager.__class__ = type(own_class.__name__, (_Capturing, own_class), {})
    vars(manager).update(_handler=handler, _innermost=innermost)
    try:
        with innermost.put(captured):
            yield captured
    finally:
        handler = manager.on_event
        manager.__class__ = own_class
        for attribute in ("_handler", "_innermost"):
            del vars(manager)[attribute]
        manager.on_event = handler


class _Innermost:
    """Gives the events to the innermost of the captures."""

    stays_in_process = True

    def __init__(self) -> None:
        self._captures: list[Captured] = []

    def __call__(self, event: Event, /) -> None:
        self._captures[-1](event)

    @contextmanager
    def put(self, captured: Captured) -> Iterator[None]:
        self._captures.append(captured)
        try:
            yield
        finally:
            self._captures.remove(captured)


class _Capturing(ExperimentManager):
    """What a manager is while it is captured."""

    _handler: EventHandler | None
    _innermost: _Innermost

    @property
    def on_event(self) -> EventHandler | None:
        """What is set, to be called again after the capture."""
        return self._handler

    @on_event.setter
    def on_event(self, handler: EventHandler | None) -> None:
        check_handler(handler)
        self._handler = handler

    def capturing(self, captured: Captured) -> AbstractContextManager[None]:
        """Let another capture have the events within."""
        return self._innermost.put(captured)

    def log_exposure(
        self,
        experiment: str | type[Experiment],
        /,
        *,
        properties: Mapping[str, object] = MappingProxyType({}),
        even_if_forced: bool = False,
        **subjects: Any,
    ) -> None:
        """As ever, but what the test forces is exposed."""
        even_if_forced = even_if_forced or name_of(experiment) in forced_names()
        super().log_exposure(
            experiment, properties=properties, even_if_forced=even_if_forced, **subjects
        )


def _is_of(event: Exposure | Action, subjects: Mapping[str, Any]) -> bool:
    if not subjects:
        return True
    user_id, groups = person_and_groups(subjects, "captured")
    return user_id in {None, event.user_id} and groups.items() <= event.groups.items()


def _described(name: str, subjects: Mapping[str, Any], labels: Mapping[str, object]) -> str:
    user_id, groups = person_and_groups(subjects, name) if subjects else (None, {})
    subjects = {**groups, **({} if user_id is None else {"user": user_id})}
    told = [f"{kind}={value!r}" for kind, value in {**labels, **subjects}.items()]
    return f"{name}({', '.join(told)})"


def _described_event(event: Exposure | Action) -> str:
    subjects = {**event.groups, **({} if event.user_id is None else {"user": event.user_id})}
    if isinstance(event, Exposure):
        return _described(event.experiment, subjects, {"variant": event.variant})
    return _described(event.name, subjects, event.properties)


def _message(
    verb: str, wanted: str, times: int | None, found: int, events: Sequence[Exposure | Action]
) -> str:
    expected = "at least once" if times is None else f"{times} times"
    captured = "".join(f"\n  {_described_event(event)}" for event in events) or " nothing"
    return f"{wanted} should be {verb} {expected}, but was {found} times. Captured:{captured}"
