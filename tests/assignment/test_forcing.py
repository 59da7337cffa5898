"""force() forces here and now, and nowhere else."""

import asyncio
import subprocess
import sys
import threading

import pytest

from abkit import ConfigError, ExperimentManager, OrgExperiment, Reason, force
from abkit.assignment.forcing import parse_forced


class Forceable(OrgExperiment):
    variants = {"0": 1, "1": 0}


class Numbered(OrgExperiment):
    variants = {0: 1, 1: 0}


@pytest.fixture
def forceable(manager: ExperimentManager) -> ExperimentManager:
    manager.add(Forceable)
    manager.add(Numbered)
    return manager


def test_a_forced_assignment_gives_the_variant_and_says_that_it_was_forced(
    forceable: ExperimentManager,
) -> None:
    with force("Forceable", "1"):
        assignment = forceable.assign("Forceable", org=1)
    assert (assignment.variant, assignment.reason) == ("1", Reason.FORCED)
    assert forceable.assign("Forceable", org=1).reason is Reason.ASSIGNED


def test_it_nests_and_restores_after_an_exception(forceable: ExperimentManager) -> None:
    with force("Forceable", "1"):
        with pytest.raises(ZeroDivisionError), force("Forceable", "0"), force(Numbered, 1):
            assert forceable.all(org=1) == {"Forceable": "0", "Numbered": 1}
            raise ZeroDivisionError
        assert forceable.all(org=1) == {"Forceable": "1", "Numbered": 0}
    assert forceable.get("Forceable", org=1) == "0"


def test_one_force_can_be_entered_within_itself(forceable: ExperimentManager) -> None:
    forced = force("Forceable", "1")
    with forced, forced:
        assert forceable.get("Forceable", org=1) == "1"
    assert forceable.get("Forceable", org=1) == "0"


def test_it_decorates_functions_and_coroutines_but_no_generator(
    forceable: ExperimentManager,
) -> None:
    @force("Forceable", "1")
    def ask() -> object:
        return forceable.get("Forceable", org=1)

    @force("Forceable", "1")
    async def ask_later() -> object:
        await asyncio.sleep(0)
        return forceable.get("Forceable", org=1)

    assert ask() == "1"
    assert asyncio.run(ask_later()) == "1"
    assert forceable.get("Forceable", org=1) == "0"
    with pytest.raises(TypeError, match="generator"):

        @force("Forceable", "1")
        def ask_often() -> object:
            yield forceable.get("Forceable", org=1)


def test_tasks_and_threads_do_not_see_each_others_variants(forceable: ExperimentManager) -> None:
    async def ask(variant: str | None) -> object:
        if variant is None:
            await asyncio.sleep(0.01)
            return forceable.get("Forceable", org=1)
        with force("Forceable", variant):
            await asyncio.sleep(0.02)
            return forceable.get("Forceable", org=1)

    async def ask_together() -> tuple[object, ...]:
        return (*await asyncio.gather(ask("1"), ask(None), ask("0")),)

    assert asyncio.run(ask_together()) == ("1", "0", "0")
    elsewhere: list[object] = []
    with force("Forceable", "1"):
        thread = threading.Thread(
            target=lambda: elsewhere.append(forceable.get("Forceable", org=1))
        )
        thread.start()
        thread.join()
    assert elsewhere == ["0"]


def test_threads_can_share_one_force(forceable: ExperimentManager) -> None:
    forced, seen = force("Forceable", "1"), []

    def ask() -> None:
        for _ in range(100):
            with forced:
                seen.append(forceable.get("Forceable", org=1))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == ["1"] * 400


def test_the_text_of_a_variant_forces_the_declared_variant(forceable: ExperimentManager) -> None:
    with force("Numbered", "1"):
        assert forceable.get("Numbered", org=1) == 1


def test_a_variant_that_the_experiment_does_not_have_is_refused(
    forceable: ExperimentManager,
) -> None:
    with force("Forceable", "typo"), pytest.raises(ValueError, match="has the variants '0', '1'"):
        forceable.get("Forceable", org=1)


def test_what_is_no_experiment_cannot_be_forced() -> None:
    with pytest.raises(TypeError, match="name or class"):
        force(3, "1")  # type: ignore[arg-type]


PROGRAM = """
from abkit import ExperimentManager, OrgExperiment
class Forceable(OrgExperiment):
    variants = {"0": 1, "1": 0}
manager = ExperimentManager(strict=True)
manager.add(Forceable)
print(manager.get("Forceable", org=1))
"""


@pytest.mark.parametrize(("text", "given"), [("Forceable=1, Other=0", "1"), ("", "0")])
def test_the_environment_forces_a_whole_process(text: str, given: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={"ABKIT_FORCE": text},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == given


@pytest.mark.parametrize("text", ["Forceable", "Forceable=", "=1"])
def test_a_broken_text_in_the_environment_is_an_error(text: str) -> None:
    with pytest.raises(ConfigError, match="Experiment=variant"):
        parse_forced(text)
