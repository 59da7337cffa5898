"""The dedup store in memory."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import DeliveryError
from abkit.exposure.dedup.memory import MemoryDedup

from .dedup_contract import DedupContract, key
from .events import NOON, exposure


class Clock:
    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class TestMemoryDedup(DedupContract):
    @pytest.fixture
    def store(self) -> MemoryDedup:
        return MemoryDedup(clock=Clock())

    def test_has_seen_ends_with_the_window(self) -> None:
        clock = Clock()
        store = MemoryDedup(window=3600, clock=clock)
        store.reserve(exposure())
        clock.now += 3599.999
        assert store.has_seen(key(exposure()), "a")
        clock.now += 0.001
        assert not store.has_seen(key(exposure()), "a")

    def test_the_window_can_be_set(self) -> None:
        store = MemoryDedup(window=3600)
        assert store.reserve(exposure(time=NOON)) is not None
        assert store.reserve(exposure(time=NOON + 3599)) is None
        assert store.reserve(exposure(time=NOON + 3600)) is not None

    def test_at_least_half_of_max_keys_are_remembered_and_never_more_than_all(self) -> None:
        store = MemoryDedup(max_keys=100)
        for unit in range(1_000):
            assert store.reserve(exposure(str(unit))) is not None
            assert len(store) <= 100
        for unit in range(950, 1_000):
            assert store.reserve(exposure(str(unit))) is None
        assert store.reserve(exposure("0")) is not None

    def test_a_unit_that_keeps_coming_is_never_forgotten(self) -> None:
        store = MemoryDedup(max_keys=100, clock=Clock())
        store.reserve(exposure("regular"))
        for unit in range(1_000):
            store.reserve(exposure(str(unit)))
            if not store.has_seen(key(exposure("regular")), "a"):
                assert store.reserve(exposure("regular")) is None

    def test_a_reservation_can_be_given_back_after_half_was_forgotten(self) -> None:
        store = MemoryDedup(max_keys=4)
        reservation = store.reserve(exposure("1"))
        assert reservation is not None
        store.reserve(exposure("2"))
        store.give_back(reservation)
        assert store.reserve(exposure("1")) is not None

    def test_a_key_takes_at_most_120_bytes(self) -> None:
        """For a number of units at which the dict has just grown, and is at its emptiest."""
        units = 90_000
        store = MemoryDedup(max_keys=2 * units)
        tracemalloc.start()
        try:
            for unit in range(units):
                store.reserve(exposure(str(unit), "ab"[unit % 2]))
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert len(store) == units
        assert size / units <= 120

    def test_variants_without_end_do_not_fill_the_memory(self) -> None:
        store = MemoryDedup()
        tracemalloc.start()
        try:
            for variant in range(50_000):
                assert store.reserve(exposure(variant=variant)) is not None
            size, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert size < 10_000_000

    @pytest.mark.parametrize(("max_keys", "window"), [(1, 60.0), (2, 0.0), (2, float("inf"))])
    def test_limits_that_make_no_sense_are_an_error(self, max_keys: int, window: float) -> None:
        with pytest.raises(DeliveryError, match="max_keys must be 2 or more and window"):
            MemoryDedup(max_keys=max_keys, window=window)

    def test_it_says_how_much_it_knows(self) -> None:
        store = MemoryDedup()
        store.reserve(exposure())
        assert repr(store) == "<MemoryDedup of 1 keys>"


@given(
    st.lists(
        st.tuples(st.sampled_from("xyz"), st.sampled_from("AB"), st.integers(0, 3)), max_size=30
    )
)
def test_an_exposure_is_accepted_exactly_when_window_or_variant_changed(
    reads: list[tuple[str, str, int]],
) -> None:
    store = MemoryDedup(window=10)
    latest: dict[str, tuple[int, str]] = {}
    for unit, variant, window in reads:
        accepted = store.reserve(exposure(unit, variant, time=10.0 * window)) is not None
        assert accepted is (latest.get(unit) != (window, variant))
        latest[unit] = window, variant
