"""An engine whose tables have names of their own."""

import pyarrow as pa
import pytest

from abkit.analysis.engines.local import DuckDB
from abkit.analysis.engines.scoped import Scoped
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.sources import Table


def test_the_same_names_can_be_used_again() -> None:
    with DuckDB() as engine:
        engine.define("shared", "select 7 as seven", keep=True)
        for scope in ("a", "b"):
            scoped = Scoped(engine, scope)
            source = Table(pa.table({"unit": [f"{scope}1", f"{scope}1"]}))
            scoped.open("units", source, [Column(name="unit", kind=Kind.TEXT, source="unit")])
            scoped.define("kept", "select unit as units from units", keep=True)
            rows = scoped.rows(
                "select k.units, seven, 'it''s from units' as said\nfrom kept k\njoin shared on true"
            )
            assert [tuple(row.values()) for row in rows] == [
                (f"{scope}1", 7, "it's from units")
            ] * 2
            assert scoped.repeats("kept", "units")
            assert scoped.version == engine.version
            scoped.close()


def test_what_is_defined_there_is_not_seen_elsewhere() -> None:
    with DuckDB() as engine:
        Scoped(engine, "a").define("mine", "select 1 as one")
        with pytest.raises(Exception, match="mine"):
            Scoped(engine, "b").rows("select one from mine")
