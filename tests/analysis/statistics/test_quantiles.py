"""The standard error of a quantile of values that units have many of."""

import numpy as np
import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.statistics.quantiles import (
    Beside,
    QuantileSums,
    error_of_quantile,
    error_of_share,
    outer_shares,
)

Values = NDArray[np.float64]
KNOWN = QuantileSums(values=1_000, value=5.0, error=0.1, in_effect=40.0, beyond=50.0)


def found(values: Values, of_unit: NDArray[np.int64], units: int, q: float) -> tuple[float, float]:
    """The quantile and its standard error."""
    different, times = np.unique(values, return_counts=True)
    middles, whole = 2 * np.cumsum(times) - times, 2.0 * len(values)

    def beside(share: float) -> Beside:
        after = min(int(np.searchsorted(middles, share * whole, "right")), len(different) - 1)
        low, high = (float(different[at]) for at in (after - 1, after))
        return Beside(
            below=low,
            below_middle=float(middles[after - 1]),
            above=high,
            above_middle=float(middles[after]),
        )

    at = beside(q)
    part = (q * whole - at.below_middle) / (at.above_middle - at.below_middle)
    below = np.where(values < at.below, 1.0, 0.0)
    below[values == at.below], below[values == at.above] = (1 + part) / 2, part / 2
    apart = np.bincount(of_unit, weights=below - q, minlength=units)
    error = error_of_share(
        units=units,
        values=len(values),
        apart=float(apart.sum()),
        squared_apart=float(apart @ apart),
    )
    ends = middles[0] / whole, middles[-1] / whole
    low, high = outer_shares(q, error=error, first=ends[0], last=ends[1])
    outer = beside(low).value(low * whole), beside(high).value(high * whole)
    return at.value(q * whole), error_of_quantile(error=error, shares=(low, high), values=outer)


def drawn(chance: np.random.Generator, units: int) -> tuple[Values, NDArray[np.int64]]:
    """1 to 200 values of each unit, which are alike and rounded."""
    times = np.exp(chance.uniform(0, np.log(200), units)).astype(int)
    of_unit = np.repeat(np.arange(units), times)
    slow = chance.normal(0, 0.55, units)[of_unit]
    values = np.exp(5 + 0.8 * (slow + chance.normal(0, 0.84, len(of_unit))))
    return np.round(values / 50) * 50, of_unit


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_the_interval_covers_what_it_says(q: float) -> None:
    chance, covered, times = np.random.default_rng(9), 0, 250
    for _ in range(times):
        (one, first), (other, second) = (found(*drawn(chance, 200), 200, q) for _ in range(2))
        covered += abs(one - other) <= 1.96 * float(np.hypot(first, second))
    assert 0.92 <= covered / times <= 0.98


@given(scale=st.floats(0.1, 1e4), shift=st.floats(-1e4, 1e4), q=st.sampled_from([0.1, 0.5, 0.9]))
def test_in_other_units_it_is_the_same(scale: float, shift: float, q: float) -> None:
    values, of_unit = drawn(np.random.default_rng(1), 30)
    value, error = found(values, of_unit, 30, q)
    moved, same = found(scale * values + shift, of_unit, 30, q)
    assert moved == pytest.approx(scale * value + shift, rel=1e-9, abs=1e-6)
    assert same == pytest.approx(scale * error, rel=1e-6)


def test_each_gate_says_what_is_missing() -> None:
    assert KNOWN.lacking == ""
    assert evolve(KNOWN, values=99).lacking == "1 more value for a quantile"
    assert evolve(KNOWN, in_effect=24.9).lacking.endswith("(24 of 25 in effect)")
    assert evolve(KNOWN, beyond=4.5).lacking == "more values beyond the quantile"
    assert evolve(KNOWN, error=0.0).lacking == "more values beyond the quantile"
    equal = evolve(KNOWN, share_of_equal=0.6, equal=3.0)
    assert equal.lacking == "another q, as 60% of all values are 3 and so is the quantile"
    assert (equal.plain, KNOWN.plain) == (3.0, 5.0)


def test_of_one_unit_there_is_no_error() -> None:
    assert error_of_share(units=1, values=10, apart=1.0, squared_apart=1.0) == 0
    assert error_of_quantile(error=0.0, shares=(0.5, 0.5), values=(1.0, 1.0)) == 0
    assert Beside(below=1.0, below_middle=3.0, above=1.0, above_middle=3.0).value(3.0) == 1
