"""How many of what, as sentences say it."""

from collections.abc import Sequence


def amount(number: int, one: str, many: str | None = None) -> str:
    """A number and what it counts: "1 row", "2,000 rows".

    Args:
        number: How many.
        one: What one of them is called.
        many: What several are called; with an s at its end unless said otherwise.
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"


def listed(names: Sequence[str]) -> str:
    """Names in a row: "a", "a and b", "a, b and c"; of none an empty text."""
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def have(number: int) -> str:
    """The verb that goes with a number: has or have."""
    return "has" if number == 1 else "have"


def left_out(number: int, one: str, missing: str) -> str:
    """That some rows do not take part, as in "2 rows have no variant: they are left out".

    Args:
        number: How many.
        one: What one of them is called.
        missing: What they lack.
    """
    pronoun = "it is" if number == 1 else "they are"
    return f"{amount(number, one)} {have(number)} no {missing}: {pronoun} left out."
