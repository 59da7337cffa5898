"""What keeps actions from fulfilling the conditions of metrics, in sentences."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches

from attrs import frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.amounts import listed
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.layout import Layout, actions_of
from abkit.analysis.query.unfulfilled import (
    FulfilmentQueries,
    columns_of_properties,
    some_properties,
)
from abkit.analysis.reading.columns import Kind
from abkit.analysis.reading.sources import Table
from abkit.experiments.declaring.conditions import Condition, Path, tested
from abkit.experiments.declaring.metrics import ActionMetric
from abkit.experiments.declaring.where import prop

_SHOWN = 8
_UNUSABLE = {
    Kind.NUMBER: ("a number", "it equals no number, and is neither above nor below one"),
    Kind.TRUTH: ("true or false", "it is equal to neither"),
}


def unfulfilled(session: QuerySession, layout: Layout, actions: Table) -> Iterable[str]:
    """Of each condition, what is not there though it asks for it; and whether nothing fulfils it.

    Args:
        session: The engine.
        layout: The metrics.
        actions: The table of the actions.
    """
    used, queries = _used(layout), fulfilment(layout)
    if not used:
        return
    session.engine.open("actions_as_tested", actions, queries.columns())
    rows = session.rows("actions that fulfil conditions", queries.counts())
    by_action = {str(row["action"]): row for row in rows}
    unknown: set[tuple[Path, str]] = set()
    told: set[tuple[Path, Kind, str]] = set()
    for (condition, action), metrics in used.items():
        row = by_action.get(action)
        if row is None:
            continue
        of = _Asked(condition, action, metrics)
        lacking = [
            path for path in of.paths if not integer(row, f"known_{queries.paths.index(path)}")
        ]
        for path in lacking:
            if (path, action) not in unknown:
                unknown.add((path, action))
                place = len(unknown)
                yield of.lacks(path, _properties(session, actions, action, place=place))
        yield from of.unusable(queries, row, told)
        place = layout.filters.conditions.index(condition)
        if not lacking and not integer(row, f"fulfilled_{place}"):
            yield f"None of {integer(row, 'times'):,} {action!r} fulfils {condition!r}, which {of.want}."


def fulfilment(layout: Layout) -> FulfilmentQueries:
    """The queries of what the conditions of metrics ask for."""
    return FulfilmentQueries(layout.filters, tuple(_used(layout)))


@frozen
class _Asked:
    """A condition that metrics ask of an action.

    Attributes:
        condition: The condition.
        action: The action's name.
        metrics: The names of the metrics.
    """

    condition: Condition
    action: str
    metrics: Sequence[str]

    @property
    def want(self) -> str:
        """Who asks for it."""
        return f"{listed([*map(repr, self.metrics)])} {'asks' if len(self.metrics) == 1 else 'ask'} for"

    @property
    def paths(self) -> Collection[Path]:
        """The properties that it tests."""
        return dict.fromkeys(each.path for each in tested(self.condition))

    def lacks(self, path: Path, known: Collection[Path]) -> str:
        """That no action has a property."""
        names = {".".join(each): each for each in known}
        close = get_close_matches(".".join(path), names, n=1)
        hint = f" Did you mean {prop(*names[close[0]])!r}?" if close else ""
        shown = [repr(prop(*each)) for each in sorted(known)]
        few = ", ".join(shown[:_SHOWN]) + (", ..." if len(shown) > _SHOWN else "")
        there = f" There are {few}." if few else ""
        return f"No {self.action!r} has {prop(*path)!r}, which {self.want}.{hint}{there}"

    def unusable(
        self, queries: FulfilmentQueries, row: Row, told: set[tuple[Path, Kind, str]]
    ) -> Iterable[str]:
        """That some actions have a property of another kind than what it is compared with."""
        for place, ((path, kind), _) in enumerate(queries.filters.properties):
            some = integer(row, f"unusable_{place}")
            if path not in self.paths or kind not in _UNUSABLE or not some:
                continue
            if (path, kind, self.action) not in told:
                told.add((path, kind, self.action))
                known = integer(row, f"known_{queries.paths.index(path)}")
                example, (wanted, effect) = str(row[f"example_{place}"])[:40], _UNUSABLE[kind]
                yield (
                    f"{some:,} of {known:,} {self.action!r} that have {prop(*path)!r} have a value such as "
                    f"{example!r} there, not {wanted}, which {self.want}: {effect}."
                )


def _used(layout: Layout) -> Mapping[tuple[Condition, str], Sequence[str]]:
    """Of each condition and action, the names of the metrics that ask for it."""
    found: dict[tuple[Condition, str], dict[str, None]] = {}
    for estimand in layout.estimands:
        for part in estimand.places:
            if isinstance(part, ActionMetric) and part.where is not None:
                for action in actions_of(part):
                    found.setdefault((part.where, action), {})[estimand.metric.name] = None
    return {pair: tuple(names) for pair, names in found.items()}


def _properties(
    session: QuerySession, actions: Table, action: str, *, place: int
) -> Collection[Path]:
    """The properties of some actions of a name, those in objects too, where they are written as JSON."""
    source = f"actions_with_properties_{place}"
    session.engine.open(source, actions, columns_of_properties(action))
    rows = session.rows(f"properties of {action}", some_properties(source=source))
    return {path for row in rows for path in _paths(str(row["properties"]))}


def _paths(text: str) -> Iterable[Path]:
    try:
        read = json.loads(text)
    except ValueError:
        return
    if not isinstance(read, dict):
        return
    for name, value in read.items():
        paths = [(name, each) for each in value] if isinstance(value, dict) else [(name,)]
        yield from (path for path in paths if all(each.strip() for each in path))
