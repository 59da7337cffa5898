"""What is forced on all threads, and from here on."""

import contextvars
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from abkit import ExperimentManager, OrgExperiment, Reason, force
from abkit.testing import force_everywhere
from abkit.testing.forcing import start_forcing


class Forceable(OrgExperiment):
    variants = {"0": 1, "1": 0, "2": 0}


@pytest.fixture
def manager() -> ExperimentManager:
    manager = ExperimentManager(strict=True)
    manager.add(Forceable)
    return manager


@pytest.fixture
def server() -> Iterator[ThreadPoolExecutor]:
    """A thread that runs before anything is forced."""
    with ThreadPoolExecutor(1) as server:
        server.submit(int).result()
        yield server


def test_a_thread_that_runs_already_sees_what_is_forced_everywhere(
    manager: ExperimentManager, server: ThreadPoolExecutor
) -> None:
    def ask() -> Any:
        return server.submit(manager.assign, Forceable, org=1).result()

    with force_everywhere("Forceable", "1"):
        assert (ask().variant, ask().reason) == ("1", Reason.FORCED)
        with force_everywhere(Forceable, "2"):
            assert ask().variant == "2"
        assert ask().variant == "1"
    assert ask().reason is Reason.ASSIGNED


def test_what_is_forced_here_goes_before_what_is_forced_everywhere(
    manager: ExperimentManager, server: ThreadPoolExecutor
) -> None:
    with force_everywhere("Forceable", "1"), force("Forceable", "2"):
        assert manager.get(Forceable, org=1) == "2"
        assert server.submit(manager.get, Forceable, org=1).result() == "1"


def test_it_ends_after_an_exception(manager: ExperimentManager) -> None:
    with pytest.raises(ZeroDivisionError), force_everywhere("Forceable", "1"):
        raise ZeroDivisionError
    assert manager.get(Forceable, org=1) == "0"


def test_it_forces_an_experiment_that_is_registered_later() -> None:
    manager = ExperimentManager(strict=True)
    with force_everywhere("Forceable", "1"):
        manager.add(Forceable)
        assert manager.get(Forceable, org=1) == "1"


def test_what_is_no_experiment_cannot_be_forced() -> None:
    with pytest.raises(TypeError, match="name or class"), force_everywhere(3, "1"):  # type: ignore[arg-type]
        pass


@pytest.mark.parametrize("everywhere", [False, True])
def test_forcing_can_be_ended_in_another_context(
    manager: ExperimentManager, everywhere: bool
) -> None:
    context = contextvars.copy_context()
    stop = context.run(start_forcing, "Forceable", "1", everywhere=everywhere)
    assert context.run(manager.get, Forceable, org=1) == "1"
    stop()
    assert manager.get(Forceable, org=1) == "0"
