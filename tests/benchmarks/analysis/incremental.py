"""What the last of sixty days costs with a store: of one experiment, and of many."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

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
from .days_of_events import Days, link

UNITS = "ABKIT_BENCH_UNITS"
"""The variable of the environment that says how many units there are."""

DAYS, BEFORE, EXPERIMENTS = 60, 14, 20
"""How long an experiment runs, how long before it actions are known, and how many experiments there are."""

_USUAL = 50_000
_FEW, _MANY = 100, 1_000
"""Of a unit, so many actions: of somebody who visits a shop; of an organization that works with a product."""
_FEWER = 5  # where there are many experiments
_REVENUE = Sum(action="purchase", property="price", name="revenue")
_VIEWS = Total(action="page view", name="views")
METRICS = (
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
PLAN = AnalysisPlan(cuped=timedelta(days=BEFORE), segments=("country",))


def incremental_rows() -> list[Row]:
    """Sixty days of events; the last one comes after all others are in a store."""
    units = int(os.environ.get(UNITS, _USUAL))
    first, *_ = designs = [_design(number) for number in range(EXPERIMENTS)]
    rows = []
    for fewer, actions in ((units, _FEW), (units * _FEW // _MANY, _MANY)):
        cost = _cost([first], fewer, actions)
        rows.append(
            Row(
                what=f"day {DAYS} with a store: {_told(fewer, actions)}",
                by_id=Figure([cost.day / cost.nothing]),
                target=1 / 20,
                unit="x from nothing",
                note=f"{cost.day:.1f} s; the first run {cost.began / cost.nothing:.1f}x; {UNITS}: units",
            )
        )
    many = _cost(designs, units // _FEWER, _FEW)
    return [
        *rows,
        Row(
            what=f"day {DAYS} of {EXPERIMENTS} experiments with a store: {_told(units // _FEWER, _FEW)}",
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


def _cost(designs: Sequence[Design], units: int, actions: int) -> _Cost:
    with TemporaryDirectory() as where:
        folder, store = Path(where), Path(where, "store.duckdb")
        events = Days(
            units=units,
            days=DAYS,
            before=BEFORE,
            experiments=EXPERIMENTS,
            actions_of_unit=actions,
        )
        *_, before, last = events.write(folder / "all")
        link(folder / "all", folder / "events", without={before, last})
        began = _seconds(designs, folder / "events", store)
        link(folder / "all", folder / "events", without={last})
        _seconds(designs, folder / "events", store)
        link(folder / "all", folder / "events")
        nothing = _seconds(designs[:1], folder / "events")
        return _Cost(began, nothing, _seconds(designs, folder / "events", store))


def _told(units: int, actions: int) -> str:
    return f"{units:,} units, {units * actions / 1e6:g}M actions"


def _design(number: int) -> Design:
    return Design(
        name=f"E{number}",
        salt=f"E{number}",
        unit_type="user",
        control="0",
        metrics=METRICS,
    )


def _seconds(designs: Sequence[Design], events: Path, store: Path | None = None) -> float:
    """The processor time of the analyses of some experiments."""
    began = process_time()
    analyses = [
        Analysis(
            design,
            exposures=events / "exposures",
            actions=events / "actions",
            plan=PLAN,
            store=store,
        )
        for design in designs
    ]
    if len(analyses) > 1:
        read_together(analyses)
    for analysis in analyses:
        analysis.run()
    return process_time() - began
