"""What is captured is what a destination would have got."""

import threading
from typing import Any

import pytest

from abkit import (
    DeclarationError,
    ExperimentManager,
    Exposure,
    Holdout,
    OrgExperiment,
    UnknownExperimentError,
    UserExperiment,
    force,
)
from abkit.testing import Captured, captured_exposures


class Shown(OrgExperiment):
    variants = {"0": 1, "1": 0}
    forced = {"1": ["acme"]}


class Numbered(UserExperiment):
    variants = {1: 1, 2: 0}


@pytest.fixture
def manager() -> ExperimentManager:
    manager = ExperimentManager(strict=True)
    manager.add(Shown)
    manager.add(Numbered)
    return manager


def test_exposures_are_deduplicated_and_what_was_handed_on_is_there_too(
    manager: ExperimentManager,
) -> None:
    with captured_exposures(manager) as captured:
        for org in (1, 1, 2):
            manager.log_exposure(Shown, org=org, actor=7)
        for _ in range(2):
            manager.track("clicked", user=7)
    assert [exposure.unit_id for exposure in captured] == ["1", "2"]
    assert len(captured) == len(captured.exposures) == 2
    assert captured[0].user_id == "7"
    assert [action.name for action in captured.actions] == ["clicked", "clicked"]
    assert len(captured.events) == 5
    captured.clear()
    assert not captured.events


def test_a_change_of_the_variant_and_back_is_three_exposures(manager: ExperimentManager) -> None:
    with captured_exposures(manager) as captured:
        for variant in ("0", "1", "0"):
            with force(Shown, variant):
                manager.log_exposure(Shown, org=1)
                manager.log_exposure(Shown, org=1)
    assert [exposure.variant for exposure in captured] == ["0", "1", "0"]


def test_what_the_test_forces_is_exposed_and_what_the_declaration_forces_is_not(
    manager: ExperimentManager,
) -> None:
    with captured_exposures(manager) as captured:
        manager.log_exposure(Shown, org="acme")
        with force(Numbered, 2):
            manager.log_exposure(Shown, org="acme")
            manager.log_exposure(Numbered, user=1)
    assert [(exposure.experiment, exposure.variant) for exposure in captured] == [("Numbered", 2)]


def test_the_handler_is_as_before_or_as_it_was_set_meanwhile(manager: ExperimentManager) -> None:
    before: list[Any] = []
    later: list[Any] = []
    manager.on_event = before_handler = before.append
    with captured_exposures(manager):
        assert manager.on_event is before_handler
        manager.track("clicked", user=1)
    assert manager.on_event is before_handler
    with captured_exposures(manager) as captured:
        manager.on_event = later.append
        manager.track("clicked", user=1)
    assert type(manager) is ExperimentManager
    assert len(captured.events) == 1
    assert before == later == []
    manager.track("clicked", user=1)
    assert len(later) == 1


def test_a_capture_within_a_capture_has_the_events(manager: ExperimentManager) -> None:
    with captured_exposures(manager) as outer:
        manager.track("first", user=1)
        with captured_exposures(manager) as inner:
            manager.track("second", user=1)
        manager.track("third", user=1)
    assert [action.name for action in outer.actions] == ["first", "third"]
    assert [action.name for action in inner.actions] == ["second"]


def test_a_manager_of_a_class_of_its_own_stays_one() -> None:
    class Own(ExperimentManager):
        def log_exposure(self, *args: Any, **kwargs: Any) -> None:
            super().log_exposure(*args, properties={"page": 3}, **kwargs)

    manager = Own(strict=True)
    manager.add(Shown)
    with captured_exposures(manager) as captured:
        assert isinstance(manager, Own)
        ExperimentManager.log_exposure(manager, Shown, org=1)
    assert type(manager) is Own
    assert len(captured) == 1


