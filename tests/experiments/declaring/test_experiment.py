"""A mistake in a declaration fails when the class is defined, and says what would be right."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from abkit import (
    Conversion,
    DeclarationError,
    Experiment,
    ExperimentManager,
    Holdout,
    Layer,
    OrgExperiment,
    Reason,
    UserExperiment,
    WeightedChoice,
)
from abkit.experiments.declaring.experiment import declares


def declare(base: type[Experiment] = OrgExperiment, **attributes: Any) -> type[Experiment]:
    return type("Declared", (base,), {"variants": {"0": 0.5, "1": 0.5}, **attributes})


def test_the_declaration_holds_what_the_class_says() -> None:
    clicks = Conversion("clicked", goal=0.02)
    declaration = declare(
        metrics=[clicks],
        hypothesis="More clicks.",
        owner="growth",
        starts="2026-11-01",
        rollout=0.5,
    ).declaration
    assert declaration.name == declaration.salt == "Declared"
    assert (declaration.unit_type, declaration.param_name) == ("org", "variant")
    assert declaration.weights == {"0": 0.5, "1": 0.5}
    assert declaration.control == "0"
    assert declaration.metrics == (clicks,)
    assert declaration.starts == datetime(2026, 11, 1, tzinfo=UTC).timestamp()


def test_a_list_of_variants_is_an_equal_split() -> None:
    assert declare(variants=["a", "b"]).declaration.weights == {"a": 1.0, "b": 1.0}


def test_name_and_salt_are_one_classes_own() -> None:
    parent = declare(name="parent", salt="parent-salt")
    child: Any = type("Child", (parent,), {})
    assert (child.name, child.salt) == ("Child", "Child")


def test_control_winner_and_allow_list_become_the_declared_variants() -> None:
    declaration = declare(control=1, winner=0, forced={1: ["acme"]}).declaration
    assert (declaration.control, declaration.winner) == ("1", "0")
    assert declaration.forced == {"acme": "1"}


@pytest.mark.parametrize("found", [OrgExperiment, OrgExperiment(), int, "Buttons", None])
def test_what_is_no_experiment_declares_none(found: object) -> None:
    assert not declares(found)
    assert declares(type("Buttons", (OrgExperiment,), {"variants": ["0", "1"]}))


def test_a_base_class_needs_no_variants() -> None:
    class TeamExperiment(Experiment):
        unit_type = "team"

    class Colours(TeamExperiment):
        variants = ["red", "blue"]

    assert Colours.declaration.unit_type == "team"
    assert not hasattr(TeamExperiment, "declaration")


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"variants": {}}, "`variants` is empty"),
        ({"variants": []}, "`variants` is empty"),
        ({"variants": "01"}, "must look like"),
        ({"variants": {"0": 0, "1": 0}}, "sum to more than 0"),
        ({"variants": {"0": -0.5, "1": 1.5}}, "not negative; one is -0.5"),
        ({"variants": {"0": float("nan"), "1": 1}}, "finite"),
        ({"variants": {"0": "half", "1": 1}}, "must be numbers"),
        ({"variants": {(): 1, "1": 1}}, "text, a number or a bool"),
        ({"variants": [{"a": 1}, {"b": 1}]}, "text, a number or a bool, not {'a': 1}"),
        ({"variants": [["0", 0.5], ["1", 0.5]]}, "weights go into a dict"),
        ({"variants": [("0", 0.5), ("1", 0.5)]}, "weights go into a dict"),
        ({"forced": {"1": [{}]}}, "must hold unit ids; one is a dict"),
        ({"forced": {"1": [False]}}, "must hold unit ids; one is False, a bool"),
        ({"variants": {1: 1, "1": 1}}, "the same in events"),
        ({"variants": ["a", "a"]}, "the same in events"),
        ({"control": "2"}, "has the variants '0', '1', not '2'"),
        ({"winner": "2"}, "has the variants '0', '1', not '2'"),
        ({"rollout": 1.5}, "share from 0 to 1"),
        ({"rollout": "half"}, "share from 0 to 1"),
        ({"name": " "}, "`name` must be a text"),
        ({"salt": 7}, "`salt` must be a text"),
        ({"param_name": ""}, "`param_name` must be a text"),
        ({"bucketing": "md5"}, "'planout', 'amplitude'"),
        ({"bucketing": "amplitude", "rollout": 0.123}, "whole percentages"),
        ({"starts": "soon"}, "must be a date"),
        ({"starts": 5}, "must be a date"),
        ({"starts": datetime(2026, 1, 1)}, "needs a time zone"),  # noqa: DTZ001
        ({"starts": date(2026, 2, 1), "ends": date(2026, 1, 1)}, "before it starts"),
        ({"forced": ["1"]}, "must look like"),
        ({"forced": {"1": "acme"}}, "list of unit ids"),
        ({"forced": {"0": [1], "1": ["1"]}}, "forces unit '1' into '0' and into '1'"),
        ({"forced": {"2": [1]}}, "has the variants"),
        ({"slots": range(3)}, "no `layer`"),
        ({"layer": "checkout"}, "must be a Layer"),
        ({"layer": Layer("l")}, "claims no slot"),
        ({"layer": Layer("l", size=10), "slots": range(5, 11)}, "slot 10 .* the slots 0 to 9"),
        ({"layer": Layer("l", size=10), "slots": [-1]}, "slot -1"),
        ({"holdouts": Holdout("h", 0.1)}, "list of Holdout"),
        ({"holdouts": ["h"]}, "Holdout declarations"),
        ({"metrics": [3]}, "Metric declarations, not 3"),
        ({"metrics": [" "]}, "`name` must be a name that is not empty"),
        ({"metrics": ["clicks", "clicks"]}, "two metrics named 'clicks'"),
        ({"layer": Layer("l"), "slots": 3}, r"whole numbers such as range\(0, 5000\), not 3"),
        ({"layer": Layer("l"), "slots": ["1"]}, "a slot is a whole number, not '1'"),
        ({"metrics": [Conversion("a"), Conversion("a")]}, "two metrics named 'a'"),
        ({"assign": lambda self: None}, "assign must take its arguments"),
        ({"assign": staticmethod(lambda params: None)}, "plain method"),
        ({"bucketing": "amplitude", "assign": lambda self, params, org: None}, "hashes as PlanOut"),
    ],
)
def test_a_wrong_declaration_is_refused(attributes: dict[str, Any], says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        declare(**attributes)


def test_a_class_without_a_unit_is_refused() -> None:
    with pytest.raises(
        DeclarationError, match="OrgExperiment, UserExperiment or VisitorExperiment"
    ):
        declare(Experiment)


def test_assign_alone_needs_a_default() -> None:
    def assign(self: Any, params: Any, user: Any) -> None:
        params.variant = WeightedChoice(choices=["a"], weights=[1], unit=user.id)

    with pytest.raises(DeclarationError, match=r"override default_value\(\)"):
        declare(UserExperiment, variants=None, assign=assign)


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (lambda: Layer(""), "name"),
        (lambda: Layer("l", size=0), "above 0"),
        (lambda: Holdout("h", 1.2), "share from 0 to 1"),
        (lambda: Holdout("", 0.2), "name"),
    ],
)
def test_wrong_layers_and_holdouts_are_refused(layer: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        layer()


class _Lazy:
    """As Django's settings: asked for its class, it loads, and there is nothing to load."""

    IS_TEST = False

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("not configured")


