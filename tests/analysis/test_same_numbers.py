"""One result, whatever holds the events: files, SQLite, PostgreSQL, MariaDB, Spark."""

import math
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from attrs import evolve

from abkit import prop
from abkit.analysis import BOTS, Analysis, AnalysisPlan, Design, Exclusion
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.statistics.days import DailySums
from abkit.events import Action, Exposure, Identity
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Average,
    Conversion,
    Distinct,
    Formula,
    Funnel,
    Metric,
    Quantile,
    Ratio,
    Retention,
    Role,
    Sum,
    Total,
    Winsorize,
)
from abkit.sinks.files import FileSink
from abkit.sinks.sql import SqlSink

from ..sinks.mariadb import MariaDBServer
from ..sinks.postgres import running_server
from .conftest import START
from .engines.chdb_tables import clickhouse_connect, own_database, store
from .locks import write_phases

DAY = 86_400.0

METRICS: tuple[Metric, ...] = (
    Conversion("bought", action="buy", goal=0.1),
    Conversion("twice", action="buy", times=2, role=Role.SECONDARY),
    Total("looks", action="look", log=True, role=Role.SECONDARY),
    Sum("revenue", action="buy", property="price", winsorize=Winsorize(upper_percentile=95)),
    Average("price", action="buy", property="price", role=Role.GUARDRAIL),
    Ratio("per look", numerator=Total("buy"), denominator=Total("look")),
    Formula(
        "net",
        expression=(Sum("buy", property="price") - 0.1 * Total("look")) / (1 + Total("look")),
    ),
    Funnel("funnel", steps=["look", "cart", "buy"], within=timedelta(days=3)),
    Funnel("completions", steps=["look", "buy"], counting="total"),
    Funnel("by twos", steps=["look", "look"], counting="total", within=timedelta(days=3)),
    Retention("day 1", start="look", returning="look", n=1),
    Sum(
        "later revenue",
        action="buy",
        property="price",
        delay=timedelta(days=1),
        window=timedelta(days=4),
        mature_only=True,
    ),
    Total("looks in 9 days", action="look", window=timedelta(days=9)),
    Distinct("people", action="look", property="user_id", role=Role.SECONDARY),
    Distinct("prices", action="buy", property="price"),
    ActiveDays("days", action="look"),
    Sum("dear", action="buy", property="price", where=prop("price").between(20, 200)),
    Quantile("largest sizes", action="look", property="size", q=0.9),
    Quantile("spent", action="buy", property="price", q=0.8, per="unit"),
    Quantile(
        "sizes in 4 days",
        action="look",
        property="size",
        q=0.5,
        window=timedelta(days=4),
        mature_only=True,
    ),
    # It hardly varies, so that its sums are asked for again around its mean.
    Average("size", action="look", property="size", winsorize=Winsorize(lower=1e6 + 0.1)),
)

PLAN = Design(name="Same", salt="s", unit_type="org", control="a", metrics=METRICS)

LIKE_OTHERS = {
    "twice",
    "price",
    "net",
    "completions",
    "looks in 9 days",
    "people",
    "sizes in 4 days",
}
ONE_OF_EACH = tuple(each for each in METRICS if each.name not in LIKE_OTHERS)
"""For engines that take seconds for a query, however few the rows: whose SQL no other metric has."""


def weights_at(days: float, number: int) -> str | None:
    """The weights were changed after six and a half days, and one process told none of them."""
    if number % 9 == 0:
        return None
    return '{"a":0.6,"b":0.4}' if days < 6.5 else '{"a":0.5,"b":0.5}'


