"""The SQL expression is `get`, unit by unit, where it is run: by DuckDB and by Spark."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import (
    ConfigError,
    DeclarationError,
    Experiment,
    ExperimentManager,
    Holdout,
    Layer,
    Params,
    Reason,
    UserExperiment,
)
from abkit.experiments.in_bulk.assign import assign_many
from abkit.experiments.in_bulk.columns import Kind
from abkit.experiments.in_bulk.dialects import DIALECTS
from abkit.experiments.in_bulk.sql import assignment_sql, reason_sql

from ..declared import NO_NUL, UNIT_IDS, declare, differences, experiments

AT_1000 = 1_000.0
HARD_IDS = [
    "o'neill",
    'the "best"',
    "c:\\temp\\",
    "100%",
    "a\nb\r\n",
    "${env:HOME}",
    "naïve-日本-🎈",
    "\0",
    " ",
    "-- ;",
    "{}",
]
IDS = [*HARD_IDS, *(f"user-{number}" for number in range(5_000)), *map(str, range(5_000))]
NASTY = 'it\'s \\ "50%"\n${env:HOME} `日本` {} -- ;'

FIXED = [
    declare(),
    declare(variants=[f"v{number}" for number in range(10)]),
    declare(variants={"none": 0, "a": 0.9, "zero": 0, "b": 0.05, "c": 0.05, "last": 0}),
    declare(variants={"only": 1}, rollout=0.5),
    declare(variants=[1, -2, 2**62], rollout=0.3),
    declare(variants=[0.1, 1e300, float("inf"), -0.5]),
    declare(variants=[False, True]),
    declare(rollout=0),
    declare(rollout=1e-18),
    declare(holdouts=[Holdout("all", 1)]),
    declare(holdouts=[Holdout("none", 0), Holdout("h1", 0.3), Holdout("h2", 0.3)]),
    declare(layer=Layer("l", size=1), slots=[0]),
    declare(layer=Layer("l"), slots=range(2_500, 5_000)),
    declare(layer=Layer("l"), slots=range(0, 10_000, 3)),
    declare(layer=Layer("l", size=100), slots=frozenset({3, 50, 99})),
    declare(forced={"1": [*HARD_IDS[:7], 17], "0": HARD_IDS[8:]}),
    declare(enabled=False),
    declare(variants=["a", "b"], winner="b"),
    declare(variants=["a", "b"], winner="b", holdouts=[Holdout("h1", 0.3), Holdout("h2", 0.3)]),
    declare(winner="1", holdouts=[Holdout("all", 1)]),
    declare(winner="1", enabled=False, holdouts=[Holdout("h1", 0.3)]),
    declare(ends="1970-01-01T00:16:40+00:00"),
    declare(starts="1970-01-01T00:16:40+00:00"),
    declare(
        salt=NASTY,
        variants={NASTY: 1, "b": 1},
        rollout=0.9,
        holdouts=[Holdout(NASTY, 0.1)],
        layer=Layer(NASTY, size=100),
        slots=range(90),
        forced={NASTY: HARD_IDS[:7]},
    ),
]
"""Each of what can be declared, and all that is hard to write in SQL."""


def one_by_one(experiment: type[Experiment], units: Sequence[Any]) -> list[tuple[Any, str]]:
    """What the manager gives."""
    manager = ExperimentManager(strict=True, clock=lambda: AT_1000)
    manager.add(experiment)
    found = [manager.assign(experiment, user=unit) for unit in units]
    assert [one.variant for one in found] == [manager.get(experiment, user=unit) for unit in units]
    return [(one.variant, one.reason) for one in found]


def columns(experiment: type[Experiment], column: str = "unit", **options: Any) -> str:
    """The variant and the reason, to be selected."""
    options = {"now": AT_1000, **options}
    variant = assignment_sql(experiment, column, **options)
    return f"{variant}, {reason_sql(experiment, column, **options)}"


def typed(rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """With the types: 1, 1.0 and True are equal."""
    return [(*row, *map(type, row[::2])) for row in rows]


class Units:
    """Tables of units in DuckDB."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()

    def ask(
        self, units: Sequence[Any], select: str, *, column: str = "unit"
    ) -> list[tuple[Any, ...]]:
        self.connection.register("units", pa.table({column: units}))
        query = f"select {select} from units"  # noqa: S608 - it is what is tested
        return self.connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def in_duckdb() -> Iterator[Units]:
    units = Units()
    yield units
    units.connection.close()


