"""How long a running experiment still needs: pure.

What it assumes is what Amplitude's estimate does: units go on arriving as they did, and means and
variances stay as they are. It looks 40 days ahead, no further.
"""

from bisect import bisect_left
from collections.abc import Mapping
from datetime import timedelta
from math import ceil

from attrs import evolve, frozen

from abkit.analysis.advice.verdict import rules_out_goal
from abkit.analysis.amounts import listed
from abkit.analysis.findings.comparing import tested_side
from abkit.analysis.findings.metric_result import Flag, MetricResult
from abkit.analysis.findings.planned_looks import next_look
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.inference.decision import Alternative
from abkit.analysis.inference.sequential import sequential
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.tau import Tau

FURTHEST = 40
"""Days; beyond, units and effects do not stay what they are."""

NO_ESTIMATE_AFTER = timedelta(days=14)
"""An experiment that has run so long and needs more than `FURTHEST` days may never be decided."""

_DOUBTS = {
    Flag.ESTIMATE_OUTSIDE: "the estimate lies outside the interval of the looks so far",
    Flag.FLIPPED_INTERVAL: "the intervals of the looks so far have no point in common",
    Flag.SMALL_ERROR: "the standard error is too small to be believed",
    Flag.NO_VARIANCE: "a variant does not vary at all",
    Flag.IMPOSSIBLE_MEAN: "a mean is impossible",
}
"""What makes an estimate worthless."""


@frozen(kw_only=True)
class Remaining:
    """How long the experiment still needs.

    Attributes:
        days: Whole days until significance is likely; None where that cannot be said.
        units: Units of all arms still to come; None likewise.
        variant: The variant that is significant then; None where it is not about one.
        message: The same in a sentence.
    """

    days: int | None
    units: int | None
    variant: str | None = None
    message: str


def remaining(
    found: MetricResult, plan: AnalysisPlan, *, units: int, elapsed: timedelta
) -> Remaining:
    """How long until significance is likely, or until the planned size is reached.

    Not to be asked of an experiment that has ended, or whose time frame is over.

    With the sequential test: the first day on which the interval around the difference found so far
    would exclude 0, for the variant that gets there first. With a group sequential test: when its next
    look will be reached. With a planned size (and for any other method): when that will be.

    Args:
        found: The metric that decides.
        plan: How the test is made.
        units: The units of all arms so far.
        elapsed: The time since the first exposure.

    Returns:
        Days and units, or None for both and the reason in the message.
    """
    if units <= 0 or elapsed <= timedelta(0):
        return _unknown("No estimate: no unit has been exposed for any time yet.")
    per_day = units / (elapsed / timedelta(days=1))
    if plan.method is Method.GROUP_SEQUENTIAL:
        return _until_next_look(found, plan, per_day=per_day, units=units)
    if plan.method is not Method.SEQUENTIAL:
        return _until_planned_size(plan, per_day=per_day, units=units)
    reason = _hidden(found)
    if reason:
        return _unknown(f"No estimate: {reason}.")
    side = tested_side(found.metric, plan)
    open_ = _undecided(found)
    if not open_:
        message = "Threshold reached, 0 days: a change as large as the goal is ruled out."
        return Remaining(days=0, units=0, message=message)
    growth = per_day / units
    first = None if found.tau is None else _first_significant(open_, side, found.tau, growth=growth)
    if first is not None:
        return _until_significance(*first, found=found, per_day=per_day)
    if elapsed >= NO_ESTIMATE_AFTER:
        return _unknown(
            "Statistical significance may never be reached: at the effect found so far, it takes "
            f"more than {FURTHEST} further days."
        )
    return _unknown(f"At the effect found so far, it takes more than {FURTHEST} further days.")


