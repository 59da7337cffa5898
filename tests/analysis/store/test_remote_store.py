"""A store and events that URLs name: as on a disk, beside other writers, and when processes die."""

import http.client
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from queue import Queue
from uuid import uuid4

import fsspec  # type: ignore[import-untyped]
import pytest

from abkit import Conversion, UserExperiment, remote_file
from abkit.analysis import Analysis, Result, Store, read_together
from abkit.analysis.store.file import remote_store
from abkit.analysis.store.file.remote_store import shared_copy, working_copy
from abkit.errors import AnalysisError
from abkit.remote_file import RemoteFile, ReplacedError

from ...forwarder import Forwarder, forwarding
from .arriving_events import START, actions, differences, exposures, write

FEW_DAYS = timedelta(days=4)


class Buyers(UserExperiment):
    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [Conversion(action="buy", name="buyers")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days of events, in a file of each."""
    rng, folder = random.Random(5), tmp_path_factory.mktemp("remote") / "events"  # noqa: S311
    arriving = {"exposures": exposures(rng, units=80), "actions": actions(rng, units=80)}
    for kind, rows in arriving.items():
        write(
            (each.event for each in rows if timedelta(0) <= each.event["time"] - START < FEW_DAYS),
            folder / kind,
            "first",
        )
    return folder


@pytest.fixture
def forwarder(s3_endpoint: str) -> Iterator[Forwarder]:
    with forwarding(s3_endpoint) as found:
        yield found


@pytest.fixture
def events(written: Path, s3: str, forwarder: Forwarder, monkeypatch: pytest.MonkeyPatch) -> str:
    """The same events in a bucket, which is seen through the forwarder."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", forwarder.url)
    system = fsspec.filesystem("s3")
    system.clear_instance_cache()
    fsspec.filesystem("s3").put(str(written), f"{s3}/events", recursive=True)
    forwarder.start_anew()
    return f"{s3}/events"


def run(events: str | Path, store: str | Path | Store | None) -> Result:
    return Analysis(
        Buyers, exposures=f"{events}/exposures", actions=f"{events}/actions", store=store
    ).run()


def got(forwarder: Forwarder, ends: str) -> list[str]:
    """The objects that were read, whose names end like this."""
    return [path for method, path in forwarder.asked if method == "GET" and path.endswith(ends)]


def check_same(one: Result, other: Result) -> None:
    left, right = one.to_dict(), other.to_dict()
    for each in (left, right):
        each.pop("sources", None)
    assert [*differences(left, right)] == []


def test_events_and_store_of_a_bucket_give_the_same_and_only_new_objects_are_fetched(
    events: str, written: Path, forwarder: Forwarder, tmp_path: Path
) -> None:
    expected, store = run(written, None), f"{events}/store.duckdb"
    check_same(expected, run(events, store))
    assert len(got(forwarder, ".parquet")) == len([*written.rglob("*.parquet")])
    forwarder.start_anew()
    check_same(expected, run(events, store))
    assert got(forwarder, ".parquet") == []
    assert forwarder.counted["PUT"] == 0  # nothing is new, so nothing is put back
    new = (each.event for each in exposures(random.Random(6), units=45))  # noqa: S311
    write(new, tmp_path / "exposures", "second")
    system = fsspec.filesystem("s3")
    system.put(str(tmp_path / "exposures"), f"{events}/", recursive=True)
    added = len([*(tmp_path / "exposures").rglob("*.parquet")])
    forwarder.start_anew()
    found = run(events, store)
    assert len(got(forwarder, ".parquet")) == added
    check_same(run(events, None), found)


def test_a_url_with_a_slash_at_its_end_is_the_same_place(events: str, forwarder: Forwarder) -> None:
    store = f"{events}/store.duckdb"
    expected = run(events, store)
    forwarder.start_anew()
    found = Analysis(
        Buyers, exposures=f"{events}/exposures/", actions=f"{events}/actions/", store=store
    ).run()
    check_same(expected, found)
    assert got(forwarder, ".parquet") == []


def test_an_object_without_a_byte_is_none_yet(events: str, written: Path) -> None:
    fsspec.filesystem("s3").touch(f"{events}/actions/date=2026-03-30/interrupted.parquet")
    check_same(run(written, None), run(events, f"{events}/store.duckdb"))


SIGNED = {
    "Content-Type": "x/y",
    "Authorization": "AWS4-HMAC-SHA256 Credential=k/20260101/us-east-1/s3/aws4_request, "
    "SignedHeaders=host, Signature=0",
}
"""The imitation looks at who it is, not at the signature."""


