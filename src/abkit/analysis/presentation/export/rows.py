"""A result as rows: one for each metric and variant."""

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from abkit.analysis.advice.verdict import badges
from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.presentation.export import guardrails
from abkit.analysis.presentation.export.worth import worth_cells
from abkit.analysis.presentation.heterogeneity import different_segments
from abkit.remote_file import write_text

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

Cell = str | float | bool | None

COLUMNS: Mapping[str, str] = MappingProxyType(
    {
        "experiment": "its name",
        "metric": "its name",
        "type": "the metric's class, such as Conversion",
        "role": "primary, secondary or guardrail",
        "direction": "increase, decrease or any",
        "goal": "the smallest relative change worth having; 0.02 is 2%",
        "variant": "its name",
        "is_control": "whether the others are compared with it",
        "units": "how many there are",
        "conversions": "how many of them converted; empty unless the metric is binary",
        "mean": "over the units, in the metric's unit; adjusted where CUPED is on",
        "variance": "between the units",
        "unadjusted_mean": "before CUPED; empty where that is off",
        "capped": "units whose value winsorization changed; empty where there is no cap",
        "immature": "units whose time is not over at the end of the data; empty where it never ends",
        "without_value": "units without a value in a table of units; empty where each must have one",
        "difference": "the variant's mean minus the control's",
        "difference_low": "the lower end of its interval; may be -inf",
        "difference_high": "the upper end; may be inf",
        "lift": "the difference divided by the control's mean",
        "lift_low": "the lower end of its interval",
        "lift_high": "the upper end",
        "p_value": "of this comparison alone",
        "corrected_p": "after the correction for several comparisons",
        "alpha": "the level of this comparison",
        "significant": "whether no difference is rejected",
        "chance_to_beat": "that the mean is better than the control's; Bayesian only",
        "chance_to_be_best": "that it is the best of all; Bayesian only",
        "shrunk_lift": "the lift to be expected; of the metric that decides, as the next six",
        "shrunk_lift_low": "the lower end of its credible interval",
        "shrunk_lift_high": "the upper end",
        "per_day": "the difference of all units of a day; empty where it makes no sense",
        "per_day_low": "the lower end of its interval; may be -inf",
        "per_day_high": "the upper end; may be inf",
        "expected_loss": "the lift that choosing this variant loses on average",
        "badges": "separated by semicolons, as the next two",
        "flags": "what makes the comparison doubtful",
        "missing": "what a comparison still waits for",
        **guardrails.COLUMNS,
        "trend": "how the effect changes with the days since exposure, if the test says so",
        "trend_p": "of that test, corrected for the variants; empty where it is not made",
        "reacts_differently": "segments in which the variant has another effect than in the rest",
        "method": "sequential, welch, ...",
        "confidence": "of the whole family of comparisons",
        "not_as_planned": "what of the analysis was declared otherwise",
        "abkit": "the version that computed it",
    }
)
"""The columns, in order, and what they mean; shares and changes are fractions."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
"""With these a spreadsheet takes a text for a formula."""


def rows(result: "Outcome") -> list[dict[str, Cell]]:
    """One row for each metric and variant, the control first; None where there is nothing."""
    return [row for found in result.metrics for row in _of_metric(found, result)]


def to_csv(result: "Outcome", path: str | Path | None = None) -> str:
    """The rows as CSV (RFC 4180), in UTF-8.

    A text that a spreadsheet would run as a formula gets an apostrophe in front; what is no number is
    empty, and infinite ends are inf and -inf.

    Args:
        result: The result of an analysis.
        path: Where to write it; nowhere if None.
    """
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows(result):
        writer.writerow([_cell(row[column]) for column in COLUMNS])
    content = text.getvalue()
    if path is not None:
        write_text(path, content)
    return content


def _cell(value: Cell) -> Cell:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) and not _number(value) else value
    return None if value is None or value != value else value  # noqa: PLR0124 - NaN


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_metric(found: MetricResult, result: "Outcome") -> list[dict[str, Cell]]:
    metric = found.metric
    same: dict[str, Cell] = {
        "experiment": result.design.name,
        "metric": metric.name,
        "type": type(metric).__name__,
        "role": metric.role.value,
        "direction": metric.direction.value,
        "goal": metric.goal,
        "margin": metric.margin,
        "method": result.plan.method.value,
        "confidence": result.plan.confidence,
        "not_as_planned": "; ".join(result.not_as_planned),
        "abkit": result.versions.get("abkit"),
    }
    control: dict[str, Cell] = {**_arm(found.control), "is_control": True}
    others = [
        {
            **_treatment(t, found),
            **_trend(t, found, result),
            "is_control": False,
            "reacts_differently": "; ".join(different_segments(found, t.arm.variant, result)),
        }
        for t in found.treatments
    ]
    choices = result.worth.choices if found is result.deciding and result.worth else ()
    worth = {choice.variant: worth_cells(choice) for choice in choices}
    return [
        {
            column: {**same, **own, **worth.get(str(own["variant"]), {})}.get(column)
            for column in COLUMNS
        }
        for own in [control, *others]
    ]


def _arm(arm: Arm) -> dict[str, Cell]:
    return {
        "variant": arm.variant,
        "units": arm.moments.n,
        "conversions": arm.conversions,
        "mean": arm.moments.mean,
        "variance": arm.moments.variance,
        "unadjusted_mean": None if arm.unadjusted is None else arm.unadjusted.mean,
        "capped": arm.capped,
        "immature": arm.immature,
        "without_value": arm.without_value,
    }


def _treatment(treatment: Treatment, found: MetricResult) -> dict[str, Cell]:
    comparison = treatment.comparison
    return {
        **_arm(treatment.arm),
        **({} if comparison is None else _comparison(comparison)),
        "corrected_p": treatment.corrected_p,
        "chance_to_beat": treatment.chance_to_beat,
        "chance_to_be_best": treatment.chance_to_be_best,
        "badges": "; ".join(badge.value for badge in badges(comparison, found.metric)),
        "flags": "; ".join(flag.value for flag in treatment.flags),
        "missing": "; ".join(treatment.missing),
        **guardrails.cells(treatment, found.metric),
    }


def _trend(treatment: Treatment, found: MetricResult, result: "Outcome") -> dict[str, Cell]:
    for each in result.novelty:
        if each.metric == found.metric:
            effect = each[treatment.arm.variant]
            trend = None if effect.trend is None else effect.trend.value
            return {"trend": trend, "trend_p": effect.corrected_p}
    return {}


def _comparison(comparison: Comparison) -> dict[str, Cell]:
    lift = comparison.lift_interval
    return {
        "difference": comparison.difference,
        "difference_low": comparison.interval.low,
        "difference_high": comparison.interval.high,
        "lift": comparison.lift,
        "lift_low": None if lift is None else lift.low,
        "lift_high": None if lift is None else lift.high,
        "p_value": comparison.p_value,
        "alpha": comparison.alpha,
        "significant": comparison.significant,
    }
