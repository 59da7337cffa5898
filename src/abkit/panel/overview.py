"""All experiments as rows: which of them are wanted, and in which order. Pure."""

from collections.abc import Sequence
from enum import StrEnum

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
    LIFT = "lift"


@frozen(kw_only=True)
class OverviewRow:
    """One experiment.

    Attributes:
        declaration: What is in force.
        state: What it does now.
        reading: What is known of its sums, by the plan.
    """

    declaration: Declaration
    state: State
    reading: Reading

    @property
    def detail(self) -> str:
        """What belongs to the state: the variant that everybody gets, the rollout; else empty."""
        if self.state is State.CONCLUDED and self.declaration.winner is not None:
            return f"everybody gets {variant_text(self.declaration.winner)}"
        if self.state is State.RAMPING:
            return f"{100 * self.declaration.rollout:.4g}% of the units"
        return ""


def chosen(
    rows: Sequence[OverviewRow], *, search: str, states: Sequence[State], order: Order
) -> list[OverviewRow]:
    """The rows that are wanted, in the order that is wanted.

    Args:
        rows: All.
        search: Words that the name, the owner or the hypothesis contains, in any case.
        states: Only these; empty: all.
        order: What they are sorted by; those of which it is not known stand last.
    """
    words = search.casefold().split()
    wanted = [
        row
        for row in rows
        if (not states or row.state in states) and all(word in _searched(row) for word in words)
    ]
    return sorted(wanted, key=lambda row: (*_place(row, order), row.declaration.name.casefold()))


def _searched(row: OverviewRow) -> str:
    declared = row.declaration
    return f"{declared.name} {declared.owner} {declared.hypothesis}".casefold()


def _place(row: OverviewRow, order: Order) -> tuple[float | str, ...]:
    """Where a row stands among those that differ in it."""
    known = row.reading.glance
    match order:
        case Order.STATE:
            return (0 if row.state in ACTIVE else 1 + [*State].index(row.state),)
        case Order.OWNER:
            return (not row.declaration.owner, row.declaration.owner.casefold())
        case Order.UNITS:
            units = None if known is None else known.units
            return (units is None, -(units or 0))
        case Order.LIFT:
            lift = None if known is None or known.outlook is None else known.outlook.value
            return (lift is None, -(lift or 0.0))
        case Order.NAME:
            return ()
