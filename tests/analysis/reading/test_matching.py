"""Which column of a table is which column of the queries."""

from collections.abc import Mapping
from typing import Any

import pytest

from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.matching import match
from abkit.analysis.reading.sources import Place, Table
from abkit.errors import AnalysisError, MissingColumnError

PRICE = Column(name="price", kind=Kind.NUMBER, source="properties", key="price")
TIME = Column(name="time", kind=Kind.INSTANT, source="time", required=True)


def found(column: Column, columns: Mapping[str, Place], *available: str) -> tuple[Any, ...]:
    (one,) = match(Table("t", columns), [column], available)
    return one.source, one.path


def test_a_column_has_the_name_of_the_schema_unless_it_is_mapped() -> None:
    assert found(TIME, {}, "time", "when") == ("time", ())
    assert found(TIME, {"time": "when"}, "time", "when") == ("when", ())


def test_an_entry_stands_in_its_container_in_another_or_in_a_column_of_its_own() -> None:
    assert found(PRICE, {}, "properties") == ("properties", ("price",))
    assert found(PRICE, {"properties": "props"}, "props") == ("props", ("price",))
    assert found(PRICE, {"properties": ("event", "props")}, "event") == (
        "event",
        ("props", "price"),
    )
    assert found(PRICE, {"properties.price": "amount"}, "amount", "properties") == ("amount", ())
    assert found(PRICE, {"properties.price": ("a", "b")}, "a") == ("a", ("b",))


def test_capitals_matter_only_where_two_columns_differ_by_them() -> None:
    assert found(TIME, {}, "TIME") == ("TIME", ())
    assert found(TIME, {}, "Time", "time") == ("time", ())
    with pytest.raises(MissingColumnError):
        found(TIME, {}, "Time", "TIME")


def test_what_is_not_there_is_null_unless_it_is_required_or_mapped() -> None:
    assert found(PRICE, {}, "x") == (None, ("price",))
    for column, columns in ((TIME, {}), (PRICE, {"properties": "props"})):
        with pytest.raises(MissingColumnError):
            found(column, columns, "x")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"userid": "unit_id"}, "the schema's name that comes first: {'unit_id': 'userid'}"),
        ({"tme": "x"}, "'tme', which is no column of the schema. The schema has insert_id, time"),
        ({"groups.": "x"}, "no column of the schema"),
        ({"time.hour": "x"}, "no column of the schema"),
        ({"time": ("a", "b", "c")}, "give the name of a column, or the names of a column and"),
        ({"time": ""}, "give the name of a column"),
        ({"time": 3}, "give the name of a column"),
        ([("time", "x")], "columns must be a mapping"),
    ],
)
def test_a_wrong_mapping_says_what_would_be_right(columns: Any, message: str) -> None:
    with pytest.raises(AnalysisError) as caught:
        Table("t", columns)
    assert message in str(caught.value)
