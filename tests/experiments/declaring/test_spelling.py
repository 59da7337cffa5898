"""A class attribute that means nothing is refused when the class is defined; one's own names are not."""

from typing import Any

import pytest

from abkit import (
    DeclarationError,
    Experiment,
    OrgExperiment,
    Params,
    ScriptExperiment,
    UniformChoice,
)


def declare(*bases: type, **attributes: Any) -> type[Experiment]:
    return type("Declared", (*bases, OrgExperiment), {"variants": ["0", "1"], **attributes})


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("hypotesis", "hypothesis"),
        ("metric", "metrics"),
        ("varaints", "variants"),
        ("rolout", "rollout"),
        ("start", "starts"),
        ("end", "ends"),
        ("slot", "slots"),
        ("holdout", "holdouts"),
        ("paramName", "param_name"),
        ("assgin", "assign"),
        ("elegible", "eligible"),
        ("default_valeu", "default_value"),
    ],
)
def test_a_misspelt_attribute_is_refused_with_the_right_one(wrong: str, right: str) -> None:
    variants = {} if right == "variants" else {"variants": ["0", "1"]}
    with pytest.raises(DeclarationError, match=f"`{wrong}` means nothing: did you mean `{right}`"):
        type("Declared", (OrgExperiment,), {**variants, wrong: "x"})


def test_a_misspelt_method_is_refused_too() -> None:
    with pytest.raises(DeclarationError, match="did you mean `assign`"):
        declare(asign=lambda self, params, org: None)


@pytest.mark.parametrize(
    ("elsewhere", "says"),
    [
        ("confidence", "belongs to the plan: plan = AnalysisPlan"),
        ("method", "belongs to the plan: plan = AnalysisPlan"),
        ("sticky_bucketing", "is called `sticky`"),
        ("weights", "belongs to the variants"),
        ("traffic", "is called `rollout`"),
        ("end_date", "is called `ends`"),
    ],
)
def test_what_other_places_call_so_is_refused(elsewhere: str, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        declare(**{elsewhere: 1})


def test_names_of_ones_own_are_no_mistake() -> None:
    class Paying:
        """A mixin may call its things as it likes."""

        start = "2026"

        def is_eligible(self, org: Any) -> bool:
            return bool(org)

    class Own(Paying, OrgExperiment):
        choices = ["0", "1"]
        weights = [0.9, 0.1]
        VARIANT_WEIGHT = 0.1
        _varaints = "mine"
        start = "2027"

        def assign(self, params: Params, org: Any) -> None:
            params.variant = UniformChoice(choices=self.choices, unit=org.id)

        def default_value(self) -> str:
            return "0"

        def is_eligible(self, org: Any) -> bool:
            return self._is_ours(org)

        def eligible_orgs(self) -> list[str]:
            return []

        def _is_ours(self, org: Any) -> bool:
            return bool(org == "ours")

    assert Own.declaration.name == "Own"


def test_the_attributes_of_a_script_are_known() -> None:
    with pytest.raises(DeclarationError, match="did you mean `script`"):
        type("Scripted", (ScriptExperiment, OrgExperiment), {"scirpt": {}})


@pytest.mark.parametrize(
    "unit_type", ["properties", "even_if_forced", "default", "params", "self", "class", "variant"]
)
def test_a_unit_cannot_be_called_as_another_argument_is(unit_type: str) -> None:
    with pytest.raises(DeclarationError, match=f"`unit_type` cannot be '{unit_type}'"):
        type("Declared", (Experiment,), {"variants": ["0"], "unit_type": unit_type})
