"""The recommendation: the table in the documentation row by row, and every combination against its rules."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from abkit.analysis.advice.timing import Timing
from abkit.analysis.advice.verdict import Recommendation, RecommendedAction, recommend
from abkit.analysis.findings.before import BeforeExposure, BeforeState
from abkit.analysis.findings.metric_result import Arm, Flag, MetricResult, Treatment
from abkit.analysis.findings.pairs import Pair
from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.non_inferiority import NonInferiority
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.metrics import Mean

PAGE = Path(__file__).parents[3] / "docs/concepts/recommendation.md"
M = Mean("m", goal=0.1)
GUARD = Mean("g", role="guardrail", margin=0.02)
NAMES = ("the first", "the second", "the third", "the fourth")

EARLY = Timing(too_early="Wait.")
TIMES = {
    "before `min_days`": (False, EARLY),
    "before the end": (False, Timing()),
    "after the end": (True, Timing()),
}


def compared(difference: float, interval: tuple[float, float], *, significant: bool) -> Comparison:
    return Comparison(
        method="sequential",
        control=Moments(1000, 10.0, 1.0),
        treatment=Moments(1000, 10.0 + difference, 1.0),
        difference=difference,
        interval=Interval(*interval),
        lift=None,
        lift_interval=None,
        p_value=0.01 if significant else 0.5,
        alpha=0.05,
    )


def main_of(variant: str, state: str, *, place: int) -> Treatment:
    """One variant in a state; those before it have better means."""
    worse = 0.01 * place
    comparison = {
        "won": compared(2.0 - worse, (1.5, 2.5), significant=True),
        "doubtful": compared(2.0 - worse, (1.5, 2.5), significant=True),
        "open": compared(2.0 - worse, (-1.5, 5.5), significant=False),
        "lost": compared(-2.0 - worse, (-2.5, -1.5), significant=True),
    }[state]
    return Treatment(
        arm=Arm(variant=variant, moments=comparison.treatment),
        comparison=comparison,
        flags=(Flag.SUSPICIOUS_LIFT,) if state == "doubtful" else (),
    )


def beside_margin(bound: float, best: float) -> Comparison:
    found = compared(0.0, (10 * bound, 10 * best), significant=False)
    against = NonInferiority(
        margin=-0.02,
        p_value=0.01 if bound > -0.02 else 0.5,
        alpha=0.025,
        bound=bound,
        difference_bound=10 * bound,
        best=best,
    )
    return evolve(found, non_inferiority=against)


def guard_of(variant: str, state: str) -> Treatment:
    comparison = {
        "fine": beside_margin(-0.01, 0.01),
        "open": beside_margin(-0.03, 0.01),
        "harmed": beside_margin(-0.06, -0.03),
        "unknown": None,
    }[state]
    return Treatment(
        arm=Arm(variant=variant, moments=Moments(1000, 10.0, 1.0)),
        comparison=comparison,
        missing=("12 more units in variant 0",) if comparison is None else (),
    )


Variant = tuple[str, str]
"""What was found in the deciding metric, and what of the guardrail."""


def found(variants: list[Variant]) -> list[MetricResult]:
    control = Arm(variant="0", moments=Moments(1000, 10.0, 1.0))
    main = [main_of(NAMES[i], state, place=i) for i, (state, _) in enumerate(variants)]
    guards = [guard_of(NAMES[i], guard) for i, (_, guard) in enumerate(variants)]
    return [
        MetricResult(metric=M, control=control, treatments=tuple(main)),
        MetricResult(metric=GUARD, control=control, treatments=tuple(guards)),
    ]


def advice(variants: list[Variant], *, sizes: str = "right", time: str) -> Recommendation:
    last_look, timing = TIMES[time]
    return recommend(
        found(variants),
        deciding=M,
        mismatch=sizes == "wrong",
        last_look=last_look,
        timing=timing,
    )


def rows() -> list[tuple[str, str, str, str]]:
    text = PAGE.read_text()
    table = text[text.index("| the variants, best mean first |") :].split("\n\n")[0]
    cells = [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in table.split("\n")]
    return [(a, b, c, d) for a, b, c, d in cells[2:]]


def parsed(cell: str) -> list[Variant]:
    states = re.findall(r"(won|open|lost|doubtful)(?: \(guardrail (\w+)\))?", cell)
    return [(state, guard or "fine") for state, guard in states]


def test_the_table_in_the_documentation_has_rows() -> None:
    assert len(rows()) >= 50
    assert {len(parsed(row[0])) for row in rows()} == {1, 2, 3, 4}


@pytest.mark.parametrize("row", rows(), ids=", ".join)
def test_the_table_in_the_documentation(row: tuple[str, str, str, str]) -> None:
    cell, sizes, time, wanted = row
    for at in TIMES if time == "any" else [time]:
        got = advice(parsed(cell), sizes=sizes, time=at)
        told = got.action.value + (f" {got.variant}" if got.variant else "")
        assert told == wanted


STATES = list(product(["won", "open", "lost", "doubtful"], ["fine", "unknown", "open", "harmed"]))


def by_the_rules(variants: list[Variant], *, sizes: str, time: str) -> tuple[str, str | None]:
    """The seven rules of the documentation, read literally."""
    end = time == "after the end"
    names = dict(zip(NAMES, variants, strict=False))
    lost = {
        name
        for name, (state, guard) in names.items()
        if guard == "harmed"
        or state == "lost"
        or (end and (state == "open" or (state == "won" and guard == "open")))
    }
    won = [name for name, (state, _) in names.items() if state == "won" and name not in lost]
    doubtful = [n for n, (state, _) in names.items() if state == "doubtful" and n not in lost]
    better = [name for name in doubtful if won and NAMES.index(name) < NAMES.index(won[0])]
    if sizes == "wrong" or better:
        return "investigate", None
    if won and (names[won[0]][1] in {"unknown", "open"} or time == "before `min_days`"):
        return "continue", None
    if won:
        return "roll out", won[0]
    if doubtful:
        return "investigate", None
    return ("roll back" if len(lost) == len(names) else "continue"), None


def check(variants: list[Variant], *, sizes: str, time: str) -> None:
    got = advice(variants, sizes=sizes, time=time)
    assert (got.action.value, got.variant) == by_the_rules(variants, sizes=sizes, time=time)
    reasons = " ".join(got.reasons)
    if got.action is RecommendedAction.ROLL_OUT:
        better = variants[: NAMES.index(str(got.variant))]
        assert all(NAMES[i] in reasons for i, (state, _) in enumerate(better) if state != "lost")
    if sizes == "right":
        assert all(NAMES[i] in reasons for i, (state, _) in enumerate(variants) if state == "won")


@pytest.mark.parametrize("sizes", ["right", "wrong"])
@pytest.mark.parametrize("time", list(TIMES))
def test_all_combinations_of_one_and_of_two_variants(sizes: str, time: str) -> None:
    for count in (1, 2):
        for variants in product(STATES, repeat=count):
            check([*variants], sizes=sizes, time=time)


@given(
    variants=st.lists(st.sampled_from(STATES), min_size=3, max_size=4),
    sizes=st.sampled_from(["right", "wrong"]),
    time=st.sampled_from([*TIMES]),
)
def test_combinations_of_three_and_four_variants(
    variants: list[Variant], sizes: str, time: str
) -> None:
    check(variants, sizes=sizes, time=time)


def told(*, significant: bool) -> tuple[str, ...]:
    metrics = found([("won", "fine"), ("won", "fine")])
    first, second = metrics[0].treatments
    between = compared(-0.5, (-0.6, -0.4), significant=significant)
    pair = Pair(metric=M, first=first.arm, second=evolve(second, comparison=between))
    other = Pair(metric=GUARD, first=first.arm, second=second)
    kept: dict[str, Any] = {"deciding": M, "mismatch": False, "last_look": False}
    return recommend(metrics, **kept, pairs=[other, pair]).reasons


def test_of_two_winners_it_is_said_whether_one_is_better() -> None:
    assert told(significant=True)[-1] == (
        "the second is significantly better than the control in m too; the first is significantly "
        "better than the second."
    )
    assert told(significant=False)[-1] == (
        "the second is significantly better than the control in m too; whether the first or the "
        "second is the better one is not significant."
    )


def test_units_that_differed_before_are_a_fault_of_the_experiment() -> None:
    kept: dict[str, Any] = {"deciding": M, "mismatch": False, "last_look": False}
    states = (BeforeState.ALIKE, BeforeState.DIFFERS, BeforeState.UNKNOWN)
    before = [
        BeforeExposure(metric=M, variant=name, comparison=None, p_value=None, state=state)
        for name, state in zip(NAMES, states, strict=False)
    ]
    got = recommend(found([("won", "fine")] * 3), **kept, before=before)
    assert got.action is RecommendedAction.INVESTIGATE
    (reason,) = got.reasons
    assert reason.startswith("The units of the second differed from those of the control in m")


def test_days_that_are_no_whole_weeks_are_told() -> None:
    kept: dict[str, Any] = {"deciding": M, "mismatch": False, "last_look": False}
    got = recommend(found([("won", "fine")]), **kept, timing=Timing(partial_weeks="Ten days."))
    assert got.action is RecommendedAction.ROLL_OUT
    assert "Ten days." in got.reasons


def test_a_winner_before_the_least_days_is_told_to_wait() -> None:
    got = advice([("won", "fine"), ("won", "unknown")], time="before `min_days`")
    assert got.reasons[1] == "Wait."


def test_of_two_bayesian_winners_the_chance_is_told() -> None:
    metrics = found([("won", "fine"), ("won", "fine")])
    first, second = metrics[0].treatments
    beaten = evolve(second, comparison=second.comparison, chance_to_beat=0.08)
    pair = Pair(metric=M, first=first.arm, second=beaten)
    kept: dict[str, Any] = {"deciding": M, "mismatch": False, "last_look": False}
    assert (
        recommend(metrics, **kept, pairs=[pair])
        .reasons[-1]
        .endswith("the first is better than the second with a chance of 92.0%.")
    )