def test_all_threads_are_captured(manager: ExperimentManager) -> None:
    with captured_exposures(manager) as captured:
        threads = [
            threading.Thread(target=manager.log_exposure, args=(Shown,), kwargs={"org": org})
            for org in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {exposure.unit_id for exposure in captured} == {*map(str, range(8))}


@pytest.fixture
def captured(manager: ExperimentManager) -> Captured:
    with captured_exposures(manager) as captured:
        manager.log_exposure(Shown, org=42, actor=7)
        manager.log_exposure(Numbered, user=8)
        manager.track("clicked", user=8, org=42, properties={"price": 9.5, "page": 3})
    return captured


def test_the_asserts_pass_for_what_happened(captured: Captured) -> None:
    captured.assert_exposed("Shown")
    captured.assert_exposed(Shown, org=42, variant="0", times=1)
    captured.assert_exposed("Shown", user=7)
    captured.assert_exposed(Numbered, user=8, variant="1")
    captured.assert_not_exposed(Shown, org=43)
    captured.assert_not_exposed(Shown, variant="1")
    captured.assert_tracked("clicked", org=42, properties={"price": 9.5}, times=1)
    captured.assert_not_tracked("clicked", user=7)
    captured.assert_not_tracked("clicked", properties={"price": 10})


def test_the_asserts_fail_with_what_was_captured(captured: Captured) -> None:
    with pytest.raises(AssertionError) as failed:
        captured.assert_exposed(Shown, org=43, variant="1")
    assert str(failed.value) == (
        "Shown(variant='1', org='43') should be exposed at least once, but was 0 times. Captured:\n"
        "  Shown(variant='0', org='42', user='7')\n"
        "  Numbered(variant=1, user='8')"
    )
    with pytest.raises(AssertionError, match=r"Shown\(\) should be exposed 0 times, but was 1"):
        captured.assert_not_exposed(Shown)
    with pytest.raises(AssertionError, match=r"Shown\(\) should be exposed 2 times, but was 1"):
        captured.assert_exposed(Shown, times=2)
    with pytest.raises(AssertionError, match=r"seen\(org='1'\) should be tracked at least once"):
        captured.assert_tracked("seen", org=1)
    with pytest.raises(AssertionError, match=r"tracked 0 times, but was 1 .* Captured:\n  clicked"):
        captured.assert_not_tracked("clicked", user=8)
    with pytest.raises(AssertionError, match="Captured: nothing"):
        Captured().assert_exposed(Shown)


def test_a_misspelt_experiment_or_variant_is_no_success(captured: Captured) -> None:
    with pytest.raises(UnknownExperimentError, match="Did you mean 'Shown'"):
        captured.assert_not_exposed("Show")
    with pytest.raises(UnknownExperimentError, match="Did you mean 'q3-of-the-tests'"):
        captured.assert_not_exposed("q3-of-the-test")
    with pytest.raises(DeclarationError, match="has the variants '0', '1', not '2'"):
        captured.assert_not_exposed(Shown, variant="2")


def test_it_can_be_a_managers_handler_itself() -> None:
    captured = Captured()
    manager = ExperimentManager(on_event=captured, strict=True)
    manager.add(Shown)
    manager.log_exposure(Shown, org=1)
    assert isinstance(captured[0], Exposure)
    assert repr(captured) == "<Captured 1 exposures and 0 actions>"


def test_a_class_whose_definition_failed_is_in_nobodys_way(captured: Captured) -> None:
    with pytest.raises(DeclarationError) as refused:
        type("Refused", (OrgExperiment,), {"variants": {}})
    captured.assert_not_exposed(Q3)
    del refused


Q3 = Holdout("q3-of-the-tests", 1)


class HeldOut(UserExperiment):
    variants = ["0", "1"]
    holdouts = [Q3]


def test_exposures_to_a_holdout_are_asked_for_as_those_to_an_experiment() -> None:
    manager = ExperimentManager(strict=True)
    manager.add(HeldOut)
    with captured_exposures(manager) as captured:
        manager.log_exposure(HeldOut, user=7)
    captured.assert_not_exposed(HeldOut)
    captured.assert_exposed(Q3, user=7, times=1)
    captured.assert_exposed("q3-of-the-tests", variant="holdout", user=7)
    captured.assert_not_exposed(Q3, variant="shipped")
    with pytest.raises(DeclarationError, match="has the sides 'holdout' and 'shipped', not '1'"):
        captured.assert_exposed(Q3, variant="1")
