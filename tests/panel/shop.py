"""A shop with two experiments, and what its visitors did."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from abkit import AnalysisPlan, Conversion, ExperimentManager, Sum, UserExperiment
from abkit.analysis import Analysis
from abkit.analysis.reading.event_folder import stored_tables
from abkit.experiments.declaring.metrics import Metric

FIRST = 1_793_577_600
"""2026-11-02, 00:00 UTC."""

DAYS = 21


class Checkout(UserExperiment):
    """Three ways to pay."""

    hypothesis = "One page instead of four brings more people to the end."
    owner = "checkout <team>"
    variants: ClassVar[Mapping[str, float]] = {"four_pages": 1, "one_page": 1, "express": 1}
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion("purchase", goal=0.05),
        Sum("revenue", action="purchase", property="price", role="secondary"),
    ]
    plan: ClassVar[Any] = AnalysisPlan(
        segments=["plan"], sample_size=6_000, cuped=timedelta(days=7)
    )


class Banner(UserExperiment):
    """Nobody has seen it yet."""

    variants: ClassVar[Mapping[str, float]] = {"off": 1, "on": 1}
    metrics: ClassVar[Sequence[Metric]] = [Conversion("purchase")]
    enabled = False


ACTIVE_EXPERIMENTS = [Checkout, Banner]


def manager() -> ExperimentManager:
    """The experiments, registered."""
    found = ExperimentManager(strict=True)
    for experiment in ACTIVE_EXPERIMENTS:
        found.add(experiment)
    return found


def analysis_of(events: Path, plan: AnalysisPlan | None = None) -> Analysis:
    """The analysis of `Checkout`, without a panel."""
    tables: dict[str, Any] = {**stored_tables(str(events))}
    return Analysis(Checkout, **tables, plan=plan)


def write_events(folder: Path, *, units: int = 3_000) -> Path:
    """Store what the visitors did; the same each time."""
    declared = Checkout.declaration
    variants = ", ".join(f"'{variant}'" for variant in declared.weights)
    for name in ("exposures", "actions"):
        (folder / name).mkdir(parents=True)
    with duckdb.connect() as database:
        database.execute(f"""
create table visitors as
select 'u' || i as unit_id, [{variants}][1 + i % 3] as variant,
  cast({FIRST} + hash(i) % ({DAYS} * 86400) as bigint) as first,
  case when hash(i + 7) % 3 = 0 then 'paid' else 'free' end as plan,
  cast(hash(i + 11) % 1000 as bigint) as luck
from range({units}) as t(i)""")  # noqa: S608 - our own
        database.execute(f"""
copy (select '{declared.name}' as experiment, '{declared.salt}' as salt, 'user' as unit_type, unit_id,
  variant,
  make_timestamp(first * 1000000) as time, 'e' || unit_id as insert_id,
  '{{"plan": "' || plan || '", "country": "' || case when luck % 2 = 0 then 'DE' else 'FR' end || '"}}'
    as properties
from visitors) to '{folder}/exposures/part.parquet'""")  # noqa: S608 - our own
        database.execute(f"""
copy (select 'purchase' as action, unit_id as user_id, make_timestamp((first + 60) * 1000000) as time,
  'a' || unit_id as insert_id, '{{"price": ' || (5 + luck % 40) || '}}' as properties
from visitors where luck < case variant when 'express' then 420 when 'one_page' then 330 else 300 end
union all
select 'purchase', unit_id, make_timestamp((first - 86400) * 1000000), 'b' || unit_id, '{{"price": 9}}'
from visitors where luck % 5 = 0) to '{folder}/actions/part.parquet'""")  # noqa: S608 - our own
    return folder


def repeat(folder: Path, *, times: int = 1_000) -> None:
    """Store the same again so often that reading it takes long; it takes no room."""
    for name in ("exposures", "actions"):
        for time in range(times):
            (folder / name / f"part{time}.parquet").hardlink_to(folder / name / "part.parquet")
