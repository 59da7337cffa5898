"""A PlanOut script means what it means to PlanOut, and what is wrong in one is found before it runs."""

import json
import math
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planout.ops.base import PlanOutOp, PlanOutOpCommutative
from planout.ops.random import PlanOutOpRandom

from abkit import DeclarationError, OperatorError, Params
from abkit.assignment.interpreter import Script, compile_script
from abkit.assignment.params import was_randomized

from ..conformance.reference import planout

GOALS = {
    "op": "seq",
    "seq": [
        {
            "op": "set",
            "var": "group_size",
            "value": {
                "op": "uniformChoice",
                "choices": {"op": "array", "values": [1, 10]},
                "unit": {"op": "get", "var": "userid"},
            },
        },
        {
            "op": "cond",
            "cond": [
                {
                    "if": {"op": ">", "left": {"op": "get", "var": "group_size"}, "right": 5},
                    "then": {"op": "set", "var": "large", "value": True},
                },
                {"if": True, "then": {"op": "return", "value": False}},
            ],
        },
        {"op": "set", "var": "seen", "value": 1},
    ],
}


def run(code: Any, inputs: dict[str, Any] | None = None, **overrides: Any) -> dict[str, Any]:
    params = Params("test_salt", overrides)
    compile_script(code).run(params, inputs or {})
    return {**params}


def value_of(code: Any, **inputs: Any) -> Any:
    return run({"op": "set", "var": "x", "value": code}, inputs)["x"]


def by_planout(code: Any, inputs: dict[str, Any], overrides: dict[str, Any]) -> Any:
    """PlanOut changes the script that it runs: it gets a copy."""
    interpreter = planout("interpreter").Interpreter(deepcopy(code), "test_salt", inputs)
    interpreter.set_overrides(overrides)
    params = {**interpreter.get_params()}
    return params, interpreter.in_experiment


# Scripts that PlanOut can run: values of the right kinds, and a salt where it does not write one.

variables = st.sampled_from(["a", "b", "c", "variant"])
salts = st.sampled_from(["s", "t", "variant"])
scalars = st.integers(-20, 20) | st.floats(-20, 20) | st.booleans()
literals = scalars | st.text(max_size=3) | st.none()
units: st.SearchStrategy[Any] = st.sampled_from(["userid", "country"]).map(
    lambda name: {"op": "get", "var": name}
)


def node(op: str, **arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"op": st.just(op), **arguments})


def random_nodes(
    numbers: st.SearchStrategy[Any], *, salted: bool
) -> st.SearchStrategy[dict[str, Any]]:
    """The random operators; a list is one unit of several parts."""
    salt = {"salt": salts} if salted else {}
    parts = units | st.lists(units, min_size=1, max_size=2)
    choices = st.lists(numbers, min_size=1, max_size=4).map(
        lambda values: {"op": "array", "values": values}
    )
    probability = st.floats(0, 1) | st.sampled_from([0, 1])
    weighted = st.lists(st.tuples(numbers, st.integers(1, 9)), min_size=1, max_size=4).flatmap(
        lambda pairs: node(
            "weightedChoice",
            choices=st.just([value for value, _ in pairs]),
            weights=st.just([weight for _, weight in pairs]),
            unit=parts,
            **salt,
        )
    )
    return st.one_of(
        weighted,
        node("uniformChoice", choices=choices, unit=parts, **salt),
        node("bernoulliTrial", p=probability, unit=parts, **salt),
        node("randomFloat", min=st.floats(-9, 0), max=st.floats(0, 9), unit=parts, **salt),
        node("randomInteger", min=st.integers(-9, 0), max=st.integers(0, 9), unit=parts, **salt),
    )


