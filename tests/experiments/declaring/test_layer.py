"""A namespace gives each unit the experiment that PlanOut's gives it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import DeclarationError, ExperimentManager, Layer, Params, UniformChoice, UserExperiment
from abkit.experiments.declaring.layer import Namespace
from abkit.experiments.declaring.segments import Added, Removed

from ...conformance.reference import namespace_of_planout, slots_of


@st.composite
def histories(draw: st.DrawFn) -> tuple[int, list[Any]]:
    """Experiments that come and go, and never need more segments than there are."""
    num_segments = draw(st.integers(1, 300))
    free = num_segments
    present: dict[str, int] = {}
    history: list[Any] = []
    for number in range(draw(st.integers(0, 12))):
        leaves: bool = draw(st.booleans())
        if present and leaves:
            name = draw(st.sampled_from([*present]))
            free += present.pop(name)
            history.append(("remove", name))
        else:
            name = draw(st.sampled_from(["a", "b", "long name"])) + str(number)
            present[name] = draw(st.integers(0, free))
            free -= present[name]
            history.append(("add", name, present[name]))
    return num_segments, history


names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10)


@settings(deadline=None)
@given(names, histories(), st.booleans())
def test_equals_planouts_namespace_after_any_history(
    name: str, made: tuple[int, list[Any]], fast_sample: bool
) -> None:
    num_segments, history = made
    theirs = namespace_of_planout(name, num_segments, history, fast_sample=fast_sample)
    ours = Namespace(name, num_segments, history=history, fast_sample=fast_sample)
    assert ours.allocation == slots_of(theirs)


@given(names, st.integers(1, 10_000), st.integers() | names)
def test_a_units_slot_is_planouts_segment(name: str, num_segments: int, unit: Any) -> None:
    theirs = namespace_of_planout(name, num_segments, ())
    theirs.inputs = {"unit": unit}
    assert Namespace(name, num_segments, history=()).layer.slot(str(unit)) == theirs.get_segment()


def test_a_namespace_of_ten_thousand_segments_equals_planouts() -> None:
    history: list[Added | Removed] = [("add", "first", 3000), ("add", "second", 5000)]
    history += [("remove", "first"), ("add", "third", 4500)]
    ours = Namespace("ns", 10_000, history=history)
    assert ours.allocation == slots_of(namespace_of_planout("ns", 10_000, history))
    assert {name: len(slots) for name, slots in ours.allocation.items()} == {
        "second": 5000,
        "third": 4500,
    }


def test_an_experiment_of_a_namespace_assigns_what_planout_assigns(
    manager: ExperimentManager,
) -> None:
    namespace = Namespace("ns", 100, history=[("add", "basket", 40)])

    class Basket(UserExperiment):
        variants = ["old", "new"]
        layer, slots, salt = namespace.layer, namespace.slots("basket"), namespace.salt("basket")

        def assign(self, params: Params, user: Any) -> None:
            params.variant = UniformChoice(choices=["old", "new"], unit=user.id)

    manager.add(Basket)
    theirs = namespace_of_planout("ns", 100, namespace.history)
    theirs_assigned = Params("ns.basket")
    for unit in range(300):
        theirs.inputs = {"unit": unit}
        assignment = manager.assign(Basket, user=unit)
        assert assignment.enrolled == (theirs.get_segment() in theirs.segment_allocations)
        theirs_assigned.variant = UniformChoice(choices=["old", "new"], unit=unit)
        if assignment.enrolled:
            assert assignment.variant == theirs_assigned.variant


@pytest.mark.parametrize(
    ("num_segments", "history", "says"),
    [
        (10, [("add", "a", 11)], "gives 'a' 11 segments, of which only 10 are free"),
        (10, [("add", "a", 5), ("add", "a", 5)], "has the experiment 'a' already"),
        (10, [("add", "a", 5), ("remove", "b")], "no experiment 'b' there; it has: 'a'"),
        (10, [("remove", "b")], "it has: none"),
        (10, [("add", "a", -1)], "must be a number of them"),
        (10, [("add", "a", True)], "must be a number of them"),
        (10, [("add", "a")], "its history is made of"),
        (10, [("drop", "a")], "its history is made of"),
        (10, ["add"], "its history is made of"),
        (0, [], "above 0"),
    ],
)
def test_a_history_that_cannot_have_happened_is_refused(
    num_segments: int, history: Any, says: str
) -> None:
    with pytest.raises(DeclarationError, match=says):
        Namespace("ns", num_segments, history=history)


def test_an_unknown_experiment_is_an_error_that_names_the_known_ones() -> None:
    namespace = Namespace("ns", 10, history=[("add", "a", 5)])
    for look_up in (namespace.slots, namespace.salt):
        with pytest.raises(DeclarationError, match="ns: has no experiment 'b' there; it has: 'a'"):
            look_up("b")


def test_a_layer_can_be_made_from_planouts_history() -> None:
    history: list[Added | Removed] = [("add", "a", 5), ("add", "b", 3), ("remove", "a")]
    made = Layer.from_planout("ns", 10, history)
    assert made == Namespace("ns", 10, history=history)
    assert made.layer == Layer("ns", size=10)
    assert Layer.from_planout("ns", 10, history, fast_sample=True).slots("b") != made.slots("b")


def test_it_is_a_value() -> None:
    namespace = Namespace("ns", 10, history=[("add", "a", 5)])
    assert namespace == Namespace("ns", 10, history=(("add", "a", 5),))
    with pytest.raises(AttributeError):
        namespace.num_segments = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        namespace.allocation["b"] = frozenset()  # type: ignore[index]
