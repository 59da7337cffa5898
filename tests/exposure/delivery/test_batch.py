"""Events that are sent together."""

from hypothesis import given
from hypothesis import strategies as st

from abkit.events import Event
from abkit.exposure.delivery.batch import Batch, approximate_size, grown
from abkit.exposure.insert_ids import random_ids, with_random_id

from ..events import action, exposure


def test_an_event_is_given_a_name_of_its_own() -> None:
    names = random_ids()
    events: list[Event] = [action(), exposure()] * 50
    found = [with_random_id(event, names).insert_id for event in events]
    assert len(set(found)) == 100
    assert {len(name) for name in found} == {32}
    assert next(random_ids()) not in found


def test_a_name_that_an_event_has_is_kept() -> None:
    for event in (exposure()._replace(insert_id="mine"), action()._replace(insert_id="mine")):
        assert with_random_id(event, random_ids()) is event


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
    large = approximate_size(action()._replace(properties={"text": "x" * 10_000}))
    nested = approximate_size(action()._replace(properties={"texts": [{"a": "x" * 10_000}]}))
    assert 100 < small < 1_000
    assert 10_000 < large < 11_000
    assert 10_000 < nested < 11_000


def test_the_size_of_something_circular_is_finite() -> None:
    circle: dict[str, object] = {}
    circle["self"] = circle
    assert approximate_size(action()._replace(properties=circle)) < 1_000


@given(st.integers(1, 1_000))
def test_a_batch_grows_back_to_its_limit(count: int) -> None:
    sizes = [count]
    while sizes[-1] < 1_000:
        sizes.append(grown(sizes[-1], 1_000))
        assert sizes[-1] > sizes[-2]
    assert sizes[-1] == 1_000
    assert len(sizes) < 60