@pytest.fixture(scope="module")
def in_spark(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Any]]:
    from pyarrow import parquet

    folder = tmp_path_factory.mktemp("units")

    def ask(units: Sequence[Any], select: Sequence[str]) -> list[Any]:
        path = folder / f"{len([*folder.iterdir()])}.parquet"
        parquet.write_table(pa.table({"unit": units}), path)
        spark.read.parquet(str(path)).createOrReplaceTempView("units")
        query = f"select {', '.join(select)} from units"  # noqa: S608 - it is what is tested
        return [tuple(row) for row in spark.sql(query).collect()]

    return ask


@pytest.mark.parametrize("experiment", FIXED)
def test_duckdb_gives_what_get_gives(experiment: type[Experiment], in_duckdb: Units) -> None:
    assert len(IDS) > 10_000
    found, expected = in_duckdb.ask(IDS, columns(experiment)), one_by_one(experiment, IDS)
    assert differences(typed(found), typed(expected)) == []


@given(experiment=experiments(), units=st.lists(UNIT_IDS, min_size=1, max_size=40))
def test_duckdb_gives_what_get_gives_for_whatever_is_declared(
    experiment: type[Experiment], units: list[str], in_duckdb: Units
) -> None:
    units += [*experiment.declaration.forced, *IDS[:300]]
    found, expected = in_duckdb.ask(units, columns(experiment)), one_by_one(experiment, units)
    assert differences(typed(found), typed(expected)) == []


def test_spark_gives_what_get_gives(in_spark: Callable[..., list[Any]]) -> None:
    rows = in_spark(IDS, [columns(experiment, dialect="spark") for experiment in FIXED])
    assert len(rows) == len(IDS)
    for number, experiment in enumerate(FIXED):
        found = [row[2 * number : 2 * number + 2] for row in rows]
        expected = one_by_one(experiment, IDS)
        assert differences(typed(found), typed(expected)) == [], experiment.declaration


@settings(max_examples=5, deadline=None)
@given(
    some=st.lists(experiments(), min_size=3, max_size=3),
    units=st.lists(UNIT_IDS, min_size=1, max_size=100),
)
def test_spark_gives_what_get_gives_for_whatever_is_declared(
    some: list[type[Experiment]], units: list[str], in_spark: Callable[..., list[Any]]
) -> None:
    for experiment in some:
        units += experiment.declaration.forced
    rows = in_spark(units, [columns(experiment, dialect="spark") for experiment in some])
    for number, experiment in enumerate(some):
        found = [row[2 * number : 2 * number + 2] for row in rows]
        expected = one_by_one(experiment, units)
        assert differences(typed(found), typed(expected)) == [], experiment.declaration


def test_whole_numbers_are_hashed_as_their_text(
    in_duckdb: Units, in_spark: Callable[..., list[Any]]
) -> None:
    numbers = [*range(1_000), 2**62]
    expected = one_by_one(FIXED[0], numbers)
    assert differences(in_duckdb.ask(numbers, columns(FIXED[0])), expected) == []
    found = in_spark(numbers, [columns(FIXED[0], dialect="spark")])
    assert differences(found, expected) == []


def test_where_there_is_no_unit_there_is_no_variant(
    in_duckdb: Units, in_spark: Callable[..., list[Any]]
) -> None:
    for experiment in (FIXED[0], declare(enabled=False)):
        none = [(None, None)] * 2
        assert in_duckdb.ask([None, ""], columns(experiment)) == none
        assert in_spark([None, ""], [columns(experiment, dialect="spark")]) == none


TEXTS = [NASTY, *(text for text in HARD_IDS if "\0" not in text), "'", "\\", "$", "''", "\\'", "||"]


@given(text=st.text(NO_NUL))
def test_each_text_can_be_written_for_duckdb(text: str, in_duckdb: Units) -> None:
    assert in_duckdb.ask(["u"], DIALECTS["duckdb"].constant(text)) == [(text,)]


def test_each_text_can_be_written_for_spark(in_spark: Callable[..., list[Any]]) -> None:
    assert in_spark(["u"], [*map(DIALECTS["spark"].constant, TEXTS)]) == [tuple(TEXTS)]


@pytest.mark.parametrize(
    ("dialect", "written"),
    [
        ("duckdb", "'it''s \\ $'"),
        ("spark", "'it' || char(39) || 's ' || char(92) || ' ' || char(36) || ''"),
        ("bigquery", "'it\\'s \\\\ $'"),
        ("snowflake", "'it''s \\\\ $'"),
        ("trino", "'it''s \\ $'"),
        ("postgres", "'it''s \\ $'"),
    ],
)
def test_each_dialect_has_its_way_to_write_a_text(dialect: str, written: str) -> None:
    assert DIALECTS[dialect].constant("it's \\ $") == written


