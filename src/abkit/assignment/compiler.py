"""The nodes of a PlanOut script, checked and turned into steps."""

from collections.abc import Callable, Collection, Iterable, Mapping
from copy import deepcopy
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, TypeAlias

from abkit.assignment._planout import PlanOutOp, PlanOutOpRandom
from abkit.assignment.environment import Deferred, Environment, Returned, Step
from abkit.assignment.language import FUNCTIONS, RANDOM
from abkit.assignment.nodes import Node, check_arguments, is_node, list_in, variable_in
from abkit.assignment.operators import EXECUTORS
from abkit.errors import DeclarationError

Operators: TypeAlias = Mapping[str, type[PlanOutOp]]
"""Operators of one's own, by the name that scripts know them by."""


class Compiler:
    """Turns the nodes of one script into steps, and notes what the script names.

    Args:
        own: Operators of one's own.
    """

    def __init__(self, own: Operators) -> None:
        self._own = own
        self.gets: set[str] = set()
        self.sets: set[str] = set()
        self.operators: set[type[PlanOutOp]] = set()

    def statement(self, code: Any, place: str) -> Step:
        """A step that is there for its effect: a bare value would be a mistake.

        Raises:
            DeclarationError: The code cannot be run; the message names the place.
        """
        if isinstance(code, list | tuple):
            return _in_turn([self.statement(each, f"{place}[{i}]") for i, each in enumerate(code)])
        if not is_node(code):
            raise DeclarationError(place, f'must be an operator, {{"op": ...}}, not {code!r}')
        return self.value(code, place)

    def value(self, code: Any, place: str, *, variable: str | None = None) -> Step:
        """A step that gives a value; `variable` is what is set to it, if nothing lies between.

        Raises:
            DeclarationError: As `statement`.
        """
        if is_node(code):
            return self._operator(code, place, variable)
        return _listing(self._each(code, place)) if isinstance(code, list) else _constant(code)

    def values(self, node: Node, place: str, argument: str = "values") -> list[Step]:
        """The elements of an argument that must be a list in the script itself."""
        return self._each(list_in(node, place, argument), f"{place}.{argument}")

    def _each(self, codes: Iterable[Any], place: str) -> list[Step]:
        return [self.value(code, f"{place}[{i}]") for i, code in enumerate(codes)]

    def _operator(self, node: Node, place: str, variable: str | None) -> Step:
        name = node["op"]
        known = (*BUILT_IN, *self._own)
        if name not in known:
            raise DeclarationError(place, _unknown(name, known))
        if name in _FORMS:
            needed, form = _FORMS[name]
            check_arguments(node, place, needed, also=None if name == "map" else ())
            return form(self, node, place)
        if name in FUNCTIONS:
            needed, function = FUNCTIONS[name]
            check_arguments(node, place, needed)
            steps = [self.value(node[argument], f"{place}.{argument}") for argument in needed]
            apply = _noting(place, function)
            return lambda environment: apply(*[step(environment) for step in steps])
        if name in RANDOM:
            return self._random(node, place, variable)
        return self._one_of_ones_own(node, place, variable)

    def _random(self, node: Node, place: str, variable: str | None) -> Step:
        kind, needed, optional = RANDOM[node["op"]]
        check_arguments(node, place, needed, also=optional)
        self._note_operator(kind, node, place, variable)
        steps = [(name, self.value(node[name], f"{place}.{name}")) for name in node if name != "op"]
        executor, name = EXECUTORS[kind], variable or ""

        def execute(environment: Environment, args: dict[str, Any]) -> Any:
            environment.randomize(None if variable is None else kind(**args))
            return executor(args, environment.experiment_salt, name)

        noting = _noting(place, execute)
        return lambda environment: noting(
            environment, {name: step(environment) for name, step in steps}
        )

    def _one_of_ones_own(self, node: Node, place: str, variable: str | None) -> Step:
        kind = self._own[node["op"]]
        check_arguments(node, place, (), also=None)
        self._note_operator(kind, node, place, variable)
        args = {name: self._deferred(code, f"{place}.{name}") for name, code in node.items()}
        if variable is not None:
            args.setdefault("salt", variable)
        is_random = issubclass(kind, PlanOutOpRandom)

        def execute(environment: Environment) -> Any:
            if is_random:
                environment.randomize()
            # PlanOut's operators write into their arguments: each execution gets its own.
            return kind(**{name: _fresh(arg) for name, arg in args.items()}).execute(environment)

        return _noting(place, execute)

    def _deferred(self, code: Any, place: str) -> Any:
        if is_node(code):
            return Deferred(self.value(code, place))
        if isinstance(code, list):
            return [self._deferred(each, f"{place}[{i}]") for i, each in enumerate(code)]
        return deepcopy(code)

    def _note_operator(
        self, kind: type[PlanOutOp], node: Node, place: str, variable: str | None
    ) -> None:
        self.operators.add(kind)
        salted = variable is not None or not {"salt", "full_salt"}.isdisjoint(node)
        if issubclass(kind, PlanOutOpRandom) and not salted:
            problem = (
                f"{node['op']} needs a `salt`: no variable is set to it that could be its salt"
            )
            raise DeclarationError(place, problem)