def _until_next_look(
    found: MetricResult, plan: AnalysisPlan, *, per_day: float, units: int
) -> Remaining:
    compared = [t.comparison for t in found.treatments if t.comparison is not None]
    passed = max((int(each.details["look"]) for each in compared), default=0)
    target, total = next_look(plan, passed), len(plan.looks)
    if len(compared) == len(found.treatments) and all(each.decided for each in compared):
        message = f"It was decided at look {passed} of {total}, 0 days."
        return Remaining(days=0, units=0, message=message)
    if target is None:
        message = f"All {total} planned looks have been made, 0 days."
        return Remaining(days=0, units=0, message=message)
    left = max(0, target - units)
    which = f"look {passed + 1} of {total}, at {target:,} units"
    if not left:
        message = f"The next is {which}: it is made when the day (or hour) that reached it is over."
        return Remaining(days=0, units=0, message=message)
    days = ceil(left / per_day)
    message = (
        f"{left:,} more units to {which}: about {_days(days)} at {per_day:,.0f} units a day. Nothing "
        "is decided before it."
    )
    return Remaining(days=days, units=left, message=message)


def _until_planned_size(plan: AnalysisPlan, *, per_day: float, units: int) -> Remaining:
    if plan.sample_size is None:
        return _unknown(f"No estimate: method {plan.method.value!r} needs a sample_size for one.")
    left = max(0, plan.sample_size - units)
    if not left:
        message = f"The planned sample size of {plan.sample_size:,} units is reached, 0 days."
        return Remaining(days=0, units=0, message=message)
    days = ceil(left / per_day)
    message = (
        f"{left:,} more units to reach the planned sample size of {plan.sample_size:,}: about "
        f"{_days(days)} at {per_day:,.0f} units a day."
    )
    return Remaining(days=days, units=left, message=message)


def _hidden(found: MetricResult) -> str:
    """Why no time can be said; empty if one can."""
    compared = [t for t in found.treatments if t.comparison is not None]
    if not compared:
        waits = dict.fromkeys(text for t in found.treatments for text in t.missing)
        return f"{found.metric.name} first needs {listed([*waits])}"
    if any(t.comparison is not None and t.comparison.significant for t in compared):
        return f"{found.metric.name} is significant already"
    doubts = dict.fromkeys(
        f"{_DOUBTS[flag]} ({t.arm.variant})"
        for t in compared
        for flag in t.flags
        if flag in _DOUBTS
    )
    return "; ".join(doubts)


def _undecided(found: MetricResult) -> dict[str, Comparison]:
    """By variant, the comparisons that do not rule out the goal."""
    return {
        t.arm.variant: t.comparison
        for t in found.treatments
        if t.comparison is not None and not rules_out_goal(t.comparison, found.metric)
    }


def _first_significant(
    undecided: Mapping[str, Comparison], side: Alternative, tau: Tau, *, growth: float
) -> tuple[str, int] | None:
    """The variant that gets there first, and in how many days; None if beyond the horizon.

    Args:
        undecided: By variant, comparisons that are not significant.
        side: Which side is tested.
        tau: The difference that is looked for.
        growth: New units a day, as a share of those so far.
    """
    first: tuple[str, int] | None = None
    for variant, comparison in undecided.items():
        horizon = FURTHEST if first is None else first[1] - 1

        def excludes_zero(day: int, comparison: Comparison = comparison) -> bool:
            return _excludes_zero(comparison, side, tau, factor=1 + growth * day)

        # With more units of the same means the evidence only grows.
        day = 1 + bisect_left(range(1, horizon + 1), True, key=excludes_zero)
        if day <= horizon:
            first = variant, day
    return first


def _excludes_zero(comparison: Comparison, side: Alternative, tau: Tau, *, factor: float) -> bool:
    """Whether the interval would exclude 0 with so many times the units, all else being equal."""
    control, treatment = (
        evolve(
            of,
            n=round(of.n * factor),
            effective=None if of.effective is None else of.effective * factor,
        )
        for of in (comparison.control, comparison.treatment)
    )
    alpha = comparison.alpha
    return sequential(control, treatment, tau=tau, alpha=alpha, alternative=side).significant


def _until_significance(
    variant: str, days: int, *, found: MetricResult, per_day: float
) -> Remaining:
    units = ceil(days * per_day)
    later = ", the first of the variants," if len(found.treatments) > 1 else ""
    message = (
        f"About {_days(days)} ({units:,} more units) until {variant}{later} is significant in "
        f"{found.metric.name}, if units go on arriving and the means stay as they are."
    )
    return Remaining(days=days, units=units, variant=variant, message=message)


def _unknown(message: str) -> Remaining:
    return Remaining(days=None, units=None, message=message)


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"
