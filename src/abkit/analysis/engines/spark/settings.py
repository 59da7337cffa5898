"""Settings of a Spark session that hold for one statement."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVERYWHERE: Mapping[str, str] = MappingProxyType({"spark.sql.unionOutputPartitioning": "false"})
"""From 4.1 on, Spark takes a union to be partitioned as its parts were planned, and they may not be."""

CUTTING_OFF: Mapping[str, str] = MappingProxyType(
    {"spark.sql.constraintPropagation.enabled": "false"}
)
"""With constraints, Spark looks for columns of a union that are not there when it cuts off a plan."""


@contextmanager
def settings(session: "SparkSession", values: Mapping[str, str]) -> Iterator[None]:
    """Let settings hold, and leave them as they were.

    Args:
        session: The session.
        values: By name.
    """
    before = {name: session.conf.get(name, None) for name in values}
    for name, value in values.items():
        session.conf.set(name, value)
    try:
        yield
    finally:
        for name, former in before.items():
            if former is None:
                session.conf.unset(name)
            else:
                session.conf.set(name, former)
