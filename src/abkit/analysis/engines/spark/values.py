"""Whether values are alike, in Spark: their hashes of 64 bits are moved first, as these are shorter.

Values are looked at only where hashes are alike.
"""

from typing import TYPE_CHECKING

from abkit.analysis.engines.translation import quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_HASH = "hashed"


def some_repeat(frame: "DataFrame", column: str) -> bool:
    """Whether some value (not null) stands twice in a column."""
    hashed = _hashed(frame, column)
    counted = hashed.selectExpr(f"count({_HASH}) <> count(distinct {_HASH}) as repeated")
    if not counted.collect()[0]["repeated"]:
        return False
    alike = hashed.groupBy(_HASH).count().where("count > 1")
    values = hashed.join(alike, _HASH, "left_semi").groupBy(column).count()
    return not values.where("count > 1").isEmpty()


def some_stand_in_both(one: "DataFrame", other: "DataFrame", column: str) -> bool:
    """Whether some value (not null) of a column stands in both of two tables.

    Args:
        one: The table that is smaller.
        other: The other one.
        column: The name of the column in both.
    """
    first, second = _hashed(one, column), _hashed(other, column)
    alike = first.select(_HASH).join(second.select(_HASH), _HASH, "left_semi").persist()
    try:
        if alike.isEmpty():
            return False
        again = first.join(alike, _HASH, "left_semi")
        return not again.join(second, [_HASH, column], "left_semi").isEmpty()
    finally:
        alike.unpersist()


def _hashed(frame: "DataFrame", column: str) -> "DataFrame":
    value = quoted(column, "spark")
    hashed = f"xxhash64({value}) as {_HASH}"
    return frame.where(f"{value} is not null").selectExpr(hashed, value)
