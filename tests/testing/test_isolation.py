"""Whatever happens to an isolated manager is undone."""

from pathlib import Path
from typing import Any

import pytest

from abkit import ExperimentManager, OrgExperiment
from abkit.testing import isolated_manager


class Kept(OrgExperiment):
    variants = {"0": 1, "1": 0}


class Added(OrgExperiment):
    variants = ["a"]

    def eligible(self, org: Any) -> bool:
        raise ZeroDivisionError


def test_experiments_errors_handler_and_settings_are_as_before() -> None:
    events: list[Any] = []
    manager = ExperimentManager(on_event=events.append, strict=False)
    manager.add(Kept)
    handler = manager.on_event
    with isolated_manager(manager) as isolated:
        assert isolated is manager
        assert "Kept" in manager
        manager.clear()
        manager.add(Added)
        manager.use_settings({"Kept": {"winner": "1"}})
        manager.add(Kept)
        assert manager.get(Kept, org=1) == "1"
        manager.get(Added, org=1)
        assert manager.errors
    assert [*manager] == ["Kept"]
    assert Kept in manager
    assert Added not in manager
    assert manager.get(Kept, org=1) == "0"
    assert manager.on_event is handler
    assert not manager.errors


def test_it_is_undone_after_an_exception() -> None:
    manager = ExperimentManager(strict=True)
    with pytest.raises(ZeroDivisionError), isolated_manager(manager):
        manager.add(Kept)
        raise ZeroDivisionError
    assert len(manager) == 0


def test_settings_that_were_read_meanwhile_are_in_force(tmp_path: Path) -> None:
    file = tmp_path / "experiments.toml"
    file.write_text("")
    manager = ExperimentManager(strict=True)
    manager.use_settings(file, interval=0.0)
    manager.add(Kept)
    with isolated_manager(manager):
        file.write_text("[Kept]\nwinner = '1'\n")
        assert manager.get(Kept, org=1) == "1"
        manager.clear()
    assert manager.get(Kept, org=1) == "1"
    file.write_text("[Kept]\nenabled = false\n")
    assert manager.get(Kept, org=1) == "0"
