"""What a unit's first exposure tells of it, as numbers by which metrics are adjusted."""

from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.query.values import one_if
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal

MOST_VALUES = 50
"""A property with more different texts tells units apart, not groups of units."""

MOST_GROUPS = 10
"""So many groups of a property are compared within; all others are one group together."""

LARGEST = "1e150"
"""A larger number has a square that is none."""


@frozen(kw_only=True)
class Attribute:
    """One number of each unit, from a property of its first exposure.

    Attributes:
        name: How results call it: the property, or the property and one of its values.
        sql: It, over a row of `units` that is called `u`; never null.
    """

    name: str
    sql: str


def number_columns(properties: Sequence[str]) -> list[Column]:
    """Properties as numbers; of what is no number, null."""
    return [
        Column(
            name=f"number_{i}",
            kind=Kind.NUMBER,
            source="properties",
            key=name,
            elsewhere=(name,),
            strict=False,
        )
        for i, name in enumerate(properties)
    ]


def number_of_unit(properties: Sequence[str], *, of: str) -> str:
    """The columns of numbers of a unit, from those of its first exposures."""
    return "".join(f",\n  min({of}number_{i}) as number_{i}" for i in range(len(properties)))


def profile_of(texts: Sequence[str]) -> str:
    """What the units have in each property, over `units`.

    Columns: units, with_0, ... (those that have it), numbers_0, ... (those of which it is a number),
    different_0, ... (its different texts), least_0, ... and most_0, ... (the ends of its numbers).

    Args:
        texts: The column of each property as text.
    """
    columns = "".join(
        f""",
  count({text}) as with_{i},
  count({_finite(i)}) as numbers_{i},
  count(distinct {text}) as different_{i},
  min({_finite(i)}) as least_{i},
  max({_finite(i)}) as most_{i}"""
        for i, text in enumerate(texts)
    )
    return f"select count(*) as units{columns}\nfrom units"


def groups_of(text: str) -> str:
    """How many units of each variant have each text. Columns: value, variant, units."""
    return f"""\
select {text} as value, variant, count(*) as units
from units
group by {text}, variant"""  # noqa: S608 - columns are our own


def numeric(name: str, place: int) -> tuple[Attribute, Attribute]:
    """A number, 0 where a unit has none, and whether it has one.

    Together they adjust as if a missing number was the mean of the others.
    """
    column = _finite(place, of="u.")
    return (
        Attribute(name=name, sql=f"coalesce({column}, cast(0 as double))"),
        Attribute(name=f"{name} known", sql=one_if(f"{column} is not null")),
    )


def group(name: str, text: str, value: str | None) -> Attribute:
    """Whether a unit is of one group of a property; None: of the units without it."""
    condition = f"u.{text} is null" if value is None else f"u.{text} = {literal(value)}"
    shown = "none" if value is None else value
    return Attribute(name=f"{name} = {shown}", sql=one_if(condition))


def attribute_values(attributes: Sequence[Attribute]) -> str:
    """The columns c0, ... of a unit's attributes, over a row of `units` that is called `u`."""
    return "".join(f",\n  {each.sql} as c{i}" for i, each in enumerate(attributes))


def carried(attributes: Sequence[Attribute]) -> str:
    """The same columns where they stand already, now and as they were: an attribute never changes."""
    return "".join(f",\n  c{i} as c{i}, c{i} as was_c{i}" for i in range(len(attributes)))


def _finite(place: int, *, of: str = "") -> str:
    number = f"{of}number_{place}"
    return f"case when abs({number}) < {LARGEST} then {number} end"
