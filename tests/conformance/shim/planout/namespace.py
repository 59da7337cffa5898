"""`planout.namespace`, made of abkit."""

from typing import Any

from planout.experiment import DefaultExperiment

from abkit.experiments.declaring.layer import Namespace
from abkit.experiments.declaring.segments import Added, Removed


class SimpleNamespace:
    name: str
    primary_unit: str
    num_segments: int
    default_experiment_class: Any = DefaultExperiment

    def __init__(self, **inputs: Any) -> None:
        self.inputs = inputs
        self._history: list[Added | Removed] = []
        self._classes: dict[str, Any] = {}
        self.setup()
        self.setup_experiments()
        self._default = self.default_experiment_class(**inputs)
        self._experiment = self._own_experiment()

    def setup(self) -> None: ...

    def setup_experiments(self) -> None: ...

    def add_experiment(self, name: str, experiment: Any, segments: int) -> None:
        self._history.append(("add", name, segments))
        self._classes[name] = experiment

    def remove_experiment(self, name: str) -> None:
        self._history.append(("remove", name))

    def _own_experiment(self) -> Any:
        namespace = Namespace(self.name, self.num_segments, history=self._history)
        segment = namespace.layer.slot(str(self.inputs[self.primary_unit]))
        for name, slots in namespace.allocation.items():
            if segment in slots:
                experiment = self._classes[name](**self.inputs)
                experiment.name = f"{self.name}-{name}"
                experiment.salt = namespace.salt(name)
                return experiment
        return self._default

    def get(self, name: str, default: Any = None) -> Any:
        return self._experiment.get(name, self._default.get(name, default))
