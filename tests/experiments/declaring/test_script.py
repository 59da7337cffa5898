"""An experiment can be a PlanOut script; it answers as any other experiment does."""

import json
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from planout.ops.base import PlanOutOpCommutative

from abkit import (
    DeclarationError,
    ExperimentManager,
    OrgExperiment,
    Params,
    Reason,
    UniformChoice,
    UserExperiment,
)
from abkit.experiments.declaring.experiment import is_experiment
from abkit.experiments.declaring.script import ScriptExperiment


def get(variable: str) -> dict[str, Any]:
    return {"op": "get", "var": variable}


def put(variable: str, value: Any) -> dict[str, Any]:
    return {"op": "set", "var": variable, "value": value}


def choice(unit: str) -> dict[str, Any]:
    return {"op": "uniformChoice", "choices": ["0", "1"], "unit": get(unit)}


def when(condition: Any, then: Any, otherwise: Any) -> dict[str, Any]:
    return {
        "op": "cond",
        "cond": [{"if": condition, "then": then}, {"if": True, "then": otherwise}],
    }


def declare(base: Any = UserExperiment, **attributes: Any) -> Any:
    return type("Scripted", (ScriptExperiment, base), {"variants": ["0", "1"], **attributes})


def test_it_assigns_what_the_same_code_assigns(manager: ExperimentManager) -> None:
    class InCode(UserExperiment):
        variants = ["0", "1"]
        salt = "Scripted"

        def assign(self, params: Params, user: Any) -> None:
            params.variant = UniformChoice(choices=["0", "1"], unit=user.id)

    scripted = declare(script=put("variant", choice("userid")), inputs={"userid": "user"})
    manager.add(InCode)
    manager.add(scripted)
    for user in range(200):
        assert manager.get(scripted, user=user) == manager.get(InCode, user=user)
        assignment = manager.assign("Scripted", user=SimpleNamespace(id=user))
        assert assignment.reason is Reason.ASSIGNED
        assert assignment.variant == manager.get(InCode, user=user)


def test_the_ids_of_the_subjects_are_inputs_under_their_own_names(
    manager: ExperimentManager,
) -> None:
    parameters = [put("variant", choice("org")), put("who", [get("org"), get("actor")])]
    manager.add(declare(OrgExperiment, script={"op": "seq", "seq": parameters}))
    params = manager.assign("Scripted", org=SimpleNamespace(id=42), actor="ann").params
    assert params["who"] == [42, "ann"]
    assert manager.assign("Scripted", org="42").params["who"] == ["42", None]


def test_attributes_of_subjects_can_be_inputs(manager: ExperimentManager) -> None:
    script = when(
        {"op": "equals", "left": get("country"), "right": "CA"},
        put("variant", choice("user")),
        {"op": "return", "value": False},
    )
    manager.add(declare(script=script, inputs={"country": "user.home.country"}))
    for country, reason in (("CA", Reason.ASSIGNED), ("US", Reason.INELIGIBLE)):
        user = SimpleNamespace(id=1, home=SimpleNamespace(country=country))
        assert manager.assign("Scripted", user=user).reason is reason


def test_an_input_of_a_missing_subject_is_none(manager: ExperimentManager) -> None:
    script = {"op": "seq", "seq": [put("variant", choice("user")), put("team", get("team"))]}
    manager.add(declare(script=script, inputs={"team": "org.team"}))
    assert manager.assign("Scripted", user=1).params["team"] is None


def test_a_variant_that_the_script_sets_without_randomizing_is_forced(
    manager: ExperimentManager,
) -> None:
    is_staff = {"op": "equals", "left": get("user"), "right": 7}
    manager.add(declare(script=when(is_staff, put("variant", "1"), put("variant", choice("user")))))
    assert manager.assign("Scripted", user=7).reason is Reason.FORCED
    assert manager.assign("Scripted", user=8).reason is Reason.ASSIGNED


def test_a_script_without_random_operators_is_the_randomization_itself(
    manager: ExperimentManager,
) -> None:
    is_odd = {"op": "%", "left": get("user"), "right": 2}
    manager.add(declare(script=when(is_odd, put("variant", "1"), put("variant", "0"))))
    for user in (1, 2):
        assignment = manager.assign("Scripted", user=user)
        assert (assignment.variant, assignment.reason) == (str(user % 2), Reason.ASSIGNED)


