"""What every dedup store must keep. A store's test class inherits it and says how to make the store."""

import threading
from itertools import chain
from typing import Any

import pytest

from abkit.events import Exposure
from abkit.exposure.dedup.base import DedupStore, Key, Reservation

from .events import NOON, exposure

MIDNIGHT = 20_001 * 86_400.0


def key(event: Exposure) -> Key:
    return event.experiment, event.salt, event.unit_type, event.unit_id


def reserved(store: DedupStore, event: Exposure) -> Reservation:
    reservation = store.reserve(event)
    assert reservation is not None
    return reservation


class DedupContract:
    """Override `store`; its clock stands at noon of day 20,000."""

    @pytest.fixture
    def store(self) -> Any:
        raise NotImplementedError

    def test_the_first_exposure_is_accepted_and_the_second_is_not(self, store: DedupStore) -> None:
        assert store.reserve(exposure()) is not None
        assert store.reserve(exposure()) is None

    def test_a_reservation_names_the_window_and_the_ordinal(self, store: DedupStore) -> None:
        assert reserved(store, exposure())[:2] == (20_000, 0)

    def test_a_b_a_is_three_exposures(self, store: DedupStore) -> None:
        ordinals = [reserved(store, exposure(variant=variant)).ordinal for variant in "ABA"]
        assert ordinals == [0, 1, 2]
        assert store.reserve(exposure(variant="A")) is None

    @pytest.mark.parametrize(
        ("one", "other"), [(1, "1"), (1, True), (0, False), (1, 1.0), (True, "true")]
    )
    def test_variants_that_look_alike_differ(self, store: DedupStore, one: Any, other: Any) -> None:
        assert store.reserve(exposure(variant=one)) is not None
        assert not store.has_seen(key(exposure()), other)
        assert store.reserve(exposure(variant=other)) is not None

    def test_an_equal_variant_need_not_be_the_same_object(self, store: DedupStore) -> None:
        store.reserve(exposure(variant="variant"))
        again = "-variant"[1:]
        assert store.has_seen(key(exposure()), again)
        assert store.reserve(exposure(variant=again)) is None

    @pytest.mark.parametrize(
        "other",
        [
            exposure(experiment="Other"),
            exposure(salt="2"),
            exposure(unit_type="org"),
            exposure(unit_id="u2"),
        ],
    )
    def test_each_part_of_the_key_counts(self, store: DedupStore, other: Exposure) -> None:
        store.reserve(exposure())
        assert store.reserve(other) is not None

    def test_parts_that_read_the_same_when_joined_differ(self, store: DedupStore) -> None:
        for parts in [("11", "a"), ("1", "1a"), ("", "11a"), ("1:1", "a"), ("1", ":1a")]:
            event = exposure()._replace(unit_type=parts[0], unit_id=parts[1])
            assert store.reserve(event) is not None

    def test_the_window_ends_at_midnight_utc_and_does_not_slide(self, store: DedupStore) -> None:
        assert store.reserve(exposure(time=MIDNIGHT - 0.002)) is not None
        assert store.reserve(exposure(time=MIDNIGHT - 0.001)) is None
        assert reserved(store, exposure(time=MIDNIGHT))[:2] == (20_001, 0)
        assert store.reserve(exposure(time=MIDNIGHT + 86_399)) is None
        assert store.reserve(exposure(time=MIDNIGHT + 86_400)) is not None

    def test_the_ordinal_begins_anew_with_the_window(self, store: DedupStore) -> None:
        store.reserve(exposure(variant="A"))
        store.reserve(exposure(variant="B"))
        assert reserved(store, exposure(variant="A", time=MIDNIGHT)).ordinal == 0

    def test_has_seen_knows_the_latest_variant_only(self, store: DedupStore) -> None:
        assert not store.has_seen(key(exposure()), "A")
        store.reserve(exposure(variant="A"))
        assert store.has_seen(key(exposure()), "A")
        store.reserve(exposure(variant="B"))
        assert store.has_seen(key(exposure()), "B")
        assert not store.has_seen(key(exposure()), "A")

    def test_has_seen_does_not_believe_another_window(self, store: DedupStore) -> None:
        store.reserve(exposure(time=NOON - 86_400))
        assert not store.has_seen(key(exposure()), "a")

    def test_a_new_exposure_that_is_given_back_may_come_again(self, store: DedupStore) -> None:
        store.give_back(reserved(store, exposure()))
        assert not store.has_seen(key(exposure()), "a")
        assert reserved(store, exposure()).ordinal == 0

    def test_giving_back_restores_the_variant_before(self, store: DedupStore) -> None:
        store.reserve(exposure(variant="A"))
        store.give_back(reserved(store, exposure(variant="B")))
        assert store.reserve(exposure(variant="A")) is None
        assert reserved(store, exposure(variant="B")).ordinal == 1

    def test_giving_back_does_not_undo_what_came_after(self, store: DedupStore) -> None:
        first = reserved(store, exposure(variant="A"))
        store.reserve(exposure(variant="B"))
        store.give_back(first)
        assert store.reserve(exposure(variant="B")) is None

    def test_giving_back_twice_is_giving_back_once(self, store: DedupStore) -> None:
        reservation = reserved(store, exposure())
        store.give_back(reservation)
        store.give_back(reservation)
        assert store.reserve(exposure()) is not None

    def test_of_eight_threads_exactly_one_wins(self, store: DedupStore) -> None:
        rounds, threads = 1_000, 8
        wins: list[list[str]] = [[] for _ in range(threads)]
        start = threading.Barrier(threads)

        def race(won: list[str]) -> None:
            for number in range(rounds):
                if number % 50 == 0:
                    start.wait()
                if store.reserve(exposure(f"u{number}")) is not None:
                    won.append(f"u{number}")

        racers = [threading.Thread(target=race, args=(won,)) for won in wins]
        for racer in racers:
            racer.start()
        for racer in racers:
            racer.join()
        assert sorted(chain.from_iterable(wins)) == sorted(f"u{number}" for number in range(rounds))
