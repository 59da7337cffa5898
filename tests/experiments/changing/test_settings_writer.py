"""Settings change in one step, under a lock, checked and recorded; what goes wrong changes nothing."""

import datetime as dt
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit import ExperimentManager
from abkit.errors import ConfigError, DeclarationError, SettingsChangedError
from abkit.experiments.changing import file_replacement, settings_writer
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, ChangeOutcome
from abkit.experiments.changing.settings_change import (
    SettingsChange,
    concluded,
    frozen_to,
    ramped,
    switched_off,
)
from abkit.experiments.changing.settings_writer import SettingsWriter

from .declared import BUTTONS, COLOURS, Buttons

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "experiments.toml"


@pytest.fixture
def writer(path: Path) -> SettingsWriter:
    return SettingsWriter(path, now=lambda: NOON)


def change(keys: Mapping[str, Any], **others: Any) -> SettingsChange:
    return SettingsChange("Buttons", keys, **{"who": "ada", **others})


class MemoryLog:
    """An audit log that does something when a record comes."""

    def __init__(self, then: Any = lambda _record: None) -> None:
        self.records: list[AuditRecord] = []
        self.then = then

    def append(self, record: AuditRecord, /) -> None:
        self.then(record)
        self.records.append(record)

    def read(self) -> AuditTrail:
        return AuditTrail((*{each.id: each for each in self.records}.values(),))


def test_a_change_is_in_force_and_recorded(writer: SettingsWriter, path: Path) -> None:
    made = writer.write(change(ramped(BUTTONS, 0.5), why="Monday"), BUTTONS)
    assert tomllib.loads(path.read_text()) == {"Buttons": {"enabled": True, "rollout": 0.5}}
    assert made is not None
    assert made == AuditRecord(
        id=made.id,
        time=NOON,
        experiment="Buttons",
        who="ada",
        why="Monday",
        before={},
        after={"enabled": True, "rollout": 0.5},
        outcome=ChangeOutcome.WRITTEN,
    )
    assert writer.audit_log.read() == AuditTrail((made,))
    assert sorted(each.name for each in path.parent.iterdir()) == [
        ".experiments.toml.lock",
        "experiments.audit.jsonl",
        "experiments.toml",
    ]


def test_an_application_sees_each_change(writer: SettingsWriter, path: Path) -> None:
    manager = ExperimentManager(settings=path)
    manager.add(Buttons)
    for keys, sees in (
        (concluded(BUTTONS, "new"), "new"),
        (switched_off(), "old"),
        ({"forced": {"new": [42]}, "enabled": True}, "new"),
    ):
        writer.write(change(keys), BUTTONS)
        manager.use_settings(path, interval=0.0)
        assert manager.get("Buttons", org=42) == sees


def test_a_change_that_changes_nothing_is_not_recorded(writer: SettingsWriter, path: Path) -> None:
    path.write_text("[Buttons]\nenabled = true\nrollout = 1\n")
    assert writer.write(change(ramped(BUTTONS, 1.0)), BUTTONS) is None
    assert writer.audit_log.read() == AuditTrail()
    assert path.read_text() == "[Buttons]\nenabled = true\nrollout = 1\n"


def test_the_other_experiments_and_the_comments_stay(writer: SettingsWriter, path: Path) -> None:
    path.write_text("# kept\n[Colours]\nrollout = 0.75 # meant\n")
    writer.write(change(switched_off()), BUTTONS)
    assert path.read_text().startswith("# kept\n[Colours]\nrollout = 0.75 # meant\n")


