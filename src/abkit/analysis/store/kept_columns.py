"""What a store calls the columns of events that queries need."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from attrs import asdict, evolve

from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table

ROW_ID = "row_id"
"""The column of a hash of 128 bits of the insert_id, which tells events apart; null where there is none.

In DuckDB it is a struct of two halves: where one tells that nothing is the same, the other is not read."""

PART = "part"
"""The column of the number of the files that a row was read from."""

BATCH = "batch"
"""The column of the number of the time at which a row was read."""


def kept_columns(columns: Sequence[Column]) -> dict[str, Column]:
    """By the names that queries have for columns, the same columns by the names that a store has for them.

    Two queries that need the same of the same table have one name for it. No column is required, as what
    the table lacks now may come later.

    Args:
        columns: What one experiment's queries need of a table.
    """
    found: dict[str, Column] = {}
    for column in columns:  # what `when` names comes before it
        found[column.name] = _kept(column, found)
    return found


def renamed(table: Table) -> str:
    """What a table calls columns of the schema: if it is another one, it is another table to a store."""
    return json.dumps(sorted(table.columns.items()))


def together(requests: Iterable[Mapping[str, Column]]) -> tuple[Column, ...]:
    """The columns of several experiments, each once."""
    return tuple({column.name: column for each in requests for column in each.values()}.values())


def written(column: Column) -> str:
    """A column as a text of JSON."""
    return json.dumps(asdict(column), sort_keys=True)


def read(text: str) -> Column:
    """The column that `written` wrote."""
    values: dict[str, Any] = json.loads(text)
    when = values["when"]
    return Column(
        **{
            **values,
            "kind": Kind(values["kind"]),
            "inside": tuple(values["inside"]),
            "elsewhere": tuple(values["elsewhere"]),
            "when": when and (when[0], tuple(when[1])),
        }
    )


def _kept(column: Column, found: Mapping[str, Column]) -> Column:
    when = column.when and (found[column.when[0]].name, column.when[1])
    plain = evolve(column, name="", when=when, required=False)
    if column.source == "insert_id":
        return evolve(plain, name=ROW_ID)
    digest = sha256(written(plain).encode()).hexdigest()
    return evolve(plain, name=f"c_{digest[:16]}")