def _unknown(name: object, known: Collection[str]) -> str:
    close = get_close_matches(str(name), known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(known)}."
    return f"there is no operator {name!r}. {hint}"


def _noting(place: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function whose errors tell where in the script it was called."""

    def noting(*args: Any) -> Any:
        try:
            return function(*args)
        except Exception as error:
            error.add_note(f"in the script, at {place}")
            raise

    return noting


def _constant(value: Any) -> Step:
    if value is None or isinstance(value, str | int | float):
        return lambda _: value
    own = deepcopy(value)
    return lambda _: deepcopy(own)


def _fresh(argument: Any) -> Any:
    if isinstance(argument, list):
        return [*map(_fresh, argument)]
    return argument if isinstance(argument, Deferred) else deepcopy(argument)


def _listing(steps: list[Step]) -> Step:
    return lambda environment: [step(environment) for step in steps]


def _in_turn(steps: list[Step]) -> Step:
    def in_turn(environment: Environment) -> None:
        for step in steps:
            step(environment)

    return in_turn


def _literal(_: Compiler, node: Node, __: str) -> Step:
    return _constant(node["value"])


def _get(compiler: Compiler, node: Node, place: str) -> Step:
    variable = variable_in(node, place)
    compiler.gets.add(variable)
    return lambda environment: environment.get(variable)


def _set(compiler: Compiler, node: Node, place: str) -> Step:
    variable = variable_in(node, place)
    compiler.sets.add(variable)
    value = compiler.value(node["value"], f"{place}.value", variable=variable)

    def set_unless_overridden(environment: Environment) -> None:
        if not environment.has_override(variable):
            environment.draw(variable, value)

    return set_unless_overridden


def _seq(compiler: Compiler, node: Node, place: str) -> Step:
    return compiler.statement(list_in(node, place, "seq"), f"{place}.seq")


def _return(compiler: Compiler, node: Node, place: str) -> Step:
    value = compiler.value(node["value"], f"{place}.value")

    def end(environment: Environment) -> None:
        raise Returned(takes_part=bool(value(environment)))

    return end


def _array(compiler: Compiler, node: Node, place: str) -> Step:
    return _listing(compiler.values(node, place))


def _map(compiler: Compiler, node: Node, place: str) -> Step:
    # As in PlanOut, `salt` is never an entry: setting a variable to a map writes one into it.
    entries = {
        name: compiler.value(code, f"{place}.{name}")
        for name, code in node.items()
        if name not in {"op", "salt"}
    }
    return lambda environment: {name: entry(environment) for name, entry in entries.items()}


def _cond(compiler: Compiler, node: Node, place: str) -> Step:
    branches = []
    for i, branch in enumerate(list_in(node, place, "cond")):
        here = f"{place}.cond[{i}]"
        if not isinstance(branch, Mapping) or set(branch) != {"if", "then"}:
            raise DeclarationError(here, f'must be {{"if": ..., "then": ...}}, not {branch!r}')
        condition = compiler.value(branch["if"], f"{here}.if")
        branches.append((condition, compiler.value(branch["then"], f"{here}.then")))

    def first_that_holds(environment: Environment) -> Any:
        for condition, then in branches:
            if condition(environment):
                return then(environment)
        return None

    return first_that_holds


def _and(compiler: Compiler, node: Node, place: str) -> Step:
    steps = compiler.values(node, place)
    return lambda environment: all(step(environment) for step in steps)


def _or(compiler: Compiler, node: Node, place: str) -> Step:
    steps = compiler.values(node, place)
    return lambda environment: any(step(environment) for step in steps)


def _coalesce(compiler: Compiler, node: Node, place: str) -> Step:
    steps = compiler.values(node, place)

    def first_that_is(environment: Environment) -> Any:
        values = (step(environment) for step in steps)
        return next((value for value in values if value is not None), None)

    return first_that_is


_FORMS: Mapping[str, tuple[tuple[str, ...], Callable[[Compiler, Node, str], Step]]] = (
    MappingProxyType(
        {
            "literal": (("value",), _literal),
            "get": (("var",), _get),
            "seq": (("seq",), _seq),
            "set": (("var", "value"), _set),
            "return": (("value",), _return),
            "array": (("values",), _array),
            "map": ((), _map),
            "cond": (("cond",), _cond),
            "and": (("values",), _and),
            "or": (("values",), _or),
            "coalesce": (("values",), _coalesce),
        }
    )
)
"""The operators that decide themselves what of their arguments is evaluated."""

BUILT_IN = (*_FORMS, *FUNCTIONS, *RANDOM)
"""The names of PlanOut's own operators."""
