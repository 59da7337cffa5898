"""How files of events are called that are still written to."""

import pytest

from abkit.open_files import closed_names, is_open, open_name


def test_a_name_tells_that_a_file_is_open_and_what_closes_it() -> None:
    assert open_name("7f") == "_7f.jsonl.open"
    assert is_open("_7f.jsonl.open")
    assert closed_names("_7f.jsonl.open") == ("7f.parquet", "7f.jsonl")


@pytest.mark.parametrize(
    "name", ["7f.jsonl", "7f.jsonl.open", "_7f.jsonl", "_.jsonl.open", "_SUCCESS", ".7f.jsonl.open"]
)
def test_no_other_name_does(name: str) -> None:
    assert not is_open(name)
