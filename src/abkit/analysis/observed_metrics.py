"""What metrics were in the last days of stored events, by type of unit: a catalogue in numbers."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from abkit.analysis.aggregation.session import Progress, silent
from abkit.analysis.declared.design import Design
from abkit.analysis.findings.baseline import Baseline
from abkit.analysis.findings.observed_metric import ObservedMetric
from abkit.analysis.observed import ActiveUnits, active_units
from abkit.analysis.query.counted_time import check_windows
from abkit.analysis.reading.sources import Source
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand, measured
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Mean, Metric, Quantile

_UNITS = "all"
_PLAN = AnalysisPlan()


def observe_metrics(
    metrics: Sequence[Metric],
    *,
    unit_type: str,
    actions: Source,
    identities: Source | None = None,
    length: timedelta = timedelta(days=28),
    progress: Progress = silent,
) -> tuple[ObservedMetric, ...]:
    """Measure metrics of all units of a type that did anything in the last days of stored events.

    A unit counts from its first action in that time on, as for `observe` before an experiment.

    Args:
        metrics: The metrics; several of one name may differ.
        unit_type: The type of the units, such as "org" or "user".
        actions: As for `Analysis`.
        identities: As for `Analysis`.
        length: How long before the last event.
        progress: As for `Analysis.run`.

    Returns:
        One for each metric, in their order.

    Raises:
        AnalysisError: The events cannot be read.
        MissingExtraError: A package is not installed that is needed.
    """
    of_actions = [metric for metric in metrics if not _why_not(metric)]
    found: dict[Metric, ObservedMetric] = {}
    for batch in _of_different_names(of_actions):
        design = Design(name="metrics", unit_type=unit_type, control=_UNITS, metrics=batch)
        try:
            active = active_units(
                design,
                actions=actions,
                identities=identities,
                plan=_PLAN,
                length=length,
                progress=progress,
            )
        except EmptyDataError:
            problem = f"is not known: no {unit_type} did anything"
            found |= {
                m: ObservedMetric(metric=m, unit_type=unit_type, problem=problem) for m in batch
            }
            continue
        for metric, estimand in zip(batch, active.sums.measured.layout.estimands, strict=True):
            found[metric] = _observed(metric, estimand, active)
    return tuple(found.get(metric) or _unknown(metric, unit_type) for metric in metrics)


def _of_different_names(metrics: Sequence[Metric]) -> Iterator[Sequence[Metric]]:
    """As few lists as there are metrics of one name: what is measured together has different names."""
    left = [*dict.fromkeys(metrics)]
    while left:
        batch = {metric.name: metric for metric in reversed(left)}
        yield [metric for metric in left if batch[metric.name] is metric]
        left = [metric for metric in left if batch[metric.name] is not metric]


def _observed(metric: Metric, estimand: Estimand, active: ActiveUnits) -> ObservedMetric:
    sums, problem = active.sums, ""
    control = sums.measured.sums[_UNITS]
    try:
        baseline = Baseline.of_sums(control, estimand, plan=_PLAN)
    except AnalysisError:
        baseline, problem = None, _why_nothing(estimand, control)
    return ObservedMetric(
        metric=metric,
        unit_type=sums.design.unit_type,
        baseline=baseline,
        problem=problem,
        arrivals=_arrivals(active),
    )


def _why_nothing(estimand: Estimand, sums: Sums) -> str:
    """Why no size of a test follows from some sums."""
    if not estimand.units(sums):
        return "counts no unit yet: its window is over for none"
    try:
        moments = estimand.moments(sums)
    except AnalysisError as error:
        if isinstance(estimand.metric, Quantile):
            return f"is not known: needs {error}"
        return "has no value: there is nothing to divide by"
    if moments.variance > 0:
        return "has a mean of 0, of which no change can be a share"
    if moments.mean == 0:
        return "is 0 for all units: is the action tracked?"
    return "has the same value for all units"


def _arrivals(active: ActiveUnits) -> tuple[int, ...]:
    """How many units came on each day (UTC), from the first to that of the last action."""
    by_day: dict[date, int] = {}
    for (start, *_), units in active.sums.exposed.by_period.items():
        by_day[start.date()] = by_day.get(start.date(), 0) + units
    first, last = min(by_day), active.latest.date()
    days = max(1, (last - first).days + 1)
    return tuple(by_day.get(first + timedelta(days=day), 0) for day in range(days))


def _unknown(metric: Metric, unit_type: str) -> ObservedMetric:
    return ObservedMetric(metric=metric, unit_type=unit_type, problem=_why_not(metric))


def _why_not(metric: Metric) -> str:
    """Why a metric cannot be measured without an experiment; empty if it can."""
    parts = measured(metric)
    if any(isinstance(part, Mean) for part in parts):
        return "is of a table of units, not of actions"
    try:
        check_windows([metric], window=None)
    except AnalysisError:
        return "waits for a window that only the plan of an experiment says"
    return ""