def put_directly(s3_endpoint: str, url: str, content: bytes) -> None:
    """Put an object as another process would."""
    connection = http.client.HTTPConnection(s3_endpoint.removeprefix("http://"), timeout=60)
    connection.request("PUT", f"/{url.removeprefix('s3://')}", body=content, headers=SIGNED)
    assert connection.getresponse().status == 200
    connection.close()


def test_the_second_of_two_writers_starts_again_from_the_store_of_the_first(
    events: str, written: Path, forwarder: Forwarder, s3_endpoint: str, tmp_path: Path
) -> None:
    url, first = f"{events}/store.duckdb", tmp_path / "first.duckdb"
    expected = run(events, first)
    forwarder.start_anew()

    def another_is_first(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("/store.duckdb"):  # It has been looked at just before.
            put_directly(s3_endpoint, url, first.read_bytes())

    forwarder.judge = another_is_first
    check_same(expected, run(events, url))
    assert forwarder.counted["PUT"] == 1  # the first one's has all that it needs
    assert len(got(forwarder, ".parquet")) == len([*written.rglob("*.parquet")])
    system = fsspec.filesystem("s3")
    system.invalidate_cache()
    assert system.cat_file(url) == first.read_bytes()


@pytest.mark.parametrize("part", [50_000_000, 200_000])
def test_a_store_that_was_replaced_stays_as_it_is_and_the_error_says_so(
    part: int, s3: str, s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_file, "PART", part)
    url, source = f"{s3}/store.duckdb", tmp_path / "store"
    source.write_bytes(os.urandom(300_000))
    file = RemoteFile(url)
    file.put(source, over=None)
    read = file.read()
    assert read is not None
    assert read[0] == source.read_bytes()
    put_directly(s3_endpoint, url, b"newer")
    for over in (read[1], None):
        with pytest.raises(ReplacedError, match=r"store\.duckdb was replaced by another process"):
            file.put(source, over=over)
    assert file.read() == (b"newer", file.version())
    file.put(source, over=file.version())
    assert (file.read() or [])[0] == source.read_bytes()


def test_what_is_replaced_each_time_is_an_error_that_says_so(
    events: str, forwarder: Forwarder, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote_store, "TIMES", 1)
    forwarder.judge = lambda method, path: (
        put_directly(s3_endpoint, f"{events}/store.duckdb", b"another")
        if method == "PUT" and path.endswith("/store.duckdb")
        else None
    )
    with pytest.raises(AnalysisError, match="was replaced by another process meanwhile"):
        run(events, f"{events}/store.duckdb")


def test_several_analyses_share_one_copy_and_are_right_if_it_was_replaced(
    events: str,
    forwarder: Forwarder,
    s3_endpoint: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    url = f"{events}/store.duckdb"
    forwarder.judge = lambda method, path: (
        put_directly(s3_endpoint, url, b"another")
        if method == "PUT" and path.endswith("/store.duckdb")
        else None
    )
    with shared_copy(Store(url)) as store:
        check_same(run(events, None), run(events, store))
    assert "the results are right, and the next run goes on from that store" in caplog.text
    assert fsspec.filesystem("s3").cat_file(url) == b"another"


@pytest.fixture(scope="module")
def killable(s3_endpoint: str) -> Iterator[subprocess.Popen[str]]:
    """What runs analyses that can be killed, as killable.py says."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    environment |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    with subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killable.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.mark.parametrize(
    ("part", "method", "ends", "passes"),
    [
        (50_000_000, "GET", ".parquet", True),
        (50_000_000, "PUT", "/store.duckdb", True),
        (50_000_000, "PUT", "/store.duckdb", False),
        (200_000, "PUT", "partNumber=2", True),
    ],
)
def test_a_killed_process_has_put_back_all_or_nothing(
    part: int,
    method: str,
    ends: str,
    passes: bool,
    events: str,
    forwarder: Forwarder,
    killable: subprocess.Popen[str],
) -> None:
    assert killable.stdin is not None
    assert killable.stdout is not None
    processes = Queue[int]()

    def judge(asked: str, path: str) -> tuple[int, str] | None:
        if asked != method or not (path.endswith(ends) or ends in path.partition("?")[2]):
            return None
        if not processes.empty():
            os.kill(processes.get(), signal.SIGKILL)
        return None if passes else (500, "InternalError")

    forwarder.judge = judge
    forwarder.latency = 0.02  # so that the number of the process is known before
    killable.stdin.write(f"{events}\t{forwarder.url}\t{part}\n")
    killable.stdin.flush()
    processes.put(int(killable.stdout.readline()))
    assert int(killable.stdout.readline()) == -signal.SIGKILL
    forwarder.latency, forwarder.judge = 0.0, lambda _method, _path: None
    check_same(run(events, None), run(events, f"{events}/store.duckdb"))


@pytest.mark.parametrize(
    ("store", "message"),
    [
        ("s3://there-is-none-of-this-name/store.duckdb", "there is no bucket there-is-none"),
        ("EVENTS/exposures", "exposures is a folder, not a file"),
        ("EVENTS/broken.duckdb", r"events/broken\.duckdb is a file of something else"),
        (
            "unheard://me:secret@x/store.duckdb",
            r"unheard://me:\*\*\*@x/store\.duckdb cannot be read",
        ),
    ],
)
def test_a_url_that_cannot_be_a_store_is_told_as_what_it_is(
    store: str, message: str, events: str
) -> None:
    fsspec.filesystem("s3").pipe_file(f"{events}/broken.duckdb", b"not a database" * 1000)
    with pytest.raises(AnalysisError, match=message):
        run(events, store.replace("EVENTS", events))


def test_what_the_server_refuses_is_told_or_tried_again(events: str, forwarder: Forwarder) -> None:
    url = f"{events}/store.duckdb"
    forwarder.judge = lambda method, path: (
        (403, "AccessDenied") if method == "PUT" and path.endswith("/store.duckdb") else None
    )
    with pytest.raises(AnalysisError, match="may not be read or written with these credentials"):
        run(events, url)
    forwarder.judge = lambda _method, _path: (403, "InvalidAccessKeyId")
    with pytest.raises(AnalysisError, match="may not be read or written with these credentials"):
        run(events, url)
    with pytest.raises(AnalysisError, match="may not be read with these credentials"):
        run(events, None)
    fails = {"GET": 2, "PUT": 2}

    def sometimes(method: str, _path: str) -> tuple[int, str] | None:
        if not fails.get(method):
            return None
        fails[method] -= 1
        return 500, "InternalError"

    forwarder.judge = sometimes
    found = run(events, url)
    assert fails == {"GET": 0, "PUT": 0}
    forwarder.judge = lambda _method, _path: None
    check_same(run(events, None), found)


def test_objects_that_others_merge_while_they_are_fetched_are_listed_again(
    events: str, forwarder: Forwarder
) -> None:
    expected = run(events, None)
    system = fsspec.filesystem("s3")
    file = sorted(system.find(f"{events}/actions"))[0]
    system.pipe_file(f"{file.rpartition('/')[0]}/merged.parquet", system.cat_file(file))
    missing = [file.rpartition("/")[2]]

    def gone(method: str, path: str) -> tuple[int, str] | None:
        if method == "GET" and missing and path.endswith(f"/{missing[0]}") and "actions" in path:
            missing.clear()
            return 404, "NoSuchKey"
        return None

    forwarder.judge = gone
    check_same(expected, run(events, f"{events}/store.duckdb"))
    assert not missing


def test_other_file_systems_keep_a_store_too_and_a_file_url_is_a_path(
    written: Path, tmp_path: Path
) -> None:
    expected, url = run(written, None), f"memory://{uuid4().hex}/store.duckdb"
    for store in (url, f"file://{tmp_path}/store.duckdb"):
        check_same(expected, run(written, store))
        check_same(expected, run(f"file://{written}", store))
    assert (tmp_path / "store.duckdb").is_file()
    with (
        pytest.raises(AnalysisError, match="was replaced by another process"),
        working_copy(url) as copy,
    ):
        copy.touch()
        fsspec.filesystem("memory").pipe_file(url, b"another")
    assert fsspec.filesystem("memory").cat_file(url) == b"another"


def test_several_experiments_are_read_together_from_a_bucket(
    events: str, forwarder: Forwarder
) -> None:
    store = Store(f"{events}/store.duckdb")
    analyses = [
        Analysis(Buyers, exposures=f"{events}/exposures", actions=f"{events}/actions", store=store)
        for _ in range(2)
    ]
    read_together(analyses)
    forwarder.start_anew()
    for analysis in analyses:
        check_same(run(events, None), analysis.run())
