"""What decides an experiment's assignments, as JSON-ready values."""

import ast
import hashlib
import inspect
from collections.abc import Iterable
from textwrap import dedent
from typing import Any

from abkit.experiments.checking.tracing import traced
from abkit.experiments.declaring.experiment import Experiment


def locked(experiment: type[Experiment]) -> dict[str, Any]:
    """All that decides an experiment's assignments, as JSON-ready values."""
    declaration = experiment.declaration
    layer = declaration.layer
    return {
        "unit_type": declaration.unit_type,
        "salt": declaration.salt,
        "param_name": declaration.param_name,
        "bucketing": str(declaration.bucketing),
        "variants": [[variant, weight] for variant, weight in declaration.weights.items()],
        "rollout": declaration.rollout,
        "layer": None
        if layer is None
        else {
            "salt": layer.salt or layer.name,
            "size": layer.size,
            "slots": _spans(declaration.slots),
        },
        "holdouts": [{"salt": h.salt or h.name, "share": h.share} for h in declaration.holdouts],
        # Only where it is so: locks of other experiments stay as they are.
        **({"sticky": True} if declaration.sticky else {}),
        "drawn": _drawn(experiment),
        "code": {hook: _code(experiment, hook) for hook in ("assign", "eligible")},
    }


def _spans(slots: Iterable[int]) -> list[list[int]]:
    """Slots as [first, last] pairs, so that a layer of 10,000 slots stays readable."""
    spans: list[list[int]] = []
    for slot in sorted(slots):
        if spans and spans[-1][1] == slot - 1:
            spans[-1][1] = slot
        else:
            spans.append([slot, slot])
    return spans


def _code(experiment: type[Experiment], hook: str) -> str | None:
    """Names the experiment's own code of a hook, or its script; None if it has none."""
    if hook == "assign" and hasattr(experiment, "fingerprint"):
        fingerprint: str = experiment.fingerprint
        return fingerprint
    function = getattr(experiment, hook)
    if function is getattr(Experiment, hook):
        return None
    try:
        # Parsed and written again: comments, blank lines and quotes decide nothing.
        text = ast.unparse(ast.parse(dedent(inspect.getsource(function))))
    except (OSError, TypeError, SyntaxError):
        text = repr((function.__code__.co_code, function.__code__.co_consts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _drawn(experiment: type[Experiment]) -> list[list[Any]] | None:
    """What an operator in the code draws from, with its weights, which may stand outside of `assign()`.

    None if it is not known, or not here, as where a setting for tests keeps the code from drawing.
    """
    found = traced(experiment)
    if found is None or found.weights is None:
        return None
    return [[*pair] for pair in zip(found.variants, found.weights, strict=False)]
