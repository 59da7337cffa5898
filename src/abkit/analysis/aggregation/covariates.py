"""Which numbers of a unit the properties of its first exposure give, by which metrics are adjusted."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.covariates import (
    MOST_GROUPS,
    MOST_VALUES,
    Attribute,
    group,
    groups_of,
    numeric,
    profile_of,
)
from abkit.errors import AnalysisError

FEWEST_IN_ARM = 2
"""A group of fewer units of some variant has no variance there: it goes to the others."""

FEWEST = 10
"""A group of fewer units of all variants together says more of these than of the group."""


@frozen
class Attributes:
    """What the exposures tell of the units.

    Attributes:
        found: By which metrics are adjusted.
        notes: What was noticed, in sentences.
    """

    found: tuple[Attribute, ...] = ()
    notes: tuple[str, ...] = ()


def find_attributes(session: QuerySession, columns: Mapping[str, str]) -> Attributes:
    """Find out what the properties are: numbers, or groups of units.

    A property that is a number for every unit that has it is one. Any other is text: its largest groups
    (`MOST_GROUPS`) are told apart, all other units are one group together.

    Args:
        session: The engine, with a table `units`.
        columns: By the name of the property, its column of text; its number has the same place.

    Raises:
        AnalysisError: A property has too many different texts to be one of groups.
    """
    if not columns:
        return Attributes()
    profile = session.row("properties that are covariates", profile_of([*columns.values()]))
    found: list[Attribute] = []
    notes: list[str] = []
    for place, (name, column) in enumerate(columns.items()):
        if integer(profile, f"different_{place}") < 2 and _everybody_has(profile, place):
            notes.append(
                f"The covariate {name!r} is the same for all units: nothing is adjusted by it."
            )
        elif _is_number(profile, place):
            found += _number(profile, name, place)
        else:
            _check_groups(profile, name, place)
            rows = session.rows(f"units by {name}", groups_of(column))
            found += _groups(rows, name, column, notes)
    return Attributes(tuple(found), tuple(notes))


def _everybody_has(profile: Row, place: int) -> bool:
    return integer(profile, f"with_{place}") == integer(profile, "units")


def _is_number(profile: Row, place: int) -> bool:
    having = integer(profile, f"with_{place}")
    return having > 0 and integer(profile, f"numbers_{place}") == having


def _number(profile: Row, name: str, place: int) -> Iterator[Attribute]:
    """The number where it varies, and whether a unit has one where not all have."""
    value, known = numeric(name, place)
    if profile[f"least_{place}"] != profile[f"most_{place}"]:
        yield value
    if not _everybody_has(profile, place):
        yield known


def _check_groups(profile: Row, name: str, place: int) -> None:
    """Refuse a text that does not tell groups of units apart."""
    different = integer(profile, f"different_{place}")
    if different > MOST_VALUES:
        numbers = integer(profile, f"numbers_{place}")
        some = f", and is a number for only {numbers:,} units" if numbers else ""
        message = (
            f"The covariate {name!r} has {different:,} different values{some}: as one of groups it may have "
            f"{MOST_VALUES}. Name a coarser property, or one that is a number"
        )
        raise AnalysisError(message)


def _groups(rows: Sequence[Row], name: str, column: str, notes: list[str]) -> Iterator[Attribute]:
    """One attribute for each group but one, with which the others are compared."""
    units: dict[str | None, dict[str, int]] = {}
    for row in rows:
        value = None if row["value"] is None else str(row["value"])
        units.setdefault(value, {})[str(row["variant"])] = integer(row, "units")
    sizes = {value: sum(of.values()) for value, of in units.items()}
    in_order = sorted(sizes, key=lambda value: (-sizes[value], value is None, value or ""))
    compared = _compared(units)
    kept = [v for v in in_order if sizes[v] >= FEWEST and _in_all(units[v], compared)]
    kept = kept[:MOST_GROUPS]
    others = [value for value in in_order if value not in kept]
    if len(others) > 1:
        count = sum(sizes[value] for value in others)
        notes.append(
            f"Of the covariate {name!r}, the {len(others)} smallest groups, with {count:,} of "
            f"{sum(sizes.values()):,} units, are one group together."
        )
    for value in kept if others else kept[:-1]:
        yield group(name, column, value)


def _compared(units: Mapping[str | None, Mapping[str, int]]) -> frozenset[str]:
    """The variants that have enough units at all."""
    totals: dict[str, int] = {}
    for of in units.values():
        for variant, count in of.items():
            totals[variant] = totals.get(variant, 0) + count
    return frozenset(variant for variant, count in totals.items() if count >= FEWEST)


def _in_all(of: Mapping[str, int], variants: frozenset[str]) -> bool:
    return all(of.get(variant, 0) >= FEWEST_IN_ARM for variant in variants)
