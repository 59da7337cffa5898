"""How a store tells apart which values of units it knows."""

from typing import Protocol

from attrs import frozen

from abkit.analysis.store.closed.unit_conditions import CHANGED


class ValueKeys(Protocol):
    """The columns of the table of known values, beside part."""

    def columns(self) -> dict[str, str]:
        """By name, what the columns are of a row that has unit_id, variant and seen, as SQL."""
        ...

    def of_changed(self) -> str:
        """Whether a row is of a unit that changed, as SQL."""
        ...


@frozen
class PlainValues:
    """The unit and the value themselves."""

    def columns(self) -> dict[str, str]:
        """As `ValueKeys.columns`."""
        return {name: name for name in ("unit_id", "variant", "seen")}

    def of_changed(self) -> str:
        """As `ValueKeys.of_changed`."""
        return CHANGED


@frozen
class HashedValues:
    """DuckDB's hashes of 64 bits: of the unit with its variant, and of the value.

    That two of ten million are taken for one is as likely as 1 in 10^24.
    """

    def columns(self) -> dict[str, str]:
        """As `ValueKeys.columns`."""
        return {"unit": "hash(unit_id, variant)", "seen": "hash(seen)"}

    def of_changed(self) -> str:
        """As `ValueKeys.of_changed`."""
        return f"unit in (select hash(unit_id, variant) from known_units where {CHANGED})"
