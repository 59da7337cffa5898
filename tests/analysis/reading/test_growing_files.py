"""Folders in which others write: open files, Parquet beside JSON Lines, files that go."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from time import sleep
from typing import Any

import duckdb
import pytest

from abkit.analysis.engines.local import DuckDB
from abkit.analysis.engines.spark.paths import format_of
from abkit.analysis.reading import files, listing, small_files
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.files import found_files
from abkit.analysis.reading.folder_state import folder_state
from abkit.analysis.reading.readers import reader
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError, EmptyDataError
from abkit.open_files import closed_names, open_name

DAY = "date=2026-11-28"
PARQUET = """
copy (
    select i::varchar as insert_id, timestamptz '2026-11-28 10:00:00+00' as time, 'a' as variant,
      map {'org': i::varchar} as groups, '{"price": 2.5}' as properties
    from range(%d) t(i)
) to '%s' (format parquet)
"""
COLUMNS = [
    Column(name="insert_id", kind=Kind.TEXT, source="insert_id", required=True),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
    Column(name="org", kind=Kind.TEXT, source="groups", key="org", required=True),
    Column(name="price", kind=Kind.NUMBER, source="properties", key="price", required=True),
]


def line(number: int, **other: object) -> str:
    row = {
        "insert_id": str(number),
        "time": "2026-11-28T10:00:00.000000Z",
        "variant": "a",
        "groups": {"org": str(number)},
        "properties": '{"price":2.5}',
    }
    return json.dumps({**row, **other}) + "\n"


def parquet(path: Path, rows: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    duckdb.sql(PARQUET % (rows, path))
    return path


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def rows(path: Path) -> list[dict[str, Any]]:
    with DuckDB() as engine:
        engine.open("events", Table(str(path)), COLUMNS)
        return [dict(row) for row in engine.rows("select * from events order by insert_id")]


def ids(path: Path) -> list[str]:
    return [row["insert_id"] for row in rows(path)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "exposures"


def test_a_row_of_json_lines_beside_parquet_is_the_same_row(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    (first,) = rows(folder)
    written(folder / DAY / open_name("two"), line(0))
    assert rows(folder) == [first, first]


def test_a_column_that_only_one_of_them_has_is_missing_in_the_others(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    written(folder / DAY / "two.jsonl", line(1, weights="w"))
    body = reader(folder)
    found = duckdb.connect().execute(
        f"select insert_id, weights->>'$', groups['org'] from {body} order by 1"  # noqa: S608
    )
    assert found.fetchall() == [("0", None, "0"), ("1", "w", "1")]


def test_a_column_of_folders_is_there_for_open_files_too(tmp_path: Path) -> None:
    folder = tmp_path / "tenant=7"
    parquet(folder / DAY / "one.parquet", 1)
    written(folder / DAY / open_name("two"), line(1))
    body = reader(folder)
    found = duckdb.connect().execute(f"select distinct tenant::int, date::varchar from {body}")  # noqa: S608
    assert found.fetchall() == [(7, "2026-11-28")]


def test_half_a_line_at_the_end_of_an_open_file_is_not_there_yet(folder: Path) -> None:
    file = written(folder / DAY / open_name("one"), line(0) + line(1) + line(2)[:40])
    assert ids(folder) == ids(file) == ["0", "1"]
    assert ids(folder / "*" / "*.open") == ["0", "1"]


def test_half_a_line_of_a_closed_file_is_an_error(folder: Path) -> None:
    written(folder / DAY / "one.jsonl", line(0) + line(1)[:40])
    with pytest.raises(AnalysisError, match="line 2 is not JSON"):
        ids(folder)
    parquet(folder / DAY / "two.parquet", 1)
    with pytest.raises(AnalysisError, match=r"one\.jsonl line 2 is not JSON"):
        ids(folder)


def test_the_error_of_an_open_file_names_the_file_itself(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    file = written(folder / DAY / open_name("two"), "no JSON\n" + line(1))
    with pytest.raises(AnalysisError) as raised:
        ids(folder)
    assert str(raised.value).startswith(f"{file} line 1 is not JSON")


def test_an_open_file_without_a_whole_line_is_empty(folder: Path) -> None:
    written(folder / DAY / open_name("one"), line(0)[:-1])
    with pytest.raises(EmptyDataError):
        ids(folder)
    parquet(folder / DAY / "two.parquet", 3)
    assert ids(folder) == ["0", "1", "2"]


def test_lines_longer_than_what_is_read_at_once_are_found(folder: Path) -> None:
    long = line(1, note="x" * (1 << 21))
    written(folder / DAY / open_name("one"), line(0) + long + long[:-1])
    assert ids(folder) == ["0", "1"]


@pytest.mark.parametrize("closed", closed_names(open_name("one")))
def test_an_open_file_whose_closed_one_is_there_is_not_read_twice(
    folder: Path, closed: str
) -> None:
    written(folder / DAY / open_name("one"), line(0))
    if closed.endswith("parquet"):
        parquet(folder / DAY / closed, 1)
    else:
        written(folder / DAY / closed, line(0))
    assert ids(folder) == ["0"]


def test_all_queries_of_an_analysis_read_the_same_rows(folder: Path) -> None:
    file = written(folder / DAY / open_name("one"), line(0))
    with DuckDB() as engine:
        engine.open("events", Table(str(folder)), COLUMNS)
        with file.open("a") as stream:
            stream.write(line(1))
        assert engine.rows("select count(*) as n from events") == [{"n": 1}]
        parquet(folder / DAY / "one.parquet", 2)
        file.unlink()
        assert engine.rows("select count(*) as n from events") == [{"n": 1}]
    assert ids(folder) == ["0", "1"]


def test_other_hidden_files_are_another_writers(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    for name in ("_two.jsonl", ".three.jsonl.open", "_.jsonl.open", "four.jsonl.open"):
        written(folder / DAY / name, line(7))
    written(folder / "_temporary" / open_name("five"), line(7))
    assert ids(folder) == ["0"]


def test_csv_is_not_read_together_with_others(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    written(folder / DAY / "two.csv", "insert_id\n1\n")
    with pytest.raises(AnalysisError, match=r"several formats \(csv, parquet\); give it one, or"):
        ids(folder)


def test_an_open_file_that_grows_is_another_state_of_the_folder(folder: Path) -> None:
    file = written(folder / DAY / open_name("one"), line(0))
    before = folder_state([folder])
    with file.open("a") as stream:
        stream.write(line(1))
    assert folder_state([folder]) != before


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None], *, times: int = 1
) -> None:
    """Let something happen between listing and looking."""
    left = [happens] * times

    def listed(path: str) -> list[Path]:
        found = listing.listed(path)
        if left:
            left.pop()()
        return found

    monkeypatch.setattr(files, "listed", listed)


def test_a_file_that_is_gone_is_listed_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_file = written(folder / DAY / open_name("one"), line(0))

    def closed() -> None:
        parquet(folder / DAY / "one.parquet", 1)
        open_file.unlink()

    meanwhile(monkeypatch, closed)
    assert ids(folder) == ["0"]


def test_files_that_always_go_are_an_error_that_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_PAUSE", 0.0)
    file = parquet(folder / DAY / "one.parquet", 1)
    content = file.read_bytes()

    def listed(path: str) -> list[Path]:
        file.write_bytes(content)
        found = listing.listed(path)
        file.unlink()
        return found

    monkeypatch.setattr(files, "listed", listed)
    with pytest.raises(AnalysisError, match=rf"changes all the time: {file} was removed"):
        found_files(folder, scratch=tmp_path)


def test_a_file_that_goes_during_a_query_is_an_error_that_says_so(folder: Path) -> None:
    parquet(folder / DAY / "one.parquet", 1)
    file = parquet(folder / DAY / "two.parquet", 1)
    with DuckDB() as engine:
        engine.open("events", Table(str(folder)), COLUMNS)
        file.unlink()
        with pytest.raises(AnalysisError, match=rf"{file} was removed while it was read"):
            engine.rows("select count(distinct insert_id) as n from events")


def test_a_file_that_others_replace_is_never_missed(folder: Path) -> None:
    """A directory is not listed in one moment."""
    for i in range(500):
        written(folder / DAY / f"{i}.jsonl", line(i))
    first = written(folder / DAY / open_name("x"), line(0))

    def replace_again_and_again() -> None:
        now = first
        for i in range(60):
            then = now.with_name(open_name(f"x{i}"))
            os.link(now, then)
            now.unlink()
            now = then
            sleep(0.003)

    replacing = threading.Thread(target=replace_again_and_again)
    replacing.start()
    counts = set()
    while replacing.is_alive():
        found = found_files(folder, scratch=folder.parent)
        counts.add(len(found.paths))
    replacing.join()
    assert 500 not in counts


def test_spark_looks_at_closed_files(folder: Path) -> None:
    written(folder / DAY / open_name("one"), line(0))
    with pytest.raises(EmptyDataError):
        format_of(str(folder))
    parquet(folder / DAY / "two.parquet", 1)
    assert format_of(str(folder)) == "parquet"
    written(folder / DAY / "three.jsonl", line(0))
    with pytest.raises(AnalysisError, match="which Spark does not read together"):
        format_of(str(folder))


@pytest.fixture
def three_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (files, small_files):
        monkeypatch.setattr(module, "MANY", 3)


@pytest.mark.usefixtures("three_are_many")
def test_very_many_small_files_are_opened_once(folder: Path) -> None:
    for i in range(3):
        parquet(folder / DAY / f"{i}.parquet", 2)
    written(folder / DAY / open_name("x"), line(7))
    with DuckDB() as engine:
        engine.open("events", Table(str(folder)), COLUMNS)
        for file in (folder / DAY).iterdir():
            file.unlink()
        found = engine.rows(
            "select org, price, count(*) as n from events group by all order by org"
        )
    assert [(row["org"], row["price"], row["n"]) for row in found] == [
        ("0", 2.5, 3),
        ("1", 2.5, 3),
        ("7", 2.5, 1),
    ]


@pytest.mark.usefixtures("three_are_many")
def test_one_bad_file_among_many_small_ones_is_named(folder: Path) -> None:
    for i in range(3):
        parquet(folder / DAY / f"{i}.parquet", 2)
    bad = folder / DAY / "1.parquet"
    bad.write_bytes(bad.read_bytes()[:-10])
    with pytest.raises(AnalysisError, match=rf"{bad} is not a whole Parquet file"):
        ids(folder)