def test_a_random_operator_besides_the_variant_counts_as_in_code(
    manager: ExperimentManager,
) -> None:
    class Total(PlanOutOpCommutative):  # type: ignore[misc]
        def commutativeExecute(self, values: list[int]) -> int:
            return sum(values)

    script = put(
        "variant", {"op": "index", "base": ["0", "1"], "index": {"op": "total", "values": [1]}}
    )
    manager.add(declare(script=script, operators={"total": Total}))
    assert manager.assign("Scripted", user=1).variant == "1"


def test_all_that_an_experiment_declares_holds_for_a_script(manager: ExperimentManager) -> None:
    script = put("colour", choice("user"))
    manager.add(
        declare(script=script, param_name="colour", rollout=0.5, forced={"1": ["vip"]}, salt="s")
    )
    reasons = {manager.assign("Scripted", user=user).reason for user in range(100)}
    assert reasons == {Reason.ASSIGNED, Reason.NOT_ENROLLED}
    assert manager.assign("Scripted", user="vip").reason is Reason.FORCED


def test_without_a_script_it_is_a_base_class() -> None:
    class Ours(ScriptExperiment, UserExperiment):
        inputs = {"userid": "user"}

    class Banner(Ours):
        script = put("variant", choice("userid"))
        variants = ["0", "1"]

    assert not is_experiment(ScriptExperiment)
    assert not is_experiment(Ours)
    assert Banner.compiled.sets == {"variant"}


@pytest.fixture
def module(tmp_path: Path) -> Any:
    """A module of the application, in a folder of its own."""
    made = ModuleType("banners")
    made.__file__ = str(tmp_path / "banners.py")
    sys.modules["banners"] = made
    yield made
    del sys.modules["banners"]


def test_a_script_file_is_found_beside_the_module_that_names_it(
    module: ModuleType, tmp_path: Path, manager: ExperimentManager
) -> None:
    (tmp_path / "scripts").mkdir()
    file = tmp_path / "scripts" / "banner.json"
    for variant in ("0", "1"):
        file.write_text(json.dumps(put("variant", variant)), encoding="utf-8")
        banner = declare(
            script="scripts/banner.json", __module__="banners", name=f"Banner{variant}"
        )
        manager.add(banner)
        assert manager.get(banner, user=1) == variant
    absolute = declare(script=file)
    child: Any = type("Child", (banner,), {})
    assert absolute.compiled.checksum == banner.compiled.checksum == child.compiled.checksum


def test_the_fingerprint_changes_with_the_script_and_with_its_inputs() -> None:
    script = put("variant", choice("userid"))
    first = declare(script=script, inputs={"userid": "user"}).fingerprint
    assert declare(script=script, inputs={"userid": "user"}).fingerprint == first
    assert declare(script=script, inputs={"userid": "actor"}).fingerprint != first
    other = put("variant", {**choice("userid"), "salt": "s"})
    assert declare(script=other, inputs={"userid": "user"}).fingerprint != first


@pytest.mark.parametrize(
    ("attributes", "says"),
    [
        ({"script": {"op": "sett"}}, r"Scripted\.script: there is no operator 'sett'"),
        ({"script": {"op": "sett"}, "name": "banner"}, r"banner\.script: there is no"),
        ({"script": 5}, r"Scripted\.script: must be an operator"),
        ({"script": "nowhere.json"}, r"its script .*nowhere\.json cannot be read"),
        ({"script": Path(__file__)}, r"its script .*test_script\.py is no JSON"),
        (
            {"script": put("variant", get("userid"))},
            r"reads 'userid'.* inputs = {\"userid\": \"user\"}",
        ),
        ({"script": put("colour", "red")}, "sets 'colour': .* the `param_name`, not 'variant'"),
        ({"script": {"op": "seq", "seq": []}}, "sets nothing"),
        ({"script": put("variant", "0"), "inputs": "user"}, "`inputs` must look like"),
        (
            {"script": put("variant", "0"), "inputs": {"a": "user id"}},
            "`inputs` gives 'a' the source",
        ),
        ({"script": put("variant", "0"), "inputs": {"a": 3}}, "`inputs` gives 'a' the source"),
        ({"script": put("variant", "0"), "operators": {"set": 3}}, "PlanOut has an operator 'set'"),
        ({"script": put("variant", "0"), "bucketing": "amplitude"}, "hashes as PlanOut"),
    ],
)
def test_a_script_that_cannot_be_an_experiment_is_refused(
    attributes: dict[str, Any], says: str
) -> None:
    with pytest.raises(DeclarationError, match=says):
        declare(**attributes)


def test_a_variant_that_is_not_declared_is_an_error(manager: ExperimentManager) -> None:
    manager.add(declare(script=put("variant", "2")))
    with pytest.raises(DeclarationError, match="gave '2' for 'variant'"):
        manager.get("Scripted", user=1)
