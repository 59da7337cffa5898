"""What the numbers mean: badges, and a recommendation with its reasons."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import StrEnum

from attrs import evolve, frozen

from abkit.analysis.advice.guardrails import guardrail_reason
from abkit.analysis.advice.standing import DOUBTS, Judged, Standing, judge
from abkit.analysis.advice.timing import UNTIMED, Timing
from abkit.analysis.amounts import listed
from abkit.analysis.findings.badges import Badge, badges, goal_distance, moved, rules_out_goal
from abkit.analysis.findings.before import BeforeExposure, BeforeState
from abkit.analysis.findings.metric_result import Flag, MetricResult
from abkit.analysis.findings.novelty import Novelty, Trend
from abkit.analysis.findings.pairs import Pair
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Metric, Role

__all__ = [
    "DOUBTS",
    "Badge",
    "Recommendation",
    "RecommendedAction",
    "badges",
    "is_last_look",
    "recommend",
    "rules_out_goal",
]


class RecommendedAction(StrEnum):
    """What to do with the experiment."""

    ROLL_OUT = "roll out"
    ROLL_BACK = "roll back"
    CONTINUE = "continue"
    INVESTIGATE = "investigate"
    """The data are doubtful: find the fault before anything else."""


@frozen(kw_only=True)
class Recommendation:
    """What to do, and why.

    Attributes:
        action: What to do.
        variant: Which variant to roll out; None for other actions.
        reasons: Sentences, the weightiest first.
    """

    action: RecommendedAction
    variant: str | None = None
    reasons: tuple[str, ...]


@frozen(kw_only=True)
class Verdict:
    """The result at a glance.

    Attributes:
        badges: Of the metric that decides, by variant.
        recommendation: What to do.
    """

    badges: Mapping[str, tuple[Badge, ...]]
    recommendation: Recommendation

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why, the weightiest first."""
        return self.recommendation.reasons


def is_last_look(plan: AnalysisPlan, *, units: int, found: MetricResult) -> bool:
    """Whether waiting does not help any more.

    So it is wherever the planned size has been reached; with a group sequential test, once the last of
    its looks has been made. Without a planned size nobody knows.

    Args:
        plan: How the test is made.
        units: The units of all arms so far.
        found: The metric that decides.
    """
    if plan.method is Method.GROUP_SEQUENTIAL:
        compared = [t.comparison for t in found.treatments if t.comparison is not None]
        return any(each.details["look"] == len(plan.looks) for each in compared)
    return plan.sample_size is not None and units >= plan.sample_size


def recommend(
    metrics: Sequence[MetricResult],
    *,
    deciding: Metric,
    mismatch: bool,
    last_look: bool,
    pairs: Sequence[Pair] = (),
    timing: Timing = UNTIMED,
    before: Sequence[BeforeExposure] = (),
) -> Recommendation:
    """What to do with the experiment.

    Every variant stands somewhere (`Standing`); the first of these rules that applies decides:

    | what was found | recommendation |
    |---|---|
    | the arms' sizes contradict the weights, or their units differed before the exposure | \
investigate: fix the assignment or the logging first |
    | of the variants that are significantly better, one with a better mean than the best is doubtful | \
investigate: the fault may be in all |
    | the best of them waits for a guardrail, or it is too early | continue |
    | a variant is significantly better, and every guardrail is fine | roll out the best of these |
    | the only ones that are better are doubtful | investigate |
    | every variant is worse, harms a guardrail, can no longer reach the goal, or is not significant at \
the last planned look | roll back |
    | anything else | continue |

    The reasons name every variant that is better, or has a better mean, than the one that is rolled out, and
    say which of several winners is the better one.

    Args:
        metrics: What was found.
        deciding: The metric that decides.
        mismatch: Whether the sizes of the arms contradict the design.
        last_look: Whether waiting does not help any more: `is_last_look`.
        pairs: What was found of every two variants beside the control.
        timing: Whether the time since the start suffices.
        before: Whether the units were alike before their exposure.
    """
    if mismatch:
        reason = (
            "The sizes of the variants contradict their weights (sample ratio mismatch): find the "
            "cause, and fix the assignment or the logging, before you act on any of these numbers."
        )
        return Recommendation(action=RecommendedAction.INVESTIGATE, reasons=(reason,))
    unlike = [each for each in before if each.state is BeforeState.DIFFERS]
    if unlike:
        return Recommendation(
            action=RecommendedAction.INVESTIGATE, reasons=tuple(map(_unlike, unlike))
        )
    main = next(result for result in metrics if result.metric == deciding)
    guardrails = [result for result in metrics if result.metric.role is Role.GUARDRAIL]
    judged = [judge(t, main, guardrails, last_look=last_look) for t in main.treatments]
    ranked = sorted(judged, key=lambda each: each.goodness, reverse=True)
    winners = [each for each in ranked if each.standing in (Standing.WON, Standing.HELD)]
    if not winners:
        return _without_a_winner(judged)
    best, *others = winners
    ahead = ranked[: ranked.index(best)]
    doubtful = [each for each in ahead if each.standing is Standing.DOUBTFUL]
    rest = [
        each
        for each in ranked
        if each not in (*winners, *doubtful)
        and (each in ahead or moved(each.treatment.comparison, deciding) > 0)
    ]
    if doubtful:
        return _doubt(doubtful, winners, rest)
    told = _told(best, [pair for pair in pairs if pair.metric == deciding])
    more = (*map(told, others), *_first_reasons(rest))
    if best.standing is Standing.HELD or timing.too_early:
        early = (timing.too_early,) if timing.too_early else ()
        return Recommendation(
            action=RecommendedAction.CONTINUE, reasons=(*best.reasons, *early, *more)
        )
    return Recommendation(
        action=RecommendedAction.ROLL_OUT,
        variant=best.variant,
        reasons=(*best.reasons, *_caveats(best, main, guardrails, timing), *more),
    )


