"""The events of units, made of the events as they were recorded and of who belongs together: the SQL."""

from collections.abc import Mapping, Sequence

from attrs import field, frozen

from abkit.analysis.query.identities import links_of
from abkit.analysis.query.units import RECORDED_ID, UnitQueries
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import USER

RECORDED = "_as_recorded"
"""What follows the name of a table of events whose rows are as they were written."""


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
  e.unit_id as {RECORDED_ID}
from {self._recorded} e
left join people p
  on p.visitor_id = case when coalesce(e.unit_type, {visitor}) = {visitor} then e.unit_id end"""  # noqa: S608

    def actions(self) -> str:
        """The actions of units, each once for every unit that it is one of. Columns: those of the table.

        An action that reaches no unit has none.
        """
        further = (self._of_further_subject(number) for number in range(1, len(self.subjects)))
        return "\nunion all\n".join([self._of_first_subject(), *further])

    def _of_first_subject(self) -> str:
        """The actions that name a unit or reach some by their first subject, and those that do neither."""
        units, joined = ["a.unit_id"], ""
        if self.people:
            units.insert(0, "p.unit_id")
            joined += "\nleft join people p on p.visitor_id = a.unit_id"
        if self.subjects:
            column, number = next(iter(self.subjects.items()))
            units.append("l.unit_id")
            joined += f"\nleft join {links_of(number)} l on l.subject_id = {_unless_named(column)}"
        unit = f"coalesce({', '.join(units)})" if joined else "a.unit_id"
        return f"""\
select {self._columns(unit)}
from {self._recorded} a{joined}"""  # noqa: S608 - columns are our own

    def _of_further_subject(self, place: int) -> str:
        """The actions that reach a unit by one of their subjects, and that unit by none before it."""
        *before, (column, number) = list(self.subjects.items())[: place + 1]
        earlier = "".join(
            f"\nleft join {links_of(other)} l{i} on l{i}.subject_id = a.{of} and l{i}.unit_id = l.unit_id"
            for i, (of, other) in enumerate(before)
        )
        unreached = " and ".join(f"l{i}.unit_id is null" for i in range(place))
        return f"""\
select {self._columns("l.unit_id")}
from {self._recorded} a
join {links_of(number)} l on l.subject_id = {_unless_named(column)}{earlier}
where {unreached}"""  # noqa: S608 - columns are our own

    @property
    def _recorded(self) -> str:
        return f"{self.table}{RECORDED}"

    def _columns(self, unit: str, *, of: str = "a") -> str:
        return ", ".join(
            f"{unit} as unit_id" if name == "unit_id" else f"{of}.{name} as {name}"
            for name in self.columns
        )


def merged(exposures: UnitQueries) -> str:
    """What became of visitors that are one unit with others, over `exposures` and `seen`.

    Columns: units, visitors (those of them that were exposed), in_several (units that saw several variants,
    though none of their visitors did).

    Args:
        exposures: The exposures that count.
    """
    left_out = ""
    if exposures.exclusions:
        taking_part = f"select unit_id from seen{exposures.not_excluded(' where ')}"  # noqa: S608
        left_out = f" and e.unit_id in ({taking_part})"
    return f"""\
select count(*) as units, sum(visitors) as visitors,
  sum(case when least_variant <> most_variant and jumped = 0 then 1 else 0 end) as in_several
from (
  select unit_id, count(*) as visitors, min(least_variant) as least_variant,
    max(most_variant) as most_variant,
    max(case when least_variant <> most_variant then 1 else 0 end) as jumped
  from (
    select e.unit_id as unit_id, e.{RECORDED_ID} as visitor_id,
      min(e.variant) as least_variant, max(e.variant) as most_variant
    from exposures e
    join people p on p.visitor_id = e.{RECORDED_ID}
    where {exposures.usable("e.")}{left_out}
    group by e.unit_id, e.{RECORDED_ID}
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


def _unless_named(column: str) -> str:
    return f"case when a.unit_id is null then a.{column} end"
