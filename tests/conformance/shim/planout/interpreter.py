"""`planout.interpreter`, made of abkit."""

from collections.abc import Mapping
from typing import Any, Self

from planout.ops.base import PlanOutOp

from abkit import Params
from abkit.assignment.interpreter import compile_script
from abkit.assignment.params import override


class Interpreter:
    """A script and the parameters that it writes."""

    def __init__(
        self, script: Any, experiment_salt: str = "global_salt", inputs: Mapping[str, Any] = {}
    ) -> None:
        self._script, self._inputs = script, inputs
        self._params = Params(experiment_salt)
        self._operators: dict[str, type[PlanOutOp]] = {}
        self._outcome: bool | None = None
        self._evaluated = False

    def register_operators(self, operators: Mapping[str, type[PlanOutOp]]) -> Self:
        self._operators.update(operators)
        return self

    def set_overrides(self, overrides: Mapping[str, Any]) -> Self:
        override(self._params, overrides)
        return self

    def get_params(self) -> Params:
        if not self._evaluated:
            script = compile_script(self._script, operators=self._operators)
            self._outcome = script.run(self._params, self._inputs)
            self._evaluated = True
        return self._params

    @property
    def in_experiment(self) -> bool:
        return self._outcome is not False