def arithmetic(numbers: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    several = st.lists(numbers, min_size=1, max_size=3)
    binary = st.sampled_from(["equals", ">", "<", ">=", "<="])
    positive = st.integers(1, 9)
    return st.one_of(
        st.sampled_from(["sum", "product", "min", "max"]).flatmap(
            lambda op: node(op, values=several)
        ),
        binary.flatmap(lambda op: node(op, left=numbers, right=numbers)),
        st.sampled_from(["%", "/"]).flatmap(lambda op: node(op, left=numbers, right=positive)),
        st.sampled_from(["not", "negative", "round"]).flatmap(lambda op: node(op, value=numbers)),
        st.sampled_from(["and", "or", "coalesce"]).flatmap(
            lambda op: node(op, values=st.lists(numbers, min_size=1, max_size=3))
        ),
        node("length", value=st.lists(numbers, max_size=3)),
        node("index", base=several, index=st.just(0)),
        node("literal", value=scalars),
        node(
            "cond",
            cond=st.tuples(numbers, numbers, numbers).map(
                lambda of: [{"if": of[0], "then": of[1]}, {"if": True, "then": of[2]}]
            ),
        ),
        random_nodes(numbers, salted=True),
    )


numbers = st.recursive(scalars, arithmetic, max_leaves=6)
values = st.one_of(
    numbers,
    literals,
    random_nodes(numbers, salted=False),
    st.lists(numbers, max_size=3),
    node("map", key=numbers, other=literals),
    node(
        "index",
        base=st.dictionaries(st.text(max_size=2), literals, max_size=3),
        index=st.text(max_size=2),
    ),
    st.sampled_from(["sample", "fastSample"]).flatmap(
        lambda op: node(
            op,
            choices=st.lists(scalars, min_size=2, max_size=5),
            draws=st.integers(0, 2),
            unit=units,
        )
    ),
    node("bernoulliFilter", p=st.floats(0, 1), choices=st.lists(st.integers()), unit=units),
    variables.map(lambda name: {"op": "get", "var": name}),
)
sets = variables.flatmap(lambda name: node("set", var=st.just(name), value=values))
salting = node("set", var=st.just("experiment_salt"), value=st.sampled_from(["anew", "other"]))
returns = node("return", value=numbers)
statements = st.recursive(
    sets | salting,
    lambda inner: st.one_of(
        node("seq", seq=st.lists(inner | returns, max_size=4)),
        st.tuples(numbers, inner, inner | returns).map(
            lambda of: {
                "op": "cond",
                "cond": [{"if": of[0], "then": of[1]}, {"if": True, "then": of[2]}],
            }
        ),
    ),
    max_leaves=6,
)
scripts = node("seq", seq=st.lists(statements, max_size=6))


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(
    scripts,
    st.fixed_dictionaries({"userid": st.integers(), "country": st.sampled_from(["US", "CA"])}),
    st.dictionaries(variables, scalars, max_size=2),
)
def test_any_script_gives_what_planout_gives(
    code: Any, inputs: dict[str, Any], overrides: dict[str, Any]
) -> None:
    try:
        expected, in_experiment = by_planout(code, inputs, overrides)
    except (ArithmeticError, ValueError) as error:  # numbers that grow too large for floats
        with pytest.raises(type(error)):
            run(code, inputs, **overrides)
        return
    before = json.dumps(code)
    params = Params("test_salt", overrides)
    outcome = compile_script(code).run(params, inputs)
    assert json.dumps({**params}) == json.dumps(expected)
    assert (outcome is None or outcome) == in_experiment
    assert json.dumps(code) == before


@settings(max_examples=6 * settings().max_examples, deadline=None)
@given(arithmetic(scalars) | random_nodes(scalars, salted=True), st.integers())
def test_any_operator_gives_what_planout_gives(code: Any, userid: int) -> None:
    script, inputs = {"op": "set", "var": "x", "value": code}, {"userid": userid, "country": "US"}
    expected, _ = by_planout(script, inputs, {})
    assert json.dumps(run(script, inputs)) == json.dumps(expected)


def test_a_return_ends_the_script_and_says_whether_the_unit_takes_part() -> None:
    for value, expected in ((True, True), (42, True), (False, False), (0, False), (None, False)):
        code = [
            {"op": "set", "var": "x", "value": 2},
            {"op": "return", "value": value},
            {"op": "set", "var": "y", "value": 4},
        ]
        params = Params("salt")
        assert compile_script(code).run(params, {}) is expected
        assert params == {"x": 2}
    assert compile_script(GOALS["seq"][0]).run(params, {"userid": 1}) is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({"op": "exp", "value": 1}, 2.718281828459045),
        ({"op": "exp", "value": -0.5}, 0.6065306597126334),
        ({"op": "exp", "value": 0.123}, 1.1308844209474893),
        ({"op": "exp", "value": 1.88}, 6.553504862191148),
        ({"op": "sqrt", "value": 1}, 1),
        ({"op": "sqrt", "value": 0.123}, 0.3507135583350036),
        ({"op": "sqrt", "value": 1.88}, 1.3711309200802089),
        ({"op": "round", "value": 2.5}, 2),
        ({"op": ">=", "left": 2, "right": 2}, True),
        ({"op": "<=", "left": 2, "right": 2}, True),
        ({"op": ">", "left": 2, "right": 2}, False),
        ({"op": "<", "left": 2, "right": 2}, False),
        ({"op": "index", "base": [10, 20], "index": 1}, 20),
        ({"op": "index", "base": [10, 20], "index": 2}, None),
        ({"op": "index", "base": [10, 20], "index": -1}, None),
        ({"op": "index", "base": {"a": 42}, "index": "b"}, None),
        ({"op": "coalesce", "values": [None, 42, None]}, 42),
        ({"op": "coalesce", "values": [None]}, None),
        ({"op": "get", "var": "nothing"}, None),
        ({"op": "cond", "cond": [{"if": 0, "then": 1}]}, None),
        ({"op": "get", "var": "experiment_salt"}, "test_salt"),
        ({"a": {"op": "get", "var": "x"}}, {"a": {"op": "get", "var": "x"}}),
        ({"op": "map", "a": {"op": "map", "b": {"op": "sum", "values": [1, 1]}}}, {"a": {"b": 2}}),
    ],
)
def test_operators_of_the_newest_planout_and_edge_cases(code: Any, expected: Any) -> None:
    assert value_of(code) == expected


