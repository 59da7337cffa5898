"""When units did something different for the first time: another value of a property, another day."""

from collections.abc import Mapping
from datetime import timedelta

from attrs import frozen

from abkit.analysis.query.completions import KEY, Counted
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.periods import microseconds, period
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.metrics import ActiveDays, Distinct

_DAY = microseconds(timedelta(days=1))


@frozen
class KnownValues:
    """Values that units are known to have had: they do not come for the first time.

    Attributes:
        table: The table that has them.
        part: The number by which it has those of one metric.
        keys: By column of that table, what it is of a row that has unit_id, variant and seen, as SQL.
    """

    table: str
    part: int
    keys: Mapping[str, str]


def firsts(
    part: Distinct | ActiveDays,
    counted: Counted,
    *,
    value: str,
    source: str = "done",
    known: KnownValues | None = None,
) -> str:
    """The first time of each unit and value.

    What was done before the exposure is told apart from what was done after it: a value that was there
    before is another one when it comes again.

    Columns: unit_id, variant, first_exposure, past, seen (the value), time.

    Args:
        part: The metric.
        counted: Which rows count as one of its actions.
        value: What tells values apart, as SQL; a row where it is null counts none.
        source: The table of what units did.
        known: What is left out; None: nothing is.
    """
    told = f"""\
  select {KEY}, past, time, {value} as seen
  from {source}
  where {counted(part.action)}"""  # noqa: S608 - literals are quoted
    unknown = ""
    if known is not None:
        # They are columns, as an engine compares these faster than what it must compute.
        keys = ", ".join(f"{sql} as key_{name}" for name, sql in known.keys.items())
        same = " and ".join(f"k.{name} = told.key_{name}" for name in known.keys)
        told = f"  select valued.*, {keys}\n  from (\n{told}\n  ) as valued"  # noqa: S608 - as above
        unknown = f""" and not exists (
  select 1 as one from {known.table} k where k.part = {known.part} and {same}
)"""  # noqa: S608 - as above
    return f"""\
select {KEY}, past, seen, min(time) as time
from (
{told}
) as told
where seen is not null{unknown}
group by {KEY}, past, seen"""  # noqa: S608 - as above


def without_value(layout: Layout) -> str:
    """How many actions that count have no value that could differ, over `done`, by variant.

    Columns: variant, found_0, ... and without_0, ... by the places in `Layout.texts`.
    """
    counts = ",\n  ".join(
        f"sum(case when action = {literal(action)} then 1 else 0 end) as found_{i},\n  "
        f"sum(case when action = {literal(action)} and text_{i} is null then 1 else 0 end) "
        f"as without_{i}"
        for i, (action, _) in enumerate(layout.texts)
    )
    return f"""\
select variant,
  {counts}
from done
where past = 0
group by variant
order by variant"""  # noqa: S608 - literals are quoted


def day() -> str:
    """The day of UTC on which a row of `done` was, as SQL."""
    return period("time", _DAY)


def text(column: str) -> str:
    """A text that tells values apart, as SQL: 1.0 is 1, which some engines make of it themselves."""
    return (
        f"case when {column} like '%.0' and ltrim({column}, '-0123456789') = '.0' "
        f"then substr({column}, 1, length({column}) - 2) else {column} end"
    )
