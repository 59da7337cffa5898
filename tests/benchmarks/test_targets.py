"""What `make bench` says at its end."""

from rich.console import Console

from .ratio import Figure
from .row import Row
from .targets import Target, targets_of, targets_told


def told(*targets: Target) -> str:
    console = Console(width=120, record=True)
    with console.capture() as capture:
        console.print(targets_told(targets))
    return capture.get()


def test_missed_targets_are_told_in_one_table_the_worst_first() -> None:
    text = told(
        Target(what="met", value=2.0, most=2.0),
        Target(what="nearly [met]", value=3.6, most=3.5, unit="xF"),
        Target(what="far off", value=100.0, most=50.0, unit="ms"),
    )
    assert "1 of 3 targets were met; these were missed:" in text
    assert text.index("far off") < text.index("nearly [met]")
    for figure in ("50.00 ms", "3.60 xF", "100%"):
        assert figure in text


def test_where_all_are_met_it_says_only_that() -> None:
    assert told(Target(what="met", value=1, most=2)).strip() == "1 of 1 targets were met."


def test_a_row_without_a_target_has_none_to_miss() -> None:
    row = Row(what="get", by_id=Figure([3.0, 9.0, 4.0]), target=3.5)
    rows = [row, Row(what="for information", by_id=Figure([1.0]))]
    assert targets_of(rows, []) == [Target(what="get", value=4.0, most=3.5, unit="xF")]