def events(*, weighed: bool = False) -> tuple[list[Exposure], list[Action]]:
    """400 organizations over twelve days; some jump, one is a bot, some events are stored twice."""
    random = Random(7)  # noqa: S311 - reproducible data, no secret
    start = START.timestamp()
    exposures: list[Exposure] = []
    actions: list[Action] = []
    for number in range(400):
        org, variant = f"org {number}'é", "ab"[number % 2]
        first = start + 4 * DAY + random.random() * 5 * DAY
        for again in range(random.choice([1, 1, 2])):
            jumped = again == 1 and number % 50 == 0
            agent = "Googlebot" if number == 11 else "Mozilla"
            days = (first - start) / DAY + again
            exposures.append(
                Exposure(
                    experiment="Same",
                    salt="s",
                    unit_type="org",
                    unit_id=org,
                    variant="b" if jumped else variant,
                    time=round(first + again * DAY, 3),
                    groups={"org": org},
                    properties={
                        "plan": random.choice(["free", "pro"]),
                        "user_agent": agent,
                        **({"seats": number % 7 / 2} if number % 5 else {}),
                    },
                    insert_id=f"e{number}-{again}",
                    weights=weights_at(days, number) if weighed else None,
                )
            )
        for each in range(random.randrange(9)):
            name = random.choice(["look", "look", "cart", "buy"])
            price = round(random.lognormvariate(3, 1), 2)
            actions.append(
                Action(
                    name=name,
                    # Whole hours, so that several actions are of one moment.
                    time=start + random.randrange(12 * 24) * 3_600,
                    user_id=f"user {each}",
                    groups={"org": org},
                    properties={
                        "price": price if name == "buy" else "none",
                        "size": 1e6 + random.random(),
                    },
                    insert_id=f"a{number}-{each}",
                )
            )
    return exposures, actions


def asked(*, of: Any = PLAN, **where: Any) -> ExperimentSums:
    plan = AnalysisPlan(
        segments=["plan"],
        exclude=[Exclusion(name="testers", units=["org 3'é"]), BOTS],
        several="first",
        cuped=timedelta(days=4),
        covariates=["plan", "seats", Total("carts", action="cart")],
        window=timedelta(days=7),
    )
    return Analysis(of, plan=plan, **where).gather()


