"""What the drivers of warehouses say of columns in `cursor.description`, recorded from the drivers.

`tests/drivers` holds each entry against the driver itself. Beside it stands what the column holds.
"""

from typing import Any

from abkit.analysis.engines.dialects.described import NUMBER, OTHER, TIME, TRUTH, WHOLE

Described = list[tuple[tuple[Any, ...], str]]

SNOWFLAKE: Described = [
    (("FIXED", 0, None, None, 38, 0, True), WHOLE),
    (("SCALED", 0, None, None, 10, 2, True), NUMBER),
    (("FLOAT", 1, None, None, None, None, True), NUMBER),
    (("VARCHAR", 2, None, 16777216, None, None, True), OTHER),
    (("DATE", 3, None, None, None, None, True), TIME),
    (("VARIANT", 5, None, None, None, None, True), OTHER),
    (("LTZ", 6, None, None, 0, 9, True), TIME),
    (("TZ", 7, None, None, 0, 9, True), TIME),
    (("NTZ", 8, None, None, 0, 9, True), TIME),
    (("BINARY", 11, None, 8388608, None, None, True), OTHER),
    (("TIME", 12, None, None, 0, 9, True), OTHER),
    (("BOOLEAN", 13, None, None, None, None, True), TRUTH),
]
TRINO: Described = [
    (("a", "timestamp(6) with time zone", None, None, 6, None, None), TIME),
    (("b", "timestamp(3)", None, None, 3, None, None), TIME),
    (("c", "date", None, None, None, None, None), TIME),
    (("d", "time(3) with time zone", None, None, 3, None, None), OTHER),
    (("e", "interval day to second", None, None, None, None, None), OTHER),
    (("f", "decimal(10,2)", None, None, 10, 2, None), NUMBER),
    (("g", "decimal(38,0)", None, None, 38, 0, None), WHOLE),
    (("h", "double", None, None, None, None, None), NUMBER),
    (("i", "real", None, None, None, None, None), NUMBER),
    (("j", "bigint", None, None, None, None, None), WHOLE),
    (("k", "integer", None, None, None, None, None), WHOLE),
    (("l", "boolean", None, None, None, None, None), TRUTH),
    (("m", "varchar(9)", None, 9, None, None, None), OTHER),
    (("n", "map(varchar,varchar)", None, None, None, None, None), OTHER),
    (("o", "json", None, None, None, None, None), OTHER),
]
REDSHIFT: Described = [
    (("TIMESTAMPTZ", 1184, None, None, None, None, None), TIME),
    (("TIMESTAMP", 1114, None, None, None, None, None), TIME),
    (("DATE", 1082, None, None, None, None, None), TIME),
    (("TIME", 1083, None, None, None, None, None), OTHER),
    (("FLOAT", 701, None, None, None, None, None), NUMBER),
    (("REAL", 700, None, None, None, None, None), NUMBER),
    (("NUMERIC", 1700, None, None, None, None, None), NUMBER),
    (("BIGINT", 20, None, None, None, None, None), WHOLE),
    (("INTEGER", 23, None, None, None, None, None), WHOLE),
    (("SMALLINT", 21, None, None, None, None, None), WHOLE),
    (("BOOLEAN", 16, None, None, None, None, None), TRUTH),
    (("STRING", 1043, None, None, None, None, None), OTHER),
    (("SUPER", 4000, None, None, None, None, None), OTHER),
]
DATABRICKS: Described = [
    (("TIMESTAMP", "timestamp", None, None, None, None, None), TIME),
    (("TIMESTAMP_NTZ", "timestamp_ntz", None, None, None, None, None), TIME),
    (("DATE", "date", None, None, None, None, None), TIME),
    (("DECIMAL", "decimal", None, None, 10, 2, None), NUMBER),
    (("DOUBLE", "double", None, None, None, None, None), NUMBER),
    (("FLOAT", "float", None, None, None, None, None), NUMBER),
    (("LONG", "bigint", None, None, None, None, None), WHOLE),
    (("INT", "int", None, None, None, None, None), WHOLE),
    (("SHORT", "smallint", None, None, None, None, None), WHOLE),
    (("BYTE", "tinyint", None, None, None, None, None), WHOLE),
    (("BOOLEAN", "boolean", None, None, None, None, None), TRUTH),
    (("STRING", "string", None, None, None, None, None), OTHER),
    (("MAP", "map", None, None, None, None, None), OTHER),
]
BIGQUERY: Described = [
    (("a", "TIMESTAMP", None, None, None, None, True), TIME),
    (("b", "DATETIME", None, None, None, None, True), TIME),
    (("c", "DATE", None, None, None, None, True), TIME),
    (("d", "TIME", None, None, None, None, True), OTHER),
    (("e", "FLOAT", None, None, None, None, True), NUMBER),
    (("f", "NUMERIC", None, None, None, None, True), NUMBER),
    (("g", "BIGNUMERIC", None, None, None, None, True), NUMBER),
    (("h", "INTEGER", None, None, None, None, True), WHOLE),
    (("i", "BOOLEAN", None, None, None, None, True), TRUTH),
    (("j", "STRING", None, None, None, None, True), OTHER),
    (("k", "JSON", None, None, None, None, True), OTHER),
    (("l", "RECORD", None, None, None, None, True), OTHER),
]
RECORDED = {
    "bigquery": BIGQUERY,
    "databricks": DATABRICKS,
    "redshift": REDSHIFT,
    "snowflake": SNOWFLAKE,
    "trino": TRINO,
}
