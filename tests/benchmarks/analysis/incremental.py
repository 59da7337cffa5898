"""What the last of sixty days costs with a store: of one experiment, and of many."""

import os
from collections.abc import Collection, Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import duckdb
from attrs import frozen

from abkit.analysis import Analysis, Design, read_together
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Average,
    Conversion,
    Distinct,
    Funnel,
    Ratio,
    Sum,
    Total,
    Winsorize,
)

from ..ratio import Figure
from ..row import Row

UNITS = "ABKIT_BENCH_UNITS"
"""The variable of the environment that says how many units there are."""

DAYS, BEFORE, EXPERIMENTS = 60, 14, 20
"""How long an experiment runs, how long before it actions are known, and how many experiments there are."""

_USUAL, _ACTIONS_OF_UNIT = 50_000, 100
_FEWER = 5  # where there are many experiments
_REVENUE = Sum(action="purchase", property="price", name="revenue")
_VIEWS = Total(action="page view", name="views")
_METRICS = (
    Conversion(action="purchase", role="primary", name="buyers"),
    _VIEWS,
    Sum(
        action="purchase",
        property="price",
        name="revenue, capped",
        winsorize=Winsorize(upper_percentile=99),
    ),
    Average(action="page view", property="ms", name="load time"),
    Ratio(numerator=_REVENUE, denominator=_VIEWS, name="revenue per view"),
    Distinct(action="page view", property="page", name="pages"),
    ActiveDays(action="page view", name="active days"),
    Funnel(steps=["search", "purchase"], within=timedelta(days=3), name="from search"),
)
_PLAN = AnalysisPlan(cuped=timedelta(days=BEFORE), segments=("country",))


def incremental_rows() -> list[Row]:
    """Sixty days of events; the last one comes after all others are in a store."""
    units = int(os.environ.get(UNITS, _USUAL))
    first, *_ = designs = [_design(number) for number in range(EXPERIMENTS)]
    one, many = _cost([first], units), _cost(designs, units // _FEWER)
    return [
        Row(
            what=f"day {DAYS} with a store: {_told(units)}",
            by_id=Figure([one.day / one.nothing]),
            target=1 / 20,
            unit="x from nothing",
            note=f"{one.day:.1f} s; the first run {one.began / one.nothing:.1f}x; {UNITS}: units",
        ),
        Row(
            what=f"day {DAYS} of {EXPERIMENTS} experiments with a store: {_told(units // _FEWER)}",
            by_id=Figure([many.day / many.nothing]),
            target=3.0,
            unit="x one from nothing",
            note=f"{many.day:.1f} s",
        ),
    ]


@frozen
class _Cost:
    """Seconds of processor time.

    Attributes:
        began: Of all experiments, all days but the last two, into a new store.
        nothing: Of one experiment, all days, without a store.
        day: Of all experiments, the last day, with the store.
    """

    began: float
    nothing: float
    day: float


def _cost(designs: Sequence[Design], units: int) -> _Cost:
    with TemporaryDirectory() as where:
        folder, store = Path(where), Path(where, "store.duckdb")
        *_, before, last = _write(folder / "all", units)
        _link(folder / "all", folder / "events", without={before, last})
        began = _seconds(designs, folder / "events", store)
        _link(folder / "all", folder / "events", without={last})
        _seconds(designs, folder / "events", store)
        _link(folder / "all", folder / "events")
        nothing = _seconds(designs[:1], folder / "events")
        return _Cost(began, nothing, _seconds(designs, folder / "events", store))


def _told(units: int) -> str:
    return f"{units:,} units, {units * _ACTIONS_OF_UNIT / 1e6:g}M actions"


def _design(number: int) -> Design:
    return Design(
        name=f"E{number}",
        salt=f"E{number}",
        unit_type="user",
        control="0",
        metrics=_METRICS,
    )


def _seconds(designs: Sequence[Design], events: Path, store: Path | None = None) -> float:
    """The processor time of the analyses of some experiments."""
    began = process_time()
    analyses = [
        Analysis(
            design,
            exposures=events / "exposures",
            actions=events / "actions",
            plan=_PLAN,
            store=store,
        )
        for design in designs
    ]
    if len(analyses) > 1:
        read_together(analyses)
    for analysis in analyses:
        analysis.run()
    return process_time() - began


def _link(source: Path, folder: Path, *, without: Collection[str] = ()) -> None:
    for file in source.rglob("*.parquet"):
        to = folder / file.relative_to(source)
        if file.parent.name not in without and not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, to)


def _write(folder: Path, units: int) -> Sequence[str]:
    """Write the events; the answer are the names of the folders of the days, in order.

    Most units come in the first days. A few do most of what is done.
    """
    folder.mkdir()
    with duckdb.connect() as database:
        database.execute(
            "set enable_progress_bar = false; set TimeZone = 'UTC'; select setseed(0.4)"
        )
        database.execute(
            f"""\
create table units as
select 'user-' || i as unit_id, hash(i) as hashed,
  case when random() < 0.85 then least(-12 * ln(1 - random() * 0.993), {DAYS} - 0.01)
    else random() * {DAYS} end as first,
  ['de', 'us', 'fr', 'jp'][1 + floor(random() * 4)::integer] as country,
  exp(1.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) / exp(0.72) as activity
from range({units}) t(i)"""  # noqa: S608 - no input
        )
        start = f"timestamp '2026-03-01' + to_microseconds((%s * {86_400 * 10**6})::bigint)"
        ids = 'user_id, map([]::varchar[], []::varchar[]) as "groups"'
        database.execute(
            f"""\
create table exposures as
select unit_id || '-' || n as insert_id, {start % "first"} as time,
  'E' || n as experiment, 'E' || n as salt, 'user' as unit_type, unit_id,
  ((hashed >> n) % 2)::varchar as variant, unit_id as {ids},
  '{{"country":"' || country || '"}}' as properties, '{{"0":0.5,"1":0.5}}' as weights
from units, range({EXPERIMENTS}) t(n)"""  # noqa: S608 - no input
        )
        database.execute(
            f"""\
create table actions as
select 'a' || row_number() over () as insert_id, time, action, {ids},
  case when action = 'page view'
    then '{{"page":"/' || floor(random() * 500)::integer || '","ms":' || floor(random() * 900) || '}}'
    else '{{"price":' || round(exp(random() * 4), 2) || '}}' end as properties
from (
  select {start % f"(random() * {DAYS + BEFORE} - {BEFORE})"} as time, unit_id as user_id,
    case when random() < 0.05 then 'purchase' when random() < 0.2 then 'search'
      else 'page view' end as action
  from units, range((activity * {_ACTIONS_OF_UNIT} + random())::bigint)
)"""  # noqa: S608 - no input
        )
        for kind in ("exposures", "actions"):
            database.execute(
                f"copy (select *, strftime(time, '%Y-%m-%d') as date from {kind} order by time) "  # noqa: S608
                f"to '{folder / kind}' (format parquet, partition_by (date))"
            )
    return sorted(day.name for day in (folder / "actions").iterdir())
