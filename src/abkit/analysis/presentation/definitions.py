"""What metrics measure, in words."""

from collections.abc import Iterator, Sequence

import attrs

from abkit.analysis.amounts import listed
from abkit.analysis.presentation import figures
from abkit.analysis.times import duration
from abkit.experiments.declaring.expressions import Expression
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    ActiveDays,
    Average,
    Conversion,
    Counting,
    Distinct,
    Formula,
    Funnel,
    Mean,
    Measured,
    Metric,
    Missing,
    Per,
    Quantile,
    Ratio,
    Retention,
    Sum,
    Total,
    Winsorize,
)

_USUAL = {each.name for kind in (ActionMetric, Measured) for each in attrs.fields(kind)} | {
    "missing"
}


def in_words(metric: Metric) -> str:
    """What a metric measures: "share of units that do 'signed up'"; and how its values are changed."""
    return ", ".join([_measures(metric), *_changes(metric)])


def _measures(metric: Metric) -> str:
    words = _counted(metric)
    if isinstance(metric, ActionMetric) and metric.where is not None:
        words += f" where {metric.where!r}"
    return words


def _counted(metric: Metric) -> str:
    match metric:
        case Conversion():
            often = "" if metric.times == 1 else f" at least {metric.times} times"
            words = f"share of units that do {metric.action!r}{often}"
        case Total():
            words = f"number of {metric.action!r} per unit"
        case Sum():
            words = f"sum of {metric.property!r} over {metric.action!r} per unit"
        case Average():
            words = f"average of {metric.property!r} over each unit's {metric.action!r}"
        case Distinct():
            words = f"number of different {metric.property!r} of {metric.action!r} per unit"
        case ActiveDays():
            words = f"number of different days with {metric.action!r} per unit"
        case Mean():
            words = f"mean of the column {metric.column!r} of a table of units"
        case Quantile():
            words = _quantile(metric)
        case Funnel():
            words = _funnel(metric)
        case Retention():
            when = f"{metric.period.value} {metric.n} after {metric.start!r}"
            words = f"share of units that do {metric.returning!r} in {when}"
        case Ratio():
            words = f"{_measures(metric.numerator)}, divided by the {_measures(metric.denominator)}"
        case Formula():
            words = _formula(metric.expression)
        case _:
            words = _by_fields(metric)
    return ", ".join([words, *_when(metric)])


def _when(metric: Metric) -> Iterator[str]:
    """When actions and units count, as far as the metric says it."""
    if not isinstance(metric, ActionMetric):
        return
    delay, window = metric.delay, metric.window
    if delay is not None and window is not None:
        yield f"from {duration(delay)} to {duration(window)} after the exposure"
    elif window is not None:
        yield f"in the first {duration(window)} after the exposure"
    elif delay is not None:
        yield f"from {duration(delay)} after the exposure on"
    if metric.mature_only:
        yield "of units whose window is over"


def _funnel(metric: Funnel) -> str:
    whose = "share of units that do" if metric.counting is Counting.UNIQUE else "times a unit does"
    within = "" if metric.within is None else f" within {duration(metric.within)}"
    return f"{whose} {', then '.join(map(repr, metric.steps))}{within}"


def _quantile(metric: Quantile) -> str:
    which = "median" if metric.q == 0.5 else f"{metric.q:g} quantile"
    if metric.per is Per.UNIT:
        return f"{which} of the units' sums of {metric.property!r} over {metric.action!r}"
    return f"{which} of {metric.property!r} over all {metric.action!r}"


def _formula(expression: Expression) -> str:
    parts = [part for part in expression.operands() if isinstance(part, Metric)]
    of = listed([f"{part.name!r} ({_measures(part)})" for part in dict.fromkeys(parts)])
    return f"{expression!r} of {of}"


def _by_fields(metric: Metric) -> str:
    """What a class says of itself that has no words here."""
    own = [each.name for each in attrs.fields(type(metric)) if each.name not in _USUAL]
    said = ", ".join(f"{name} {getattr(metric, name)!r}" for name in own)
    return f"{figures.kind(metric, decides=False).split(',')[0]} of {said}"


def _changes(metric: Metric) -> Iterator[str]:
    """What is done with the values."""
    if isinstance(metric, Measured) and metric.winsorize is not None:
        yield from _limits(metric.winsorize)
    if isinstance(metric, Measured) and metric.log:
        yield "as its logarithm"
    if isinstance(metric, Conversion | Mean) and metric.missing is not Missing.ERROR:
        yield f"missing values: {metric.missing.value}"


def _limits(given: Winsorize) -> Sequence[str]:
    sides = [
        ("at most", given.upper, given.upper_percentile),
        ("at least", given.lower, given.lower_percentile),
    ]
    return [
        f"{side} {value:g}" if value is not None else f"{side} the {percentile:g}th percentile"
        for side, value, percentile in sides
        if value is not None or percentile is not None
    ]
