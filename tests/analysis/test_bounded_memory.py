"""More than fits into the memory that DuckDB may use, and events of which nearly all are alike."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from attrs import evolve

from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.engines.local import DuckDB
from abkit.errors import AnalysisError

from ..benchmarks.large import by_hand
from ..benchmarks.large.asked import analysis
from ..benchmarks.large.data import Size, make

LIMIT, ENOUGH = "60MB", "200MB"


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events whose measures per unit do not fit into `LIMIT`."""
    where = tmp_path_factory.mktemp("many")
    make(where, Size(units=100_000, actions=400_000), threads=2)
    return where


@pytest.fixture(scope="module")
def skewed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of which one unit did two thirds, and nine in ten have one name."""
    where = tmp_path_factory.mktemp("skewed")
    size = Size(units=5_000, actions=90_000, of_one_unit=60_000, one_name=True)
    make(where, size, threads=2)
    return where


@pytest.fixture
def without_room(many: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB with the same memory that may write no temporary files."""
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": LIMIT,
        "threads": 2,
        "max_temp_directory_size": "0KB",
        "preserve_insertion_order": False,
    }
    with closing(duckdb.connect(config=config)) as connection:
        for name in ("exposures", "actions"):
            connection.execute(
                f"create view {name} as from read_parquet('{many}/{name}/*/*.parquet')"
            )
        yield connection


def measured(where: Path, limit: str, *, by_day: bool = False) -> MeasuredSums:
    with DuckDB(memory_limit=limit, threads=2) as engine:
        return analysis(where, engine, by_day=by_day).gather().measured


def check_as_by_hand(found: MeasuredSums, where: Path) -> None:
    """The sums are those that plain SQL without any limit gives."""
    names = by_hand.measures()
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        exposed, final = by_hand.statements(str(where))
        connection.execute(exposed)
        cursor = connection.execute(final)
        columns = [column[0] for column in cursor.description or ()]
        rows = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    assert {row["variant"] for row in rows} == {*found.sums} == {"0", "1"}
    for row in rows:
        sums, n = found.sums[row["variant"]], row["units"]
        assert sums.n == n
        for i, name in enumerate(names):
            assert sums.mean(i) == pytest.approx(row[name] / n, rel=1e-9), name
        for one, other in by_hand.pairs():
            i, j = sorted((names.index(one), names.index(other)))
            expected = row[f"{one}_{other}"] - row[one] * row[other] / n
            assert sums.comoment(i, j) == pytest.approx(expected, rel=1e-9, abs=1e-6), (one, other)


def test_what_does_not_fit_is_written_to_temporary_files_and_counts_the_same(many: Path) -> None:
    check_as_by_hand(measured(many, LIMIT), many)


def test_without_room_for_temporary_files_it_does_not_fit(
    many: Path, without_room: duckdb.DuckDBPyConnection
) -> None:
    asked = analysis(many, without_room, by_day=False)
    of_tables = evolve(asked, exposures="exposures", actions="actions")
    with pytest.raises(AnalysisError, match="Out of Memory"):
        of_tables.gather()


def test_too_little_memory_says_what_to_change(many: Path) -> None:
    with (
        DuckDB(memory_limit="10MB", threads=2) as engine,
        pytest.raises(AnalysisError, match=r"Out of Memory.*--memory-limit.*TMPDIR"),
    ):
        analysis(many, engine, by_day=False).gather()


@pytest.mark.parametrize("by_day", [False, True], ids=["at the end", "of each day"])
def test_a_unit_with_most_actions_and_a_name_of_most_actions_count_as_any_other(
    skewed: Path, *, by_day: bool
) -> None:
    check_as_by_hand(measured(skewed, ENOUGH, by_day=by_day), skewed)
