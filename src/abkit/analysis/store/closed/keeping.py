"""What an analysis needs of a store, wherever it is."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol, runtime_checkable

from attrs import frozen

from abkit.analysis.engines.base import Engine
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.analysis.store.closed.closed_days import ClosedDays
from abkit.analysis.store.closed.value_keys import ValueKeys

MOST_QUESTIONS = 4
"""Of one experiment, so many different questions are kept, such as with another window; the last ones."""


class KeptTable(StrEnum):
    """The tables of what is known of one experiment."""

    UNITS = "units"
    """What each unit did in closed days."""
    STATES = "states"
    """The states of units that limits may change."""
    VALUES = "values"
    """The different values of each unit."""
    DAYS = "days"
    """What units did by days since their exposure."""


@frozen
class Rows:
    """What is new in a table.

    Attributes:
        table: Where the new rows are.
        gone: Which of the old rows do not hold any more, as SQL; None: none of them does.
    """

    table: str
    gone: str | None = None


class Kept(Protocol):
    """What is known of the closed days of one experiment, as it is asked."""

    @property
    def engine(self) -> "Keeping":
        """The engine, with its store."""
        ...

    @property
    def keys(self) -> ValueKeys:
        """How values of units are told apart."""
        ...

    def table(self, kind: KeptTable) -> str:
        """A table, as queries name it."""
        ...

    def read(self) -> ClosedDays | None:
        """What is known; None if nothing is."""
        ...

    def batch(self) -> int:
        """The number of the last batch of actions that came."""
        ...

    def write(self, closed: ClosedDays, changes: Mapping[KeptTable, Rows]) -> None:
        """Write down what is known, all of it or nothing.

        Args:
            closed: The sums.
            changes: What is new in each table that is kept; what is not there is not known any more.
        """
        ...


@runtime_checkable
class Keeping(Engine, Protocol):
    """An engine that reads what a store keeps instead of the events that it was read from.

    Attributes:
        late: How long after it happened an event commonly arrives, in microseconds.
    """

    late: int

    def has(self, kind: str, table: Table, columns: Sequence[Column]) -> bool:
        """Whether the store has all of a table that queries need.

        Args:
            kind: What the table is of, such as "actions".
            table: The table.
            columns: What the queries need of it.
        """
        ...

    def differ(self, kind: str) -> bool:
        """Whether some events have one insert_id, and are not the same."""
        ...

    def columns(self, name: str) -> Sequence[str]:
        """The names of a table's columns."""
        ...

    def kept(self, experiment: str, definition: str) -> Kept:
        """What is known of one experiment.

        Args:
            experiment: Its name.
            definition: A digest of what is asked.
        """
        ...
