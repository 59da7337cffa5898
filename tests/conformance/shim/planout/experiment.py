"""`planout.experiment`, made of abkit: each instance is a Run of an experiment that it declares."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import abkit
from abkit.assignment.interpreter import compile_script
from abkit.events import Event
from abkit.experiments.deciding.run import Run

VARIANT = "planout:variant"
"""PlanOut knows parameters only; abkit's experiment has a variant besides, which is not shown."""


class Experiment:
    def __init__(self, **inputs: Any) -> None:
        self.inputs = inputs
        self.name = type(self).__name__
        self.salt: str | None = None
        self._overrides: Mapping[str, Any] = {}
        self.setup()

    def setup(self) -> None: ...

    def configure_logger(self) -> None: ...

    def assign(self, params: abkit.Params, **inputs: Any) -> object:
        raise NotImplementedError

    def log(self, data: dict[str, Any]) -> None:
        raise NotImplementedError

    def set_overrides(self, overrides: Mapping[str, Any]) -> None:
        self._overrides = overrides

    @cached_property
    def _run(self) -> Run:
        def assign(_: object, params: abkit.Params, **__: Any) -> object:
            outcome = self.assign(params, **self.inputs)
            params[VARIANT] = "assigned"
            return outcome

        attributes = {
            "unit_type": next(iter(self.inputs)),
            "name": self.name,
            "salt": self.salt or self.name,
            "param_name": VARIANT,
            "control": "none",
            "assign": assign,
            "own_randomization": True,  # this variant is written by the shim
        }
        declared = type("Declared", (abkit.Experiment,), attributes)
        return Run(declared, on_event=self._log, overrides=self._overrides, **self.inputs)

    def _params(self, params: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in params.items() if name != VARIANT}

    def _log(self, event: Event) -> None:
        assert isinstance(event, abkit.Exposure)
        self.configure_logger()
        self.log(
            {
                "name": event.experiment,
                "time": int(event.time),
                "salt": event.salt,
                "inputs": self.inputs,
                "params": self._params(self._run.assignment.params),
                "event": "exposure",
            }
        )

    @property
    def in_experiment(self) -> bool:
        return self._run.assignment.enrolled

    def get(self, name: str, default: Any = None) -> Any:
        return self._run.get(name, default)

    def get_params(self) -> dict[str, Any]:
        return self._params(self._run.get_params())


class ProductionExperiment(Experiment):
    """A Run exposes only by parameters that the experiment has, which is what this is for."""


class DefaultExperiment(Experiment):
    def log(self, data: dict[str, Any]) -> None: ...

    def get_default_params(self) -> dict[str, Any]:
        return {}

    def assign(self, params: abkit.Params, **_: Any) -> None:
        params.update(self.get_default_params())


class SimpleInterpretedExperiment(Experiment):
    script: Any

    def loadScript(self) -> None: ...

    def assign(self, params: abkit.Params, **inputs: Any) -> bool | None:
        self.loadScript()
        return compile_script(self.script).run(params, inputs)
