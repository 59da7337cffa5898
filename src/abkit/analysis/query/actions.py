"""Which actions count, and what is needed of them."""

from datetime import timedelta

from attrs import evolve, frozen

from abkit.analysis.query.completions import KEY
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.periods import microseconds
from abkit.analysis.query.values import among
from abkit.analysis.reading.columns import Column, Kind


@frozen(kw_only=True)
class ActionQueries:
    """The queries of what units did that counts, over the tables `units` and `actions`.

    Attributes:
        layout: Which measures are wanted.
        unit_type: What is randomized, such as "org" or "user".
        until: Actions count before this microsecond since 1970; None: all.
        cuped: The length of the time before the first exposure that CUPED looks at; None: no CUPED.
    """

    layout: Layout
    unit_type: str
    until: int | None = None
    cuped: timedelta | None = None

    def columns(self, *, own_unit: bool) -> list[Column]:
        """What is needed of the table of actions.

        Args:
            own_unit: Whether the table has a column of the units' ids; else they are among its users
                or its groups.
        """
        if own_unit:
            unit = Column(name="unit_id", kind=Kind.TEXT, source="unit_id", required=True)
        elif self.unit_type == "user":
            unit = Column(
                name="unit_id",
                kind=Kind.TEXT,
                source="user_id",
                required=True,
                elsewhere=("unit_id",),
            )
        else:
            unit = Column(
                name="unit_id",
                kind=Kind.TEXT,
                source="groups",
                key=self.unit_type,
                required=True,
                elsewhere=("unit_id", self.unit_type),
            )
        return [
            Column(name="insert_id", kind=Kind.TEXT, source="insert_id"),
            Column(name="action", kind=Kind.TEXT, source="action", required=True),
            unit,
            Column(name="time", kind=Kind.INSTANT, source="time", required=True),
            *(
                Column(
                    name=f"value_{i}",
                    kind=Kind.NUMBER,
                    source="properties",
                    key=key,
                    when=("action", (action,)),
                    required=True,
                    elsewhere=(key,),
                    strict=False,
                )
                for i, (action, key) in enumerate(self.layout.values)
            ),
            *(_text_column(f"text_{i}", *pair) for i, pair in enumerate(self.layout.texts)),
            *self.layout.filters.columns(),
        ]

    def nothing(self) -> str:
        """The table of actions where there was none yet."""
        values = "".join(f", cast(null as {type_}) as {name}" for name, type_ in self.layout.read)
        return f"""\
select cast(null as varchar) as insert_id, cast(null as varchar) as action,
  cast(null as varchar) as unit_id, cast(null as bigint) as time{values}
from units
where unit_id is null"""  # noqa: S608 - columns are our own

    def once(self) -> str:
        """The actions, each once: what was delivered twice has one insert_id. Columns: as `actions`."""
        values = [name for name, _ in self.layout.read]
        plain = "".join(f", {value}" for value in values)
        largest = "".join(f", max({value}) as {value}" for value in values)
        return f"""\
select insert_id, action, unit_id, time{plain}
from actions
where insert_id is null and {among(self.layout.actions)}
union all
select insert_id, action, unit_id, min(time) as time{largest}
from actions
where insert_id is not null and {among(self.layout.actions)}
group by insert_id, action, unit_id"""  # noqa: S608 - literals are quoted

    def done(self, *, source: str) -> str:
        """What each unit did that counts.

        Columns: unit_id, variant, action, time, first_exposure, past (1 before the exposure, else 0),
        and those of `Layout.carried` and `Layout.texts`.

        Args:
            source: The table of the actions.
        """
        layout = self.layout
        taken = [f"a.value_{i} as value_{i}" for i in range(len(layout.values))]
        taken += [f"a.text_{i} as text_{i}" for i in range(len(layout.texts))]
        values = "".join(f",\n  {each}" for each in (*taken, *layout.filters.told("a.")))
        conditions = [f"a.{among(self.layout.actions)}", f"a.time >= {self._earliest()}"]
        reach = self.layout.reach
        if reach is not None:
            conditions.append(f"a.time < u.first_exposure + {microseconds(reach)}")
        if self.until is not None:
            conditions.append(f"a.time < {self.until}")
        condition = "\n  and ".join(conditions)
        return f"""\
select
  u.unit_id as unit_id,
  u.variant as variant,
  u.first_exposure as first_exposure,
  a.action as action,
  a.time as time,
  case when a.time < u.first_exposure then 1 else 0 end as past{values}
from {source} a
join units u on u.unit_id = a.unit_id
where {condition}"""  # noqa: S608 - literals are quoted

    def progress(self) -> str:
        """What each unit did, and what it completed by it.

        Columns: those of `done` that the accumulators need, and completes (the number of the metric
        among `Layout.derived` that the row completes; null for others).
        """
        values = self.layout.carried
        plain = "".join(f", {value}" for value in values)
        nothing = "".join(f", cast(null as double) as {value}" for value in values)
        parts = [
            f"select {KEY}, action, time, past, cast(null as bigint) as completes{plain}\nfrom done"
        ]
        for i, part in enumerate(self.layout.derived):
            past = "past" if part in self.layout.adjusted else "0 as past"
            columns = f"{KEY}, cast(null as varchar) as action, time, {past}, {i} as completes"
            parts.append(f"select {columns}{nothing}\nfrom completed_{i}")
        return "\nunion all\n".join(parts)

    def _earliest(self) -> str:
        if self.cuped is None:
            return "u.first_exposure"
        return f"u.first_exposure - {microseconds(self.cuped)}"


def _text_column(name: str, action: str, key: str) -> Column:
    """A property of actions as a text; their user is a column of the table itself."""
    column = Column(
        name=name, kind=Kind.TEXT, source="user_id", when=("action", (action,)), required=True
    )
    return (
        column
        if key == "user_id"
        else evolve(column, source="properties", key=key, elsewhere=(key,))
    )
