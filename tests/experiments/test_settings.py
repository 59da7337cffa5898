"""Settings change experiments without a deploy, and a broken file changes nothing."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from abkit import ConfigError, DeclarationError, ExperimentManager, OrgExperiment, Reason
from abkit.experiments.settings import SettingsFile, SettingsMapping, apply


class Ramped(OrgExperiment):
    variants = {"0": 1, "1": 1}
    rollout = 0.5


class Numbered(OrgExperiment):
    variants = {0: 1, 1: 1}


def write(path: Path, text: str) -> Path:
    """Write a file so that its stamp changes however coarse the file system's clock is."""
    path.write_text(text)
    os.utime(path, ns=(0, write.calls))  # type: ignore[attr-defined]
    write.calls += 1  # type: ignore[attr-defined]
    return path


write.calls = 1  # type: ignore[attr-defined]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiments.toml"


def managed(settings: Any) -> ExperimentManager:
    manager = ExperimentManager(strict=True)
    manager.add(Ramped)
    manager.use_settings(settings, interval=0.0)
    manager.add(Numbered)
    return manager


def test_a_file_that_does_not_exist_changes_nothing_until_it_does(path: Path) -> None:
    manager = managed(path)
    assert manager.declaration("Ramped") == Ramped.declaration
    write(path, "[Ramped]\nenabled = false")
    assert manager.assign("Ramped", org=1).reason is Reason.INACTIVE
    path.unlink()
    manager.get("Ramped", org=1)
    assert manager.declaration("Ramped") == Ramped.declaration


def test_each_key_changes_what_it_says(path: Path) -> None:
    manager = managed(path)
    write(path, "[Ramped]\nrollout = 0.0")
    assert manager.assign("Ramped", org=1).reason is Reason.NOT_ENROLLED
    write(path, '[Ramped]\nforced = { "1" = ["acme"] }')
    assert manager.get("Ramped", org="acme") == "1"
    assert manager.assign("Ramped", org="acme").reason is Reason.FORCED
    write(path, '[Ramped]\nwinner = "1"\n[Numbered]\nwinner = "1"')
    assert manager.get("Ramped", org=1) == "1"
    assert manager.get("Numbered", org=1) == 1
    assert manager.assign("Numbered", org=1).reason is Reason.INACTIVE


def test_rolling_back_after_a_winner_gives_the_default(path: Path) -> None:
    manager = managed(path)
    write(path, '[Ramped]\nenabled = false\nwinner = "1"')
    assert manager.get("Ramped", org=1) == "0"


def test_a_json_file_and_a_mapping_that_the_application_changes_work_too(tmp_path: Path) -> None:
    by_file = managed(write(tmp_path / "s.json", json.dumps({"Ramped": {"enabled": False}})))
    kept: dict[str, Any] = {"Ramped": {"enabled": False}}
    by_mapping = managed(kept)
    for manager in (by_file, by_mapping):
        assert manager.assign("Ramped", org=1).reason is Reason.INACTIVE
    kept["Ramped"]["enabled"] = True
    assert by_mapping.assign("Ramped", org=1).reason is not Reason.INACTIVE


def test_all_and_log_exposure_see_the_change_too(path: Path) -> None:
    events: list[object] = []
    manager = managed(path)
    manager.on_event = events.append
    write(path, '[Ramped]\nwinner = "1"\n[Numbered]\nenabled = false')
    manager.log_exposure("Ramped", org=1)
    assert events == []
    assert manager.all(org=1) == {"Ramped": "1", "Numbered": 0}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[Ramped", "is no TOML"),
        ("Ramped = 3", "must be a table"),
        ('[Ramped]\nsalt = "new"', "settings cannot change"),
        ('[Ramped]\nenabled = "no"', "enabled must be true or false"),
        ("[Ramped]\nrollout = 2.0", "share from 0 to 1"),
        ('[Ramped]\nwinner = "2"', "has the variants '0', '1', not '2'"),
        ('[Ramped]\nforced = { "1" = "acme" }', "list of unit ids"),
    ],
)
def test_what_is_broken_keeps_the_last_good_settings_and_is_logged_once(
    path: Path, text: str, says: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(path, "[Ramped]\nrollout = 0.25")
    manager = managed(path)
    with caplog.at_level(logging.ERROR, "abkit"):
        for _ in range(3):
            write(path, text)
            manager.get("Ramped", org=1)
    assert manager.declaration("Ramped").rollout == 0.25
    assert len(caplog.records) == 1
    assert says in caplog.text
    write(path, "[Ramped]\nrollout = 0.75")
    manager.get("Ramped", org=1)
    assert manager.declaration("Ramped").rollout == 0.75


def test_a_file_is_looked_at_once_per_interval(path: Path) -> None:
    manager = ExperimentManager(settings=path, strict=True)
    manager.add(Ramped)
    manager.use_settings(path, interval=3600)
    write(path, "[Ramped]\nenabled = false")
    assert manager.assign("Ramped", org=1).reason is not Reason.INACTIVE


def test_ramping_by_settings_keeps_every_enrolled_unit_where_it_is(path: Path) -> None:
    manager = managed(path)
    seen: dict[int, Any] = {}
    for rollout in (0.1, 0.5, 1.0):
        write(path, f"[Ramped]\nrollout = {rollout}")
        for org in range(300):
            assignment = manager.assign("Ramped", org=org)
            if org in seen:
                assert assignment.enrolled
                assert assignment.variant == seen[org]
            elif assignment.enrolled:
                seen[org] = assignment.variant
    assert len(seen) == 300


def test_a_settings_file_is_toml_or_json() -> None:
    with pytest.raises(ConfigError, match=r"\.toml or \.json"):
        SettingsFile("settings.yaml")


def test_a_mapping_of_another_form_is_refused() -> None:
    with pytest.raises(ConfigError, match="must be a table"):
        SettingsMapping({"Ramped": 3}).read()  # type: ignore[dict-item]


def test_amplitudes_bucketing_keeps_whole_percentages() -> None:
    class Amplified(OrgExperiment):
        variants = ["a", "b"]
        bucketing = "amplitude"

    assert apply(Amplified.declaration, {"rollout": 0.25}).rollout == 0.25
    with pytest.raises(DeclarationError, match="whole percentages"):
        apply(Amplified.declaration, {"rollout": 0.255})
