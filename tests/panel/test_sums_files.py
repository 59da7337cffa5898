"""Sums on disk."""

import os
import pickle
import resource
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from tests.panel.asking import result
from tests.panel.shop import analysis_of, manager

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.errors import ConfigError
from abkit.panel import Panel, StoredSource, sums_files
from abkit.panel.glance import KeptGlance, glance
from abkit.panel.questions import Question
from abkit.panel.sums_files import SumsFiles

CHECKOUT = Question("Checkout")


@pytest.fixture(scope="session")
def sums(shop_events: Path) -> ExperimentSums:
    return analysis_of(shop_events).gather()


def files(folder: Path, version: str = "1") -> SumsFiles:
    return SumsFiles(folder, version=lambda _: version)


def test_what_comes_back_is_what_was_kept(tmp_path: Path, sums: ExperimentSums) -> None:
    files(tmp_path / "kept").put(CHECKOUT, sums, glance(sums))
    again = files(tmp_path / "kept").sums(CHECKOUT)
    assert again is not None
    assert again.result().to_dict() == sums.result().to_dict()
    kept = KeptGlance(made=sums.made, glance=glance(sums))
    assert files(tmp_path / "kept").glance(CHECKOUT) == kept


def test_what_is_declared_otherwise_is_read_anew(tmp_path: Path, sums: ExperimentSums) -> None:
    files(tmp_path).put(CHECKOUT, sums, glance(sums))
    assert files(tmp_path, "2").sums(CHECKOUT) is None
    assert files(tmp_path).sums(Question("Checkout", by="plan")) is None


def test_a_damaged_file_is_as_none(tmp_path: Path, sums: ExperimentSums) -> None:
    kept = files(tmp_path)
    kept.put(CHECKOUT, sums, glance(sums))
    for path in tmp_path.iterdir():
        path.write_bytes(path.read_bytes()[:-20])
    assert kept.sums(CHECKOUT) is None
    assert kept.glance(CHECKOUT) is None


def test_the_folder_does_not_grow_with_what_is_asked(
    tmp_path: Path, sums: ExperimentSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sums_files, "MOST_FILES", 6)
    kept = files(tmp_path)
    questions = [Question("Checkout", since=date(2026, 11, day)) for day in range(1, 9)]
    for place, question in enumerate(questions):
        kept.put(question, sums, glance(sums))
        for path in tmp_path.iterdir():
            os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9 * (1 + place)))
    assert len(list(tmp_path.iterdir())) == 6
    assert kept.glance(questions[-1]) is not None
    assert kept.glance(questions[0]) is None


