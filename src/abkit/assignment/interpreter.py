"""PlanOut's scripts: JSON as its compiler writes it, checked once, then run for each unit.

They mean what they mean to PlanOut's reference interpreter (Bakshy, Eckles, Bernstein 2014;
interpreter.py and ops/core.py). Unlike it, this one never changes a script, tells what is wrong with
one before it runs, and keeps operators of one's own to the script that they are given with.
"""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attrs import field, frozen

from abkit.assignment._planout import PlanOutOp
from abkit.assignment.compiler import BUILT_IN, Compiler, Operators
from abkit.assignment.environment import Environment, Returned, Step
from abkit.assignment.hashing import sha1
from abkit.assignment.params import Params
from abkit.errors import DeclarationError

_NO_OPERATORS: Operators = MappingProxyType({})


@frozen(kw_only=True)
class Script:
    """A PlanOut script, ready to run; `compile_script` makes it.

    Attributes:
        reads: The variables that it reads and never sets: its inputs.
        sets: The variables that it sets: its parameters.
        operators: The random operators that it names, and those of one's own.
        checksum: Eight hexadecimal digits of its JSON, as PlanOut has them.
    """

    reads: frozenset[str]
    sets: frozenset[str]
    operators: frozenset[type[PlanOutOp]]
    checksum: str
    _run: Step = field(repr=False)

    def run(self, params: Params, inputs: Mapping[str, Any]) -> bool | None:
        """Write the parameters of one unit.

        Args:
            params: What the script writes into; overridden parameters keep their values.
            inputs: The variables that it reads; one that is missing is None.

        Returns:
            Whether the unit takes part, as the script's `return` says; None if it does not return.

        Raises:
            OperatorError: An operator has an argument that it cannot use. Like every error that a
                script meets while it runs, it has a note that tells the place.
        """
        try:
            self._run(Environment(params, inputs))
        except Returned as returned:
            return returned.takes_part
        return None

    def uses(self, kind: type[PlanOutOp]) -> bool:
        """Whether it names an operator of a kind."""
        return any(issubclass(used, kind) for used in self.operators)


def compile_script(
    code: Any, *, name: str = "script", operators: Operators = _NO_OPERATORS
) -> Script:
    """Check a script and make it ready to run.

    Args:
        code: What `json.loads` makes of the output of PlanOut's compiler.
        name: What messages call the script.
        operators: Operators of one's own, by the name that the script knows them by.

    Raises:
        DeclarationError: The script cannot be run; the message names the place in it.
    """
    for own, kind in operators.items():
        if own in BUILT_IN:
            raise DeclarationError(name, f"PlanOut has an operator {own!r}; name yours otherwise")
        if not (isinstance(kind, type) and issubclass(kind, PlanOutOp)):
            raise DeclarationError(name, f"the operator {own!r} must be a PlanOutOp, not {kind!r}")
    compiler = Compiler(operators)
    try:
        run = compiler.statement(code, name)
        text = json.dumps(code)
    except RecursionError:
        raise DeclarationError(name, "is nested too deeply") from None
    except TypeError as error:
        raise DeclarationError(name, f"must be JSON: {error}") from None
    return Script(
        reads=frozenset(compiler.gets - compiler.sets),
        sets=frozenset(compiler.sets),
        operators=frozenset(compiler.operators),
        checksum=sha1(text.encode()).hexdigest()[:8],
        run=run,
    )
