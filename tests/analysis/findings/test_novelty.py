"""Whether an effect changes with the days since exposure: found where it does, and not where it does not."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import numpy as np
import pytest
from attrs import evolve
from numpy.typing import NDArray

from abkit.analysis.findings.evaluate import evaluate
from abkit.analysis.findings.novelty import Novelty, Trend, novelty
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.days import DailySums
from abkit.errors import UnknownNameError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Total

from .samples import alone, design, sums

METRIC = Total("listened")
START = datetime(2024, 5, 1, tzinfo=UTC)
WELCH = AnalysisPlan(method="welch")
Lift = Callable[[NDArray[np.int_]], NDArray[np.float64]]


def constant(lift: float) -> Lift:
    return lambda days: np.full(len(days), lift)


def halving(lift: float) -> Lift:
    """It halves in a week."""
    return lambda days: lift * 0.5 ** (days / 7)


def growing(lift: float) -> Lift:
    return lambda days: lift * (1 - 0.5 ** (days / 7))


def drawn(
    random: np.random.Generator, units: int, lift: Lift, *, days: int = 28
) -> NDArray[np.float64]:
    """Of each unit, how often it listens on each day: some often, less at weekends and later."""
    day = np.arange(days)
    habits = random.gamma(0.5, 2, units)[:, None]
    usual = 0.4 * np.where(day % 7 >= 5, 0.4, 1.0) * (0.5 + 0.5 * 0.9**day)
    return random.poisson(habits * usual * (1 + lift(day))).astype(np.float64)


def daily(tables: Mapping[str, NDArray[np.float64]], *, phases: int = 1) -> DailySums:
    """Of units that all came at the start; alternately in each phase."""
    days = next(iter(tables.values())).shape[1]
    early = days // 2

    def strata(
        values: Callable[[NDArray[np.float64]], Sequence[NDArray[np.float64]]],
    ) -> tuple[Mapping[str, Sums], ...]:
        return tuple(
            MappingProxyType(
                {v: sums(*values(table[phase::phases])) for v, table in tables.items()}
            )
            for phase in range(phases)
        )

    def on(day: int) -> tuple[Mapping[str, Sums], ...]:
        return strata(lambda table: [table[:, day], np.zeros(len(table))])

    def halves(table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        first, last = table[:, :early].sum(axis=1), table[:, early:].sum(axis=1)
        return [first, last, first + last, (first + last > 0).astype(np.float64)]

    return DailySums(
        metric=METRIC,
        days=tuple(on(day) for day in range(days)),
        length=days,
        halves=strata(halves),
        end=START + timedelta(days=days + 1),
    )


def judged(
    tables: Mapping[str, NDArray[np.float64]],
    *,
    plan: AnalysisPlan = WELCH,
    phases: int = 1,
    compared_with: str = "0",
    shown: bool = True,
) -> Novelty:
    variants = [compared_with, *(v for v in tables if v != compared_with)]
    whole = {variant: sums(table.sum(axis=1)) for variant, table in tables.items()}
    found = evaluate(whole, [alone(METRIC)], design(METRIC, variants=variants), plan)
    new_units = {(START, variant, 0): len(table) for variant, table in tables.items()}
    days = daily(tables, phases=phases)
    if not shown:
        days = evolve(days, days=())
    (result,) = novelty(found, plan, [days], new_units=new_units)
    return result


def arms(
    *lifts: Lift, units: int = 4_000, seed: int = 1, days: int = 28
) -> dict[str, NDArray[np.float64]]:
    random = np.random.default_rng(seed)
    every = (constant(0.0), *lifts)
    return {str(i): drawn(random, units, lift, days=days) for i, lift in enumerate(every)}


@pytest.mark.parametrize(
    "plan",
    [WELCH, AnalysisPlan(), AnalysisPlan(method="bayesian")],
    ids=["welch", "sequential", "bayesian"],
)
def test_an_effect_that_wears_off_is_told_from_one_that_grows_and_from_one_that_stays(
    plan: AnalysisPlan,
) -> None:
    found = judged(arms(halving(0.8), growing(0.8), constant(0.4)), plan=plan)
    assert [*found] == ["1", "2", "3"]
    assert [found[variant].trend for variant in found] == [Trend.WEARS_OFF, Trend.GROWS, None]
    assert found["1"].share is not None
    assert found["1"].share.method == ("welch" if plan is WELCH else "sequential")
    with pytest.raises(UnknownNameError):
        found["0"]


def test_a_harm_that_people_get_used_to_wears_off_and_one_that_turns_into_a_gain_reverses() -> None:
    found = judged(arms(halving(-0.6), lambda days: np.where(days < 14, -0.3, 0.4)))
    assert [found[variant].trend for variant in found] == [Trend.WEARS_OFF, Trend.REVERSES]


def test_the_effect_of_each_day_and_of_both_parts_is_that_of_the_units() -> None:
    tables = arms(halving(0.8))
    effect = judged(tables)["1"]
    assert len(effect.days) == 28
    lifts = tables["1"].mean(axis=0) / tables["0"].mean(axis=0) - 1
    found = [None if day is None else day.lift for day in effect.days]
    assert found == pytest.approx(lifts.tolist())
    assert effect.early is not None
    early = [table[:, :14].sum(axis=1).mean() for table in tables.values()]
    assert effect.early.lift == pytest.approx(early[1] / early[0] - 1)
    assert effect.late is not None


def test_the_test_is_welchs_of_the_share_by_the_delta_method() -> None:
    """Against a computation by hand: the residuals of late - share * all, over the mean of all."""
    tables = arms(halving(0.3))
    test = judged(tables)["1"].share
    assert test is not None
    shares, variances = [], []
    for table in tables.values():
        late, both = table[:, 14:].sum(axis=1), table.sum(axis=1)
        shares.append(late.mean() / both.mean())
        variances.append((late - shares[-1] * both).var(ddof=1) / both.mean() ** 2 / len(table))
    assert test.difference == pytest.approx(shares[1] - shares[0])
    # The analysis takes the larger of two variances for each arm, and their pool: hardly more than this.
    standard_error = float(np.sqrt(sum(variances)))
    assert test.details["standard_error"] == pytest.approx(standard_error, rel=0.03)


def test_another_control_turns_the_effect_around() -> None:
    tables = arms(halving(0.8))
    there, back = judged(tables)["1"], judged(tables, compared_with="1")["0"]
    assert there.share is not None
    assert back.share is not None
    assert back.share.difference == pytest.approx(-there.share.difference)
    assert back.trend is Trend.WEARS_OFF


def test_the_p_value_is_corrected_for_the_variants() -> None:
    one = judged(arms(halving(0.2)))["1"]
    three = judged(arms(halving(0.2), constant(0), constant(0)))["1"]
    assert one.share is not None
    assert three.share is not None
    assert one.corrected_p == pytest.approx(one.share.p_value)
    assert three.corrected_p == pytest.approx(min(1, 3 * three.share.p_value))
    assert three.share.alpha == pytest.approx(0.05 / 3)


def test_of_phases_that_are_alike_the_result_is_nearly_that_of_all() -> None:
    tables = arms(halving(0.5))
    one, two = judged(tables)["1"], judged(tables, phases=2)["1"]
    assert one.share is not None
    assert two.share is not None
    assert two.share.difference == pytest.approx(one.share.difference, abs=2e-3)
    assert two.trend is one.trend is Trend.WEARS_OFF


def test_few_units_are_not_compared() -> None:
    effect = judged(arms(halving(0.8), units=80))["1"]
    assert (effect.trend, effect.share, effect.days) == (None, None, ())
    assert "20 more units in variant 0" in effect.missing


def test_what_hardly_anybody_does_later_is_not_compared() -> None:
    """What is done once, on the first day, says nothing of the days after it."""
    tables = arms(constant(0))
    for table in tables.values():
        table[:, 1:] = 0
    effect = judged(tables)["1"]
    assert effect.share is None
    assert effect.missing


def test_a_constant_effect_raises_few_false_alarms() -> None:
    """5% nominal; of 150 runs, 13 or fewer with a probability of 97%, had each exactly 5%."""
    alarms = 0
    for seed in range(150):
        tables = arms(constant(0.5), units=400, seed=seed, days=14)
        alarms += judged(tables, shown=False)["1"].trend is not None
    assert alarms <= 13