def test_inputs_can_be_overridden_and_so_can_parameters() -> None:
    code = {"op": "set", "var": "y", "value": {"op": "get", "var": "x"}}
    assert run(code, {"x": 1}) == {"y": 1}
    assert run(code, {"x": 1}, x=2) == {"x": 2, "y": 2}
    assert run(code, {"x": 1}, y=3) == {"y": 3}


def test_what_an_overridden_variable_is_set_to_is_not_even_evaluated() -> None:
    code = {"op": "set", "var": "x", "value": {"op": "sqrt", "value": -1}}
    assert run(code, x=7) == {"x": 7}


def test_setting_the_experiment_salt_salts_anew() -> None:
    draw = {"op": "randomInteger", "min": 0, "max": 10**12, "unit": 1}
    code = [
        {"op": "set", "var": "experiment_salt", "value": {"op": "get", "var": "other"}},
        {"op": "set", "var": "x", "value": draw},
    ]
    expected = Params("else")
    compile_script(code[1]).run(expected, {})
    assert run(code, {"other": "else"}) == expected != run(code[1])


def test_only_a_random_operator_that_is_executed_makes_parameters_randomized() -> None:
    choice = {"op": "uniformChoice", "choices": [1], "unit": 1}
    script = compile_script(
        {
            "op": "cond",
            "cond": [
                {
                    "if": {"op": "get", "var": "is_staff"},
                    "then": {"op": "set", "var": "x", "value": 1},
                },
                {"if": True, "then": {"op": "set", "var": "x", "value": choice}},
            ],
        }
    )
    for is_staff in (True, False):
        params = Params("salt")
        script.run(params, {"is_staff": is_staff})
        assert params == {"x": 1}
        assert was_randomized(params) is not is_staff
    assert script.uses(PlanOutOpRandom)


def test_a_script_tells_what_it_reads_and_sets() -> None:
    script = compile_script(GOALS)
    assert isinstance(script, Script)
    assert script.reads == {"userid"}
    assert script.sets == {"group_size", "large", "seen"}
    assert {operator.__name__ for operator in script.operators} == {"UniformChoice"}


