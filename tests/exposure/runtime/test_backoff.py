"""How long to wait before a batch is sent again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.exposure.runtime.backoff import Backoff, before_deadline


@pytest.mark.parametrize(
    ("failures", "longest"), [(1, 0.1), (2, 0.2), (3, 0.4), (7, 5.0), (9999, 5.0)]
)
def test_the_longest_wait_doubles_up_to_the_limit(failures: int, longest: float) -> None:
    assert Backoff(random=lambda: 1.0).delay(failures) == pytest.approx(longest)


def test_the_jitter_is_full() -> None:
    assert Backoff(random=lambda: 0.0).delay(5) == 0
    assert Backoff(random=lambda: 0.5).delay(2) == pytest.approx(0.1)


def test_the_destination_decides_if_it_asks() -> None:
    assert Backoff().delay(1, after=30.0) == 30.0
    assert Backoff().delay(50, after=0.0) == 0.0


@pytest.mark.parametrize("after", [1e9, float("inf")])
def test_the_destination_may_not_ask_for_ever(after: float) -> None:
    assert Backoff(longest_after=60.0).delay(1, after=after) == 60.0


@pytest.mark.parametrize("after", [-1.0, float("nan")])
def test_a_wait_that_makes_no_sense_is_ignored(after: float) -> None:
    assert Backoff(random=lambda: 1.0).delay(1, after=after) == pytest.approx(0.1)


def test_what_was_asked_for_is_kept_if_there_is_time() -> None:
    assert before_deadline(9.0, left=10.0, demanded=True) == 9.0
    assert before_deadline(11.0, left=10.0, demanded=True) == 2.5
    assert before_deadline(9.0, left=10.0, demanded=False) == 2.5


@given(st.floats(0, 1e6), st.floats(-10, 1e6), st.booleans())
def test_before_a_deadline_a_delay_is_only_shortened(
    delay: float, left: float, demanded: bool
) -> None:
    shortened = before_deadline(delay, left=left, demanded=demanded)
    assert 0 <= shortened <= delay
    assert shortened <= max(left, 0)


def test_a_wait_that_is_not_positive_is_an_error() -> None:
    with pytest.raises(ValueError, match="first"):
        Backoff(first=0.0)
