"""The rows of many files are those of few."""

import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abkit.compaction import merging as module
from abkit.compaction.merging import Merged, MergeLimits, merging
from abkit.errors import CompactionError
from abkit.sinks.files import FileSink

from .stored import action, exposure, files


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def merged(
    found: list[Path], into: Path, *, kind: str = "exposures", limits: MergeLimits | None = None
) -> Merged:
    with merging(kind, into=into, limits=limits or MergeLimits()) as merger:
        assert merger.without_ids(found) == set()
        return merger.merge(found)


def rows(found: Merged) -> list[dict[str, Any]]:
    return [row for file in found.files for row in pq.read_table(file).to_pylist()]


def types(file: Path) -> dict[str, Any]:
    return {
        column.name: str(column.type).replace(" not null", "") for column in pq.read_schema(file)
    }


def test_events_are_there_once_and_in_the_order_of_what_queries_ask_for(
    tmp_path: Path, into: Path
) -> None:
    sink = FileSink(tmp_path / "events")
    for start in (6, 0, 3):
        sink.send([exposure(n) for n in range(start, start + 3)])
    sink.send([exposure(n) for n in range(4)])  # sent again
    found = merged(files(tmp_path / "events"), into)
    assert (found.rows, found.copies, len(found.files)) == (9, 4, 1)
    order = [(row["experiment"], row["unit_id"]) for row in rows(found)]
    assert order == [
        *(("Exp0", f"u{n}") for n in (0, 1, 4, 5, 8)),
        *(("Exp1", f"u{n}") for n in (2, 3, 6, 7)),
    ]
    assert types(found.files[0]) == types(files(tmp_path / "events")[0])


def test_of_exposures_with_one_insert_id_the_earliest_stays_unless_they_differ(
    tmp_path: Path, into: Path
) -> None:
    """Two processes have logged the unit; or a property tells more, by which units are left out."""
    first = exposure(1)
    later = first._replace(time=first.time + 60)
    bot = later._replace(properties={"user_agent": "Googlebot"})
    for each in (later, first, bot):
        FileSink(tmp_path / "events").send([each])
    found = merged(files(tmp_path / "events"), into)
    times = [(row["time"].timestamp(), row["properties"]) for row in rows(found)]
    assert times == [
        (first.time, '{"plan":"pro","size":1}'),
        (later.time, '{"user_agent":"Googlebot"}'),
    ]


def test_json_lines_and_parquet_become_one(tmp_path: Path, into: Path) -> None:
    events = [action(n) for n in range(6)]
    FileSink(tmp_path / "events", format="jsonl").send(events[:4])
    FileSink(tmp_path / "events").send(events[2:])
    found = merged(sorted((tmp_path / "events").glob("actions/*/*")), into, kind="actions")
    in_order = sorted(events, key=lambda each: (each.name, each.time))
    FileSink(tmp_path / "once").send(in_order)
    (once,) = files(tmp_path / "once")
    assert rows(found) == pq.read_table(once, partitioning=None).to_pylist()
    (lines,) = (tmp_path / "events").glob("actions/*/*.jsonl")
    (into / "again").mkdir()
    alone = merged([lines], into / "again", kind="actions")
    assert types(alone.files[0]) == types(found.files[0]) == types(once)


def test_columns_that_only_some_files_have_stay(tmp_path: Path, into: Path) -> None:
    """Another writer's, and those of a later version; no folder's date becomes one."""
    day = tmp_path / "date=2026-11-01"
    day.mkdir()
    time = pa.array([1_790_000_000_000_000], pa.timestamp("us", tz="UTC"))
    one = pa.table({"insert_id": ["1"], "time": time, "shard": [7]})
    other = pa.table({"insert_id": ["2"], "time": time, "date": ["x"], "experiment": ["E"]})
    pq.write_table(one, day / "one.parquet")
    pq.write_table(other, day / "other.parquet")
    line = {"insert_id": "3", "time": "2026-09-21T14:13:20Z", "shard": 8, "odd": {"a": [1]}}
    (day / "c.jsonl").write_text(f"{json.dumps(line)}\n")
    found = merged(sorted(day.iterdir()), into)
    by_id = {row["insert_id"]: row for row in rows(found)}
    nothing = dict.fromkeys(["shard", "date", "experiment", "odd"])
    instant = one["time"][0].as_py()
    assert by_id == {
        "1": {**nothing, "insert_id": "1", "time": instant, "shard": 7},
        "2": {**nothing, "insert_id": "2", "time": instant, "date": "x", "experiment": "E"},
        "3": {**nothing, "insert_id": "3", "time": instant, "shard": 8, "odd": '{"a":[1]}'},
    }


