"""GrowthBook: one instance, whose attributes are set for each user (an instance each takes longer)."""

from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer

FEATURES = {
    "feature": {
        "defaultValue": "none",
        "rules": [{"key": "exp", "variations": ["0", "1"], "weights": [0.5, 0.5], "coverage": 1}],
    }
}


def peer() -> Peer:
    """The callback is called in the caller's thread, once for each user and experiment."""
    sdk: Any = import_module("growthbook")
    viewed: list[Any] = []

    def keep(*args: Any, **named: Any) -> None:
        viewed.append((args, named))

    def loop(**options: Any) -> Loop:
        growthbook = sdk.GrowthBook(features=FEATURES, **options)

        def variants(units: Any) -> list[Any]:
            found = []
            for unit in units:
                growthbook.set_attributes({"id": unit})
                found.append(growthbook.get_feature_value("feature", "default"))
            return found

        return variants

    return Peer(
        package="growthbook",
        statements="import growthbook",
        off=loop(),
        on=loop(on_experiment_viewed=keep),
        rep=loop(on_experiment_viewed=keep),
        received=lambda: len(viewed),
    )
