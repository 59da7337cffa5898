"""The recorded descriptions are those that the drivers give."""

from typing import Any

import pytest

from ..analysis.engines.descriptions import (
    BIGQUERY,
    DATABRICKS,
    REDSHIFT,
    SNOWFLAKE,
    TRINO,
    Described,
)

HERE = "`make drivers` runs this"


def columns(recorded: Described) -> list[tuple[Any, ...]]:
    return [column for column, _ in recorded]


def test_snowflakes_codes_are_the_recorded_ones() -> None:
    constants = pytest.importorskip("snowflake.connector.constants", reason=HERE)
    names = [one.name for one in constants.FIELD_TYPES]
    for name, code, *_ in columns(SNOWFLAKE):
        assert names[code].endswith(
            {"FLOAT": "REAL", "SCALED": "FIXED", "VARCHAR": "TEXT"}.get(name, name)
        )


def test_trinos_are_the_recorded_ones() -> None:
    dbapi = pytest.importorskip("trino.dbapi", reason=HERE)
    for column in columns(TRINO):
        name, code, _, size, precision, scale, _ = column
        raw = code.partition("(")[0] + code.partition(")")[2]
        arguments = [
            {"kind": "LONG", "value": one} for one in (size, precision, scale) if one is not None
        ]
        signature = {"rawType": raw, "arguments": arguments}
        answered = {"name": name, "type": code, "typeSignature": signature}
        assert tuple(dbapi.ColumnDescription.from_column(answered)) == column


def test_redshifts_are_the_recorded_ones() -> None:
    driver = pytest.importorskip("redshift_connector", reason=HERE)
    cursor = driver.Cursor.__new__(driver.Cursor)
    cursor.ps = {
        "row_desc": [
            {"label": name.encode(), "type_oid": int(driver.RedshiftOID[name])}
            for name, *_ in columns(REDSHIFT)
        ]
    }
    assert cursor.description == columns(REDSHIFT)


def test_those_of_databricks_are_the_recorded_ones() -> None:
    backend = pytest.importorskip("databricks.sql.backend.sea.backend", reason=HERE)
    models = pytest.importorskip("databricks.sql.backend.sea.models.base", reason=HERE)
    answered = [
        {"name": name, "type_name": name, "type_precision": precision, "type_scale": scale}
        for name, _, _, _, precision, scale, _ in columns(DATABRICKS)
    ]
    manifest = models.ResultManifest("", {"columns": answered}, 0, 0, 0)
    found = backend.SeaDatabricksClient._extract_description_from_manifest(None, manifest)
    assert found == columns(DATABRICKS)


def test_bigquerys_are_the_recorded_ones() -> None:
    bigquery = pytest.importorskip("google.cloud.bigquery", reason=HERE)
    module = pytest.importorskip("google.cloud.bigquery.dbapi.cursor", reason=HERE)
    cursor = module.Cursor.__new__(module.Cursor)
    cursor._set_description(
        [
            bigquery.SchemaField.from_api_repr({"name": name, "type": code, "mode": "NULLABLE"})
            for name, code, *_ in columns(BIGQUERY)
        ]
    )
    assert [*map(tuple, cursor.description)] == columns(BIGQUERY)
