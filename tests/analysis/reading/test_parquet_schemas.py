"""Which Parquet files have the same columns, without opening each by DuckDB."""

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from abkit.analysis.reading import files
from abkit.analysis.reading.files import Files, found_files
from abkit.analysis.reading.parquet_schemas import alike
from abkit.analysis.reading.readers import body_of


def parquet(path: Path, *, rows: int = 2, **columns: pa.DataType) -> Path:
    table = pa.table({name: pa.nulls(rows, kind) for name, kind in columns.items()})
    pq.write_table(table, path)
    return path


def test_files_of_the_same_columns_are_alike_whatever_their_rows(tmp_path: Path) -> None:
    one = parquet(tmp_path / "1.parquet", a=pa.string(), b=pa.map_(pa.string(), pa.string()))
    other = parquet(
        tmp_path / "2.parquet", a=pa.string(), b=pa.map_(pa.string(), pa.string()), rows=9_000
    )
    assert alike([one, other]) == ((one, other),)


@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"a": pa.string(), "c": pa.string()}, id="another name"),
        pytest.param({"a": pa.string(), "b": pa.int64()}, id="another type"),
        pytest.param({"b": pa.string(), "a": pa.string()}, id="another order"),
        pytest.param({"a": pa.string()}, id="one less"),
        pytest.param({"a": pa.string(), "b": pa.string(), "c": pa.string()}, id="one more"),
    ],
)
def test_files_of_other_columns_are_not(tmp_path: Path, columns: dict[str, pa.DataType]) -> None:
    one = parquet(tmp_path / "1.parquet", a=pa.string(), b=pa.string())
    other = parquet(tmp_path / "2.parquet", **columns)
    assert alike([one, other]) == ((one,), (other,))


def test_files_of_two_writers_stand_apart(tmp_path: Path) -> None:
    one = parquet(tmp_path / "1.parquet", a=pa.string())
    other = tmp_path / "2.parquet"
    duckdb.sql(f"copy (select 'x' as a) to '{other}' (format parquet)")
    assert alike([one, other]) == ((one,), (other,))


def test_an_end_with_many_columns_and_a_long_one_are_read(tmp_path: Path) -> None:
    many = {f"column_{i}": pa.string() for i in range(400)}
    paths = [parquet(tmp_path / f"{i}.parquet", **many) for i in range(3)]
    assert alike(paths) == (tuple(paths),)


def test_too_many_schemas_are_nobodys_work(tmp_path: Path) -> None:
    assert alike([parquet(tmp_path / f"{i}", **{f"c{i}": pa.string()}) for i in range(9)]) == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"PAR1",
        b"PAR1" + b"\x1c" * 100_000 + (100_000).to_bytes(4, "little") + b"PAR1",
        b"PAR1\x15\x04\x19\xfc\xff\xff\xff\xff\x7f" + (9).to_bytes(4, "little") + b"PAR1",
        b"PAR1\x15\x04\x19\xfc" + b"\x1c" * 90_000 + (90_004).to_bytes(4, "little") + b"PAR1",
        b"PAR1\x15\x04\x19\x18\x7f" + (5).to_bytes(4, "little") + b"PAR1",
        b"PAR1" + (2**31).to_bytes(4, "little") + b"PAR1",
    ],
    ids=[
        "empty",
        "half",
        "no version",
        "endless list",
        "nested for ever",
        "cut off",
        "longer than the file",
    ],
)
def test_of_what_is_no_parquet_nothing_is_known(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "1.parquet"
    path.write_bytes(content)
    assert alike([path]) == ()


@pytest.mark.parametrize(
    ("folders", "known"),
    [
        (("date=2026-11-27", "date=2026-11-28"), True),
        (("env=live/date=2026-11-27", "env=live/date=2026-11-28"), True),
        (("shard=01", "shard=x"), False),
        (("date=2026-11-27", ""), False),
        (("date=2026-11-27", "date=today"), False),
    ],
)
def test_where_folders_tell_more_than_the_date_all_are_looked_at_together(
    tmp_path: Path, folders: tuple[str, str], known: bool
) -> None:
    paths = []
    for folder, column in zip(folders, "ab", strict=True):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        paths.append(parquet(tmp_path / folder / "1.parquet", **{column: pa.string()}))
    assert (len(alike(paths)) == 2) is known


def test_a_file_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        alike([tmp_path / "1.parquet"])


MIXED = (
    "select 1::int as a, 'x' as b",
    "select 'text' as a, 2.5 as c",
    "select 3::bigint as a, 'y' as b, map {'org': '1'} as groups",
)
"""What strangers' files of one folder may have: other types, columns missing, columns more."""


def test_many_files_are_the_table_that_few_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "events" / "date=2026-11-28"
    folder.mkdir(parents=True)
    for i in range(9):
        duckdb.sql(f"copy ({MIXED[i % 3]}) to '{folder / f'{i}.parquet'}' (format parquet)")

    def table() -> tuple[Files, dict[str, str], list[Any]]:
        found = found_files(folder.parent, scratch=tmp_path)
        with duckdb.connect() as connection:

            def described(body: str) -> dict[str, str]:
                rows = connection.execute(f"describe from {body}").fetchall()
                return {name: kind for name, kind, *_ in rows}

            body = body_of(found, described, scratch=tmp_path)
            types = described(body)
            query = f"select {', '.join(sorted(types))} from {body} order by all"  # noqa: S608
            return found, types, connection.execute(query).fetchall()

    few, types, rows = table()
    monkeypatch.setattr(files, "MANY", 9)
    many, types_of_many, rows_of_many = table()
    assert not few.alike
    assert len(many.alike) == 3
    assert types_of_many == types
    assert rows_of_many == rows
