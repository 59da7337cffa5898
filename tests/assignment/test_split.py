"""A split is WeightedChoice, calculated once."""

import mmh3
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from abkit import Params, WeightedChoice
from abkit.assignment.split import AmplitudeSplit, PlanOutSplit, amplitude_allocation
from abkit.assignment.weights import HASH_RANGE, uniform

weight_lists = st.lists(st.floats(0, 1e9) | st.integers(0, 1000), min_size=1, max_size=12).filter(
    any
)


@given(weight_lists, st.text(st.characters(exclude_categories=["Cs"])))
@example([0.1] * 10, "a unit")
@example([1, 0], "a unit")
@example([0, 1], "a unit")
def test_chooses_what_weighted_choice_chooses(weights: list[float], unit_id: str) -> None:
    params = Params("salt")
    params.variant = WeightedChoice(choices=[*range(len(weights))], weights=weights, unit=unit_id)
    split = PlanOutSplit.of("salt.variant", [*range(len(weights))], weights)
    assert split.choose(unit_id) == params.variant


@given(weight_lists)
def test_each_bound_is_exactly_where_weighted_choice_changes(weights: list[float]) -> None:
    split = PlanOutSplit.of("s", [*range(len(weights))], weights)
    total, end = 0.0, 0.0
    for weight in weights:
        total += weight
    for weight, bound in zip(weights, split.bounds, strict=True):
        end += weight
        assert total * uniform(bound - 1) <= end or bound == 0
        assert bound == HASH_RANGE or total * uniform(bound) > end


def test_amplitude_halves_are_the_documented_half_open_ranges() -> None:
    assert AmplitudeSplit.of("salt", ["A", "B"], [1, 1]).bounds == (21474836, 42949673)


@pytest.mark.parametrize(
    ("text", "hashed", "allocation", "distribution"),
    [("salt/user-1", 2045600538, 38, 20456005), ("abkit/user-1", 2606337768, 68, 26063377)],
)
def test_amplitude_hashes_equal_the_documented_vectors(
    text: str, hashed: int, allocation: int, distribution: int
) -> None:
    salt, unit_id = text.split("/")
    assert mmh3.hash(text, 0, signed=False) == hashed
    assert amplitude_allocation(salt, unit_id) == allocation
    chosen = AmplitudeSplit.of(salt, ["A", "B"], [1, 1]).choose(unit_id)
    assert chosen == ("A" if distribution < 21474836 else "B")