def test_running_changes_neither_the_script_nor_what_it_holds() -> None:
    code = {
        "op": "seq",
        "seq": [
            {"op": "set", "var": "list", "value": [1, 2]},
            {"op": "set", "var": "map", "value": {"a": [1]}},
            {"op": "set", "var": "own", "value": {"op": "literal", "value": [1]}},
            {"op": "set", "var": "x", "value": {"op": "sample", "choices": [1, 2], "unit": ["u"]}},
        ],
    }
    text, script, params = json.dumps(code), compile_script(code), Params("salt")
    script.run(params, {})
    first = json.dumps({**params})
    params.list.append(3)
    params.map["a"].append(3)
    params.own.append(3)
    again = Params("salt")
    script.run(again, {})
    assert json.dumps({**again}) == first
    assert json.dumps(code) == text
    assert compile_script(code).checksum == script.checksum


def test_a_script_that_is_changed_after_it_was_compiled_runs_as_it_was() -> None:
    code = {"op": "set", "var": "x", "value": [1, {"a": 1}]}
    script = compile_script(code)
    code["value"].append(2)  # type: ignore[attr-defined]
    code["value"][1]["a"] = 2  # type: ignore[index]
    params = Params("salt")
    script.run(params, {})
    assert params == {"x": [1, {"a": 1}]}


