"""Whose an action is that names no unit, and which units are one: the SQL."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import USER

MAXIMUM_USERS = 10
"""A visitor with more users is a shared computer: the first of them link, no others."""

MAXIMUM_KINDS = 100
"""More pairs of types are taken for a mistake, such as naming a column of ids."""

RECORDED = "_as_recorded"
"""What follows the name of a table of events whose rows are as they were written."""

_NEVER = 2**62
"""The time of an identity without one, in microseconds since 1970: after all others."""

_NEEDED = ("from_type", "from_id", "to_type", "to_id")
_COMPLETE = " and ".join(f"{name} is not null" for name in _NEEDED) + " and from_type <> to_type"

COLUMNS = (
    *(Column(name=name, kind=Kind.TEXT, source=name, required=True) for name in _NEEDED),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
)
"""What is needed of the table of identities."""


def kinds() -> str:
    """What is in the table of identities.

    Columns: from_type, to_type, identities, complete (those with two ids, of two types).
    """
    return f"""\
select from_type, to_type, count(*) as identities,
  sum(case when {_COMPLETE} then 1 else 0 end) as complete
from identities
group by from_type, to_type
order by identities desc, from_type, to_type
limit {MAXIMUM_KINDS + 1}"""  # noqa: S608 - a number


@frozen(kw_only=True)
class LinkQueries:
    """The queries of who belongs together, over a table `identities`.

    Attributes:
        unit_type: What is randomized.
        direct: The types of which some identity names one beside a unit, in the order of the alphabet.
        users_of_visitors: Whether some identity names a visitor and a user.
    """

    unit_type: str
    direct: Sequence[str] = ()
    users_of_visitors: bool = False

    @property
    def subjects(self) -> tuple[str, ...]:
        """The types through which an action reaches a unit that it does not name."""
        if self.unit_type in (VISITOR, USER):
            return (USER if self.unit_type == VISITOR else VISITOR,) * self.users_of_visitors
        through_users = self.users_of_visitors and USER in self.direct
        return tuple(sorted({*self.direct, *([VISITOR] if through_users else [])}))

    @property
    def reads_visitors(self) -> bool:
        """Whether the users of visitors are asked for."""
        return self.users_of_visitors and VISITOR in (self.unit_type, *self.subjects)

    @property
    def merges(self) -> bool:
        """Whether several visitors may be one unit."""
        return self.unit_type == VISITOR and self.users_of_visitors

    def leads_to_units(self, one: str, other: str) -> bool:
        """Whether an identity of two types links a subject to a unit, or is a step on the way."""
        types = {one, other}
        if types == {VISITOR, USER}:
            return self.reads_visitors
        return self.unit_type in types and bool(types.intersection(self.subjects))

    def visitor_users(self) -> str:
        """The users of each visitor. Columns: visitor_id, user_id, place (1 for the first)."""
        return f"""\
select visitor_id, user_id,
  row_number() over (partition by visitor_id order by since, user_id) as place
from (
  select {_of(VISITOR)} as visitor_id, {_of(USER)} as user_id, min(coalesce(time, {_NEVER})) as since
  from identities
  where {_between(VISITOR, USER)}
  group by {_of(VISITOR)}, {_of(USER)}
) as pairs"""  # noqa: S608 - literals are quoted

    def shared(self) -> str:
        """The visitors with too many users. Columns: visitors, ignored (the links beyond the first)."""
        return f"""\
select sum(case when place = {MAXIMUM_USERS + 1} then 1 else 0 end) as visitors,
  sum(case when place > {MAXIMUM_USERS} then 1 else 0 end) as ignored
from visitor_users"""  # noqa: S608 - numbers

    def people(self) -> str:
        """The visitors that are one unit with others: those of one first user.

        Columns: visitor_id, unit_id (the smallest of their ids).
        """
        return """\
