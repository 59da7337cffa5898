"""What the metrics of an experiment are without it: from a month of stored events."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import evolve, frozen

from abkit.analysis.aggregation.identities import find_links, open_actions
from abkit.analysis.aggregation.session import (
    Progress,
    QuerySession,
    instant,
    microseconds,
    silent,
)
from abkit.analysis.analysis import Analysis
from abkit.analysis.declared.design import Design
from abkit.analysis.engines.base import integer
from abkit.analysis.engines.choose import opened
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.query.activity import ActivityQueries
from abkit.analysis.reading.sources import Source, table
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method

_DAY = timedelta(days=1)


@frozen(kw_only=True)
class Observed:
    """What a while of stored events says.

    Attributes:
        baselines: By the name of the metric.
        per_day: New units a day, of all variants.
        units: How many units came.
        days: In how many days.
        exposed: Whether these were exposed to the experiment; else they are those that did anything.
    """

    baselines: Mapping[str, Baseline]
    per_day: float
    units: int
    days: float
    exposed: bool


def observe(
    design: Design,
    *,
    exposures: Source | None,
    actions: Source,
    identities: Source | None = None,
    plan: AnalysisPlan,
    length: timedelta = 28 * _DAY,
    progress: Progress = silent,
) -> Observed:
    """Measure the metrics of an experiment over the last days of stored events.

    Where it has been running, its units are those exposed in that time, and the metrics are those of the
    control. Where it has not, they are the units of its type that did anything, each from its first action
    in that time on: so there must be other actions than those of the metrics, such as visits.

    Args:
        design: What is declared.
        exposures: As for `Analysis`; None: there are none.
        actions: As for `Analysis`.
        identities: As for `Analysis`.
        plan: Its CUPED, window, and units that are left out.
        length: How long before the last event.
        progress: As for `Analysis.run`.

    Raises:
        EmptyDataError: No unit did anything.
        AnalysisError: The events say nothing of a metric.
        MissingExtraError: A package is not installed that is needed.
    """
    design = evolve(design, plan=None)
    reading = _reading(plan)
    if exposures is not None:
        try:
            analysis = Analysis(
                design, exposures=exposures, actions=actions, identities=identities, plan=reading
            )
            return _of_exposures(analysis, length, progress)
        except EmptyDataError:
            pass  # it has not begun
    active = active_units(
        design, actions=actions, identities=identities, plan=plan, length=length, progress=progress
    )
    return _observed(active.sums, length, exposed=False)


@frozen(kw_only=True)
class ActiveUnits:
    """What the units did that did anything in the last days.

    Attributes:
        sums: Theirs, as if each was exposed to the control by its first action in that time.
        latest: When the last action of all was, UTC.
    """

    sums: ExperimentSums
    latest: datetime


def active_units(
    design: Design,
    *,
    actions: Source,
    identities: Source | None = None,
    plan: AnalysisPlan,
    length: timedelta = 28 * _DAY,
    progress: Progress = silent,
) -> ActiveUnits:
    """Read what the units did that did anything in the last days.

    Args:
        design: The metrics, and the type of the units.
        actions: As for `observe`.
        identities: As for `observe`.
        plan: As for `observe`.
        length: As for `observe`.
        progress: As for `observe`.

    Raises:
        EmptyDataError: No unit did anything.
        AnalysisError: A metric is not one of actions.
        MissingExtraError: A package is not installed that is needed.
    """
    with _first_actions(design, actions, identities, length) as (started, latest):
        sums = Analysis(
            evolve(design, plan=None),
            exposures=started,
            actions=actions,
            identities=identities,
            plan=_reading(plan),
        ).gather(progress)
        return ActiveUnits(sums=sums, latest=latest)


def _reading(plan: AnalysisPlan) -> AnalysisPlan:
    """How sums are read of which only those of the control are wanted."""
    return AnalysisPlan(
        method=Method.SEQUENTIAL,
        cuped=plan.cuped,
        window=plan.window,
        several=plan.several,
        exclude=plan.exclude,
        segments=(),
        over_time=None,
    )


def _of_exposures(analysis: Analysis, length: timedelta, progress: Progress) -> Observed:
    sums = analysis.gather(progress)
    first, latest = _first(sums), sums.exposed.latest
    if first is not None and latest is not None and latest - first > length:
        sums = analysis.gather(progress, start=latest - length)
    return _observed(sums, length, exposed=True)


def _observed(sums: ExperimentSums, length: timedelta, *, exposed: bool) -> Observed:
    control = sums.measured.sums.get(sums.design.control)
    first, latest = _first(sums), sums.exposed.latest
    if control is None or not control.n or first is None or latest is None:
        message = f"No unit was exposed to the control {sums.design.control!r} alone in that time"
        raise AnalysisError(message)
    units = sum(sums.exposed.by_period.values())
    days = max(1.0, min(length, latest - first) / _DAY)
    return Observed(
        baselines={
            estimand.metric.name: Baseline.of_sums(control, estimand, plan=sums.plan)
            for estimand in sums.measured.layout.estimands
        },
        per_day=units / days,
        units=units,
        days=days,
        exposed=exposed,
    )


def _first(sums: ExperimentSums) -> datetime | None:
    """The start of the first day on which a unit came; None if all that came are left out."""
    return min((start for start, *_ in sums.exposed.by_period), default=None)


@contextmanager
def _first_actions(
    design: Design, actions: Source, identities: Source | None, length: timedelta
) -> Iterator[tuple[Path, datetime]]:
    """A file of exposures to the control, each unit's first action in that time; and the time of the last."""
    queries = ActivityQueries(unit_type=design.unit_type)
    read = table(actions)
    with opened(None) as engine, TemporaryDirectory() as folder:
        own_unit = "unit_id" in read.columns
        session = QuerySession(engine, progress=silent, steps=1)
        links = None
        if identities is not None:
            links = find_links(session, design.unit_type, table(identities))
        open_actions(session, links, read, queries.columns(own_unit=own_unit))
        (row,) = engine.rows(queries.latest())
        if row["latest"] is None:
            raise EmptyDataError(
                read.label, f"has no action of a unit of type {design.unit_type!r}"
            )
        latest = instant(integer(row, "latest"))
        start = microseconds(latest - length)
        file = Path(folder) / "first-actions.jsonl"
        with file.open("w", encoding="utf-8") as lines:
            for first in engine.rows(queries.first(start)):
                record = {
                    "experiment": design.name,
                    "salt": design.salt,
                    "unit_type": design.unit_type,
                    "unit_id": str(first["unit_id"]),
                    "variant": design.control,
                    "time": instant(integer(first, "time")).isoformat(),
                }
                lines.write(json.dumps(record) + "\n")
        yield file, latest
