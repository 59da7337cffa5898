"""What each unit did that counts, each action once: the table `done`, and what was completed by it."""

from collections.abc import Collection, Mapping
from types import MappingProxyType

from abkit.analysis.aggregation.completions import Known, define_completed
from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.query.events import EventQueries


def define_rows(
    session: QuerySession, queries: EventQueries, *, present: Collection[str], recorded: str
) -> str:
    """Define what each unit of `units` did that counts, each action once.

    Args:
        session: The engine, in which `units` and `actions` are.
        queries: The queries.
        present: The columns that the table of actions really has.
        recorded: The table that has each action once: `recorded_actions`.

    Returns:
        The name of the rows, for `EventQueries.per_unit`.
    """
    layout, source = queries.layout, "actions"
    if (
        not layout.idempotent
        and "insert_id" in present
        and session.repeats("actions stored twice", recorded, "insert_id")
    ):
        session.define("actions_once", queries.actions.once())
        source = "actions_once"
    resolved = recorded != "actions"
    keep = resolved or bool(layout.derived or layout.quantiles)
    return define_done(session, queries, source=source, keep=keep)


def define_done(
    session: QuerySession,
    queries: EventQueries,
    *,
    source: str,
    keep: bool,
    known: Mapping[int, Known] = MappingProxyType({}),
) -> str:
    """Define what each unit of `units` did that counts, of actions that are there once.

    Args:
        session: The engine.
        queries: The queries.
        source: The table of the actions.
        keep: Whether it is read several times.
        known: By the place of a metric among `Layout.derived`, what is known of it.

    Returns:
        As of `define_rows`.
    """
    layout = queries.layout
    session.define("done", queries.actions.done(source=source), keep=keep)
    if not layout.derived:
        return "done"
    for i, part in enumerate(layout.derived):
        define_completed(session, i, part, layout, known=known.get(i, Known()))
    session.define("progress", queries.actions.progress())
    return "progress"
