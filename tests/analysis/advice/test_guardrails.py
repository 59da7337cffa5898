"""Where a variant stands in a guardrail: unknown is not fine."""

from typing import Any

import pytest
from attrs import evolve

from abkit.analysis.advice.guardrails import GuardrailState, guardrail_reason, guardrail_state
from abkit.analysis.findings.badges import Badge, Tone, badges, harmed, news, tone
from abkit.analysis.findings.metric_result import Arm, Treatment
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.non_inferiority import NonInferiority
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

FINE, UNKNOWN, HARMED = GuardrailState
S, N = Badge.SIGNIFICANT, Badge.NOT_SIGNIFICANT
AC, BC = Badge.ABOVE_CONTROL, Badge.BELOW_CONTROL
WITHIN, BEYOND, OPEN = Badge.WITHIN_MARGIN, Badge.BEYOND_MARGIN, Badge.MARGIN_NOT_RULED_OUT
ERRORS = Conversion("errors", direction="decrease", role="guardrail", margin=0.02)
SPEED = Mean("speed", direction="increase", role="guardrail", margin=0.02)


def changed(low: float, high: float, metric: Metric) -> Treatment:
    """A variant whose lift has this interval; with the test against the metric's margin."""
    against = None
    if metric.margin is not None:
        falls = metric.direction == "increase"
        margin = -metric.margin if falls else metric.margin
        worst, best = (low, high) if falls else (high, low)
        within = worst > margin if falls else worst < margin
        against = NonInferiority(
            margin=margin,
            p_value=0.001 if within else 0.3,
            alpha=0.025,
            bound=worst,
            best=best,
            difference_bound=10 * worst,
        )
    middle = (low + high) / 2
    comparison = Comparison(
        method="welch",
        control=Moments(1_000, 10.0, 1.0),
        treatment=Moments(1_000, 10.0 * (1 + middle), 1.0),
        difference=10 * middle,
        interval=Interval(10 * low, 10 * high),
        lift=middle,
        lift_interval=Interval(low, high),
        p_value=0.5 if low <= 0 <= high else 0.001,
        alpha=0.05,
        non_inferiority=against,
    )
    return Treatment(arm=Arm(variant="b", moments=comparison.treatment), comparison=comparison)


# The interval of the lift of a metric that should decrease; its state, badges, news and what is said.
STATES: list[tuple[tuple[float, float], GuardrailState, tuple[Badge, ...], Tone, str]] = [
    ((-0.05, -0.01), FINE, (S, BC, WITHIN), Tone.GOOD, "-1.00% at worst."),
    ((-0.01, 0.01), FINE, (N, WITHIN), Tone.GOOD, "b is within the margin of 2%"),
    (
        (0.005, 0.015),
        FINE,
        (S, AC, WITHIN),
        Tone.PLAIN,
        "by less than what was declared acceptable.",
    ),
    ((-0.01, 0.03), UNKNOWN, (N, OPEN), Tone.WAIT, "may still be worse than the margin of 2%"),
    (
        (0.01, 0.03),
        UNKNOWN,
        (S, AC, OPEN),
        Tone.WAIT,
        "significantly worse than the control already.",
    ),
    ((0.03, 0.05), HARMED, (S, AC, BEYOND), Tone.BAD, "its change is +3.00% at best."),
]


@pytest.mark.parametrize(("interval", "state", "held", "good", "says"), STATES)
def test_where_a_guardrail_with_a_margin_stands(
    interval: tuple[float, float],
    state: GuardrailState,
    held: tuple[Badge, ...],
    good: Tone,
    says: str,
) -> None:
    treatment = changed(*interval, ERRORS)
    assert guardrail_state(treatment, ERRORS) is state
    assert harmed(treatment.comparison, ERRORS) is (state is HARMED)
    assert badges(treatment.comparison, ERRORS) == held
    assert news(treatment.comparison, ERRORS) is good
    assert says in guardrail_reason(treatment, ERRORS)


