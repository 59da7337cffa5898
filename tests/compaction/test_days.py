"""Which files belong together, and which days are worth merging."""

from datetime import date, timedelta

import pytest

from abkit.compaction.days import Day, StoredFile, days_to_merge, stored_file

TODAY = date(2026, 11, 20)
NOW = 1_795_000_000.0
OLD = NOW - 7_200
RUN, OTHER = "0" * 32, "f" * 32


def file(name: str, *, days_ago: int = 3, kind: str = "actions", **known: float) -> StoredFile:
    size, modified = int(known.get("size", 10)), known.get("modified", OLD)
    return StoredFile(kind, TODAY - timedelta(days=days_ago), name, size, modified)


def to_merge(*files: StoredFile) -> list[tuple[str, list[str]]]:
    days = days_to_merge(files, before=TODAY)
    return [(str(day), [each.name for each in day.files]) for day in days]


def test_a_day_of_several_files_is_to_be_merged_once_it_is_over() -> None:
    found = to_merge(
        file("b.parquet"),
        file("a.parquet"),
        file("a.parquet", kind="exposures"),
        file("c.jsonl", kind="exposures"),
        file("a.parquet", days_ago=0),
        file("b.parquet", days_ago=0),
        file("a.parquet", days_ago=-1),
        file("b.parquet", days_ago=-1),
        file("a.parquet", days_ago=9),
        file("b.parquet", days_ago=9),
    )
    assert found == [
        ("actions of 2026-11-11", ["a.parquet", "b.parquet"]),
        ("actions of 2026-11-17", ["a.parquet", "b.parquet"]),
        ("exposures of 2026-11-17", ["a.parquet", "c.jsonl"]),
    ]


@pytest.mark.parametrize(
    ("names", "done"),
    [
        (["a.parquet"], True),
        (["a.jsonl"], False),
        ([f"merged-0001-{RUN}-000.parquet", f"merged-0001-{RUN}-001.parquet"], True),
        ([f"merged-0001-{RUN}-000.parquet", f"merged-0001-{OTHER}-000.parquet"], False),
        ([f"merged-0001-{RUN}-000.parquet", "late.parquet"], False),
    ],
)
def test_a_day_of_one_run_or_of_one_file_of_parquet_is_done(names: list[str], done: bool) -> None:
    assert (to_merge(*map(file, names)) == []) is done


def test_what_is_of_others_is_left_alone() -> None:
    left = [
        "_SUCCESS",
        "_0a.jsonl.open",
        ".hidden.parquet",
        "_x.parquet",
        "a.csv",
        "a.jsonl.gz",
        "readme.md",
    ]
    assert to_merge(*map(file, left), file("empty.jsonl", size=0)) == []


def test_a_new_file_has_a_name_that_comes_after_those_that_it_replaces() -> None:
    """So that a listing in the order of the names misses no event: S3's is one."""
    sink = [file(f"{digit}{RUN}.parquet") for digit in "09af"]
    day = Day("actions", TODAY, (*sink, file("_0a.jsonl.open")))
    first = day.target(OTHER, 0)
    again = Day("actions", TODAY, (*sink, file(first.rpartition("/")[2]))).target(RUN, 0)
    assert [each.name < first.rpartition("/")[2] for each in day.files] == [True] * 5
    assert first < again
    assert first == f"actions/date=2026-11-20/merged-0001-{OTHER}-000.parquet"


def test_only_the_folders_of_events_by_date_have_files_of_events() -> None:
    found = stored_file("exposures/date=2026-11-17/a.parquet", 10, OLD)
    assert found == file("a.parquet", kind="exposures")
    assert found is not None
    assert found.path == "exposures/date=2026-11-17/a.parquet"
    for path in (
        "exposures/a.parquet",
        "results/date=2026-11-17/a.parquet",
        "exposures/date=2026-11-17/more/a.parquet",
        "exposures/date=2026-13-17/a.parquet",
        "exposures/date=trial/a.parquet",
        "a.parquet",
    ):
        assert stored_file(path, 10, OLD) is None
