"""What a sink writes to any file system of fsspec can be analysed there."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.implementations.memory import MemoryFileSystem  # type: ignore[import-untyped]

from abkit import Conversion, ExperimentManager, ExposureLogger, UserExperiment
from abkit.analysis.analysis import Analysis
from abkit.analysis.reading.remote import fetched
from abkit.analysis.result import Result
from abkit.errors import AnalysisError, EmptyDataError
from abkit.sinks.files import FileSink, Format

from ...command_line import run


class Buttons(UserExperiment):
    variants = ["grey", "green"]
    metrics = [Conversion("clicked")]


def write(where: str, *, users: range = range(40), form: Format = "parquet") -> None:
    with ExposureLogger(FileSink(where, format=form)) as logger:
        manager = ExperimentManager(on_event=logger, strict=True)
        manager.add(Buttons)
        for user in users:
            manager.log_exposure(Buttons, user=user)
            manager.track("clicked", user=user)


def analyzed(where: str, *, exposures: str = "exposures", actions: str = "actions") -> Result:
    return Analysis(Buttons, exposures=f"{where}/{exposures}", actions=f"{where}/{actions}").run()


def units(result: Result) -> int:
    return sum(count.units for count in result.counts)


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
@pytest.mark.parametrize("place", ["memory", "file", "s3"])
def test_what_was_written_to_a_url_is_read_from_it(
    place: str, form: Format, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    where = {"memory": f"memory://{uuid4().hex}", "file": f"file://{tmp_path}/events"}.get(place)
    where = where or f"{request.getfixturevalue('s3')}/events"
    write(where, form=form)
    assert units(analyzed(where)) == 40
    write(where, users=range(40, 60), form=form)  # what came since is read as well
    assert units(analyzed(where)) == 60
    parts = {"exposures": f"exposures/*/*.{form}", "actions": f"actions/**/*.{form}"}
    assert units(analyzed(where, **parts)) == 60


def test_nothing_is_left_of_what_was_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    where = f"memory://{uuid4().hex}"
    write(where)
    assert units(analyzed(where)) == 40
    with pytest.raises(AnalysisError):
        analyzed(where, actions="nothing")
    assert not [*tmp_path.iterdir()]


def test_what_is_not_there_is_told_without_a_password(s3: str) -> None:
    write(f"{s3}/events")
    for place, error, message in (
        (f"s3://no-{uuid4().hex}/events", AnalysisError, "does not exist"),
        (f"{s3}/evnts", AnalysisError, "does not exist"),
        (
            "memory://me:secret@none",
            AnalysisError,
            r"memory://me:\*\*\*@none/exposures does not exist",
        ),
        ("unheard://x", AnalysisError, "unheard://x/exposures cannot be read"),
    ):
        with pytest.raises(error, match=message):
            analyzed(place)
    with pytest.raises(EmptyDataError, match="matches no file"):
        analyzed(f"{s3}/events", exposures="exposures/*/*.csv")
    fsspec.filesystem("s3").pipe_file(f"{s3}/events/others/readme.txt", b"x")
    with pytest.raises(EmptyDataError, match="has no file that ends in"):
        analyzed(f"{s3}/events", exposures="others")


def test_without_credentials_the_message_says_so(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, "/nowhere")
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(AnalysisError, match="(?i)credentials"):
        analyzed(f"{s3}/events")


def test_the_command_line_demonstrates_analyzes_and_watches_at_a_url(
    s3: str, tmp_path: Path
) -> None:
    def call(*arguments: str) -> str:
        environment = {**os.environ, "COLUMNS": "200"}
        ran = run(*arguments, folder=tmp_path, environment=environment)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    events, config = f"{s3}/demo", ("--config", "abkit.cli.demo")
    shown = call("demo", "--events", events, "--organizations", "100", "--html", os.devnull)
    assert f"--events {events}" in shown
    again = call("demo", "--events", events, "--organizations", "100", "--html", os.devnull)
    assert again.splitlines()[:3] == shown.splitlines()[:3]
    places = (
        "--store",
        f"{s3}/store.duckdb",
        "--html",
        f"{s3}/report.html",
        "--csv",
        f"{s3}/t.csv",
    )
    found = call("analyze", "ShowPluginsExperiment", "--events", events, *config, *places)
    assert "clicked" in found
    system = fsspec.filesystem("s3")
    assert system.cat_file(f"{s3}/report.html").startswith(b"<!DOCTYPE html>")
    assert system.cat_file(f"{s3}/t.csv").startswith(b"experiment,")
    before = system.info(f"{s3}/store.duckdb")["ETag"]
    kept = ("--store", f"{s3}/store.duckdb", "--state", f"{s3}/state.json")
    watched = call("watch", "--events", events, *config, "--dry-run", *kept)
    assert "units;" in watched
    assert call("analyze", "--all", "--events", events, *config, *kept[:2]) == found
    system.invalidate_cache()
    assert system.info(f"{s3}/store.duckdb")["ETag"] == before
    lock = ("--lock", f"{s3}/experiments.lock.json")
    assert "holds 1 experiment" in call("check", *config, *lock, "--update")
    assert f"as written down in {lock[1]}" in call("check", *config, *lock)
    other = run("demo", "--events", s3, folder=tmp_path)
    assert "has files of its own" in other.stderr


class Merging(MemoryFileSystem):  # type: ignore[misc]
    """Others remove what was listed, a few times."""

    protocol = "merging"
    merges = 0

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        stripped: str = super()._strip_protocol(path.replace("merging://", "memory://"))
        return stripped

    def get_file(self, rpath: str, lpath: str, **options: Any) -> None:
        if Merging.merges:
            Merging.merges -= 1
            merged = f"{rpath.rpartition('/')[0]}/{uuid4().hex}.csv"
            self.mv(rpath, merged)
        super().get_file(rpath, lpath, **options)


@pytest.fixture
def merging() -> str:
    fsspec.register_implementation("merging", Merging, clobber=True)
    folder = f"/{uuid4().hex}/exposures"
    Merging().pipe_file(f"{folder}/one.csv", b"a\n1\n")
    return f"merging:/{folder}"


def test_objects_that_are_gone_are_listed_again(merging: str, tmp_path: Path) -> None:
    Merging.merges = 2
    (copy,) = fetched(merging, tmp_path, is_data=lambda _: True)
    assert copy.read_text() == "a\n1\n"


def test_objects_that_always_go_are_an_error_that_says_so(merging: str, tmp_path: Path) -> None:
    Merging.merges = 100
    with pytest.raises(AnalysisError, match="exposures changes all the time: a file was removed"):
        fetched(merging, tmp_path, is_data=lambda _: True)
