"""What an `assign()` writes, and which operator drew it."""

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from abkit.assignment._planout import PlanOutOp
from abkit.assignment.hashing import unit_text
from abkit.assignment.operators import EXECUTORS, salt_of
from abkit.assignment.params import Params, values_of, was_randomized
from abkit.experiments.deciding.answer import Decision
from abkit.experiments.deciding.in_code import compile_assign
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.subjects import Subjects


@frozen
class Drawing:
    """A parameter, as it was written last.

    Attributes:
        value: Its value.
        operator: The name of the random operator that gave it; None: code did.
        hashed: What was hashed; None where an operator hashes several texts, or is the user's own.
    """

    value: Any
    operator: str | None
    hashed: str | None

    def to_dict(self) -> dict[str, Any]:
        """All of it."""
        return {"value": self.value, "operator": self.operator, "hashed": self.hashed}


def drawn(
    experiment: Experiment, declaration: Declaration, unit_id: str, subjects: Subjects
) -> tuple[Decision, Mapping[str, Drawing]]:
    """What `assign()` gives a unit, and each of its parameters.

    Raises:
        Exception: Whatever the code raises.
    """
    operators: dict[str, tuple[str | None, str | None]] = {}

    class Watched(Params):
        """Notes what is written."""

        __slots__ = ()

        def __setattr__(self, name: str, value: Any) -> None:
            operators[name] = _operator(value, self.experiment_salt, name)
            super().__setattr__(name, value)

    decision = compile_assign(experiment, declaration, params_class=Watched)(unit_id, subjects)
    params = decision[3]
    if not isinstance(params, Params):
        return decision, {}
    drawings = {}
    for name, value in values_of(params).items():
        operator, hashed = operators.get(name, (None, None))
        if operator is None and hasattr(experiment, "fingerprint"):
            # A script executes its operators itself, and writes what they give.
            operator = "the script" if was_randomized(params, name) else None
        drawings[name] = Drawing(value, operator, hashed)
    return decision, drawings


def _operator(value: Any, salt: str, name: str) -> tuple[str | None, str | None]:
    if not isinstance(value, PlanOutOp):
        return None, None
    kind = type(value).__name__
    if type(value) not in EXECUTORS or "unit" not in value.args:
        return kind, None
    return kind, f"{salt_of(value.args, salt, name)}{unit_text(value.args['unit'])}"