lazy_settings = _Lazy()


def test_assign_may_name_an_object_that_is_lazy(manager: ExperimentManager) -> None:
    class Lazy(OrgExperiment):
        variants = ["0", "1"]

        def assign(self, params: Any, org: Any) -> None:
            params.variant = (
                "1"
                if lazy_settings.IS_TEST
                else WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=org.id)
            )

    manager.add(Lazy)
    assert manager.assign(Lazy, org="1").reason is Reason.ASSIGNED


BOOLEANS = {"variants": [False, True]}
BY_COIN = {"variants": None, "assign": lambda self, params, org: None}


@pytest.mark.parametrize(
    ("attributes", "text", "variant"),
    [
        (BOOLEANS, "true", True),
        (BOOLEANS, "True", True),
        (BOOLEANS, "FALSE", False),
        ({"variants": [0, 1]}, "1", 1),
        ({**BY_COIN, "control": False}, "true", True),
        ({**BY_COIN, "control": 0}, "1", 1),
        ({**BY_COIN, "control": 0.5}, "1", 1.0),
        ({**BY_COIN, "control": "0"}, "1", "1"),
    ],
)
def test_a_text_means_the_variant_that_it_is_the_text_of(
    attributes: dict[str, Any], text: str, variant: Any
) -> None:
    found = declare(**attributes).declaration.variant_of(text)
    assert (found, type(found)) == (variant, type(variant))


@pytest.mark.parametrize(("control", "text"), [(False, "yes"), (False, "1"), (0, "blue")])
def test_a_text_that_means_no_variant_is_refused(control: Any, text: str) -> None:
    with pytest.raises(DeclarationError, match=f"'{text}' is no (bool|int) as that is"):
        declare(**{**BY_COIN, "control": control}).declaration.variant_of(text)