@pytest.mark.parametrize(("interval", "state", "held", "good", "says"), STATES)
def test_of_a_metric_that_should_increase_a_fall_is_worse(
    interval: tuple[float, float],
    state: GuardrailState,
    held: tuple[Badge, ...],
    good: Tone,
    says: str,
) -> None:
    low, high = interval
    treatment = changed(-high, -low, SPEED)
    assert guardrail_state(treatment, SPEED) is state
    assert badges(treatment.comparison, SPEED)[-1] is held[-1]
    assert news(treatment.comparison, SPEED) is good
    flipped = says.translate(str.maketrans("+-", "-+"))
    assert flipped in guardrail_reason(treatment, SPEED)


@pytest.mark.parametrize(
    ("interval", "direction", "state", "says"),
    [
        ((-0.01, 0.03), "decrease", FINE, "b is not significantly worse in the guardrail errors."),
        ((-0.03, -0.01), "decrease", FINE, "b is not significantly worse in the guardrail errors."),
        ((0.01, 0.03), "decrease", HARMED, "b is significantly worse in the guardrail errors."),
        (
            (0.01, 0.03),
            "any",
            HARMED,
            "differs significantly in the guardrail errors, which must not",
        ),
    ],
)
def test_where_a_guardrail_without_a_margin_stands(
    interval: tuple[float, float], direction: str, state: GuardrailState, says: str
) -> None:
    metric = Conversion("errors", direction=direction, role="guardrail")
    treatment = changed(*interval, metric)
    assert guardrail_state(treatment, metric) is state
    assert says in guardrail_reason(treatment, metric)


@pytest.mark.parametrize("margin", [None, 0.02])
def test_what_is_not_compared_yet_is_unknown(margin: float | None) -> None:
    metric = Conversion("errors", direction="decrease", role="guardrail", margin=margin)
    lacking = ("12 more conversions in variant b",)
    treatment = Treatment(
        arm=Arm(variant="b", moments=Moments(9, 0.1, 0.1)), comparison=None, missing=lacking
    )
    assert guardrail_state(treatment, metric) is UNKNOWN
    assert guardrail_reason(treatment, metric) == (
        "b cannot be judged in the guardrail errors yet: it needs 12 more conversions in variant b."
    )
    assert badges(None, metric) == (N, Badge.INCONCLUSIVE if margin is None else OPEN)
    assert news(None, metric) is Tone.WAIT


@pytest.mark.parametrize(
    ("lift", "says"),
    [(None, "the control's mean is below 0, or not far enough above it"), (0.1, "no interval yet")],
)
def test_without_a_relative_change_a_margin_is_unknown_and_the_reason_says_why(
    lift: float | None, says: str
) -> None:
    without = Mean("speed", role="guardrail")
    comparison = changed(-0.2, -0.1, without).comparison
    assert comparison is not None
    comparison = evolve(comparison, lift=lift, lift_interval=None)
    treatment = Treatment(arm=Arm(variant="b", moments=comparison.treatment), comparison=comparison)
    assert guardrail_state(treatment, SPEED) is UNKNOWN
    reason = guardrail_reason(treatment, SPEED)
    assert says in reason
    assert reason.endswith("It is significantly worse than the control already.")
    assert badges(comparison, SPEED) == (S, BC, OPEN)


@pytest.mark.parametrize(
    ("badge", "of", "shown"),
    [
        (WITHIN, Tone.GOOD, Tone.GOOD),
        (WITHIN, Tone.PLAIN, Tone.GOOD),
        (WITHIN, Tone.WAIT, Tone.WAIT),
        (BEYOND, Tone.BAD, Tone.BAD),
        (OPEN, Tone.WAIT, Tone.WAIT),
    ],
)
def test_the_tone_of_a_margin(badge: Badge, of: Tone, shown: Tone) -> None:
    assert tone(badge, of) is shown


def test_within_the_margin_is_no_good_news_of_doubtful_data() -> None:
    comparison = changed(-0.01, 0.01, ERRORS).comparison
    assert news(comparison, ERRORS, doubtful=True) is Tone.WAIT


def test_a_goal_of_a_guardrail_does_not_make_it_inconclusive() -> None:
    metric: Any = Conversion(
        "errors", direction="decrease", role="guardrail", margin=0.02, goal=0.001
    )
    assert Badge.INCONCLUSIVE not in badges(changed(-0.01, 0.01, metric).comparison, metric)
