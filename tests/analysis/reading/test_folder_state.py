"""What tells whether files changed."""

import os
from pathlib import Path

from abkit.analysis.reading.folder_state import folder_state


def test_a_folder_that_nobody_touches_has_the_same_state(tmp_path: Path) -> None:
    day = tmp_path / "date=2026-11-01"
    day.mkdir()
    (day / "one.parquet").write_text("1")
    assert folder_state([tmp_path]) == folder_state([tmp_path])
    assert len(folder_state([tmp_path])) == 1


def test_whatever_happens_to_a_file_is_another_state(tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    file.write_text("1")
    os.utime(file, (1, 1))
    seen = [folder_state([tmp_path])]
    file.write_text("12")  # It grew,
    os.utime(file, (1, 1))
    seen.append(folder_state([tmp_path]))
    os.utime(file, (2, 2))  # was written again,
    seen.append(folder_state([tmp_path]))
    aside = tmp_path / ".aside"
    aside.write_text("21")
    os.utime(aside, (2, 2))
    aside.replace(file)  # was replaced by one as old and as long,
    seen.append(folder_state([tmp_path]))
    (tmp_path / "date=2026-11-02").mkdir()
    older = tmp_path / "date=2026-11-02" / "two.jsonl"
    older.write_text("2")
    os.utime(older, (0, 0))  # got a neighbour that is older than itself,
    seen.append(folder_state([tmp_path]))
    file.unlink()  # and went.
    seen.append(folder_state([tmp_path]))
    assert len(set(seen)) == len(seen)


def test_what_is_no_data_does_not_count(tmp_path: Path) -> None:
    before = folder_state([tmp_path])
    (tmp_path / ".incomplete").mkdir()
    (tmp_path / ".incomplete" / "one.parquet").write_text("")
    (tmp_path / "_SUCCESS").write_text("")
    assert folder_state([tmp_path]) == before == ()


def test_a_file_is_its_own_state_and_what_is_not_there_has_none(tmp_path: Path) -> None:
    file = tmp_path / "experiments.lock.json"
    assert folder_state([file, tmp_path / "results"]) == ()
    file.write_text("{}")
    ((path, size, _, _),) = folder_state([file, tmp_path / "results"])
    assert (path, size) == (str(file), 2)
