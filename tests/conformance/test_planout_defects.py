"""What PlanOut 0.6.0 gets wrong, and abkit does not: one heading per defect.

The defects of its operators and of its Assignment (a list of units that is changed, ASCII only, single
use, KeyError for a missing attribute, arguments that are not checked) have their tests in
tests/assignment/test_operators.py and test_params.py; here is what they do not show.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from planout.ops.base import PlanOutOpCommutative

from abkit import (
    DeclarationError,
    ExperimentManager,
    Exposure,
    OrgExperiment,
    Params,
    Reason,
    UniformChoice,
    UserExperiment,
)
from abkit.assignment.interpreter import compile_script
from abkit.experiments.deciding.run import Run
from abkit.experiments.declaring.layer import Namespace
from abkit.experiments.declaring.script import ScriptExperiment
from abkit.exposure.logger import ExposureLogger
from abkit.sinks.memory import MemorySink

from ..threads import at_once


class Banner(UserExperiment):
    variants = ["a", "b"]

    def assign(self, params: Params, user: Any) -> None:
        params.variant = UniformChoice(choices=["a", "b"], unit=user.id)


def sample_of(unit: Any) -> dict[str, Any]:
    return {
        "op": "set",
        "var": "variant",
        "value": {"op": "sample", "choices": [1, 2, 3, 4], "draws": 2, "unit": unit},
    }


# 1. Lists of units are mutated.


def test_a_list_of_units_stays_as_it_is_in_an_input_of_a_script() -> None:
    units, script = [1, 2], compile_script(sample_of({"op": "get", "var": "units"}))
    given = []
    for _ in range(2):
        params = Params("salt")
        script.run(params, {"units": units})
        given.append(params.variant)
    assert given[0] == given[1]
    assert units == [1, 2]


# 2. Units and salts must be ASCII.


def test_any_text_is_a_unit_a_salt_a_name_and_a_namespace(manager: ExperimentManager) -> None:
    namespace = Namespace("café", 10, history=[("add", "größe", 10)])

    class Size(UserExperiment):
        name = "Größe"
        variants = ["klein", "groß"]
        layer, slots, salt = namespace.layer, namespace.slots("größe"), namespace.salt("größe")

    manager.add(Size)
    assert manager.assign("Größe", user="José").enrolled
    params = Params("naïve")
    compile_script(sample_of("日本")).run(params, {})
    assert len(params.variant) == 2


# 3. Units that are joined by "." collide. The text that is hashed must stay PlanOut's; what abkit adds
#    keeps its parts apart.


def test_exposures_whose_parts_would_join_to_one_text_are_told_apart() -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        for experiment, salt, unit in (("a", "b.c", "d"), ("a.b", "c", "d"), ("a", "b", "c.d")):
            logger(
                Exposure(
                    experiment=experiment,
                    salt=salt,
                    unit_type="user",
                    unit_id=unit,
                    variant="1",
                    time=1.0,
                )
            )
    assert len(sink.events) == 3


def test_the_rollout_hashes_a_text_that_no_variant_hashes(manager: ExperimentManager) -> None:
    """With one hash for both, half a rollout would give everybody one variant."""

    class Half(UserExperiment):
        variants = ["a", "b"]
        rollout = 0.5

    manager.add(Half)
    enrolled = [a for a in (manager.assign(Half, user=i) for i in range(1000)) if a.enrolled]
    assert 200 < [a.variant for a in enrolled].count("a") < 300


# 4. What is checked is checked by `assert`.


def test_arguments_are_checked_in_optimized_python_too() -> None:
    program = """
from abkit import BernoulliTrial, DeclarationError, OperatorError, Params, UserExperiment
try:
    Params("salt").x = BernoulliTrial(p=7, unit=1)
except OperatorError:
    print("operator")
try:
    type("Wrong", (UserExperiment,), {"variants": {"a": -1, "b": 2}})
except DeclarationError:
    print("declaration")
