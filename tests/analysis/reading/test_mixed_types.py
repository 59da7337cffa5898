"""A column that is nested in some files, text in others, and JSON in lines beside them."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path

import duckdb
import pytest

from abkit import AnalysisError, Conversion, Sum
from abkit.analysis import Analysis, Design
from abkit.analysis.reading import files
from abkit.analysis.reading.readers import reader

WRITTEN: Mapping[str, tuple[str, float]] = {
    "struct of whole numbers": ("{'price': 2, 'plan': 'pro'}", 2),
    "another struct": ("{'price': 3.5::double, 'size': 7}", 3.5),
    "text": ("""'{"price": 2.5, "plan": "free", "other": 1}'""", 2.5),
    "map of texts": ("map {'price': '4.25'}", 4.25),
    "map of whole numbers": ("map {'price': 5}", 5),
    "JSON": ("""'{"price": 6.5, "other": [1]}'::json""", 6.5),
}
"""The properties as DuckDB writes them, and the price that they tell."""

LINES = ('{"id":1,"properties":{"price":7.5,"other":"x"}}', '{"id":2,"properties":{"price":8}}')


def write(folder: Path, number: int, properties: str) -> None:
    file = folder / f"{number}.parquet"
    duckdb.sql(f"copy (select 1 as id, {properties} as properties) to '{file}' (format parquet)")


def prices(folder: Path) -> list[float]:
    """The price in each row, in the order of numbers."""
    query = f"select cast(properties as json)->>'price' from {reader(folder)}"  # noqa: S608
    return sorted(float(price) for (price,) in duckdb.connect().execute(query).fetchall())


def texts(folder: Path, column: str) -> set[str]:
    query = f"select cast({column} as varchar) from {reader(folder)}"  # noqa: S608
    return {text for (text,) in duckdb.connect().execute(query).fetchall()}


@pytest.mark.parametrize("kinds", [*permutations(WRITTEN, 2)], ids=" and ".join)
def test_of_two_files_each_value_is_what_it_was(tmp_path: Path, kinds: Sequence[str]) -> None:
    for number, kind in enumerate(kinds):
        write(tmp_path, number, WRITTEN[kind][0])
    assert prices(tmp_path) == sorted(WRITTEN[kind][1] for kind in kinds)


def test_names_in_capitals_are_the_same_column(tmp_path: Path) -> None:
    write(tmp_path, 1, WRITTEN["text"][0])
    file = tmp_path / "2.parquet"
    duckdb.sql(
        f"copy (select 1 as id, {{'price': 2}} as \"Properties\") to '{file}' (format parquet)"
    )
    assert prices(tmp_path) == [2.0, 2.5]


@pytest.mark.parametrize("kind", WRITTEN)
def test_of_lines_beside_a_file_too(tmp_path: Path, kind: str) -> None:
    write(tmp_path, 1, WRITTEN[kind][0])
    (tmp_path / "2.jsonl").write_text("\n".join(LINES))
    assert prices(tmp_path) == sorted([WRITTEN[kind][1], 7.5, 8.0])


@pytest.mark.parametrize("many", [4, 500])
def test_of_files_of_many_kinds_too(
    tmp_path: Path, many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MANY", many)
    for number, (written, _) in enumerate(WRITTEN.values()):
        write(tmp_path, number, written)
    for number in range(
        10, 15
    ):  # other fields each, so that there are more kinds than are told apart
        write(tmp_path, number, f"{{'price': {number}, 'field_{number}': true}}")
    expected = [*(price for _, price in WRITTEN.values()), *range(10, 15)]
    assert prices(tmp_path) == sorted(expected)


@pytest.mark.parametrize(
    ("in_parquet", "in_lines", "read"),
    [
        ("2::bigint", "2.5", "2.5"),
        ("true", "2.5", "2.5"),
        ("2.5::decimal(4, 1)", "2.25", "2.25"),
        ("2::tinyint", "70000", "70000"),
        ("2.5::double", "3", "3.0"),
    ],
)
def test_a_number_in_lines_is_not_cut_to_the_type_of_parquet(
    tmp_path: Path, in_parquet: str, in_lines: str, read: str
) -> None:
    duckdb.sql(
        f"copy (select {in_parquet} as value) to '{tmp_path / '1.parquet'}' (format parquet)"
    )
    (tmp_path / "2.jsonl").write_text(f'{{"value":{in_lines}}}\n')
    assert read in texts(tmp_path, "value")


def test_ids_in_lines_and_in_parquet_are_not_rounded(tmp_path: Path) -> None:
    file = tmp_path / "1.parquet"
    duckdb.sql(f"copy (select 9007199254740993::bigint as id) to '{file}' (format parquet)")
    (tmp_path / "2.jsonl").write_text('{"id":9007199254740995}\n{"id":2.5}\n')
    assert texts(tmp_path, "id") == {"9007199254740993", "9007199254740995", "2.5"}


def test_seconds_in_one_file_and_timestamps_in_another_are_told(tmp_path: Path) -> None:
    for number, time in enumerate(("timestamptz '2026-11-01 00:00:00+00'", "1793491200")):
        columns = (
            f"'{number}' as unit_id, 'a' as variant, {time} as time, 'E' as experiment, 'E' as salt"
        )
        file = tmp_path / f"{number}.parquet"
        duckdb.sql(f"copy (select {columns}, 'user' as unit_type) to '{file}' (format parquet)")
    design = Design(name="E", salt="E", unit_type="user", control="a", metrics=[Conversion("buy")])
    wanted = r"1.parquet has INTEGER in its column 'time', and other files TIMESTAMP WITH TIME ZONE: write"
    with pytest.raises(AnalysisError, match=wanted):
        Analysis(design, exposures=tmp_path, actions=None).run()


def test_text_that_is_no_json_is_told(tmp_path: Path) -> None:
    seen = "'1' as unit_id, 'a' as variant, 0 as time, 'E' as experiment, 'E' as salt, 'user' as unit_type"
    did = "'1' as user_id, 'buy' as action, 5 as time, 'price: 5' as properties"
    for name, columns in (("exposures", seen), ("actions", did)):
        duckdb.sql(f"copy (select {columns}) to '{tmp_path / name}.parquet' (format parquet)")
    metric = Sum(action="buy", property="price", name="revenue")
    design = Design(name="E", salt="E", unit_type="user", control="a", metrics=[metric])
    seen_in, did_in = tmp_path / "exposures.parquet", tmp_path / "actions.parquet"
    for store in (None, tmp_path / "store.duckdb"):
        with pytest.raises(
            AnalysisError, match="properties, has 'price: 5', which is no JSON: write"
        ):
            Analysis(design, exposures=seen_in, actions=did_in, store=store).run()
