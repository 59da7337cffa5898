"""Events that are sent together."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from abkit.exposure.dedup import MemoryDedup
from abkit.exposure.transport.batching import Batch, approximate_size, grown, named
from abkit.sinks.records import insert_id

from ..events import NOON, action, exposure


def test_an_exposure_is_named_after_its_reservation() -> None:
    event = evolve(exposure(), user_id="7", groups={"org": "1"}, properties={"page": "home"})
    reservation = MemoryDedup().reserve(event)
    name = insert_id(event, window=int(NOON // 86_400), ordinal=0)
    assert named(event, reservation) == evolve(event, insert_id=name)
    assert event.insert_id == ""


def test_an_action_is_given_a_name_of_its_own() -> None:
    names = {named(action(), None).insert_id for _ in range(100)}
    assert len(names) == 100
    assert "" not in names


def test_a_name_that_an_event_has_is_kept() -> None:
    for event in (evolve(exposure(), insert_id="mine"), evolve(action(), insert_id="mine")):
        assert named(event, MemoryDedup().reserve(exposure())) is event


@given(st.integers(0, 1000), st.integers(2, 50))
def test_halves_are_the_whole(first: int, count: int) -> None:
    batch = Batch(first, tuple(exposure(str(number)) for number in range(count)))
    left, right = batch.halves()
    assert left.events + right.events == batch.events
    assert left.events
    assert right.events
    assert (left.first, right.first) == (first, first + len(left.events))


def test_the_size_follows_the_texts_of_the_event() -> None:
    small = approximate_size(action())
    large = approximate_size(evolve(action(), properties={"text": "x" * 10_000}))
    nested = approximate_size(evolve(action(), properties={"texts": [{"a": "x" * 10_000}]}))
    assert 100 < small < 1_000
    assert 10_000 < large < 11_000
    assert 10_000 < nested < 11_000


def test_the_size_of_something_circular_is_finite() -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    assert approximate_size(evolve(action(), properties=circle)) < 1_000


@given(st.integers(1, 1_000))
def test_a_batch_grows_back_to_its_limit(count: int) -> None:
    sizes = [count]
    while sizes[-1] < 1_000:
        sizes.append(grown(sizes[-1], 1_000))
        assert sizes[-1] > sizes[-2]
    assert sizes[-1] == 1_000
    assert len(sizes) < 60
