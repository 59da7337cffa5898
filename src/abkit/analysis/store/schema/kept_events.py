"""What a store in a schema knows of a table of events."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.analysis.store import kept_columns

FORMAT = 3
"""The number of how a store is laid out: what is laid out otherwise is read anew."""


@frozen(kw_only=True)
class KeptEvents:
    """What is known.

    Attributes:
        label: How messages call the table that they were read from.
        renamed: What it calls columns of the schema.
        columns: The columns that are kept, by the store's names.
        present: The names of those that the table really has.
        differ: Whether some events have one insert_id, and are not the same.
        batches: What names each batch, in order; the first one has the number 1.
        tables: The tables that have the events, and how many rows each.
        retired: The tables that had them, and when that ended, in microseconds since 1970.
        days: The number of rows that the table had, by the day of their time.
    """

    label: str
    renamed: str
    columns: Mapping[str, Column]
    present: frozenset[str]
    differ: bool = False
    batches: Sequence[str] = ()
    tables: Mapping[str, int] = field(default=MappingProxyType({}))
    retired: Mapping[str, int] = field(default=MappingProxyType({}))
    days: Mapping[int, int] = field(default=MappingProxyType({}))

    def is_of(self, table: Table) -> bool:
        """Whether it was read from a table, by the same of its columns."""
        return (self.label, self.renamed) == (table.label, kept_columns.renamed(table))

    def to_json(self) -> str:
        """As a text."""
        return json.dumps(
            {
                "format": FORMAT,
                "label": self.label,
                "renamed": self.renamed,
                "columns": [kept_columns.written(column) for column in self.columns.values()],
                "present": sorted(self.present),
                "differ": self.differ,
                "batches": [*self.batches],
                "tables": {**self.tables},
                "retired": {**self.retired},
                "days": [[day, rows] for day, rows in sorted(self.days.items())],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "KeptEvents | None":
        """What `to_json` wrote; None if another abkit wrote it otherwise."""
        read = json.loads(text)
        if read.pop("format") != FORMAT:
            return None
        columns = [kept_columns.read(column) for column in read["columns"]]
        return cls(
            **{
                **read,
                "columns": {column.name: column for column in columns},
                "present": frozenset(read["present"]),
                "days": dict(read["days"]),
            }
        )