def set_x(value: Any) -> dict[str, Any]:
    return {"op": "seq", "seq": [{"op": "set", "var": "x", "value": value}]}


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (5, r"^script: must be an operator"),
        ({}, r"^script: must be an operator"),
        ({"op": "seq", "seq": [{"Op": "set"}]}, r"^script\.seq\[0\]: must be an operator"),
        (
            {"op": "sequence"},
            r"^script: there is no operator 'sequence'. There are: literal, get, seq",
        ),
        ({"op": ["set"]}, r"^script: there is no operator \['set'\]"),
        ({"op": "seq"}, r"^script: seq needs the argument `seq`"),
        ({"op": "seq", "seq": 3}, r"^script\.seq: must be a list, not 3"),
        ({"op": "set", "value": 3}, r"^script: set needs the argument `var`"),
        ({"op": "set", "var": "", "value": 3}, r"^script\.var: must be a variable's name"),
        ({"op": "get", "var": 3}, r"^script\.var: must be a variable's name, not 3"),
        ({"op": "set", "var": "x", "value": 3, "vaule": 3}, r"set has no argument `vaule`"),
        ({"op": "cond", "cond": [{"if": True}]}, r"^script\.cond\[0\]: must be {\"if\""),
        ({"op": "cond", "cond": [3]}, r"^script\.cond\[0\]: must be {\"if\""),
        (set_x({"op": "uniformChoise"}), r"script\.seq\[0\]\.value: .* mean 'uniformChoice'"),
        (set_x({"op": "switch", "cases": []}), "there is no operator 'switch'"),
        (set_x({"op": "array", "values": {"op": "get", "var": "y"}}), r"value\.values: must be a"),
        (set_x([1, {"op": "nil"}]), r"script\.seq\[0\]\.value\[1\]: there is no operator 'nil'"),
        (set_x({"op": "min", "value": 1}), "min needs the argument `values`"),
        (set_x({"op": "bernoulliTrial", "p": 0.5}), "bernoulliTrial needs the argument `unit`"),
        (set_x({"op": "sample", "choices": [1], "unit": 1, "n": 1}), "sample has no argument `n`"),
        (set_x([{"op": "bernoulliTrial", "p": 0.5, "unit": 1}]), "needs a `salt`"),
        (set_x({"op": "map", 3: 3}), "an argument's name must be text, not 3"),
        (set_x({"a": {1, 2}}), "^script: must be JSON: .*set"),
        (set_x({"op": "literal", "value": object()}), "^script: must be JSON"),
    ],
)
def test_a_script_that_cannot_be_run_is_refused_with_the_place(code: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        compile_script(code)


def test_a_script_that_is_nested_without_end_is_refused() -> None:
    code: Any = 1
    for _ in range(100_000):
        code = [code]
    with pytest.raises(DeclarationError, match="nested too deeply"):
        compile_script({"op": "set", "var": "x", "value": code})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ({"op": "sqrt", "value": -0.5}, ValueError),
        ({"op": "/", "left": 1, "right": 0}, ZeroDivisionError),
        ({"op": "index", "base": 3, "index": 0}, OperatorError),
        ({"op": "sum", "values": {"op": "get", "var": "nothing"}}, OperatorError),
        ({"op": "bernoulliTrial", "p": 7, "unit": 1}, OperatorError),
        ({"op": "randomFloat", "min": 0, "max": 1, "unit": 1, "salt": 3}, OperatorError),
    ],
)
def test_what_goes_wrong_for_one_unit_tells_the_place(code: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        run(set_x(code))
    assert caught.value.__notes__ == ["in the script, at script.seq[0].value"]


class Total(PlanOutOpCommutative):  # type: ignore[misc]
    """A PlanOut operator of one's own."""

    def commutativeExecute(self, values: list[Any]) -> Any:
        return sum(values)


class Half(PlanOutOpRandom):  # type: ignore[misc]
    """A random one."""

    def simpleExecute(self) -> Any:
        return self.getHash() % 2


class FirstOf(PlanOutOp):  # type: ignore[misc]
    """One that evaluates what it likes, and swallows errors."""

    def execute(self, mapper: Any) -> Any:
        for value in self.getArgList("values"):
            try:
                return mapper.evaluate(value)
            except Exception:  # noqa: BLE001, S112
                continue
        assert not mapper.has("failed")
        mapper.set("failed", True)
        return mapper.get("fallback")


def run_own(code: Any, **operators: Any) -> Params:
    params = Params("salt")
    compile_script(code, operators=operators).run(params, {"fallback": "f"})
    return params


def test_an_operator_of_ones_own_gets_its_arguments_evaluated() -> None:
    code = set_x({"op": "total", "values": [2, {"op": "product", "values": [2, 2]}]})
    assert run_own(code, total=Total) == {"x": 6}
    assert not was_randomized(run_own(code, total=Total))


def test_a_random_operator_of_ones_own_is_salted_as_planouts_are() -> None:
    names = [f"x{i}" for i in range(64)]
    code = [{"op": "set", "var": n, "value": {"op": "half", "unit": [1, 2]}} for n in names]
    params, expected = run_own(code, half=Half), Params("salt")
    for name in names:
        expected[name] = Half(unit=[1, 2])
    assert params == expected
    assert {*params.values()} == {0, 1}
    assert was_randomized(params)
    with pytest.raises(DeclarationError, match="half needs a `salt`"):
        run_own(set_x([{"op": "half", "unit": 1}]), half=Half)


def test_an_operator_of_ones_own_may_evaluate_late_but_cannot_stop_a_return() -> None:
    fails = {"op": "sqrt", "value": -1}
    assert run_own(set_x({"op": "first", "values": [fails, 3]}), first=FirstOf) == {"x": 3}
    assert run_own(set_x({"op": "first", "values": [fails]}), first=FirstOf) == {
        "x": "f",
        "failed": True,
    }
    returning = set_x({"op": "first", "values": [{"op": "return", "value": False}, 3]})
    assert run_own(returning, first=FirstOf) == {}


def test_operators_of_ones_own_belong_to_their_script() -> None:
    code = set_x({"op": "total", "values": [1]})
    for _ in range(2):
        assert run_own(code, total=Total) == {"x": 1}
    with pytest.raises(DeclarationError, match="there is no operator 'total'"):
        compile_script(code)
    with pytest.raises(DeclarationError, match="PlanOut has an operator 'sum'"):
        compile_script(code, operators={"sum": Total})
    with pytest.raises(DeclarationError, match="must be a PlanOutOp"):
        compile_script(code, operators={"total": math.fsum})  # type: ignore[dict-item]
