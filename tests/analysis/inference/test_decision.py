"""What holds for every test of a difference: its numbers never contradict each other."""

from collections.abc import Callable
from functools import partial
from math import inf

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from abkit.analysis.inference.comparison import Comparison, Interval
from abkit.analysis.inference.decision import Decision, compare
from abkit.analysis.inference.sequential import sequential
from abkit.analysis.inference.variance import MeanVariances, separate
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments

Method = Callable[..., Comparison]

METHODS: dict[str, Method] = {
    "welch": welch,
    "greater": partial(welch, alternative="greater"),
    "less": partial(welch, alternative="less"),
    "sequential": partial(sequential, tau=0.5),
    "sequential, Welch's variance": partial(sequential, tau=0.5, variance_rule=separate),
}
TWO_SIDED = [name for name in METHODS if name not in {"greater", "less"}]

sizes = st.integers(2, 10**6)
measured = st.builds(
    Moments,
    n=sizes,
    mean=st.floats(-100, 100, allow_subnormal=False),
    variance=st.floats(1e-6, 1e4),
)
converted = sizes.flatmap(
    lambda n: st.builds(Moments.from_successes, st.just(n), st.integers(0, n))
)
pairs = st.one_of(st.tuples(measured, measured), st.tuples(converted, converted))
alphas = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.2])


def has_zero(interval: Interval) -> bool:
    return interval.low <= 0 <= interval.high


@pytest.mark.parametrize("method", METHODS)
@given(pairs, alphas)
def test_the_interval_has_zero_exactly_when_p_is_above_alpha(
    method: str, arms: tuple[Moments, Moments], alpha: float
) -> None:
    found = METHODS[method](*arms, alpha=alpha)
    assert has_zero(found.interval) == (found.p_value > alpha)
    assert found.significant == (not has_zero(found.interval))


@pytest.mark.parametrize("method", METHODS)
@given(pairs, alphas)
def test_the_interval_of_the_lift_has_zero_exactly_when_that_of_the_difference_has(
    method: str, arms: tuple[Moments, Moments], alpha: float
) -> None:
    found = METHODS[method](*arms, alpha=alpha)
    assume(found.lift_interval is not None)
    assert found.lift_interval is not None
    assert has_zero(found.lift_interval) == has_zero(found.interval)


@pytest.mark.parametrize("method", METHODS)
@given(pairs, alphas)
def test_the_intervals_have_their_estimates(
    method: str, arms: tuple[Moments, Moments], alpha: float
) -> None:
    found = METHODS[method](*arms, alpha=alpha)
    assert 0 <= found.p_value <= 1
    assert found.interval.low <= found.difference <= found.interval.high
    if found.lift_interval is not None:
        assert found.lift is not None
        margin = 1e-9 * (1 + abs(found.lift))
        assert found.lift_interval.low - margin <= found.lift
        assert found.lift <= found.lift_interval.high + margin


@pytest.mark.parametrize("method", TWO_SIDED)
@given(pairs)
def test_swapping_the_arms_mirrors_the_difference(
    method: str, arms: tuple[Moments, Moments]
) -> None:
    found = METHODS[method](*arms)
    swapped = METHODS[method](*reversed(arms))
    assert swapped.difference == -found.difference
    assert swapped.p_value == pytest.approx(found.p_value, rel=1e-9)
    assert swapped.interval.low == pytest.approx(-found.interval.high, rel=1e-9, abs=1e-12)
    assert swapped.interval.high == pytest.approx(-found.interval.low, rel=1e-9, abs=1e-12)


@given(pairs, st.floats(1e-3, 1e3))
def test_another_currency_changes_the_interval_but_neither_p_nor_lift(
    arms: tuple[Moments, Moments], rate: float
) -> None:
    exchanged = [Moments(arm.n, rate * arm.mean, rate * rate * arm.variance) for arm in arms]
    for found, other in (
        (welch(*arms), welch(*exchanged)),
        (sequential(*arms, tau=0.5), sequential(*exchanged, tau=0.5 * rate)),
    ):
        assert other.p_value == pytest.approx(found.p_value, rel=1e-6, abs=1e-300)
        near = 1e-9 * rate * max(1.0, abs(found.control.mean), abs(found.treatment.mean))
        assert other.interval.low == pytest.approx(rate * found.interval.low, rel=1e-6, abs=near)
        assert other.interval.high == pytest.approx(rate * found.interval.high, rel=1e-6, abs=near)
        assert (other.lift is None) == (found.lift is None)
        if found.lift is not None:
            assert other.lift == pytest.approx(found.lift, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("treatment_mean", [9.0, 11.0], ids=["less", "more"])
@given(
    critical=st.floats(0.9999999999, 1.0000000001),
    p_value=st.floats(0.049999999999, 0.050000000001),
)
@example(critical=1.0, p_value=0.05)
def test_rounding_at_the_boundary_does_not_divide_the_verdict(
    treatment_mean: float, critical: float, p_value: float
) -> None:
    """The difference is one standard error, so is the interval's half width; p is all but alpha."""
    control, treatment = Moments(100, 10.0, 50.0), Moments(100, treatment_mean, 50.0)
    decision = Decision(
        variances=MeanVariances(0.5, 0.5), critical=critical, p_value=p_value, alpha=0.05
    )
    found = compare("any", control, treatment, decision=decision)
    assert found.lift_interval is not None
    assert has_zero(found.interval) == (p_value > 0.05)
    assert has_zero(found.lift_interval) == (p_value > 0.05)


def test_an_infinite_critical_value_gives_an_infinite_interval() -> None:
    decision = Decision(variances=MeanVariances(0.5, 0.5), critical=inf, p_value=1.0, alpha=0.05)
    found = compare("any", Moments(9, 1.0, 4.5), Moments(9, 2.0, 4.5), decision=decision)
    assert found.interval == Interval(-inf, inf)
    assert found.lift_interval is None
