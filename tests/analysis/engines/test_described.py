"""What columns hold, by what the drivers say of them."""

import pytest

from abkit.analysis.engines.dialects.described import NUMBER, OTHER, TIME, held
from abkit.analysis.engines.dialects.generic import GENERIC

from .descriptions import RECORDED


def nothing(_name: str) -> None:
    """A driver without type objects."""


def test_each_warehouse_is_recorded() -> None:
    assert {*RECORDED} == {*GENERIC} - {"duckdb"}


@pytest.mark.parametrize("dialect", RECORDED)
def test_a_column_holds_what_its_driver_says(dialect: str) -> None:
    for column, expected in RECORDED[dialect]:
        assert (column, held(column, dialect, nothing)) == (column, expected)


def test_a_driver_that_is_not_the_warehouses_own_is_asked_as_pep_249_says() -> None:
    objects = {"DATETIME": dict, "NUMBER": float}  # as pyodbc's, whose codes are Python's types
    codes = {dict: TIME, float: NUMBER, str: OTHER}
    for code, expected in codes.items():
        column = ("x", code, None, 15, 15, 0, True)
        assert held(column, "snowflake", objects.get) == expected
