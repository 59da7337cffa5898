"""Settings change experiments without a deploy, and a broken file changes nothing."""

import json
import logging
import os
import threading
import warnings
from pathlib import Path
from typing import Any

import pytest

from abkit import ConfigError, DeclarationError, ExperimentManager, OrgExperiment, Reason
from abkit.experiments.deciding.settings import SettingsFile, SettingsMapping, apply


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


class Source:
    """Does what it is told: gives settings, or raises; counts how often it was read."""

    def __init__(self, found: Any = None) -> None:
        self.found = found
        self.reads = 0
        self.read_once = threading.Event()

    def read(self) -> Any:
        self.reads += 1
        try:
            if isinstance(self.found, Exception):
                raise self.found
            return self.found() if callable(self.found) else self.found
        finally:
            self.read_once.set()

    def next_read(self, manager: ExperimentManager) -> None:
        """Have it read by a request, and wait until that is over."""
        self.read_once.clear()
        # A look that an earlier request has begun may still go on: then this one begins none.
        assert any(self._is_read_after_a_request(manager) for _ in range(200))
        watch = manager._registry.watch
        assert watch is not None
        with watch._turn:
            pass

    def _is_read_after_a_request(self, manager: ExperimentManager) -> bool:
        manager.get("Ramped", org=1)
        return self.read_once.wait(0.1)


def lenient(source: Any) -> ExperimentManager:
    manager = ExperimentManager(strict=False)
    manager.add(Ramped)
    manager.use_settings(source, interval=0.0)
    return manager


def deep() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(100_000):
        found = {"a": found}
    return found


class Odd:
    def __eq__(self, other: object) -> bool:
        raise ArithmeticError("ambiguous")

    __hash__ = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("found", "kind"),
    [
        (ConnectionError("cache is gone"), "ConnectionError"),
        (ConfigError("not today"), "ConfigError"),
        (RecursionError("deep"), "RecursionError"),
        (MemoryError(), "MemoryError"),
        (["Ramped"], "ConfigError"),
        ({"Ramped": ["rollout"]}, "ConfigError"),
        ({"Ramped": {"rollout": 10**5_000}}, None),
        ({"Ramped": {"winner": ["1"]}}, None),
        ({"Ramped": {"winner": Odd()}}, None),
        ({"Ramped": {"forced": {"1": Odd()}}}, None),
        ({"Ramped": {"forced": Odd()}}, None),
        ({"Ramped": {"enabled": deep()}}, None),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else value,
)
def test_whatever_a_source_gives_or_raises_no_request_sees_it(
    found: Any, kind: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[object] = []
    source = Source({"Ramped": {"rollout": 0.25}})
    manager = lenient(source)
    source.found = found
    with caplog.at_level(logging.ERROR, "abkit"):
        for _ in range(3):
            source.next_read(manager)
            manager.assign("Ramped", org=1)
            manager.all(org=1)
            manager.on_event = events.append
            manager.log_exposure("Ramped", org=1)
    assert manager.declaration("Ramped").rollout == 0.25
    assert len(caplog.records) == 1
    assert {what for what, _ in manager.errors} == {"settings"}
    if kind is not None:
        assert manager.errors["settings", kind] >= 3


def test_a_source_that_works_again_is_noticed_and_its_next_failure_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    source = Source(ConnectionError("at 12:00"))
    with caplog.at_level(logging.INFO, "abkit"):
        manager = lenient(source)
        source.found = ConnectionError("at 12:01")
        source.next_read(manager)
        source.found = None
        source.next_read(manager)
        source.found = ConnectionError("at 12:02")
        source.next_read(manager)
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO", "ERROR"]
    assert "can be read again" in caplog.text


def test_no_request_waits_for_a_source_that_hangs() -> None:
    source, released = Source(), threading.Event()
    manager = lenient(source)

    def hang() -> dict[str, Any]:
        released.wait(30)
        return {"Ramped": {"enabled": False}}

    source.found = hang
    for _ in range(100):
        assert manager.assign("Ramped", org=1).reason is not Reason.INACTIVE
    assert source.reads == 2
    released.set()
    assert source.read_once.wait(10)
    source.next_read(manager)
    assert manager.assign("Ramped", org=1).reason is Reason.INACTIVE


def test_a_child_that_is_forked_while_the_source_is_read_looks_itself() -> None:
    source, released = Source(), threading.Event()
    manager = lenient(source)
    source.found = lambda: released.wait(30) and None
    manager.get("Ramped", org=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork of many threads
        child = os.fork()
    if child == 0:
        source.found = {"Ramped": {"enabled": False}}
        source.next_read(manager)
        os._exit(0 if manager.assign("Ramped", org=1).reason is Reason.INACTIVE else 1)
    released.set()
    assert os.waitpid(child, 0)[1] == 0


def test_a_strict_manager_raises_what_the_source_raises_but_not_what_its_settings_say() -> None:
    manager = ExperimentManager(strict=True)
    manager.add(Ramped)
    source = Source({"Ramped": {"rollout": 2.0}})
    manager.use_settings(source, interval=0.0)
    manager.get("Ramped", org=1)
    source.found = ZeroDivisionError("a mistake in the source")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            manager.get("Ramped", org=1)
    source.found = {"Ramped": {"enabled": False}}
    assert manager.assign("Ramped", org=1).reason is Reason.INACTIVE


@pytest.mark.parametrize(
    ("suffix", "text", "says"),
    [
        (".json", "[" * 100_000, "nested too deeply"),
        (".json", '{"Ramped": ' * 100_000, "nested too deeply"),
        (".json", '{"Ramped": {"rollout": ' + "1" * 5_000 + "}}", "is no JSON"),
        (".toml", "[Ramped]\nrollout = " + "[" * 100_000, "nested too deeply"),
        (".toml", "[Ramped]\nrollout = " + "1" * 5_000, "is no TOML"),
    ],
    ids=["json list", "json object", "json number", "toml list", "toml number"],
)
def test_a_file_that_no_parser_takes_is_an_error_of_ours(
    tmp_path: Path, suffix: str, text: str, says: str
) -> None:
    path = tmp_path / f"settings{suffix}"
    path.write_text(text)
    file = SettingsFile(path)
    for _ in range(2):  # It does not become right by being looked at.
        with pytest.raises(ConfigError, match=says):
            file.read()


def test_a_pipe_is_no_settings_file(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="no regular file"):
        SettingsFile(path).read()


def test_a_file_that_is_mended_to_what_it_was_is_logged_when_it_breaks_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    manager = managed(write(path, "[Ramped]\nrollout = 0.25"))
    with caplog.at_level(logging.ERROR, "abkit"):
        for text in ("[Ramped", "[Ramped]\nrollout = 0.25", "[Ramped"):
            write(path, text)
            manager.get("Ramped", org=1)
            manager.get("Ramped", org=1)
    assert len(caplog.records) == 2
    assert manager.errors["settings", "ConfigError"] == 4


def test_a_list_of_forced_units_that_the_application_changes_is_noticed() -> None:
    kept: dict[str, Any] = {"Ramped": {"forced": {"1": []}}}
    manager = managed(kept)
    kept["Ramped"]["forced"]["1"].append("acme")
    assert manager.assign("Ramped", org="acme").reason is Reason.FORCED