def test_what_the_experiment_cannot_have_is_refused(writer: SettingsWriter, path: Path) -> None:
    path.write_text("[Buttons]\nrollout = 0.5\n")
    for keys, says in (
        ({"winner": "green"}, "has the variants 'old', 'new'"),
        ({"rollout": 7}, "share from 0 to 1"),
        ({"frozen": True}, "cannot be frozen"),
        ({"forced": {"new": "acme"}}, "must be a list of unit ids"),
    ):
        with pytest.raises(DeclarationError, match=says):
            writer.write(change(keys), BUTTONS)
    with pytest.raises(ConfigError, match="'weights', which settings cannot change"):
        writer.write(change({"weights": [1, 2]}), BUTTONS)
    with pytest.raises(DeclarationError, match="is not the experiment that the change is about"):
        writer.write(change({"rollout": 1.0}), COLOURS)
    with pytest.raises(DeclarationError, match="cannot be frozen"):
        frozen_to(BUTTONS, frozen=True)
    assert frozen_to(BUTTONS, frozen=False) == {"frozen": None}
    assert path.read_text() == "[Buttons]\nrollout = 0.5\n"
    assert writer.audit_log.read() == AuditTrail()


class TestTwoPeople:
    def test_the_second_sees_what_the_first_did(self, writer: SettingsWriter, path: Path) -> None:
        seen = writer.settings_of("Buttons")
        writer.write(change(ramped(BUTTONS, 0.5), seen=seen), BUTTONS)
        with pytest.raises(SettingsChangedError, match="rollout was not set and is 0.5") as caught:
            writer.write(change(switched_off(), seen=seen, who="bob"), BUTTONS)
        assert caught.value.present == {"enabled": True, "rollout": 0.5}
        assert tomllib.loads(path.read_text())["Buttons"]["enabled"] is True

    def test_who_changes_another_experiment_is_in_nobodys_way(self, writer: SettingsWriter) -> None:
        seen = writer.settings_of("Buttons")
        writer.write(SettingsChange("Colours", {"rollout": 0.5}, who="bob"), COLOURS)
        assert writer.write(change(switched_off(), seen=seen), BUTTONS) is not None

    def test_an_editor_that_knows_no_lock_loses_nothing(self, path: Path) -> None:
        edited = "[Colours]\nenabled = false\n"
        log = MemoryLog(lambda record: path.write_text(edited))
        with pytest.raises(ConfigError, match="changed by somebody else just now"):
            SettingsWriter(path, audit_log=log).write(change(switched_off()), BUTTONS)
        assert path.read_text() == edited
        assert [each.outcome for each in log.records] == [
            ChangeOutcome.BEGUN,
            ChangeOutcome.FAILED,
        ]

    def test_threads_lose_nothing(self, writer: SettingsWriter, path: Path) -> None:
        def ramp(name: str) -> None:
            declared = BUTTONS._replace(name=name)
            for share in (0.1, 0.2, 0.3, 0.4, 0.5):
                writer.write(SettingsChange(name, {"rollout": share}, who=name), declared)

        threads = [threading.Thread(target=ramp, args=(f"E{number}",)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = tomllib.loads(path.read_text())
        assert found == {f"E{number}": {"rollout": 0.5} for number in range(6)}
        assert len(writer.audit_log.read().records) == 30

    def test_processes_lose_nothing(self, writer: SettingsWriter, path: Path) -> None:
        with ExitStack() as stack:
            started = [
                stack.enter_context(started_process(CHANGES, path, f"E{number}", "20"))
                for number in range(3)
            ]
            assert [each.wait(60) for each in started] == [0, 0, 0]
        found = tomllib.loads(path.read_text())
        assert found == {f"E{number}": {"rollout": 1.0} for number in range(3)}
        trail = writer.audit_log.read()
        assert (len(trail.records), trail.damaged) == (60, ())
        assert {each.outcome for each in trail.records} == {ChangeOutcome.WRITTEN}

    def test_nobody_waits_for_ever(
        self, writer: SettingsWriter, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(file_replacement, "PATIENCE", 0.0)
        with (
            file_replacement.locked(path),
            pytest.raises(ConfigError, match="is being changed by somebody else"),
        ):
            writer.write(change(switched_off()), BUTTONS)
        assert writer.write(change(switched_off()), BUTTONS) is not None

    def test_a_drive_that_has_no_locks_can_be_written(
        self, writer: SettingsWriter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def flock(_file: int, _how: int) -> None:
            raise OSError(code, os.strerror(code))

        monkeypatch.setattr("fcntl.flock", flock)
        code = errno.ENOLCK
        assert writer.write(change(switched_off()), BUTTONS) is not None
        code = errno.EIO
        with pytest.raises(ConfigError, match="cannot be locked"):
            writer.write(change(ramped(BUTTONS, 1.0)), BUTTONS)


CHANGES = """
import sys
from abkit.experiments.changing.settings_change import SettingsChange
from abkit.experiments.changing.settings_writer import SettingsWriter
from tests.experiments.changing.declared import BUTTONS

path, name, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
writer, declared = SettingsWriter(path), BUTTONS._replace(name=name)
print("ready", flush=True)
for number in range(1, times + 1):
    writer.write(SettingsChange(name, {"rollout": number / times}, who=name), declared)
"""

DIES = """
import os, signal, sys
from abkit.experiments.changing.file_audit_log import FileAuditLog
from abkit.experiments.changing.settings_change import SettingsChange, switched_off
from abkit.experiments.changing.settings_writer import SettingsWriter
from tests.experiments.changing.declared import BUTTONS
from pathlib import Path

class Deadly(FileAuditLog):
    def append(self, record):
        if record.outcome == sys.argv[2]:
            os.kill(os.getpid(), signal.SIGKILL)
        super().append(record)

path = Path(sys.argv[1])
log = Deadly.beside(path)
SettingsWriter(path, audit_log=log).write(SettingsChange("Buttons", switched_off(), who="eve"), BUTTONS)
"""

ROOT = Path(__file__).parents[3]


def started_process(script: str, *arguments: object) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


class TestKilled:
    """`kill -9` leaves the old file or the new one, and does not keep the next one from writing."""

    @pytest.mark.parametrize(
        ("at", "enabled", "records"), [("begun", True, 0), ("written", False, 1)]
    )
    def test_beside_the_replacement(
        self, writer: SettingsWriter, path: Path, at: str, enabled: bool, records: int
    ) -> None:
        path.write_text("[Buttons]\nenabled = true\n")
        with started_process(DIES, path, at) as process:
            assert process.wait(60) == -signal.SIGKILL
        assert tomllib.loads(path.read_text()) == {"Buttons": {"enabled": enabled}}
        found = writer.audit_log.read().records
        assert [each.outcome for each in found] == [ChangeOutcome.BEGUN] * records
        writer.write(change(ramped(BUTTONS, 0.5)), BUTTONS)
        assert [each.name for each in path.parent.glob(".*")] == [".experiments.toml.lock"]

    def test_what_is_in_force_of_an_interrupted_change_can_be_undone(
        self, writer: SettingsWriter, path: Path
    ) -> None:
        path.write_text("[Buttons]\nenabled = true\n")
        with started_process(DIES, path, "written") as process:
            process.wait(60)
        (found,) = writer.audit_log.read().records
        writer.write(writer.undoing(found.id, who="ada"), BUTTONS)
        assert path.read_text() == "[Buttons]\nenabled = true\n"

    @pytest.mark.parametrize("after", [0.0, 0.003, 0.011, 0.027, 0.05])
    def test_at_any_time(self, writer: SettingsWriter, path: Path, after: float) -> None:
        path.write_text("# kept\n[Buttons]\nenabled = true\n")
        with started_process(CHANGES, path, "Other", "100000") as process:
            assert process.stdout is not None
            process.stdout.readline()
            threading.Event().wait(after)
            process.kill()
        text = path.read_text()
        assert text.startswith("# kept\n[Buttons]\nenabled = true\n")
        present = tomllib.loads(text).get("Other", {})
        last = [(each.before, each.after) for each in writer.audit_log.read().records[-1:]]
        assert present in (last[0] if last else ({},))
        assert writer.write(change(switched_off()), BUTTONS) is not None
        assert writer.audit_log.read().records[-1].outcome is ChangeOutcome.WRITTEN


class TestUndo:
    def test_it_takes_a_change_back(self, writer: SettingsWriter, path: Path) -> None:
        path.write_text("# kept\n[Buttons]\nwinner = 'new' # Monday\nenabled = true\n")
        made = writer.write(change(switched_off()), BUTTONS)
        assert made is not None
        back = writer.write(writer.undoing(made.id, who="bob", why="wrong one"), BUTTONS)
        assert back is not None
        assert tomllib.loads(path.read_text()) == {"Buttons": {"winner": "new", "enabled": True}}
        assert (back.who, back.why, back.undoes) == ("bob", "wrong one", made.id)

    def test_an_undo_can_be_undone(self, writer: SettingsWriter) -> None:
        made = writer.write(change(switched_off()), BUTTONS)
        assert made is not None
        back = writer.write(writer.undoing(made.id, who="ada"), BUTTONS)
        assert back is not None
        writer.write(writer.undoing(back.id, who="ada"), BUTTONS)
        assert writer.settings_of("Buttons") == {"enabled": False}

    def test_what_was_changed_since_is_not_overwritten(self, writer: SettingsWriter) -> None:
        made = writer.write(change(ramped(BUTTONS, 0.1)), BUTTONS)
        later = writer.write(change(ramped(BUTTONS, 0.5), who="bob"), BUTTONS)
        assert made is not None
        assert later is not None
        with pytest.raises(SettingsChangedError) as caught:
            writer.undoing(made.id, who="ada")
        assert "rollout was 0.1 and is 0.5." in str(caught.value)
        assert caught.value.since == (
            f"The last change is {later.id}, by bob at 2026-03-02 12:00 UTC."
        )

    def test_nor_is_what_is_changed_between_asking_and_writing(
        self, writer: SettingsWriter
    ) -> None:
        made = writer.write(change(ramped(BUTTONS, 0.1)), BUTTONS)
        assert made is not None
        undo = writer.undoing(made.id, who="ada")
        writer.write(change(ramped(BUTTONS, 0.5), who="bob"), BUTTONS)
        with pytest.raises(SettingsChangedError):
            writer.write(undo, BUTTONS)

    def test_what_was_not_made_cannot_be_undone(self, writer: SettingsWriter, path: Path) -> None:
        with pytest.raises(ConfigError, match="has no change 'nothing'"):
            writer.undoing("nothing", who="ada")
        log = MemoryLog(lambda _record: path.write_text("# edited\n"))
        careless = SettingsWriter(path, audit_log=log)
        with pytest.raises(ConfigError):
            careless.write(change(switched_off()), BUTTONS)
        with pytest.raises(ConfigError, match="was not made"):
            careless.undoing(log.records[0].id, who="ada")

    keys = st.fixed_dictionaries(
        {},
        optional={
            "enabled": st.one_of(st.none(), st.booleans()),
            "rollout": st.one_of(st.none(), st.floats(0, 1)),
            "winner": st.sampled_from([None, "old", "new"]),
            "forced": st.sampled_from([None, {"new": ["a", "b"]}, {"old": ["a"], "new": []}]),
        },
    )

    @pytest.mark.parametrize("suffix", [".toml", ".json"])
    def test_undoing_all_from_the_last_one_restores_all(
        self, suffix: str, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        @given(st.lists(self.keys, max_size=5))
        def restores(changes: list[Mapping[str, Any]]) -> None:
            path = tmp_path_factory.mktemp("undo") / f"experiments{suffix}"
            log = MemoryLog()
            writer = SettingsWriter(path, audit_log=log)
            states = [writer.settings_of("Buttons")]
            made = []
            for each in changes:
                if (record := writer.write(change(each), BUTTONS)) is not None:
                    made.append(record)
                    states.append(writer.settings_of("Buttons"))
            for record in reversed(made):
                assert writer.settings_of("Buttons") == states.pop()
                writer.write(writer.undoing(record.id, who="ada"), BUTTONS)
            assert writer.settings_of("Buttons") == states.pop() == {}

        restores()


class TestHostileFiles:
    """Each is refused with a sentence, or works; none is replaced by something else."""

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"[Buttons", "is no TOML"),
            (b"\xef\xbb\xbf[Buttons]\n", "byte order mark"),
            (b"\xff\xfe", "cannot be read"),
            (b"Buttons = 3\n", "must be a table with enabled"),
            (b"[Buttons]\nweights = 3\n", "settings cannot change"),
            (b"a = " + b"[" * 20_000, "nested too deeply|is no TOML"),
        ],
    )
    def test_what_is_no_settings_file(
        self, writer: SettingsWriter, path: Path, content: bytes, says: str
    ) -> None:
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=says):
            writer.write(change(switched_off()), BUTTONS)
        assert path.read_bytes() == content

    @pytest.mark.parametrize("content", [b"{", b"[]", b'\xef\xbb\xbf{"Buttons": {}}'])
    def test_what_is_no_json(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "experiments.json"
        path.write_bytes(content)
        with pytest.raises(ConfigError, match=r"experiments\.json"):
            SettingsWriter(path).write(change(switched_off()), BUTTONS)
        assert path.read_bytes() == content

    def test_line_ends_of_windows_stay(self, writer: SettingsWriter, path: Path) -> None:
        path.write_bytes(b"# kept\r\n[Buttons]\r\nenabled = true\r\n")
        writer.write(change(switched_off()), BUTTONS)
        assert path.read_bytes() == b"# kept\r\n[Buttons]\r\nenabled = false\r\n"

    def test_a_file_that_is_read_only(self, writer: SettingsWriter, path: Path) -> None:
        path.write_text("[Buttons]\n")
        path.chmod(0o444)
        with pytest.raises(ConfigError, match="it is read-only"):
            writer.write(change(switched_off()), BUTTONS)
        assert path.read_text() == "[Buttons]\n"

    def test_a_folder_and_a_pipe(self, writer: SettingsWriter, path: Path) -> None:
        path.mkdir()
        with pytest.raises(ConfigError, match="no regular file"):
            writer.write(change(switched_off()), BUTTONS)
        path.rmdir()
        os.mkfifo(path)
        with pytest.raises(ConfigError, match="no regular file"):
            writer.write(change(switched_off()), BUTTONS)

    def test_a_folder_in_the_place_of_the_lock_or_the_log(
        self, writer: SettingsWriter, path: Path
    ) -> None:
        (path.parent / "experiments.audit.jsonl").mkdir()
        with pytest.raises(ConfigError, match="audit log .* cannot be written"):
            writer.write(change(switched_off()), BUTTONS)
        assert not path.exists()
        (path.parent / ".experiments.new.toml").mkdir()
        with pytest.raises(ConfigError, match=r"cannot be changed: \.experiments\.new\.toml"):
            writer.write(change(switched_off()), BUTTONS)

    def test_a_link_is_followed_and_stays_a_link(self, tmp_path: Path) -> None:
        (tmp_path / "shared").mkdir()
        real, link = tmp_path / "shared" / "real.toml", tmp_path / "experiments.toml"
        real.write_text("# kept\n")
        link.symlink_to(real)
        writer = SettingsWriter(link)
        writer.write(change(switched_off()), BUTTONS)
        assert link.is_symlink()
        assert real.read_text().startswith("# kept\n")
        assert tomllib.loads(real.read_text()) == {"Buttons": {"enabled": False}}
        assert len(SettingsWriter(real).audit_log.read().records) == 1
        real.unlink()
        link.unlink()
        link.symlink_to(link)
        with pytest.raises(ConfigError, match="cannot be"):
            writer.write(change(switched_off()), BUTTONS)

    def test_a_link_that_waits_in_the_place_of_the_new_file_is_not_followed(
        self, writer: SettingsWriter, path: Path, tmp_path: Path
    ) -> None:
        other = tmp_path / "other"
        other.write_text("mine")
        (tmp_path / ".experiments.new.toml").symlink_to(other)
        writer.write(change(switched_off()), BUTTONS)
        assert other.read_text() == "mine"

    @pytest.mark.parametrize("mode", [0o600, 0o640, 0o666])
    def test_permissions_stay(self, writer: SettingsWriter, path: Path, mode: int) -> None:
        path.write_text("[Buttons]\n")
        path.chmod(mode)
        writer.write(change(switched_off()), BUTTONS)
        assert path.stat().st_mode & 0o777 == mode

    @pytest.mark.skipif(
        os.name != "posix" or os.geteuid() != 0, reason="only root gives files away"
    )
    def test_so_does_the_owner(self, writer: SettingsWriter, path: Path) -> None:
        path.write_text("[Buttons]\n")
        os.chown(path, 12_345, 23_456)
        writer.write(change(switched_off()), BUTTONS)
        assert (path.stat().st_uid, path.stat().st_gid) == (12_345, 23_456)

    def test_a_text_that_says_something_else_never_gets_into_its_place(
        self, writer: SettingsWriter, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = "[Buttons]\nrollout = 0.5\n[Colours]\nrollout = 1\n"
        path.write_text(before)
        for wrong in (
            "[Buttons]\nenabled = false\nrollout = 0.5\n",
            "[Buttons]\nenabled = false\nrollout = 0.5\n[Colours]\nrollout = true\n",
            before,
        ):
            monkeypatch.setattr(settings_writer, "toml_with", lambda *_, text=wrong: text)
            with pytest.raises(ConfigError, match="cannot change without changing more"):
                writer.write(change(switched_off()), BUTTONS)
        assert path.read_text() == before
        assert writer.audit_log.read() == AuditTrail()

    def test_another_experiment_with_nonsense_is_in_nobodys_way(
        self, writer: SettingsWriter, path: Path
    ) -> None:
        path.write_text("[Other]\nrollout = nan\nwinner = 2026-01-01\n")
        writer.write(change(switched_off()), BUTTONS)
        assert tomllib.loads(path.read_text())["Buttons"] == {"enabled": False}

    def test_an_audit_log_that_cannot_be_written_stops_the_change(self, path: Path) -> None:
        def full(_record: AuditRecord) -> None:
            raise ConfigError("the disk is full")

        with pytest.raises(ConfigError, match="the disk is full"):
            SettingsWriter(path, audit_log=MemoryLog(full)).write(change(switched_off()), BUTTONS)
        assert not path.exists()

    def test_a_log_that_fails_after_the_change_is_told_and_the_change_is_made(
        self, path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        def full_later(record: AuditRecord) -> None:
            if record.outcome is ChangeOutcome.WRITTEN:
                raise ConfigError("the disk is full")

        writer = SettingsWriter(path, audit_log=MemoryLog(full_later))
        assert writer.write(change(switched_off()), BUTTONS) is not None
        assert "is written, but: the disk is full" in caplog.text
        assert writer.settings_of("Buttons") == {"enabled": False}

    def test_the_name_says_the_format(self, tmp_path: Path) -> None:
        with pytest.raises(ConfigError, match=r"is called \.toml or \.json"):
            SettingsWriter(tmp_path / "experiments.yaml")

    def test_a_folder_that_is_not_there_is_made(self, tmp_path: Path) -> None:
        path = tmp_path / "a" / "b" / "experiments.json"
        writer = SettingsWriter(path)
        writer.write(change(switched_off()), BUTTONS)
        assert json.loads(path.read_text()) == {"Buttons": {"enabled": False}}
        assert repr(writer) == f"<SettingsWriter {str(path)!r}>"