select v.visitor_id as visitor_id, p.unit_id as unit_id
from visitor_users v
join (
  select user_id, min(visitor_id) as unit_id
  from visitor_users
  where place = 1
  group by user_id
  having count(*) > 1
) as p on p.user_id = v.user_id
where v.place = 1"""

    def links(self, subject: str) -> str:
        """The units of each subject of a type, each pair once. Columns: subject_id, unit_id.

        Args:
            subject: One of `subjects`.
        """
        if self.unit_type == VISITOR:
            return f"""\
select distinct v.user_id as subject_id, coalesce(p.unit_id, v.visitor_id) as unit_id
from visitor_users v
left join people p on p.visitor_id = v.visitor_id
where v.place <= {MAXIMUM_USERS}"""  # noqa: S608 - a number
        if self.unit_type == USER:
            return f"""\
select visitor_id as subject_id, user_id as unit_id
from visitor_users
where place <= {MAXIMUM_USERS}"""  # noqa: S608 - a number
        direct = f"""\
select {_of(subject)} as subject_id, {_of(self.unit_type)} as unit_id
from identities
where {_between(subject, self.unit_type)}"""  # noqa: S608 - literals are quoted
        parts = [direct] if subject in self.direct else []
        if subject == VISITOR and self.users_of_visitors and USER in self.direct:
            parts.append(
                f"""\
select v.visitor_id as subject_id, u.unit_id as unit_id
from visitor_users v
join {links_of(self.subjects.index(USER))} u on u.subject_id = v.user_id
where v.place <= {MAXIMUM_USERS}"""  # noqa: S608 - a number
            )
        every = "\nunion all\n".join(parts)
        return f"""\
select distinct subject_id, unit_id
from (
{every}
) as every_link"""  # noqa: S608 - literals are quoted

    def swapped(self) -> str:
        """How many pairs look swapped: the id of the other type is that of a unit, and its own is not.

        Over `seen` too. Columns: swapped.
        """
        own, other = "visitor_id", "user_id"
        if self.unit_type == USER:
            own, other = other, own
        people = ""
        own_unit, other_unit = f"v.{own}", f"v.{other}"
        if self.merges:
            people = """
  left join people p on p.visitor_id = v.visitor_id
  left join people q on q.visitor_id = v.user_id"""
            own_unit, other_unit = (
                f"coalesce(p.unit_id, {own_unit})",
                f"coalesce(q.unit_id, {other_unit})",
            )
        return f"""\
select count(*) as swapped
from (
  select {own_unit} as own_unit, {other_unit} as other_unit
  from visitor_users v{people}
) as named
join seen o on o.unit_id = named.other_unit
left join seen s on s.unit_id = named.own_unit
where s.unit_id is null"""  # noqa: S608 - columns are our own


@frozen(kw_only=True)
class CanonicalQueries:
    """The events of units, over the same tables as they were recorded.

    Attributes:
        table: The name of the table.
        columns: The names of its columns.
        people: Whether visitors of one person are one unit: then there is a table `people`.
        subjects: The number of the links of actions, by the column of the subject's ids.
    """

    table: str
    columns: Sequence[str]
    people: bool = False
    subjects: Mapping[str, int] = field(factory=dict)

    def exposures(self) -> str:
        """The exposures, or assignments, of units. Columns: those of the table, and recorded_id."""
        visitor = literal(VISITOR)
        return f"""\
select {self._columns("coalesce(p.unit_id, e.unit_id)", of="e")},
  e.unit_id as recorded_id
from {self._recorded} e
left join people p
  on p.visitor_id = case when coalesce(e.unit_type, {visitor}) = {visitor} then e.unit_id end"""  # noqa: S608

    def actions(self) -> str:
        """The actions of units, each once for every unit that it is one of. Columns: those of the table.

        An action that reaches no unit has none.
        """
        parts = [self._through(number) for number in range(len(self.subjects))] or [self._named()]
        return "\nunion all\n".join(parts)

    def _named(self) -> str:
        """The actions that name a unit themselves, and all others without one."""
        own, people = self._own
        return f"""\
