"""PlanOut's hash: the first 15 hexadecimal digits of SHA-1, an integer below 2**60."""

from collections.abc import Callable
from struct import Struct
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hashlib import sha1 as sha1  # noqa: PLC0414 - exported: whoever hashes a unit, hashes with this
else:
    try:
        # The interpreter's own: OpenSSL's, which hashlib prefers, takes longer to begin than to hash a unit.
        from _sha1 import sha1
    except ModuleNotFoundError:  # It was built without.
        from hashlib import sha1

first_64_bits: Callable[[bytes], tuple[Any, ...]] = Struct(">Q").unpack_from
"""The beginning of a digest as an integer, in a tuple of one."""


def hash_text(text: str) -> int:
    """The hash of a salted unit: an integer in [0, 2**60)."""
    hashed: int = first_64_bits(sha1(text.encode()).digest())[0] >> 4
    return hashed


def unit_text(unit: object) -> str:
    """How a unit stands in the hashed text. A list is several units; a tuple is one."""
    return ".".join(map(str, unit)) if type(unit) is list else str(unit)