def test_the_folder_takes_no_more_room_than_it_may(
    tmp_path: Path, sums: ExperimentSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = files(tmp_path)
    kept.put(CHECKOUT, sums, glance(sums))
    of_one = sum(path.stat().st_size for path in tmp_path.iterdir())
    monkeypatch.setattr(sums_files, "MOST_BYTES", int(2.5 * of_one))
    for day in range(1, 6):
        for path in tmp_path.iterdir():
            os.utime(path, ns=(0, path.stat().st_mtime_ns - 10**9))
        kept.put(Question("Checkout", since=date(2026, 11, day)), sums, glance(sums))
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 2.5 * of_one
    assert kept.sums(Question("Checkout", since=date(2026, 11, 5))) is not None
    assert kept.sums(CHECKOUT) is None


def _link(path: Path, elsewhere: Path) -> None:
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _pipe(path: Path, _elsewhere: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _folder(path: Path, _elsewhere: Path) -> None:
    path.unlink()
    path.mkdir()


def _huge(path: Path, _elsewhere: Path) -> None:
    with path.open("ab") as file:
        file.truncate(2**30)  # It takes no room on the disk.


@pytest.mark.parametrize("become", [_link, _pipe, _folder, _huge])
def test_what_is_no_file_of_sums_is_not_read(
    tmp_path: Path, sums: ExperimentSums, become: Callable[[Path, Path], None]
) -> None:
    kept = files(tmp_path / "kept")
    kept.put(CHECKOUT, sums, glance(sums))
    for path in (tmp_path / "kept").iterdir():
        become(path, tmp_path / path.name)
    assert kept.sums(CHECKOUT) is None
    assert kept.glance(CHECKOUT) is None


def test_on_a_full_disk_nothing_is_kept_and_nothing_stays(
    tmp_path: Path, sums: ExperimentSums, caplog: pytest.LogCaptureFixture
) -> None:
    kept = files(tmp_path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        kept.put(CHECKOUT, sums, glance(sums))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "cannot be written: File too large" in caplog.text
    assert [*tmp_path.iterdir()] == []


def test_what_was_read_is_shown_though_its_folder_is_gone(
    tmp_path: Path, shop_events: Path, caplog: pytest.LogCaptureFixture
) -> None:
    panel = Panel(StoredSource(manager(), events=str(shop_events)), keep=tmp_path / "kept")
    (tmp_path / "kept").rmdir()
    assert result(panel, "Checkout")["units"] == 3_000
    panel.close()
    assert "cannot be written: No such file or directory" in caplog.text


def test_what_cannot_be_written_down_is_shown_all_the_same(
    tmp_path: Path, sums: ExperimentSums, caplog: pytest.LogCaptureFixture
) -> None:
    class OfThisFunction(datetime):
        """Nobody can find it again."""

    kept = files(tmp_path)
    kept.put(CHECKOUT, evolve(sums, starts=OfThisFunction(2026, 11, 1)), glance(sums))
    assert kept.sums(CHECKOUT) is None
    assert "cannot be written" in caplog.text


def test_a_file_makes_nothing_but_values(tmp_path: Path, sums: ExperimentSums) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return exec, (f"open({str(tmp_path / 'run')!r}, 'w')",)

    kept = files(tmp_path / "kept")
    kept.put(CHECKOUT, sums, glance(sums))
    for path in (tmp_path / "kept").iterdir():
        path.write_bytes(pickle.dumps(Evil()))
    assert kept.sums(CHECKOUT) is None
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("abkit.panel.sums_files", "os.system"),  # what a module has imported, and what that has
        ("abkit.analysis.presentation.notebook", "Path.touch"),
        ("abkit.analysis.reading.files", "Path"),
        ("abkit.analysis.reading.event_folder", "stored_tables"),  # a function of our own
        ("abkit.analysis.analysis", "Analysis"),  # a class whose instances are no values
        ("abkit.__main__", "main"),  # a module that runs when it is imported
        ("datetime", "sys.exit"),
        ("builtins", "bytearray"),
        ("builtins", "eval"),
    ],
)
def test_a_file_reaches_nothing_through_the_names_of_our_modules(
    tmp_path: Path, sums: ExperimentSums, module: str, name: str
) -> None:
    def text(said: str) -> bytes:
        return pickle.SHORT_BINUNICODE + bytes([len(said)]) + said.encode()

    kept = files(tmp_path / "kept")
    kept.put(CHECKOUT, sums, glance(sums))
    found = text(module) + text(name) + pickle.STACK_GLOBAL
    for path in (tmp_path / "kept").iterdir():
        # A sum, after which nobody would look at what was made on the way.
        path.write_bytes(pickle.PROTO + b"\x04" + found + pickle.POP + path.read_bytes()[2:])
    assert kept.sums(CHECKOUT) is None
    assert kept.glance(CHECKOUT) is None


def test_a_folder_of_others_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(ConfigError, match="where others can write"):
        files(tmp_path / "open")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot keep its sums"):
        files(tmp_path / "file")


def test_events_elsewhere_have_sums_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(**where: Any) -> str:
        return StoredSource(manager(), **where).version(CHECKOUT)

    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "one")
    one = version(events="events")
    assert version(events=str(tmp_path / "one" / "events")) == one
    monkeypatch.chdir(tmp_path / "other")
    assert version(events="events") != one
    assert version(tables={"exposures": "one"}) != version(tables={"exposures": "other"})


def test_a_panel_that_starts_again_reads_no_events(tmp_path: Path, shop_events: Path) -> None:
    first = Panel(StoredSource(manager(), events=str(shop_events)), keep=tmp_path)
    before = result(first, "Checkout")
    first.close()

    class NoMore(StoredSource):
        def gather(self, *_: object) -> ExperimentSums:
            raise AssertionError

    second = Panel(NoMore(manager(), events=str(shop_events)), keep=tmp_path)
    assert result(second, "Checkout") == before
    second.close()