select {self._columns(own)}
from {self._recorded} a{people}"""  # noqa: S608 - columns are our own

    def _through(self, number: int) -> str:
        """The actions that reach a unit by one of their subjects and by none before it.

        Those of the first one also are the actions that name a unit, and those that reach none by it.
        """
        columns = list(self.subjects)
        own, people = self._own if number == 0 else ("null", "")
        unit = "l.unit_id" if number else f"coalesce({own}, l.unit_id)"
        join = "join" if number else "left join"
        text = f"""\
select {self._columns(unit)}
from {self._recorded} a{people}
{join} {links_of(self.subjects[columns[number]])} l on l.subject_id = {_unless_named(columns[number])}"""  # noqa: S608
        before = [f"l{i}" for i in range(number)]
        for name, column in zip(before, columns, strict=False):
            text += (
                f"\nleft join {links_of(self.subjects[column])} {name} "
                f"on {name}.subject_id = a.{column} and {name}.unit_id = l.unit_id"
            )
        if before:
            text += "\nwhere " + " and ".join(f"{name}.unit_id is null" for name in before)
        return text

    @property
    def _own(self) -> tuple[str, str]:
        """The unit that an action names, and the table that is joined for it."""
        if not self.people:
            return "a.unit_id", ""
        people = "\nleft join people p on p.visitor_id = a.unit_id"
        return "coalesce(p.unit_id, a.unit_id)", people

    @property
    def _recorded(self) -> str:
        return f"{self.table}{RECORDED}"

    def _columns(self, unit: str, *, of: str = "a") -> str:
        return ", ".join(
            f"{unit} as unit_id" if name == "unit_id" else f"{of}.{name} as {name}"
            for name in self.columns
        )


def merged(exposures: UnitQueries) -> str:
    """What became of visitors that are one unit with others, over `exposures`.

    Columns: units, visitors (those of them that were exposed), in_several (units that saw several variants,
    though none of their visitors did).

    Args:
        exposures: The exposures that count.
    """
    return f"""\
select count(*) as units, sum(visitors) as visitors,
  sum(case when least_variant <> most_variant and jumped = 0 then 1 else 0 end) as in_several
from (
  select unit_id, count(*) as visitors, min(least_variant) as least_variant,
    max(most_variant) as most_variant,
    max(case when least_variant <> most_variant then 1 else 0 end) as jumped
  from (
    select e.unit_id as unit_id, e.recorded_id as visitor_id,
      min(e.variant) as least_variant, max(e.variant) as most_variant
    from exposures e
    join people p on p.visitor_id = e.recorded_id
    where {exposures.usable("e.")}
    group by e.unit_id, e.recorded_id
  ) as of_visitors
  group by unit_id
  having count(*) > 1
) as of_units"""  # noqa: S608 - literals are quoted


def subject_column(subject: str, number: int) -> Column:
    """Where an action names a subject of a type."""
    name = f"subject_{number}"
    if subject == USER:
        return Column(name=name, kind=Kind.TEXT, source="user_id")
    return Column(name=name, kind=Kind.TEXT, source="groups", key=subject, elsewhere=(subject,))


def links_of(number: int) -> str:
    """The table of the links of a type of subjects, by its number."""
    return f"links_{number}"


def _unless_named(column: str) -> str:
    return f"case when a.unit_id is null then a.{column} end"


def _of(kind: str) -> str:
    """The id of a type in an identity that has one, as SQL."""
    return f"case when from_type = {literal(kind)} then from_id else to_id end"


def _between(one: str, other: str) -> str:
    """Whether an identity is a complete one of these two types, as SQL."""
    first, second = literal(one), literal(other)
    return (
        f"{_COMPLETE} and ((from_type = {first} and to_type = {second}) "
        f"or (from_type = {second} and to_type = {first}))"
    )