def test_what_is_nested_in_one_file_and_text_in_another_stays_what_it_is(
    tmp_path: Path, into: Path
) -> None:
    time = pa.array([1_790_000_000_000_000], pa.timestamp("us", tz="UTC"))
    for insert_id, properties in (("1", {"price": 2}), ("2", '{"price": 2.5, "plan": "pro"}')):
        columns = {"insert_id": [insert_id], "time": time, "properties": [properties]}
        pq.write_table(pa.table(columns), tmp_path / f"{insert_id}.parquet")
    found = merged(sorted(tmp_path.glob("*.parquet")), into)
    told = {row["insert_id"]: json.loads(row["properties"]) for row in rows(found)}
    assert told == {"1": {"price": 2}, "2": {"price": 2.5, "plan": "pro"}}


def test_a_file_with_a_row_that_has_no_insert_id_is_told(tmp_path: Path, into: Path) -> None:
    FileSink(tmp_path).send([exposure(1)])
    (good,) = files(tmp_path)
    table = pq.read_table(good)
    column = table.schema.get_field_index("insert_id")
    pq.write_table(table.remove_column(column), tmp_path / "none.parquet")
    empty = table.set_column(column, "insert_id", pa.array([""]))
    pq.write_table(pa.concat_tables([table, empty]), tmp_path / "empty.parquet")
    (tmp_path / "null.jsonl").write_text('{"insert_id": null}\n')
    (tmp_path / "lacks.jsonl").write_text('{"time": "2026-11-01T00:00:00Z"}\n')
    (tmp_path / "good.jsonl").write_text('{"insert_id": "1", "time": "2026-11-01T00:00:00Z"}\n')
    names = ["none.parquet", "empty.parquet", "null.jsonl", "lacks.jsonl"]
    unknown = [tmp_path / name for name in names]
    with merging("exposures", into=into, limits=MergeLimits()) as merger:
        found = merger.without_ids([good, tmp_path / "good.jsonl", *unknown])
        assert found == {*unknown}
        assert merger.without_ids([tmp_path / "none.parquet"]) == {tmp_path / "none.parquet"}


def test_what_cannot_be_read_is_told(tmp_path: Path, into: Path) -> None:
    FileSink(tmp_path).send([exposure(1)])
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(files(tmp_path)[0].read_bytes()[:-9])
    with pytest.raises(CompactionError, match=r"broken\.parquet"):
        merged([*files(tmp_path), broken], into)
    line = tmp_path / "line.jsonl"
    line.write_text('{"insert_id": "1"}\n{"insert_id": "2"\n{"insert_id": "3"}\n')
    with pytest.raises(CompactionError, match=r"line\.jsonl"):
        merged([line], into)


def test_large_days_become_several_files_in_their_order_within_little_memory(
    tmp_path: Path, into: Path
) -> None:
    with duckdb.connect() as connection:
        for part in range(3):
            connection.execute(f"""
                copy (
                  select md5(i::varchar) as insert_id, 'E' || (i % 5) as experiment,
                    to_timestamp(1.79e9 + hash(i) % 86400) as time, repeat(md5((i * 7)::varchar), 8) as note
                  from range({part * 45_000}, {part * 45_000 + 55_000}) t(i)
                ) to '{tmp_path / f"{part}.parquet"}' (format parquet)""")  # noqa: S608 - a folder of ours
    limits = MergeLimits(memory="250MB", file_size=5_000_000)
    found = merged(sorted(tmp_path.glob("*.parquet")), into, limits=limits)
    assert (found.rows, found.copies) == (145_000, 20_000)
    assert len(found.files) > 1
    tables = [pq.read_table(file, columns=["experiment", "time"]) for file in found.files]
    order = [tuple(row.values()) for table in tables for row in table.to_pylist()]
    assert order == sorted(order)


def test_more_files_than_are_open_at_once_are_merged_all_the_same(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_AT_ONCE", 4)
    for number in range(11):
        form: Any = "jsonl" if number == 5 else "parquet"
        FileSink(tmp_path, format=form).send([exposure(number), exposure(number // 2)])
    found = merged(sorted(tmp_path.glob("exposures/*/*")), into)
    assert {row["unit_id"] for row in rows(found)} == {f"u{number}" for number in range(11)}
    assert (found.rows, found.copies) == (11, 11)