"""
    ran = subprocess.run(
        [sys.executable, "-O", "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["operator", "declaration"]


# 5. Operators are single-use; 6. KeyError where AttributeError is due.


def test_one_operator_of_a_class_serves_all_requests_and_parameters() -> None:
    shared = UniformChoice(choices=[*range(1000)], unit="u")

    class Shared(UserExperiment):
        variants = [*range(1000)]

        def assign(self, params: Params, user: Any) -> None:
            params.other = shared
            params.variant = shared
            assert not hasattr(params, "missing")

    first, second = Run(Shared, user=1), Run(Shared, user=1)
    assert first.get_params() == second.get_params()
    assert first.get("other") != first.get("variant")
    assert shared.args.keys() == {"choices", "unit"}


# 7. Nothing is deduplicated between instances.


def test_three_runs_of_one_unit_give_one_exposure(manager: ExperimentManager) -> None:
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        for _ in range(3):
            Run(Banner, on_event=logger, user=1).get("variant")
        manager.add(Banner)
        manager.on_event = logger
        manager.log_exposure(Banner, user=1)
    assert len(sink.events) == 1


# 8. A parameter that is got by keyword is never logged.


def test_a_parameter_that_is_got_by_keyword_exposes_too() -> None:
    events: list[Any] = []
    Run(Banner, on_event=events.append, user=1).get(name="variant")
    assert len(events) == 1


# 9. Namespaces.

NAMESPACE = Namespace("ns", 10, history=[("add", "picky", 5)], fast_sample=True)


class Picky(UserExperiment):
    variants = ["default", "other"]
    layer, slots, salt = NAMESPACE.layer, NAMESPACE.slots("picky"), NAMESPACE.salt("picky")

    def assign(self, params: Params, user: Any) -> bool:
        params.variant = "other"
        return False


def test_a_unit_that_the_experiment_of_its_segment_leaves_out_gets_the_default() -> None:
    runs = [Run(Picky, user=user) for user in range(50)]
    assert {run.assignment.reason for run in runs} == {Reason.INELIGIBLE, Reason.EXCLUDED}
    assert {run.get("variant") for run in runs} == {"default"}


def test_a_unit_in_no_experiment_can_be_asked_to_be_exposed(manager: ExperimentManager) -> None:
    events: list[Any] = []
    manager.on_event = events.append
    manager.add(Picky)
    for user in range(50):
        manager.log_exposure(Picky, user=user)
        Run(Picky, on_event=events.append, user=user).log_exposure()
    assert events == []


def test_more_segments_than_there_are_is_an_error() -> None:
    with pytest.raises(DeclarationError, match="only 4 are free"):
        Namespace("ns", 10, history=[("add", "first", 6), ("add", "second", 5)])


# 10. The interpreter changes the script, fails on a map in a map, and registers operators globally.


def test_a_script_is_the_same_before_and_after_it_ran() -> None:
    code = {
        "op": "seq",
        "seq": [
            sample_of([1, 2]),
            {"op": "set", "var": "m", "value": {"op": "map", "a": {"op": "map", "b": 1}}},
        ],
    }
    before, checksum = json.dumps(code), compile_script(code).checksum
    params = Params("salt")
    compile_script(code).run(params, {})
    assert params.m == {"a": {"b": 1}}
    assert json.dumps(code) == before
    assert compile_script(code).checksum == checksum


def test_two_scripts_can_have_different_operators_of_one_name() -> None:
    class Total(PlanOutOpCommutative):  # type: ignore[misc]
        def commutativeExecute(self, values: list[int]) -> int:
            return sum(values)

    class Count(PlanOutOpCommutative):  # type: ignore[misc]
        def commutativeExecute(self, values: list[int]) -> int:
            return len(values)

    code = {"op": "set", "var": "x", "value": {"op": "of", "values": [5, 5]}}
    given = []
    for operator in (Total, Count, Total):
        params = Params("salt")
        compile_script(code, operators={"of": operator}).run(params, {})
        given.append(params.x)
    assert given == [10, 2, 10]


# 11. Files in the working directory; a race that doubles handlers; inputs that are no JSON.


def test_nothing_is_written_where_the_program_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with ExposureLogger(MemorySink()) as logger:
        Run(Banner, on_event=logger, user=1).get("variant")
    assert [*tmp_path.iterdir()] == []


def test_the_first_exposures_of_many_threads_are_one() -> None:
    for attempt in range(20):
        sink = MemorySink()
        with ExposureLogger(sink) as logger:
            fresh = type("Fresh", (UserExperiment,), {"variants": ["a", "b"]})

            def expose(logger: Any = logger, fresh: Any = fresh) -> None:
                Run(fresh, on_event=logger, user=1).get("variant")

            at_once(expose, threads=8)
        assert len(sink.events) == 1, attempt


def test_subjects_may_be_objects_that_are_no_json(manager: ExperimentManager) -> None:
    class ByOrg(OrgExperiment):
        variants = ["a", "b"]

        def assign(self, params: Params, org: Any) -> None:
            params.variant = UniformChoice(choices=["a", "b"], unit=org.id)

    org = SimpleNamespace(id=42, owner=object())
    sink = MemorySink()
    with ExposureLogger(sink) as logger:
        assert Run(ByOrg, on_event=logger, org=org).get("variant") in {"a", "b"}
        manager.add(ByOrg)
        manager.on_event = logger
        manager.log_exposure(ByOrg, org=org)
    (exposure,) = sink.exposures
    assert (exposure.unit_id, exposure.groups) == ("42", {"org": "42"})


# 12. Each request reads the source of the experiment, and allocates its namespace anew.


def test_a_request_reads_no_source_compiles_no_script_and_allocates_no_namespace(
    manager: ExperimentManager,
) -> None:
    namespace = Namespace("ns", 1000, history=[("add", "scripted", 1000)])

    class Scripted(ScriptExperiment, UserExperiment):
        variants = [1, 2, 3, 4]
        layer, slots, salt = (
            namespace.layer,
            namespace.slots("scripted"),
            namespace.salt("scripted"),
        )
        script = {
            "op": "set",
            "var": "variant",
            "value": {
                "op": "uniformChoice",
                "choices": [1, 2, 3, 4],
                "unit": {"op": "get", "var": "user"},
            },
        }

    manager.add(Scripted)
    manager.add(Banner)
    called: set[tuple[str, str]] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            called.add((frame.f_globals["__name__"], frame.f_code.co_name))

    Run(Banner, user=0).get("variant")
    Run(Scripted, user=0).get("variant")
    sys.setprofile(note)
    try:
        manager.get(Banner, user=1)
        manager.get(Scripted, user=1)
        Run(Banner, user=1).get("variant")
        Run(Scripted, user=1).get("variant")
    finally:
        sys.setprofile(None)
    modules = {module for module, _ in called}
    assert modules.isdisjoint(
        {"inspect", "linecache", "json", "abkit.experiments.declaring.segments"}
    )
    assert ("abkit.assignment.interpreter", "run") in called
    assert ("abkit.assignment.interpreter", "compile_script") not in called
    assert ("abkit.assignment.operators", "_sample") not in called
