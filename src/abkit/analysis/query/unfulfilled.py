"""How many actions have the properties that conditions ask for, and fulfil them: the SQL."""

from collections.abc import Sequence
from functools import cached_property

from attrs import frozen

from abkit.analysis.query.values import among
from abkit.analysis.query.where import Filters, property_column
from abkit.analysis.reading.columns import Column, Kind
from abkit.experiments.declaring.conditions import Condition, Path

MAXIMUM_ACTIONS = 200
"""So many actions are looked at for the names of their properties."""


@frozen
class FulfilmentQueries:
    """The queries of what conditions ask for, over `actions_as_tested`.

    Attributes:
        filters: The conditions.
        used: The pairs of a condition and an action of which it is asked.
    """

    filters: Filters
    used: Sequence[tuple[Condition, str]]

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """The properties, each once."""
        return tuple(dict.fromkeys(path for (path, _), _ in self.filters.properties))

    def columns(self) -> list[Column]:
        """What is needed of the table of actions."""
        return [
            Column(name="action", kind=Kind.TEXT, source="action", required=True),
            *self.filters.columns(),
            *(
                property_column(
                    f"written_{i}", path, Kind.TEXT, [action for _, action in self.used]
                )
                for i, path in enumerate(self.paths)
            ),
        ]

    def counts(self) -> str:
        """How many there are; a row by action that has some.

        Columns: action, times, fulfilled_0, ... (by the places in `Filters.conditions`), known_0, ... (by
        `paths`: how many have the property), and by the places in `Filters.properties` unusable_0, ... (how
        many have it, and not as it is read) and example_0, ... (of these, as it is written).
        """
        columns = [
            "action",
            "count(*) as times",
            *(
                f"{_sum(self.filters.fulfilled(condition))} as fulfilled_{i}"
                for i, condition in enumerate(self.filters.conditions)
            ),
            *(f"count({self._written(path)}) as known_{i}" for i, path in enumerate(self.paths)),
        ]
        for i, ((path, _), _) in enumerate(self.filters.properties):
            unusable = f"prop_{i} is null and lower({self._written(path)}) not in ('nan', 'null')"
            columns.append(f"{_sum(unusable)} as unusable_{i}")
            columns.append(
                f"min(case when {unusable} then {self._written(path)} end) as example_{i}"
            )
        listed = ",\n  ".join(columns)
        actions = dict.fromkeys(action for _, action in self.used)
        return f"""\
select {listed}
from actions_as_tested
where {among(actions)}
group by action"""  # noqa: S608 - literals are quoted

    def _written(self, path: Path) -> str:
        return f"written_{self.paths.index(path)}"


def columns_of_properties(action: str) -> list[Column]:
    """All properties of an action in one column.

    Args:
        action: Its name.
    """
    return [
        Column(name="action", kind=Kind.TEXT, source="action", required=True),
        Column(name="properties", kind=Kind.TEXT, source="properties", when=("action", (action,))),
    ]


def some_properties(*, source: str) -> str:
    """The properties of some actions. Columns: properties.

    Args:
        source: The table of `columns_of_properties`.
    """
    return f"""\
select properties
from {source}
where properties is not null
limit {MAXIMUM_ACTIONS}"""  # noqa: S608 - a name and a number of our own


def _sum(condition: str) -> str:
    return f"sum(case when {condition} then 1 else 0 end)"
