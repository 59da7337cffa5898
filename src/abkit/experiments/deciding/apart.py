"""Whether two experiments can run beside one another. Pure."""

from typing import TYPE_CHECKING

from abkit.errors import DeclarationError
from abkit.experiments.declaring.declaration import Declaration

if TYPE_CHECKING:
    from abkit.experiments.declaring.layer import Layer


def check_apart(one: Declaration, other: Declaration) -> None:
    """Refuse two experiments whose layer or holdouts cannot do for both what they are for.

    Raises:
        DeclarationError: They are such; the message names `one` as the one to change.
    """
    _check_holdouts(one, other)
    if one.layer is None or other.layer is None or one.layer.name != other.layer.name:
        return
    layer = f"the layer {one.layer.name!r}"
    if one.layer != other.layer:
        problem = (
            f"declares {layer} with {_of_layer(one.layer)}, {other.name} with {_of_layer(other.layer)}, "
            "so that it keeps no units apart; declare it once, and import it"
        )
        raise DeclarationError(one.name, problem)
    if one.unit_type != other.unit_type:
        problem = (
            f"randomizes by {one.unit_type} and {other.name} by {other.unit_type}, so that {layer} "
            f"cannot keep them apart; give the experiments on each {one.unit_type} a layer of their own"
        )
        raise DeclarationError(one.name, problem)
    shared = set(other.slots).intersection(one.slots)
    if shared:
        problem = (
            f"claims {len(shared)} slots of {layer} "
            f"(such as {min(shared)}) that belong to {other.name}"
        )
        raise DeclarationError(one.name, problem)


def _check_holdouts(one: Declaration, other: Declaration) -> None:
    for experiment, holding in ((one, other), (other, one)):
        if any(holdout.name == experiment.name for holdout in holding.holdouts):
            problem = (
                f"the experiment {experiment.name} and a holdout of {holding.name} have one name, so that "
                "their exposures could not be told apart; rename one of them"
            )
            raise DeclarationError(one.name, problem)
    known = {holdout.name: holdout for holdout in other.holdouts}
    for holdout in one.holdouts:
        same = known.get(holdout.name, holdout)
        if same != holdout:
            problem = (
                f"declares the holdout {holdout.name!r} as {holdout!r}, {other.name} as {same!r}, so that "
                "they keep different units out; declare it once, and import it"
            )
            raise DeclarationError(one.name, problem)


def _of_layer(layer: "Layer") -> str:
    return f"{layer.size} slots" + (f" and the salt {layer.salt!r}" if layer.salt else "")
