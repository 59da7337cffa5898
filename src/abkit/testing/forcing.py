"""Forced variants from here on, and on all threads."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import wraps
from types import MappingProxyType
from typing import Any, Protocol

from abkit.assignment.forcing import force, forced_here
from abkit.events import Variant
from abkit.manager import ExperimentManager

_ASKED = ("get", "assign", "all", "log_exposure")
"""The methods of a manager that decide."""


class ForceVariant(Protocol):
    """The type of the fixture `force_variant`."""

    def __call__(
        self, experiment: str | type, variant: Variant, *, everywhere: bool = False
    ) -> None:
        """Force a variant until the end of the test.

        Args:
            experiment: The experiment's name or class.
            variant: One of its variants, or its text.
            everywhere: In all threads of the process, not only in this thread and task.

        Raises:
            UnknownExperimentError: No experiment with this name is registered or defined.
            DeclarationError: The experiment has no such variant.
        """


def start_forcing(
    experiment: str | type, variant: Variant, *, everywhere: bool = False
) -> Callable[[], None]:
    """Force a variant from here on.

    Args:
        experiment: The experiment's name, or its class. It is not looked up: it may be registered later.
        variant: The variant that `get` shall give.
        everywhere: In all threads of the process.

    Returns:
        What ends it; it may be called in another context, but in the same thread.
    """
    if everywhere:
        with ExitStack() as stack:
            stack.enter_context(force_everywhere(experiment, variant))
            return stack.pop_all().close
    # Not ended by its __exit__, which would have to run in the context of its __enter__.
    before = forced_here.get()
    force(experiment, variant).__enter__()

    def stop() -> None:
        forced_here.set(before)

    return stop


def forced_names() -> frozenset[str]:
    """The experiments that a test forces, as this thread and task sees it."""
    return frozenset((*_on_all_threads.variants, *(forced_here.get() or ())))


@contextmanager
def force_everywhere(experiment: str | type, variant: Variant) -> Iterator[None]:
    """Force a variant in all threads of the process, including those that are already running.

    Use it for code under test that runs in its own threads, such as a live server. In a thread, `force`
    takes precedence. Tests that run in parallel threads would see each other's forced variants.

    Args:
        experiment: The experiment's name or class.
        variant: The variant that `get` should return.
    """
    force(experiment, variant)  # It refuses what is no experiment.
    with _on_all_threads.lock:
        before = _on_all_threads.variants
        _on_all_threads.put({**before, name_of(experiment): variant})
    try:
        yield
    finally:
        with _on_all_threads.lock:
            _on_all_threads.put(before)


def name_of(experiment: str | type) -> str:
    """The name of an experiment, given that or its class."""
    return experiment if isinstance(experiment, str) else str(getattr(experiment, "name", None))


class _OnAllThreads:
    """What is forced on all threads: each manager that is asked forces it where it is asked."""

    def __init__(self) -> None:
        self.variants: Mapping[str, Variant] = MappingProxyType({})
        self.lock = threading.Lock()
        self._originals = {name: getattr(ExperimentManager, name) for name in _ASKED}

    def put(self, variants: Mapping[str, Variant]) -> None:
        self.variants = variants
        for name, method in self._originals.items():
            setattr(ExperimentManager, name, self._forcing(method) if variants else method)

    def _forcing(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def ask(*args: Any, **kwargs: Any) -> Any:
            token = forced_here.set({**self.variants, **(forced_here.get() or {})})
            try:
                return method(*args, **kwargs)
            finally:
                forced_here.reset(token)

        return ask


_on_all_threads = _OnAllThreads()
