"""A manager whose changes are undone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from abkit.manager import ExperimentManager, expt_manager


@contextmanager
def isolated_manager(manager: ExperimentManager | None = None) -> Iterator[ExperimentManager]:
    """Undo all changes to a manager at the end: experiments, settings, errors, `on_event`.

    It starts with the manager's current state; call `clear()` to start empty. It is the same object,
    so that code which has imported it is isolated too. Threads share it.

    Args:
        manager: The application's manager; None: `expt_manager`.
    """
    manager = expt_manager if manager is None else manager
    registry = manager._registry
    attributes = [(state, {**vars(state)}) for state in (manager, registry)]
    entries, errors = {**registry.entries}, Counter(manager.errors)
    try:
        yield manager
    finally:
        for state, before in attributes:
            vars(state).clear()
            vars(state).update(before)
        registry.entries.clear()
        registry.entries.update(entries)
        manager._errors.clear()
        manager._errors.update(errors)
        _put_in_force_what_was_read_meanwhile(manager)


def _put_in_force_what_was_read_meanwhile(manager: ExperimentManager) -> None:
    registry = manager._registry
    for entry in [*registry.experiments()]:
        if registry.watch is not None:
            registry._put_under_settings(registry.watch, entry)