def with_trend(
    advice: Recommendation, novelty: Iterable[Novelty], *, deciding: Metric
) -> Recommendation:
    """What to do; of a variant that is rolled out, also how its effect changes with time.

    Args:
        advice: What to do.
        novelty: The effects by days since exposure.
        deciding: The metric that decides.
    """
    trend = next(
        (
            each[advice.variant].trend
            for each in novelty
            if each.metric == deciding and advice.variant
        ),
        None,
    )
    if trend is None:
        return advice
    reason = (
        f"Its effect {trend.value} with the days since a unit's first exposure: {_MEANING[trend]}."
    )
    return evolve(advice, reasons=(*advice.reasons, reason))


_MEANING = {
    Trend.WEARS_OFF: "expect less than was measured",
    Trend.GROWS: "expect more than was measured",
    Trend.REVERSES: "later it is the other way round, so look at the days before you act",
}


def _unlike(found: BeforeExposure) -> str:
    return (
        f"The units of {found.variant} differed from those of the control in {found.metric.name} before "
        "their exposure already: find out why they were not split, or not counted, at random."
    )


def _without_a_winner(judged: Sequence[Judged]) -> Recommendation:
    standings = {each.standing for each in judged}
    action = (
        RecommendedAction.ROLL_BACK if standings == {Standing.LOST} else RecommendedAction.CONTINUE
    )
    if Standing.DOUBTFUL in standings:
        action = RecommendedAction.INVESTIGATE
    weightiest = sorted(judged, key=lambda each: list(Standing).index(each.standing))
    return Recommendation(action=action, reasons=_first_reasons(weightiest))


def _first_reasons(judged: Iterable[Judged]) -> tuple[str, ...]:
    return tuple(each.reasons[0] for each in judged)


def _doubt(
    doubtful: Sequence[Judged], winners: Sequence[Judged], rest: Sequence[Judged]
) -> Recommendation:
    """The variant with the best mean is doubtful: the next best is not rolled out past it."""
    names = listed([each.variant for each in winners])
    are = "is" if len(winners) == 1 else "are"
    but = (
        f"{names} {are} significantly better too, but not as much: what is wrong with the better one may be "
        "wrong with all, and if nothing is, the better one is to be rolled out."
    )
    return Recommendation(
        action=RecommendedAction.INVESTIGATE,
        reasons=(*_first_reasons(doubtful), but, *_first_reasons(rest)),
    )


def _told(best: Judged, pairs: Sequence[Pair]) -> Callable[[Judged], str]:
    """What is said of another winner beside the best one."""
    found = {frozenset(pair.variants): pair for pair in pairs}

    def told(other: Judged) -> str:
        pair = found.get(frozenset((best.variant, other.variant)))
        comparison = None if pair is None else pair.second.comparison
        if pair is None or comparison is None:
            return other.reasons[0]
        chance = pair.second.chance_to_beat
        if chance is not None:
            chance = chance if pair.second.arm.variant == best.variant else 1 - chance
            than = f"{best.variant} is better than {other.variant} with a chance of {chance:.1%}"
        elif comparison.significant:
            than = f"{best.variant} is significantly better than {other.variant}"
        else:
            than = f"whether {best.variant} or {other.variant} is the better one is not significant"
        return f"{other.reasons[0][:-1]} too; {than}."

    return told


def _caveats(
    best: Judged, main: MetricResult, guardrails: Sequence[MetricResult], timing: Timing
) -> Iterator[str]:
    """What to know of the variant that is rolled out."""
    treatment = best.treatment
    distance = treatment.comparison and goal_distance(treatment.comparison, main.metric)
    if treatment.comparison and distance and abs(treatment.comparison.difference) < distance:
        yield "Its mean has not reached the goal: the change may be smaller than wanted."
    if guardrails:
        of_margins = [result for result in guardrails if result.metric.margin is not None]
        yield "Every guardrail is fine." if of_margins else "No guardrail is significantly worse."
        for result in of_margins:
            yield guardrail_reason(result[best.variant], result.metric)
    if timing.partial_weeks:
        yield timing.partial_weeks
    yield from (_CAVEATS[flag] for flag in treatment.flags if flag in _CAVEATS)


_CAVEATS = {
    Flag.FEW_UNITS: (
        "There are fewer than 1,000 units in a variant, and the change is not known to half of itself: a "
        "direction rather than a proof."
    ),
    Flag.MANY_CAPPED: (
        "The limits of the metric changed more than 5% of the units: what is compared is no longer "
        "what was measured."
    ),
    Flag.FEW_LARGE_UNITS: (
        "Fewer than 20 units in effect make up the divisor in a variant: the interval may miss the truth "
        "more often than its confidence says."
    ),
}
"""Flags that a reader must know of."""
