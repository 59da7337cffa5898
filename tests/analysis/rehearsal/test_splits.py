"""The same units, split anew: uniform, independent, and summed up as one by one."""

from hashlib import sha1

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from abkit.analysis.query.layout import Layout
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.splits import Cut, draws, sums_of_all, sums_of_splits
from abkit.assignment.weights import HASH_RANGE, weight_ends
from abkit.experiments.declaring.metrics import Conversion, Ratio, Sum, Total

LAYOUT = Layout.of_events(
    [
        Conversion("buy"),
        Ratio("paid", numerator=Sum("pay", property="price"), denominator=Total("visit")),
    ],
    cuped=True,
)

UNITS, SPLITS = 20_000, 60


@pytest.fixture(scope="module")
def drawn() -> NDArray[np.uint64]:
    digests = (sha1(f"s.variant.user-{n}".encode()).hexdigest() for n in range(UNITS))  # noqa: S324
    hashes = np.array([int(digest[:15], 16) for digest in digests], dtype=np.uint64)
    return draws(hashes, range(SPLITS))


def history(values: NDArray[np.float64], days: NDArray[np.int64], *, seed: int) -> History:
    hashes = np.random.default_rng(seed).integers(0, HASH_RANGE, len(days)).astype(np.uint64)
    return History(layout=LAYOUT, hashes=hashes, days=days, values=values, before=14)


def test_the_numbers_are_those_of_splitmix64() -> None:
    # The published first outputs of the seed 0, without their last 4 bits.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    found = draws(np.zeros(1, np.uint64), [1, 2, 3])
    assert found[:, 0].tolist() == [number >> 4 for number in published]


def test_every_split_is_uniform(drawn: NDArray[np.uint64]) -> None:
    cells = 32
    for split in drawn:
        counts = np.bincount((split >> np.uint64(55)).astype(np.int64), minlength=cells)
        chi_square = float(((counts - UNITS / cells) ** 2 / (UNITS / cells)).sum())
        assert chi_square < cells - 1 + 6 * (2 * (cells - 1)) ** 0.5


def test_splits_are_independent_of_each_other_and_units_of_their_neighbours(
    drawn: NDArray[np.uint64],
) -> None:
    signs = np.where(drawn < np.uint64(HASH_RANGE // 2), 1.0, -1.0)
    between_splits = signs @ signs.T / UNITS
    np.fill_diagonal(between_splits, 0)
    assert np.abs(between_splits).max() < 5.5 / UNITS**0.5
    neighbours = (signs[:, :-1] * signs[:, 1:]).mean(axis=1)
    assert np.abs(neighbours).max() < 5 / UNITS**0.5


def test_the_split_of_number_0_is_the_hash_itself() -> None:
    hashes = np.array([0, 5, HASH_RANGE - 1], dtype=np.uint64)
    assert draws(hashes, [0]).tolist() == [hashes.tolist()]


@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=4),
    st.lists(st.integers(0, 5), min_size=2, max_size=4).filter(any),
    st.integers(0, 1_000),
)
def test_the_sums_are_those_of_the_units_of_each_arm(
    per_day: list[int], weights: list[int], seed: int
) -> None:
    random = np.random.default_rng(seed)
    days = np.repeat(np.arange(100, 100 + len(per_day)), per_day)
    values = random.normal(1e3, 1, size=(len(days), LAYOUT.size))
    values[:, 0] = random.integers(0, 2, len(days))
    of = history(values, days, seed=seed)
    cut = Cut(
        variants=tuple("abcd"[: len(weights)]), bounds=weight_ends(tuple(map(float, weights)))
    )
    found = sums_of_splits(of, cut, range(3))
    assert found.ends == tuple(range(101, 101 + len(per_day)))
    for number, drawn_once in enumerate(draws(of.hashes, range(3))):
        arms = np.searchsorted(np.array(cut.bounds, np.uint64), drawn_once, side="right")
        for end, sums in zip(found.ends, found.looks(number), strict=True):
            for place, variant in enumerate(cut.variants):
                own = values[(arms == place) & (days < end)]
                assert sums[variant].n == len(own)
                for measure in range(LAYOUT.size) if len(own) > 1 else ():
                    assert sums[variant].mean(measure) == pytest.approx(own[:, measure].mean())
                    assert sums[variant].covariance(measure, measure) == pytest.approx(
                        own[:, measure].var(ddof=1), rel=1e-6, abs=1e-9
                    )
    everybody = sums_of_all(of)
    assert everybody.n == len(days)
    assert everybody.mean(1) == pytest.approx(values[:, 1].mean())