@pytest.fixture(scope="module", params=[False, True], ids=["one phase", "three phases"])
def stored(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[list[Exposure], list[Action]]]:
    """The events; of several phases in a project whose lock knows the weights from the fifth day on."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param:
            project = tmp_path_factory.mktemp("project")
            # It does not know those of the first days, of which exposures tell none either.
            weights = [(0.0, None), (5.0, {"a": 3, "b": 2}), (6.5, {"a": 1, "b": 1})]
            phases = [(START + timedelta(days=days), each) for days, each in weights]
            write_phases(project, phases, "Same")
            patch.chdir(project)
        yield events(weighed=request.param)


@pytest.fixture(scope="module")
def files(stored: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    where = tmp_path_factory.mktemp("events")
    sink = FileSink(where)
    for each in stored:
        sink.send(each)
    for each in stored:
        sink.send(each[:40])  # what was delivered twice counts once
    return {"exposures": str(where / "exposures"), "actions": str(where / "actions")}


@pytest.fixture(scope="module")
def of_files(files: dict[str, str]) -> ExperimentSums:
    return asked(**files)


def alike(found: object, expected: object, where: str = "") -> None:
    """Equal, numbers to 1e-9."""
    if isinstance(expected, dict) and isinstance(found, dict):
        assert found.keys() == expected.keys(), where
        for key, value in expected.items():
            alike(found[key], value, f"{where}.{key}")
    elif isinstance(expected, list) and isinstance(found, list):
        assert len(found) == len(expected), where
        for number, (one, other) in enumerate(zip(found, expected, strict=True)):
            alike(one, other, f"{where}[{number}]")
    elif isinstance(expected, float) and isinstance(found, int | float):
        assert math.isclose(found, expected, rel_tol=1e-9, abs_tol=1e-9), (where, found, expected)
    else:
        assert found == expected, where


def numbers(sums: ExperimentSums) -> dict[str, object]:
    """All of a result but where it came from, and when; and the sums by days, which are few units."""
    told = {**sums.result().to_dict(), "days": [by_days(daily) for daily in sums.daily]}
    aside = {"sources", "queries", "versions", "made"}
    return {key: told[key] for key in told if key not in aside}


def by_days(daily: DailySums) -> dict[str, object]:
    return {
        "end": daily.end.isoformat(),
        "length": daily.length,
        "sums": [
            [[phase[variant].n, *phase[variant].totals, *phase[variant].products.values()]]
            for strata in (*daily.days, daily.halves)
            for phase in strata
            for variant in sorted(phase)
        ],
    }


NOT_OVER_PHASES = "a quantile of all these units together, which is not known in variant a"


def of_quantile(found: MetricResult) -> bool:
    return isinstance(found.metric, Quantile)


def test_the_data_have_all_that_matters(of_files: ExperimentSums) -> None:
    (daily,) = of_files.daily
    assert sum(of.totals[0] for phase in daily.halves for of in phase.values()) > 0
    result = of_files.result()
    assert dict(result.exclusions) == {"testers": 1, "bots": 1}
    quantiles = {found.control.problem for found in result.metrics if of_quantile(found)}
    assert quantiles == ({""} if not result.phases else {NOT_OVER_PHASES})
    assert all(found.control.moments.mean > 0 for found in result.metrics if not of_quantile(found))
    assert {segment.value for segment in result.segments} == {"free", "pro"}
    assert sum(count.excluded for count in result.counts) > 0
    assert result.metrics[3].control.capped
    adjustment = result.metrics[0].adjustment
    assert adjustment is not None
    assert [*adjustment.covariates] == ["carts", "plan = pro", "seats", "seats known"]
    assert all(adjustment.covariates.values())
    assert len(result.phases) in (0, 3)


@contextmanager
def in_database(url: str, batches: Iterable[Sequence[Any]]) -> Iterator[sa.Engine]:
    """The events in a database, which has none of their tables afterwards."""
    with closing(SqlSink(url)) as sink:
        for each in batches:
            sink.send(each)
    database = sa.create_engine(url)
    try:
        yield database
        with database.begin() as connection:
            for name in sa.inspect(connection).get_table_names():
                if name in ("abkit_exposures", "abkit_actions", "abkit_identities"):
                    connection.execute(sa.text(f"DROP TABLE {name}"))
    finally:
        database.dispose()


def test_sqlite_gives_the_same(stored: Any, of_files: ExperimentSums, tmp_path: Path) -> None:
    path = tmp_path / "events.db"
    with in_database(f"sqlite:///{path}", stored), closing(sqlite3.connect(path)) as connection:
        found = asked(exposures="abkit_exposures", actions="abkit_actions", engine=connection)
    alike(numbers(found), numbers(of_files))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with running_server() as server:
        yield server.url


def test_postgresql_gives_the_same(stored: Any, of_files: ExperimentSums, postgres: str) -> None:
    with in_database(postgres, stored) as database:
        found = asked(exposures="abkit_exposures", actions="abkit_actions", engine=database)
    alike(numbers(found), numbers(of_files))


def of_each_kind(of_files: ExperimentSums) -> Design:
    """Fewer metrics, for engines that take longer.

    The metric whose sums are asked for three times is measured within phases, where its shifts are by
    phase too, beside two; the others without phases.
    """
    *others, size = ONE_OF_EACH
    within_phases = (METRICS[3], METRICS[5], size)
    return evolve(PLAN, metrics=within_phases if of_files.exposed.phases[1:] else others)


def test_mariadb_gives_the_same(
    stored: Any, files: dict[str, str], of_files: ExperimentSums, mariadb: MariaDBServer
) -> None:
    of = of_each_kind(of_files)
    where: dict[str, Any] = {"exposures": "abkit_exposures", "actions": "abkit_actions"}
    with in_database(mariadb.url, stored) as database:
        found = asked(of=of, **where, engine=database)
    alike(numbers(found), numbers(asked(of=of, **files)))


def test_spark_gives_the_same(files: dict[str, str], of_files: ExperimentSums, spark: Any) -> None:
    some = of_each_kind(of_files)
    alike(numbers(asked(of=some, **files, engine=spark)), numbers(asked(of=some, **files)))


VISITS = Design(
    name="Visits",
    salt="s",
    unit_type="visitor",
    control="a",
    metrics=[Total("looks", action="look"), Sum("buy", property="price")],
)


def visits() -> tuple[list[Exposure], list[Action], list[Identity]]:
    """Some users with two devices, one in two variants; a shared computer; links after the actions."""
    random = Random(5)  # noqa: S311 - reproducible data, no secret
    start = START.timestamp()
    exposures: list[Exposure] = []
    actions: list[Action] = []
    identities: list[Identity] = []
    for number in range(60):
        time = start + random.randrange(6 * 24) * 3_600
        exposed: dict[str, Any] = {
            "experiment": "Visits",
            "salt": "s",
            "unit_type": "visitor",
            "unit_id": f"v{number}",
        }
        variant = "ab"[number // 2 % 2] if number % 30 else "b"
        exposures.append(
            Exposure(**exposed, variant=variant, time=time, properties={}, insert_id=f"e{number}")
        )
        users = range(14) if number == 7 else [number // 2]
        for user in users:
            link = ("visitor", f"v{number}", "user", f"u{user}")
            turned = (*link[2:], *link[:2]) if number % 3 else link
            identities.append(Identity(*turned, time + 3_600 * user, f"i{number}-{user}"))
        actions += [
            Action(
                name=random.choice(["look", "buy"]),
                time=time + random.randrange(-24, 48) * 3_600,
                user_id=f"u{number // 2}" if each else None,
                groups={} if each else {"visitor": f"v{number}"},
                properties={"price": round(random.lognormvariate(3, 1), 2)},
                insert_id=f"a{number}-{each}",
            )
            for each in range(random.randrange(6))
        ]
    return exposures, actions, identities


def linked(**where: Any) -> ExperimentSums:
    plan = AnalysisPlan(several="first", over_time=None, novelty=False)
    return Analysis(VISITS, plan=plan, **where).gather()


@pytest.fixture(scope="module")
def visited(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    where = tmp_path_factory.mktemp("visits")
    sink = FileSink(where)
    for each in visits():
        sink.send(each)
    return {name: str(where / name) for name in ("exposures", "actions", "identities")}


def test_identities_link_the_same_in_every_engine(
    visited: dict[str, str], postgres: str, mariadb: MariaDBServer, spark: Any, tmp_path: Path
) -> None:
    expected = linked(**visited)
    found = expected.result().identities
    assert found is not None
    assert (found.merged, found.people, found.in_several, found.shared) == (59, 29, 1, 1)
    alike(numbers(linked(**visited, engine=spark)), numbers(expected))
    names = {name: f"abkit_{name}" for name in visited}
    for url in (f"sqlite:///{tmp_path / 'events.db'}", postgres, mariadb.url):
        with in_database(url, visits()) as database:
            alike(numbers(linked(**names, engine=database)), numbers(expected))


def test_frames_give_the_same(files: dict[str, str], of_files: ExperimentSums) -> None:
    import duckdb
    import polars as pl

    with duckdb.connect() as connection:
        arrow: dict[str, Any] = {
            name: connection.read_parquet(f"{path}/**/*.parquet").to_arrow_table()
            for name, path in files.items()
        }
    alike(numbers(asked(**arrow)), numbers(of_files))
    in_polars: dict[str, Any] = {name: pl.from_arrow(table) for name, table in arrow.items()}
    alike(numbers(asked(**in_polars)), numbers(of_files))


def test_an_arrow_table_of_many_chunks_gives_the_same() -> None:
    """Over 131,072 rows in several chunks, where a peer gave intervals too wide by two thirds."""
    import numpy as np
    import pyarrow as pa

    from abkit.analysis import UnitsAnalysis
    from abkit.experiments.declaring.metrics import Mean

    random = np.random.default_rng(3)
    units = 400_000
    values = random.normal(10, 5, units)
    whole = pa.table({"id": range(units), "arm": ["a", "b"] * (units // 2), "x": values})
    pieces = pa.concat_tables([whole.slice(i, 100_000) for i in range(0, units, 100_000)])
    assert pieces.column("x").num_chunks == 4
    for table in (whole, pieces):
        (found,) = (
            UnitsAnalysis(table, unit="id", variant="arm", control="a", metrics=[Mean("x")])
            .run()
            .metrics
        )
        control = values[::2]
        assert found.control.moments.mean == pytest.approx(control.mean(), rel=1e-12)
        assert found.control.moments.variance == pytest.approx(control.var(ddof=1), rel=1e-12)


@pytest.fixture(scope="module")
def clickhouse() -> Iterator[Any]:
    with clickhouse_connect() as connection:
        yield connection


def test_clickhouse_gives_the_same(
    stored: Any, files: dict[str, str], of_files: ExperimentSums, clickhouse: Any
) -> None:
    """With all metrics; within phases with a few, and with properties in a column of JSON."""
    phases = bool(of_files.exposed.phases[1:])
    few = (*METRICS[3:6], ONE_OF_EACH[-2], METRICS[-1])
    some = evolve(PLAN, metrics=few) if phases else PLAN
    expected = asked(of=some, **files) if phases else of_files
    with own_database(clickhouse) as cursor:
        events = [each for batch in stored for each in batch]
        tables = store(cursor, events, properties="JSON" if phases else "String")
        del tables["identities"]
        found = asked(of=some, **tables, engine=clickhouse)
    alike(numbers(found), numbers(expected))


def test_identities_link_the_same_in_clickhouse(visited: dict[str, str], clickhouse: Any) -> None:
    exposures, actions, identities = visits()
    with own_database(clickhouse) as cursor:
        tables = store(cursor, [*exposures, *actions, *identities])
        alike(numbers(linked(**tables, engine=clickhouse)), numbers(linked(**visited)))