@pytest.mark.parametrize(
    ("dialect", "written"),
    [
        ("duckdb", "sha1('Declared.variant.' || cast(\"u\" as varchar))"),
        ("databricks", "sha1('Declared.variant.' || cast(`u` as string))"),
        ("bigquery", "to_hex(sha1('Declared.variant.' || cast(`u` as string)))"),
        ("trino", "lower(to_hex(sha1(to_utf8('Declared.variant.' || cast(\"u\" as varchar)))))"),
        ("postgres", "'sha1'), 'hex') collate \"C\" < '8"),
    ],
)
def test_each_dialect_has_its_way_to_hash(dialect: str, written: str) -> None:
    assert written in assignment_sql(FIXED[0], "u", dialect=dialect)


def test_a_column_is_a_name_and_nothing_else(in_duckdb: Units) -> None:
    expected = [(variant,) for variant in assign_many(FIXED[0], IDS[:50])]
    name = 'id" or (select 1) --'
    for column in (name, ("units", name)):
        expression = assignment_sql(FIXED[0], column)
        assert in_duckdb.ask(IDS[:50], expression, column=name) == expected


@pytest.mark.parametrize(
    ("column", "dialect"), [("", "duckdb"), ((), "duckdb"), ("a\0", "duckdb"), ("${x}", "spark")]
)
def test_what_cannot_be_a_column_is_refused(column: Any, dialect: str) -> None:
    with pytest.raises(ConfigError, match="cannot be"):
        assignment_sql(FIXED[0], column, dialect=dialect)


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"no dialect 'mysql'; there are duckdb, spark, .*"):
        reason_sql(FIXED[0], "u", dialect="mysql")


def test_a_text_that_sql_cannot_hold_is_refused() -> None:
    with pytest.raises(ConfigError, match="NUL character"):
        assignment_sql(declare(salt="a\0b"), "u")


def test_what_only_python_can_decide_is_refused() -> None:
    class InCode(UserExperiment):
        variants = ["a"]

        def assign(self, params: Params, user: Any) -> None:
            params.variant = "a"

    class ForSome(UserExperiment):
        variants = ["a"]

        def eligible(self, user: Any) -> bool:
            return True

    for experiment, why in (
        (InCode, r"decides in its assign\(\)"),
        (ForSome, r"decides in its eligible\(\)"),
        (declare(bucketing="amplitude"), "murmur3"),
    ):
        with pytest.raises(DeclarationError, match=rf"{why}.* use assign_many\(\)"):
            assignment_sql(experiment, "u")
        with pytest.raises(DeclarationError, match=why):
            reason_sql(experiment, "u")


def test_a_declaration_under_settings_can_be_given(in_duckdb: Units) -> None:
    manager = ExperimentManager(strict=True, settings={"Declared": {"rollout": 0.25}})
    manager.add(FIXED[0])
    expression = reason_sql(FIXED[0], "unit", declaration=manager.declaration("Declared"))
    expected = [(manager.assign("Declared", user=unit).reason,) for unit in IDS]
    assert differences(in_duckdb.ask(IDS, expression), expected) == []


def test_variants_of_several_types_are_text(in_duckdb: Units) -> None:
    experiment = declare(variants=[2, "a", True])
    found = {variant for (variant,) in in_duckdb.ask(IDS, assignment_sql(experiment, "unit"))}
    assert found == {"2", "a", "true"}
    assert Kind.of([2, "a", True]) is Kind.MIXED


def test_whole_and_other_numbers_together_are_floating_point(in_duckdb: Units) -> None:
    found = in_duckdb.ask(IDS, assignment_sql(declare(variants=[1, 2.5]), "unit"))
    assert {(variant, type(variant)) for (variant,) in found} == {(1.0, float), (2.5, float)}


def test_the_traffic_of_holdouts_multiplies(in_duckdb: Units) -> None:
    experiment = declare(holdouts=[Holdout("first", 0.05), Holdout("second", 0.05)])
    units, share = 1_000_000, 0.95 * 0.95
    reason = reason_sql(experiment, "unit")
    ((assigned,),) = in_duckdb.ask(range(units), f"count_if({reason} = '{Reason.ASSIGNED}')")
    assert abs(assigned - units * share) < 4 * math.sqrt(units * share * (1 - share))
