"""Shares of the units, and of the hash's range."""

from abkit.assignment.weights import HASH_RANGE
from abkit.errors import DeclarationError


def check_share(declared: str, name: str, value: object) -> None:
    """Refuse what is not a share.

    Raises:
        DeclarationError: The value is not a number from 0 to 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise DeclarationError(declared, f"`{name}` must be a share from 0 to 1, not {value!r}")


def share_bound(share: float) -> int:
    """The first hash above a share of the hash's range."""
    return round(share * HASH_RANGE)
