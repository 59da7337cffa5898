"""Whose an action is that names no unit, and which visitors are one unit, as the database knows it.

Below, T is the type of unit of the experiment. An identity is a pair of ids of two types, in either order.

- *An action that names a unit of T* counts for that unit only. Any other counts for every unit that one of
  its subjects is linked to, once for each, whatever the number of links. Identities of a type and T link; for
  a T that is neither visitor nor user, a visitor also links through its users. If T is visitor or user, only
  identities of a visitor and a user link: what an organization does is nobody's in particular.
- *The time of a link does not matter*: made after the action, it still links it. Actions count from the
  unit's first exposure on, as all do.
- *Several visitors of one person are one unit* where T is visitor. A visitor belongs to its first user (by
  time, then by id); the visitors of one user are a unit, named by the smallest of their ids, whose exposures
  are all of theirs. Further users of a visitor bring their actions to its unit, and no further visitors.
- *A visitor with more than ten users is a shared computer*: the first ten (by time, then by id) link.
- *A user with more than a hundred visitors is nobody in particular*, such as "anonymous": none of them links.

See docs/concepts/visitors-and-identity.md.
"""

from collections.abc import Collection, Sequence

from attrs import evolve, frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query import identities as sql
from abkit.analysis.query.canonical import (
    RECORDED,
    CanonicalQueries,
    merged,
    subject_column,
)
from abkit.analysis.query.identities import LinkQueries
from abkit.analysis.query.units import RECORDED_ID, UnitQueries
from abkit.analysis.reading.columns import Column
from abkit.analysis.reading.sources import Table
from abkit.errors import AnalysisError
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import USER

_UNIT = "unit_id"


@frozen(kw_only=True)
class LinkedIdentities:
    """What identities did to an analysis.

    Attributes:
        read: Identities in the table.
        incomplete: Those of them without two ids of two types; they are left out.
        types: The two types of most complete ones, as they are written; None if there is none.
        linking: Those of types that lead to a unit.
        merged: Exposed visitors that are one unit with other exposed visitors.
        people: The units that these are.
        in_several: How many of these units saw several variants, though none of their visitors did.
        shared: Visitors with more users than link.
        ignored: The links of these that are too many.
        crowded: Users with more visitors than one person has; they link nobody.
        crowd: The links of these.
        swapped: Pairs of a visitor and a user whose ids look swapped.
    """

    read: int
    incomplete: int = 0
    types: tuple[str, str] | None = None
    linking: int = 0
    merged: int = 0
    people: int = 0
    in_several: int = 0
    shared: int = 0
    ignored: int = 0
    crowded: int = 0
    crowd: int = 0
    swapped: int = 0


@frozen(kw_only=True)
class Links:
    """Who belongs together: what `find_links` found, and left as tables in the engine.

    Attributes:
        queries: The queries of these tables.
        people: Whether some visitors are one unit.
        found: What is known of the identities before the exposures are.
    """

    queries: LinkQueries
    people: bool
    found: LinkedIdentities


def find_links(session: QuerySession, unit_type: str, identities: Table) -> Links:
    """Find out which subjects of actions are linked to which units.

    Args:
        session: The engine.
        unit_type: What is randomized.
        identities: The table, with the columns of `abkit.events.IDENTITY_COLUMNS`.

    Raises:
        MissingColumnError: A column is not there.
        EmptyDataError: A file is empty.
        AnalysisError: A column cannot be that of the types.
    """
    present = session.engine.open("identities", identities, sql.COLUMNS)
    source = "identities"
    if "insert_id" in present and session.engine.repeats("identities", "insert_id"):
        source = "identities_once"
        session.define(source, sql.once())
    rows = session.rows("identities in the table", sql.kinds(source=source))
    if len(rows) > sql.MAXIMUM_KINDS:
        message = (
            f"{identities.label} has more than {sql.MAXIMUM_KINDS} different pairs of from_type and to_type. "
            "Are they the columns of the types, such as 'visitor' and 'user'?"
        )
        raise AnalysisError(message)
    queries = _queries(unit_type, rows)
    found = _counted(queries, rows)
    people = False
    if queries.reads_visitors:
        session.define("visitor_users", queries.visitor_users(), keep=True)
        many = session.row("visitors with many users, users with many visitors", queries.shared())
        found = evolve(
            found,
            shared=integer(many, "visitors"),
            ignored=integer(many, "ignored"),
            crowded=integer(many, "users"),
            crowd=integer(many, "users_links"),
        )
    if queries.merges:
        session.define("people", queries.people(), keep=True)
        counted = session.row("visitors of one person", "select count(*) as visitors from people")
        people = bool(integer(counted, "visitors"))
    for number, subject in enumerate(queries.subjects):
        session.define(sql.links_of(number), queries.links(subject), keep=True)
    return Links(queries=queries, people=people, found=found)


