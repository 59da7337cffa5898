"""What a rehearsal found, in words: the same for a terminal and for JSON."""

import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from enum import Enum
from math import ceil, sqrt

from abkit.analysis.amounts import amount, listed
from abkit.analysis.rehearsal.outcome import Before, Frequency, Rehearsal, RehearsedMetric

FEW_DOMINATE = 0.5
"""From this share of the variance on it is said that a few units have it."""


def headline(found: Rehearsal) -> str:
    """What was done."""
    return (
        f"{found.design.name} on {amount(found.units, found.design.unit_type)} from "
        f"{found.first} to {found.last} ({amount(found.days, 'day')}), split "
        f"{amount(found.splits, 'time')}"
    )


def between(of: Frequency) -> str:
    """A share with where its probability lies, such as 4.6%, in parentheses."""
    low, high = of.interval
    return f"{of.share:.1%} ({100 * low:.1f}\N{EN DASH}{high:.1%})"


def warnings(found: Rehearsal) -> Iterator[str]:
    """What is wrong, or doubtful."""
    # Of so many splits, the ratio of right standard errors is known to 1 / sqrt(2 splits).
    too_far = 1 + 3 / sqrt(2 * found.splits)
    for of in found.metrics:
        yield from _of_metric(of, too_far=too_far)
    if found.before is not None:
        yield from _of_the_time_before(found.before)


def _of_metric(of: RehearsedMetric, *, too_far: float) -> Iterator[str]:
    name = of.metric.name
    if of.missing:
        yield f"{name} could not be compared in most splits, which lack {listed(of.missing)}."
    if of.alarms_too_often:
        yield (
            f"{name} raises a false alarm in {between(of.alarms)} of the splits, and its plan accepts "
            f"{of.allowed:.1%}."
        )
    if of.error_ratio is not None and of.error_ratio >= too_far:
        yield (
            f"The differences of {name} spread {of.error_ratio:.2f} times as far as its standard errors say."
        )
    if of.top_share is not None and of.top_share >= FEW_DOMINATE:
        yield f"{of.top_share:.0%} of the variance of {name} is that of one in a thousand units."


def _of_the_time_before(before: Before) -> Iterator[str]:
    if before.own:
        yield (
            f"The arms of its own salt differ in {listed(before.own)} before anything is shown. "
            f"{_instead(before)}"
        )
    if before.differing.interval[0] > before.allowed:
        yield (
            f"The arms of {between(before.differing)} of the splits differ in the time before, and chance is "
            f"allowed {before.allowed:.0%}: the metrics have values too extreme for so few units."
        )


def _instead(before: Before) -> str:
    if before.alike is None:
        return "Declare another salt, and rehearse again."
    return f"Declare salt={json.dumps(before.alike)}, whose arms are alike."


def remarks(found: Rehearsal) -> Iterator[str]:
    """What else a reader should know."""
    yield "Nothing was different for anybody: every significant difference is a false alarm."
    before = found.before
    if before is None:
        yield "Nothing is known of the time before: CUPED cannot be tried, nor the arms compared before."
    else:
        own = "; those of its own salt are alike" if before.own == () else ""
        yield (
            f"In {between(before.differing)} of the splits, the arms differ in the {before.days:.3g} days "
            f"before{own}."
        )
    yield from found.notes


def reasons(found: Rehearsal) -> Iterator[str]:
    """Why the suggested plan is as it is."""
    suggested, deciding = found.suggestion, found.deciding
    size = suggested.plan.get("sample_size")
    if "cuped" in suggested.plan and found.plan.cuped is None and deciding.gains.cuped:
        yield (
            f"CUPED makes the smallest change of {deciding.metric.name} that is found "
            f"{deciding.gains.cuped:.0%} smaller."
        )
    if suggested.finds_goal:
        yield (
            f"So many units find the goal of {deciding.metric.name} with a power of {found.power:.0%}; with "
            f"as many a day as here, that takes {amount(_days(found, size), 'day')}."
        )
    elif deciding.metric.goal is None and deciding.metric.margin is None:
        yield (
            f"{deciding.metric.name} declares no goal, so no size follows: declare the smallest change worth "
            "having, such as goal=0.05."
        )
    if suggested.limits:
        yield (
            f"Limits at the 99th percentile, winsorize=Winsorize(upper_percentile=99), are worth it for "
            f"{listed(suggested.limits)}."
        )


def _days(found: Rehearsal, size: object) -> int:
    units = size if isinstance(size, int) else found.units
    return ceil(units * found.days / found.units)


def plan_code(plan: Mapping[str, object]) -> str:
    """A plan as it is declared, to paste."""
    said = dict(plan)
    looks = said.get("looks")
    if isinstance(looks, tuple) and looks == tuple((n + 1) / len(looks) for n in range(len(looks))):
        said["looks"] = len(looks)
    arguments = ", ".join(f"{name}={_code(value)}" for name, value in said.items())
    return f"plan = AnalysisPlan({arguments})"


def _code(value: object) -> str:
    match value:
        case Enum():
            return _code(value.value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case bool() | None | float():
            return repr(value)
        case int():
            return f"{value:_}"
        case timedelta():
            days = value / timedelta(days=1)
            return f"timedelta(days={days:g})"
        case Mapping():
            return repr(dict(value))
        case (_, *_):
            return f"[{', '.join(map(_code, value))}]"
        case _:
            return repr(value)
