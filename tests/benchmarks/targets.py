"""What was to be reached: told last, in one place."""

from collections.abc import Iterable
from typing import Protocol

from attrs import frozen
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


@frozen(kw_only=True)
class Target:
    """A figure that was to be reached.

    Attributes:
        what: What was measured.
        value: What came out.
        most: The most that it should be.
        unit: Of both; "" for ratios.
    """

    what: str
    value: float
    most: float
    unit: str = ""

    @property
    def is_met(self) -> bool:
        return self.value <= self.most


class Aimed(Protocol):
    """A row of a table that may have a target."""

    @property
    def aim(self) -> Target | None:
        """Its target; None: it is told for information."""


def targets_of(*tables: Iterable[Aimed]) -> list[Target]:
    """The targets of all rows, in their order."""
    return [row.aim for table in tables for row in table if row.aim is not None]


def targets_told(targets: Iterable[Target]) -> RenderableType:
    """How many targets were met, and which were missed, the worst first."""
    found = [*targets]
    missed = sorted(
        (each for each in found if not each.is_met),
        key=lambda each: each.value / each.most,
        reverse=True,
    )
    met = f"{len(found) - len(missed)} of {len(found)} targets were met"
    if not missed:
        return Text(f"{met}.")
    table = Table()
    for column in ("missed", "target", "measured", "above it"):
        table.add_column(column, justify="left" if column == "missed" else "right")
    for each in missed:
        table.add_row(
            Text(each.what),
            f"{each.most:,.2f} {each.unit}".strip(),
            f"{each.value:,.2f} {each.unit}".strip(),
            f"{each.value / each.most - 1:.0%}",
        )
    return Group(Text(f"{met}; these were missed:"), table)
