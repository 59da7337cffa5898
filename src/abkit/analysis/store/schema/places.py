"""Where the tables of a store are: their names, as queries and as statements have them."""

import base64
import zlib
from collections.abc import Sequence

from attrs import frozen

from abkit.analysis.engines.translation import quoted
from abkit.analysis.reading.quoting import identifier, literal

PREFIX = "abkit_store_"
"""What the names of all tables of a store begin with."""


@frozen
class Places:
    """The names of tables in a schema.

    Attributes:
        schema: The schema.
        dialect: SQLGlot's name of the dialect.
    """

    schema: str
    dialect: str

    def name(self, table: str) -> str:
        """A table as queries name it."""
        return ".".join(map(identifier, self._parts(table)))

    def quoted(self, table: str) -> str:
        """A table as the database quotes its name."""
        return ".".join(quoted(part, self.dialect) for part in self._parts(table))

    def _parts(self, table: str) -> Sequence[str]:
        return (*self.schema.split("."), f"{PREFIX}{table}")


def pieces(text: str, length: int) -> list[str]:
    """A text in letters and digits that no database reads as something else.

    Args:
        text: The text.
        length: Of each piece.
    """
    whole = base64.b64encode(zlib.compress(text.encode())).decode()
    return [whole[begin : begin + length] for begin in range(0, len(whole), length)]


def text_of(found: Sequence[str]) -> str:
    """The text of such pieces, in their order."""
    return zlib.decompress(base64.b64decode("".join(found))).decode()


def rows_of_pieces(found: Sequence[str], *, first: int, length: int) -> str:
    """Pieces as a query. Columns: place, piece.

    Args:
        found: The pieces.
        first: The place of the first one.
        length: Of the longest one.
    """
    return "\nunion all\n".join(
        f"select cast({first + place} as bigint) as place, "
        f"cast({literal(piece)} as varchar({length})) as piece"
        for place, piece in enumerate(found)
    )
