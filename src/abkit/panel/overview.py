"""All experiments as rows: which of them are wanted, and in which order. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from attrs import frozen

from abkit.events import variant_text
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.reading import Reading
from abkit.panel.states import ACTIVE, State


class Order(StrEnum):
    """What the overview is sorted by."""

    STATE = "state"
    NAME = "name"
    OWNER = "owner"
    UNITS = "units"
    PROGRESS = "progress"
    START = "start"
    LIFT = "lift"


NOBODY = "Nobody has been exposed yet."

LARGEST_FIRST = frozenset({Order.UNITS, Order.PROGRESS, Order.START, Order.LIFT})
"""The orders in which what is largest, or newest, stands first."""


@frozen(kw_only=True)
class OverviewRow:
    """One experiment.

    Attributes:
        declaration: What is in force.
        state: What it does now.
        reading: What is known of its sums, by the plan.
        health: What is wrong with its data or its result, in a few words each.
    """

    declaration: Declaration
    state: State
    reading: Reading
    health: tuple[str, ...] = ()

    @property
    def detail(self) -> str:
        """What belongs to the state: the variant that everybody gets, the rollout; else empty."""
        if self.state is State.CONCLUDED and self.declaration.winner is not None:
            return f"everybody gets {variant_text(self.declaration.winner)}"
        if self.state is State.RAMPING:
            return f"{100 * self.declaration.rollout:.4g}% of the units"
        return ""

    @property
    def dates(self) -> str:
        """When it begins and ends, as declared, such as "ends 2026-12-01"; empty where nothing is."""
        declared = (("starts", self.declaration.starts), ("ends", self.declaration.ends))
        return ", ".join(f"{word} {_day(at)}" for word, at in declared if at is not None)

    @property
    def trouble(self) -> str:
        """Why nothing is shown of it, in a sentence; empty if something is, or nothing is known yet."""
        known = self.reading.glance
        if known is not None:
            return known.problem
        return NOBODY if self.reading.nobody else self.reading.problem


def chosen(
    rows: Sequence[OverviewRow],
    *,
    search: str,
    states: Sequence[State],
    order: Order,
    backwards: bool = False,
) -> list[OverviewRow]:
    """The rows that are wanted, in the order that is wanted.

    Args:
        rows: All.
        search: Words that the name, the owner or the hypothesis contains, in any case.
        states: Only these; empty: all.
        order: What they are sorted by; those of which it is not known stand last.
        backwards: Whether what would stand last, of those of which it is known, stands first.
    """
    words = search.casefold().split()
    wanted = [
        row
        for row in rows
        if (not states or row.state in states) and all(word in _searched(row) for word in words)
    ]
    wanted.sort(key=lambda row: row.declaration.name.casefold())
    known = [row for row in wanted if _value(row, order) is not None]
    unknown = [row for row in wanted if _value(row, order) is None]
    # What was sorted by name stays so among equals, backwards too.
    known.sort(
        key=lambda row: _value(row, order), reverse=backwards is not (order in LARGEST_FIRST)
    )
    return [*known, *unknown]


def _searched(row: OverviewRow) -> str:
    declared = row.declaration
    return f"{declared.name} {declared.owner} {declared.hypothesis}".casefold()


def _value(row: OverviewRow, order: Order) -> Any:
    """What a row is sorted by; None if it is not known."""
    declared, known = row.declaration, row.reading.glance
    match order:
        case Order.STATE:
            return 0 if row.state in ACTIVE else 1 + [*State].index(row.state)
        case Order.NAME:
            return declared.name.casefold()
        case Order.OWNER:
            return declared.owner.casefold() or None
        case Order.START:
            return _started(row)
        case Order.UNITS:
            return None if known is None else known.units
        case Order.PROGRESS:
            return None if known is None else known.progress
        case Order.LIFT:
            return None if known is None or known.outlook is None else known.outlook.value


def _started(row: OverviewRow) -> float | None:
    """When it begins, as declared, or when it had its first exposure, in seconds since 1970."""
    if row.declaration.starts is not None:
        return row.declaration.starts
    known = row.reading.glance
    return known.first.timestamp() if known is not None and known.first is not None else None


def _day(at: float) -> str:
    return f"{datetime.fromtimestamp(at, tz=UTC):%Y-%m-%d}"
