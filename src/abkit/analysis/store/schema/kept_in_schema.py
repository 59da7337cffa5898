"""Where a store in a schema has what is known of the closed days of an experiment."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

from abkit.analysis.reading.quoting import identifier
from abkit.analysis.store.closed.closed_days import ClosedDays
from abkit.analysis.store.closed.keeping import Keeping, KeptTable, Rows
from abkit.analysis.store.closed.value_keys import PlainValues, ValueKeys
from abkit.analysis.store.schema.kept_events import FORMAT
from abkit.analysis.store.schema.schema_tables import SchemaTables
from abkit.analysis.store.schema.states import new_token


class KeptInSchema:
    """What is known of one experiment, as it is asked.

    Args:
        engine: The engine, with its store.
        tables: The tables of the store.
        batches: What names each batch of actions that the store has, in order.
        experiment: The name of the experiment.
        definition: A digest of what is asked.
    """

    def __init__(
        self,
        engine: Keeping,
        tables: SchemaTables,
        batches: Sequence[str],
        *,
        experiment: str,
        definition: str,
    ) -> None:
        self.engine: Keeping = engine
        self._tables, self._batches = tables, batches
        self._subject = sha256(experiment.encode()).hexdigest()[:16]
        self._experiment, self._question = experiment, definition
        self._state = tables.latest(self._subject, definition)

    @property
    def keys(self) -> ValueKeys:
        """As `Kept.keys`: hashes differ from database to database."""
        return PlainValues()

    def table(self, kind: KeptTable) -> str:
        """As `Kept.table`."""
        return self._tables.name(f"{kind}_{'' if self._state is None else self._state.token}")

    def read(self) -> ClosedDays | None:
        """What is known; None if nothing is, or of events that the store does not have in this order."""
        if self._state is None:
            return None
        read = json.loads(self._tables.text(self._state))
        if read["format"] != FORMAT:
            return None
        closed = ClosedDays.from_json(read["closed"])
        if [*self._batches[closed.batch - 1 : closed.batch]] != [read["batch"]]:
            return None
        return closed

    def batch(self) -> int:
        """The number of the last batch of actions that came."""
        return len(self._batches)

    def write(self, closed: ClosedDays, changes: Mapping[KeptTable, Rows]) -> None:
        """As `Kept.write`: into new tables, which have the old rows too that still hold."""
        token, tables = new_token(), self._tables
        for kind, rows in changes.items():
            columns = ", ".join(map(identifier, self.engine.columns(rows.table)))
            query = f"select {columns} from {rows.table}"
            if rows.gone is not None:
                query += (
                    f"\nunion all\nselect {columns} from {self.table(kind)} where not ({rows.gone})"
                )
            tables.make(f"{kind}_{token}", token, query)
        text = json.dumps(
            {
                "format": FORMAT,
                "experiment": self._experiment,
                "batch": self._batches[closed.batch - 1],
                "closed": closed.to_json(),
            }
        )
        tables.write(self._subject, self._question, token, text)