def open_exposures(
    session: QuerySession,
    links: Links | None,
    name: str,
    exposures: Table,
    columns: Sequence[Column],
) -> Collection[str]:
    """As `Engine.open`, of exposures or assignments: visitors of one person have one unit's id.

    Args:
        session: The engine.
        links: Who belongs together; None: nothing is known of that.
        name: How queries call the table.
        exposures: The table.
        columns: What queries need; also then the answer's `recorded_id`, the unit's id as it was recorded.
    """
    if links is None or not links.people:
        return session.engine.open(name, exposures, columns)
    present = session.engine.open(f"{name}{RECORDED}", exposures, columns)
    names = [column.name for column in columns]
    session.define(name, CanonicalQueries(table=name, columns=names, people=True).exposures())
    return [*present, RECORDED_ID]


def open_actions(
    session: QuerySession, links: Links | None, actions: Table, columns: Sequence[Column]
) -> Collection[str]:
    """As `Engine.open`, of `actions`: each is there for every unit that it counts for.

    Args:
        session: The engine.
        links: Who belongs together; None: an action counts for the unit that it names.
        actions: The table.
        columns: What queries need.

    Raises:
        MissingColumnError: There is no column of units, nor of subjects that are linked to them.
    """
    if links is None:
        return session.engine.open("actions", actions, columns)
    if not (links.people or links.queries.subjects):
        return _open_unlinked(session, links.queries.unit_type, actions, columns)
    subjects = [
        subject_column(subject, number) for number, subject in enumerate(links.queries.subjects)
    ]
    wanted = [
        evolve(column, required=False) if column.name == _UNIT and subjects else column
        for column in columns
    ]
    recorded = recorded_actions(links, actions)
    present = session.engine.open(recorded, actions, [*wanted, *subjects])
    named = {
        column.name: number for number, column in enumerate(subjects) if column.name in present
    }
    if not named and _UNIT not in present:
        return session.engine.open("actions", actions, columns)  # which says what is missing
    queries = CanonicalQueries(
        table="actions",
        columns=[column.name for column in columns],
        people=links.people,
        subjects=named,
    )
    session.define("actions", queries.actions())
    return [name for name in present if name not in named]


def _open_unlinked(
    session: QuerySession, unit_type: str, actions: Table, columns: Sequence[Column]
) -> Collection[str]:
    """Actions of which nobody is linked to a unit yet: they may name only who will be."""
    wanted = [
        evolve(column, required=False) if column.name == _UNIT else column for column in columns
    ]
    somebody = subject_column(VISITOR if unit_type == USER else USER, 0)
    present = session.engine.open("actions", actions, [*wanted, somebody])
    if _UNIT not in present and somebody.name not in present:
        return session.engine.open("actions", actions, columns)  # which says what is missing
    return [name for name in present if name != somebody.name]


def recorded_actions(links: Links | None, actions: Table | None) -> str:
    """The table that has each action once, whatever the number of units that it counts for.

    Args:
        links: Who belongs together; None: an action counts for the unit that it names.
        actions: What `open_actions` opened; None: nothing was done yet.
    """
    if actions is None or links is None or not (links.people or links.queries.subjects):
        return "actions"
    return f"actions{RECORDED}"


def linked_identities(
    session: QuerySession, links: Links | None, exposures: UnitQueries
) -> LinkedIdentities | None:
    """What identities did to the units; None if there are none.

    Args:
        session: The engine, in which the exposures are, and `seen`.
        links: Who belongs together.
        exposures: The exposures that count.
    """
    if links is None:
        return None
    found = links.found
    if links.people:
        people = session.row("units of several visitors", merged(exposures))
        found = evolve(
            found,
            merged=integer(people, "visitors"),
            people=integer(people, "units"),
            in_several=integer(people, "in_several"),
        )
    if links.queries.unit_type in (VISITOR, USER) and links.queries.reads_visitors:
        swapped = session.row("identities that look swapped", links.queries.swapped())
        found = evolve(found, swapped=integer(swapped, "swapped"))
    return found


def _queries(unit_type: str, rows: Sequence[Row]) -> LinkQueries:
    pairs = {
        frozenset((str(row["from_type"]), str(row["to_type"])))
        for row in rows
        if integer(row, "complete")
    }
    direct = {kind for pair in pairs if unit_type in pair for kind in pair if kind != unit_type}
    return LinkQueries(
        unit_type=unit_type,
        direct=tuple(sorted(direct)),
        users_of_visitors=frozenset((VISITOR, USER)) in pairs,
    )


def _counted(queries: LinkQueries, rows: Sequence[Row]) -> LinkedIdentities:
    read = sum(integer(row, "identities") for row in rows)
    complete = sum(integer(row, "complete") for row in rows)
    named = (
        (str(row["from_type"]), str(row["to_type"])) for row in rows if integer(row, "complete")
    )
    return LinkedIdentities(
        read=read,
        incomplete=read - complete,
        types=next(named, None),
        linking=sum(
            integer(row, "complete")
            for row in rows
            if queries.leads_to_units(str(row["from_type"]), str(row["to_type"]))
        ),
    )
