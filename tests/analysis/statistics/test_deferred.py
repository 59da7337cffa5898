"""A sequence that is computed when somebody looks at it."""

import copy
import json
import pickle
from collections.abc import Iterator

import pytest

from abkit.analysis.statistics.deferred import Deferred


class Numbers:
    """Counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self) -> Iterator[int]:
        self.asked += 1
        return iter((3, 1, 2))


def test_nothing_is_computed_before_somebody_looks_and_then_once() -> None:
    numbers = Numbers()
    found = Deferred(3, numbers)
    assert len(found) == 3
    assert numbers.asked == 0
    assert (found[0], found[-1], found[1:], [*found]) == (3, 2, (1, 2), [3, 1, 2])
    assert numbers.asked == 1


def test_it_is_the_tuple_that_it_is_computed_to() -> None:
    found = Deferred(3, Numbers())
    assert found == (3, 1, 2)
    assert found == (3, 1, 2)
    assert found == Deferred(3, Numbers())
    assert found != (3, 1)
    assert found != [3, 1, 2]
    assert hash(found) == hash((3, 1, 2))
    assert repr(found) == "(3, 1, 2)"
    assert max(found) == 3
    assert 1 in found


def test_what_is_copied_or_stored_is_the_tuple() -> None:
    found = Deferred(3, Numbers())
    assert pickle.loads(pickle.dumps(found)) == (3, 1, 2)
    assert isinstance(copy.deepcopy(found), tuple)
    assert json.dumps([*found]) == "[3, 1, 2]"


def test_a_length_that_nobody_knows_is_that_of_what_is_computed() -> None:
    assert len(Deferred(None, Numbers())) == 3
    assert not Deferred(None, lambda: ())


def test_what_fails_is_tried_again() -> None:
    def fails() -> Iterator[int]:
        raise ValueError("no")

    found = Deferred(3, fails)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            found[0]
