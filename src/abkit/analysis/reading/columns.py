"""The columns that the queries need of a table, whatever the table's own names and types."""

from enum import StrEnum

from attrs import field, frozen


class Kind(StrEnum):
    """What a column is, in every dialect."""

    TEXT = "text"
    """Text; empty is missing; whole floats lose their ".0", as ids must."""
    EXACT = "exact"
    """Text as `TEXT`, which equals only itself, and is in the order of its characters' numbers."""
    KEY = "key"
    """What tells rows apart, as text or as a whole number: only whether it is there and is the same."""
    INSTANT = "instant"
    """A bigint of microseconds since 1970, UTC; foreign numbers are seconds since then."""
    NUMBER = "number"
    """A double; what is no number is an error of the query, what is missing is null."""
    TRUTH = "truth"
    """1 for one of `TRUE`, 0 for one of `FALSE`, as a double. Other values are an error."""


TRUE = ("1", "1.0", "t", "true", "y", "yes")
FALSE = ("0", "0.0", "f", "false", "n", "no")
"""Texts that say whether something holds, in small letters."""


@frozen(kw_only=True)
class Column:
    """One column as the queries call it, and where it comes from.

    Attributes:
        name: How queries call it.
        kind: What it is.
        source: The column of the schema that it comes from, before the table's own names are applied:
            "groups", "properties", "user_id".
        key: The entry to take, if the source is a map, a struct or a JSON object: "org", "price".
        inside: The entries to take of that, from the outside in, where it is one of these too; null where it
            is none.
        when: Take it only in rows where this column of the same view (a text) has one of these values;
            null in others. So one action's odd property does not break another's.
        required: Whether there is no answer without it; else it is null where the table lacks it.
        elsewhere: Columns of the table that will do where `source` is not there, the best first.
        strict: Whether a value that is not of the kind is an error; else it is null, as a missing one.
    """

    name: str
    kind: Kind
    source: str
    key: str | None = None
    inside: tuple[str, ...] = ()
    when: tuple[str, tuple[str, ...]] | None = None
    required: bool = field(default=False)
    elsewhere: tuple[str, ...] = ()
    strict: bool = True
