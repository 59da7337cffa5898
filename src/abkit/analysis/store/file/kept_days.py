"""Where a store has what is known of the closed days of an experiment."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

from attrs import frozen

from abkit.analysis.reading.quoting import identifier, literal
from abkit.analysis.store.closed.closed_days import ClosedDays
from abkit.analysis.store.closed.keeping import MOST_QUESTIONS, Keeping, KeptTable, Rows
from abkit.analysis.store.closed.value_keys import HashedValues, ValueKeys


class Writing(Keeping, Protocol):
    """An engine with a store that statements write."""

    def run(self, statement: str) -> list[tuple[Any, ...]]:
        """Do something in the store; the answer are rows."""
        ...

    def transaction(self) -> AbstractContextManager[None]:
        """All that is done within is kept together, or nothing of it."""
        ...


@frozen
class KeptDays:
    """What is known of one experiment, as it is asked.

    Attributes:
        engine: The engine, with its store.
        experiment: The name of the experiment.
        definition: A digest of what is asked.
    """

    engine: Writing
    experiment: str
    definition: str

    @property
    def keys(self) -> ValueKeys:
        """As `Kept.keys`."""
        return HashedValues()

    def table(self, kind: KeptTable) -> str:
        """As `Kept.table`."""
        return f"store.{identifier(f'{kind}_{self.definition}')}"

    def read(self) -> ClosedDays | None:
        """What is known; None if nothing is."""
        found = self.engine.run(f"select kept from store.experiments {self._own}")
        return ClosedDays.from_json(found[0][0]) if found else None

    def batch(self) -> int:
        """The number of the last batch that came."""
        ((batch,),) = self.engine.run("select coalesce(max(batch), 0) from store.batches")
        return int(batch)

    def write(self, closed: ClosedDays, changes: Mapping[KeptTable, Rows]) -> None:
        """As `Kept.write`."""
        run = self.engine.run
        with self.engine.transaction():
            for kind, rows in changes.items():
                table = self.table(kind)
                if rows.gone is None:
                    run(f"create or replace table {table} as select * from {rows.table}")
                else:
                    run(f"delete from {table} where {rows.gone}")
                    run(f"insert into {table} by name select * from {rows.table}")
            run(f"delete from store.experiments {self._own}")
            texts = ", ".join(map(literal, (self.experiment, self.definition, closed.to_json())))
            run(f"insert into store.experiments select {texts}, {self._next()}")
            self._forget_others()

    def forget(self) -> None:
        """Forget what is known."""
        for kind in KeptTable:
            self.engine.run(f"drop table if exists {self.table(kind)}")
        self.engine.run(f"delete from store.experiments {self._own}")

    @property
    def _own(self) -> str:
        return f"where experiment = {literal(self.experiment)} and definition = {literal(self.definition)}"

    def _next(self) -> int:
        ((number,),) = self.engine.run("select coalesce(max(number), 0) + 1 from store.experiments")
        return int(number)

    def _forget_others(self) -> None:
        """Forget the questions that were asked before the last ones."""
        of = f"where experiment = {literal(self.experiment)}"
        found = self.engine.run(
            f"select definition from store.experiments {of} order by number desc offset {MOST_QUESTIONS}"
        )
        for (definition,) in found:
            KeptDays(self.engine, self.experiment, definition).forget()


def forget_all(engine: Writing) -> None:
    """Forget what is known of all experiments."""
    for experiment, definition in engine.run(
        "select experiment, definition from store.experiments"
    ):
        KeptDays(engine, experiment, definition).forget()
