"""What is not there: values of properties, actions of a name, units that did something."""

from collections.abc import Sequence

from abkit.analysis.query.layout import Layout
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal

MAXIMUM_NAMES = 50
"""So many names of actions are looked at for a hint."""


def without_number(layout: Layout) -> str:
    """How many actions that count have no number, over `done`, by variant.

    Columns: variant, found_0, ... and without_0, ... by the places in `Layout.values`.
    """
    counts = ",\n  ".join(
        f"sum(case when {counted} then 1 else 0 end) as found_{i},\n  "
        f"sum(case when value_{i} is null and ({counted}) then 1 else 0 end) as without_{i}"
        for i, pair in enumerate(layout.values)
        for counted in (layout.counted_value(*pair),)
    )
    return f"""\
select variant,
  {counts}
from done
where past = 0
group by variant
order by variant"""  # noqa: S608 - literals are quoted


def columns_of_texts(values: Sequence[tuple[str, str]]) -> list[Column]:
    """The properties of actions as they are written.

    Args:
        values: Pairs of action and property.
    """
    return [
        Column(name="action", kind=Kind.TEXT, source="action", required=True),
        *(
            Column(
                name=f"{name}_{i}",
                kind=kind,
                source="properties",
                key=key,
                when=("action", (action,)),
                elsewhere=(key,),
                strict=False,
            )
            for i, (action, key) in enumerate(values)
            for name, kind in (("value", Kind.NUMBER), ("written", Kind.TEXT))
        ),
    ]


def texts(values: Sequence[tuple[str, str]]) -> str:
    """A text that stands where a number is wanted, over `actions_as_written`. Columns: example_0, ..."""
    examples = ",\n  ".join(
        f"min(case when value_{i} is null and lower(written_{i}) not in ('nan', 'null') "
        f"then written_{i} end) as example_{i}"
        for i in range(len(values))
    )
    return f"select {examples}\nfrom actions_as_written"


def reached(actions: Sequence[str]) -> str:
    """How far the actions come that metrics want, over `actions` and `units`.

    Columns: action, in_table, with_unit (those with a unit's id), of_units (those of a unit that takes
    part), before (those of them before its first exposure), example (of the units' ids).
    """
    return f"""\
select a.action as action,
  count(*) as in_table,
  count(a.unit_id) as with_unit,
  count(u.unit_id) as of_units,
  sum(case when a.time < u.first_exposure then 1 else 0 end) as before,
  min(a.unit_id) as example
from actions a
left join (
  select unit_id, min(first_exposure) as first_exposure from units group by unit_id
) as u on u.unit_id = a.unit_id
where a.action in ({", ".join(map(literal, actions))})
group by a.action"""  # noqa: S608 - literals are quoted


def names() -> str:
    """What the actions are called, the most frequent first. Columns: action, times."""
    return f"""\
select action, count(*) as times
from actions
where action is not null
group by action
order by times desc, action
limit {MAXIMUM_NAMES}"""  # noqa: S608 - a number


def a_unit() -> str:
    """The id of a unit that takes part. Columns: unit_id."""
    return "select min(unit_id) as unit_id from units"
