"""What a plan adjusts metrics by, beside their own past: other metrics' past, and what an exposure tells."""

from collections.abc import Sequence
from typing import TypeAlias

from attrs import evolve

from abkit.errors import AnalysisError, with_article
from abkit.experiments.declaring.metrics import (
    ActionMetric,
    ActiveDays,
    Average,
    Conversion,
    Distinct,
    Metric,
    Sum,
    Total,
)

Covariate: TypeAlias = str | Metric
"""A metric, by itself or by its name; or a property of the exposure, by its name."""

WITH_A_PAST = (Conversion, Total, Sum, Average, Distinct, ActiveDays)
"""The metrics of which CUPED knows what they were before the exposure, one value per unit."""


def checked_covariates(value: Sequence[Covariate]) -> tuple[Covariate, ...]:
    """The covariates, as a tuple.

    Raises:
        AnalysisError: One is no name and no metric with a past, or is there twice.
    """
    several = isinstance(value, Sequence) and not isinstance(value, str)
    if not several or not all(isinstance(each, Metric) or _is_name(each) for each in value):
        message = (
            "covariates must be a list of properties of the exposure and of metrics, such as "
            f"['plan', Total('visits')], not {value!r}"
        )
        raise AnalysisError(message)
    names = [_name(each) for each in value]
    for each in value:
        if names.count(_name(each)) > 1:
            message = f"covariates has {_name(each)!r} more than once"
            raise AnalysisError(message)
        if isinstance(each, Metric):
            _check_past(each)
    return tuple(value)


def metrics_among(
    covariates: Sequence[Covariate], declared: Sequence[Metric]
) -> tuple[Metric, ...]:
    """Those of the covariates that are metrics: a name that a declared metric has is that metric's.

    The past of a unit is known whether its window is over or not: as a covariate, none waits.

    Raises:
        AnalysisError: A metric is meant of which there is no past.
    """
    by_name = {metric.name: metric for metric in declared}
    found = (by_name.get(each) if isinstance(each, str) else each for each in covariates)
    metrics = tuple(dict.fromkeys(metric for metric in found if metric is not None))
    for metric in metrics:
        _check_past(metric)
    return tuple(map(_of_all_units, metrics))


def _of_all_units(metric: Metric) -> Metric:
    return evolve(metric, mature_only=False) if isinstance(metric, ActionMetric) else metric


def properties_among(
    covariates: Sequence[Covariate], declared: Sequence[Metric]
) -> tuple[str, ...]:
    """Those of the covariates that are properties of the exposure: names that no declared metric has."""
    names = {metric.name for metric in declared}
    return tuple(each for each in covariates if isinstance(each, str) and each not in names)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _name(covariate: Covariate) -> str:
    return covariate if isinstance(covariate, str) else covariate.name


def _check_past(metric: Metric) -> None:
    if not isinstance(metric, WITH_A_PAST):
        message = (
            f"covariates has {metric.name!r}, {with_article(type(metric))}: of a covariate, each unit must "
            "have one value before its exposure, as of Conversion, Total, Sum, Average, Distinct and "
            "ActiveDays"
        )
        raise AnalysisError(message)
