"""Results with the parts that notifications look at, and alerts made by hand."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from abkit.analysis.advice.verdict import Recommendation, RecommendedAction
from abkit.analysis.declared.design import Design
from abkit.analysis.findings.cumulative import CumulativeUnits
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment, missing
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.srm import sample_ratio
from abkit.analysis.notifications.alerts import Alert, AlertKind, Evaluation
from abkit.analysis.outcome import VariantCounts
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Several
from abkit.experiments.declaring.metrics import Conversion, Metric

FIRST = datetime(2026, 3, 2, tzinfo=UTC)
"""The end of the first day with exposures."""

CLICK = Conversion("click", goal=0.1)
CRASH = Conversion("crash", direction="decrease", role="guardrail")

WAIT = Recommendation(action=RecommendedAction.CONTINUE, reasons=("More units may decide.",))
ROLL_OUT = Recommendation(action=RecommendedAction.ROLL_OUT, variant="b", reasons=("b won.",))
ROLL_BACK = Recommendation(action=RecommendedAction.ROLL_BACK, reasons=("b hurts.",))

Numbers = Mapping[str, tuple[int, int]]
"""Units and conversions by variant, the control first."""


def found_for(metric: Metric, numbers: Numbers) -> MetricResult:
    arms = [
        Arm(variant=v, moments=Moments.from_successes(n, done), conversions=done)
        for v, (n, done) in numbers.items()
    ]
    control, *others = arms
    treatments = []
    for arm in others:
        lacking = missing([control, arm])
        comparison = None
        if not lacking:
            tau = 0.1 * control.moments.mean
            comparison = sequential(control.moments, arm.moments, tau=tau, alpha=0.05)
        treatments.append(Treatment(arm=arm, comparison=comparison, missing=lacking))
    return MetricResult(metric=metric, control=control, treatments=tuple(treatments))


def result_of(
    numbers: Mapping[Metric, Numbers],
    *,
    first: datetime | None = FIRST,
    weights: Mapping[str, float] | None = None,
    advice: Recommendation = WAIT,
) -> Result:
    """What an analysis of these numbers finds; the first metric decides."""
    metrics = tuple(found_for(metric, each) for metric, each in numbers.items())
    counts = {variant: n for variant, (n, _) in next(iter(numbers.values())).items()}
    design = Design(name="Exp", salt="Exp", control=next(iter(counts)), metrics=tuple(numbers))
    ratio = sample_ratio(counts, weights or dict.fromkeys(counts, 1.0))
    cumulative = None
    if first is not None:
        ends = (first, first + timedelta(days=1))
        units = MappingProxyType({v: (n // 2, n) for v, n in counts.items()})
        cumulative = CumulativeUnits(ends=ends, units=units)
    return Result(
        design=design,
        plan=AnalysisPlan(),
        counts=tuple(
            VariantCounts(variant=v, rows=n, exposed=n, excluded=0, units=n)
            for v, n in counts.items()
        ),
        several=Several.EXCLUDE,
        sample_ratio=ratio,
        metrics=metrics,
        recommendation=advice,
        cumulative=cumulative,
    )


NOTHING = {"a": (4000, 400), "b": (4000, 404)}
BETTER = {"a": (4000, 400), "b": (4000, 560)}
WORSE = {"a": (4000, 560), "b": (4000, 400)}


def alert(*about: str, kind: AlertKind = AlertKind.SIGNIFICANT, title: str = "t") -> Alert:
    return Alert(kind=kind, about=about, title=title, body="numbers\nand commands")


def evaluation(
    *alerts: Alert, evaluated: frozenset[AlertKind] = frozenset(AlertKind)
) -> Evaluation:
    return Evaluation(alerts=alerts, evaluated=evaluated)
