"""PlanOut: an experiment object per request; each writes its exposure, nothing is deduplicated."""

import collections
import collections.abc
from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer

STATEMENTS = (
    "import collections, collections.abc; "
    "collections.MutableMapping = collections.abc.MutableMapping; "
    "import planout.experiment"
)


def peer() -> Peer:
    """PlanOut 0.6.0 looks for MutableMapping where Python 3.9 still had it."""
    vars(collections)["MutableMapping"] = collections.abc.MutableMapping
    operators: Any = import_module("planout.ops.random")
    base: Any = import_module("planout.experiment").SimpleExperiment
    written: list[Any] = []

    def uniform(self: Any, params: Any, userid: str) -> None:
        params.variant = operators.UniformChoice(choices=["0", "1"], unit=userid)

    def weighted(self: Any, params: Any, userid: str) -> None:
        params.variant = operators.WeightedChoice(
            choices=["0", "1"], weights=[0.5, 0.5], unit=userid
        )

    # Its own logger would write a file.
    to_memory = {
        "configure_logger": lambda self: None,
        "log": lambda self, data: written.append(data),
    }
    silent = {**to_memory, "setup": lambda self: self.set_auto_exposure_logging(False)}

    def loop(methods: dict[str, Any]) -> Loop:
        experiment: Any = type("Exp", (base,), methods)
        return lambda units: [experiment(userid=unit).get("variant") for unit in units]

    on = loop({**to_memory, "assign": uniform})
    return Peer(
        package="PlanOut",
        statements=STATEMENTS,
        off=loop({**silent, "assign": uniform}),
        on=on,
        rep=on,
        received=lambda: len(written),
        weighted=loop({**silent, "assign": weighted}),
    )
