"""What a column of a warehouse holds, by what its driver's `description` says of the type.

PEP 249 has type objects for this, but those of Snowflake's driver equal none of its own codes, those of
Trino's know no "timestamp(6) with time zone", and Redshift's has one code of several for each kind. So each
dialect names its types; the type objects are asked about those that it does not name.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

TIME, WHOLE, NUMBER, TRUTH, OTHER = "time", "whole", "number", "truth", "other"
"""What a column holds: dates and timestamps; whole numbers; other numbers; booleans; anything else."""

Codes = Mapping[object, str]


def _named(**names: str) -> Codes:
    return MappingProxyType(
        {name: holds for holds, listed in names.items() for name in listed.split()}
    )


_SNOWFLAKE: Codes = MappingProxyType(
    {
        0: NUMBER,
        1: NUMBER,
        2: OTHER,
        3: TIME,
        4: TIME,
        6: TIME,
        7: TIME,
        8: TIME,
        12: OTHER,  # a time of day
        13: TRUTH,
    }
)
_REDSHIFT: Codes = MappingProxyType(
    {
        16: TRUTH,
        20: WHOLE,
        21: WHOLE,
        23: WHOLE,
        26: WHOLE,
        700: NUMBER,
        701: NUMBER,
        1043: OTHER,
        1082: TIME,
        1083: OTHER,  # a time of day
        1114: TIME,
        1184: TIME,
        1266: OTHER,
        1700: NUMBER,
    }
)
_CODES: Mapping[str, Codes] = MappingProxyType(
    {
        "bigquery": _named(
            time="date datetime timestamp",
            whole="int64 integer",
            number="bigdecimal bignumeric decimal float float64 numeric",
            truth="bool boolean",
            other="json string time",
        ),
        "databricks": _named(
            time="date timestamp timestamp_ltz timestamp_ntz",
            whole="bigint byte int integer long short smallint tinyint",
            number="decimal double float",
            truth="boolean",
            other="string variant",
        ),
        "redshift": _REDSHIFT,
        "snowflake": _SNOWFLAKE,
        "trino": _named(
            time="date timestamp",
            whole="bigint integer smallint tinyint",
            number="decimal double real",
            truth="boolean",
            other="json time varchar",
        ),
    }
)
_OBJECTS = {"DATETIME": TIME, "NUMBER": NUMBER}


def held(column: Sequence[Any], dialect: str, driver: Callable[[str], object]) -> str:
    """What a column holds.

    Args:
        column: Its entry in a `description`, as PEP 249 defines it: a number of scale 0 is whole.
        dialect: SQLGlot's name of the dialect.
        driver: Gives what the driver's module has of that name, such as "DATETIME"; None if nothing.
    """
    code = column[1]
    key = _name(code) if isinstance(code, str) else code
    if isinstance(key, str | int):
        known = _CODES.get(dialect, {}).get(key)
        if known is not None:
            return WHOLE if known == NUMBER and column[5] == 0 else known
    return next((holds for name, holds in _OBJECTS.items() if driver(name) == code), OTHER)


def _name(code: str) -> str:
    """A type's name without precision and time zone: "timestamp(6) with time zone" is "timestamp"."""
    return code.lower().partition("(")[0].partition(" with")[0].strip()
