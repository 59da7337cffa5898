"""Whose an action is that names no unit, and which units are one: the SQL."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import USER

MAXIMUM_USERS = 10
"""A visitor with more users is a shared computer: the first of them link, no others."""

MAXIMUM_VISITORS = 100
"""A user with more visitors is nobody in particular, such as "anonymous": their identities do not link."""

MAXIMUM_KINDS = 100
"""More pairs of types are taken for a mistake, such as naming a column of ids."""

_NEVER = 2**62
"""The time of an identity without one, in microseconds since 1970: after all others."""

_NEEDED = ("from_type", "from_id", "to_type", "to_id")
_COMPLETE = " and ".join(f"{name} is not null" for name in _NEEDED) + " and from_type <> to_type"

COLUMNS = (
    *(Column(name=name, kind=Kind.TEXT, source=name, required=True) for name in _NEEDED),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
    Column(name="insert_id", kind=Kind.TEXT, source="insert_id"),
)
"""What is needed of the table of identities."""


def once() -> str:
    """The identities, each once: what is stored twice has one insert_id. Columns: those of the ids."""
    ids = ", ".join(_NEEDED)
    return f"""\
select {ids}
from identities
where insert_id is null
union all
select {ids}
from identities
where insert_id is not null
group by insert_id, {ids}"""  # noqa: S608 - columns are our own


def kinds(*, source: str) -> str:
    """What is in the table of identities.

    Columns: from_type, to_type, identities, complete (those with two ids, of two types).

    Args:
        source: The table that has each identity once.
    """
    return f"""\
select from_type, to_type, count(*) as identities,
  sum(case when {_COMPLETE} then 1 else 0 end) as complete
from {source}
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
        """The users of each visitor.

        Columns: visitor_id, user_id, place (1 for the first; null if the user has too many visitors).
        """
        linking = f"visitors <= {MAXIMUM_VISITORS}"
        return f"""\
select visitor_id, user_id,
  case when {linking} then row_number() over (
    partition by visitor_id, case when {linking} then 1 else 0 end order by since, user_id
  ) end as place
from (
  select visitor_id, user_id, since, count(*) over (partition by user_id) as visitors
  from (
    select {_of(VISITOR)} as visitor_id, {_of(USER)} as user_id, min(coalesce(time, {_NEVER})) as since
    from identities
    where {_between(VISITOR, USER)}
    group by {_of(VISITOR)}, {_of(USER)}
  ) as pairs
) as counted"""  # noqa: S608 - literals are quoted

    def shared(self) -> str:
        """The visitors with too many users, and the users with too many visitors.

        Columns: visitors, ignored (the links beyond the first), users, users_links (all that these have).
        """
        return f"""\
select sum(case when place = {MAXIMUM_USERS + 1} then 1 else 0 end) as visitors,
  sum(case when place > {MAXIMUM_USERS} then 1 else 0 end) as ignored,
  count(distinct case when place is null then user_id end) as users,
  sum(case when place is null then 1 else 0 end) as users_links
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
  where v.place is not null
) as named
join seen o on o.unit_id = named.other_unit
left join seen s on s.unit_id = named.own_unit
where s.unit_id is null"""  # noqa: S608 - columns are our own


def links_of(number: int) -> str:
    """The table of the links of a type of subjects, by its number."""
    return f"links_{number}"


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
