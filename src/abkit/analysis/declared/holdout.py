"""A holdout as an analysis sees it: those that are held out are the control, all others the treatment."""

from collections.abc import Iterable
from types import MappingProxyType

from abkit.analysis.declared.design import Design
from abkit.errors import AnalysisError, suggestion
from abkit.events import HELD_OUT, SHIPPED
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.holdout import Holdout


def holdout_design(
    holdout: Holdout | str,
    experiments: Iterable[type[Experiment] | Declaration],
    *,
    unit_type: str | None = None,
) -> Design:
    """The design that measures all that the experiments of a holdout have shipped.

        Analysis(holdout_design(Q3, ACTIVE_EXPERIMENTS), exposures=..., actions=...).run()

    Args:
        holdout: The holdout, or its name.
        experiments: All experiments of the application; those that do not declare the holdout do not count.
        unit_type: Which units are compared, where its experiments randomize several types of unit.

    Raises:
        AnalysisError: No experiment declares the holdout; it has no metrics; it keeps nobody out, or
            everybody; or its experiments randomize several types of unit.
    """
    declarations = [
        each if isinstance(each, Declaration) else each.declaration for each in experiments
    ]
    declared = _declared(holdout, declarations)
    under = [each for each in declarations if declared in each.holdouts]
    if not declared.metrics:
        message = (
            f"The holdout {declared.name!r} declares no metrics; say what all that is shipped should change, "
            f"such as Holdout({declared.name!r}, {declared.share:g}, metrics=[Conversion('signed up')])"
        )
        raise AnalysisError(message)
    if not 0 < declared.share < 1:
        kept = "everybody" if declared.share else "nobody"
        message = f"The holdout {declared.name!r} keeps {kept} out: there is nothing to compare"
        raise AnalysisError(message)
    chosen = _unit_type(declared, under, unit_type)
    return Design(
        name=declared.name,
        salt=declared.salt or declared.name,
        unit_type=chosen,
        control=HELD_OUT,
        weights=MappingProxyType({HELD_OUT: declared.share, SHIPPED: 1 - declared.share}),
        metrics=declared.metrics,
        hypothesis=declared.hypothesis,
        plan=declared.plan,
        holdout_of=tuple(each.name for each in under if each.unit_type == chosen),
    )


def _declared(holdout: Holdout | str, declarations: Iterable[Declaration]) -> Holdout:
    """The holdout, as the experiments declare it."""
    known = [found for each in declarations for found in each.holdouts]
    name = holdout.name if isinstance(holdout, Holdout) else holdout
    named = [found for found in known if found.name == name]
    if not named:
        names = [*dict.fromkeys(found.name for found in known)]
        there = f" There is {', '.join(map(repr, names))}." if names else " There is none at all."
        message = f"No experiment declares the holdout {name!r}.{suggestion(name, names) or there}"
        raise AnalysisError(message)
    said = holdout if isinstance(holdout, Holdout) else named[0]
    other = next((found for found in named if found != said), None)
    if other is not None:
        message = f"The holdout {name!r} is {said!r}, and an experiment declares it as {other!r}"
        raise AnalysisError(message)
    return said


def _unit_type(holdout: Holdout, under: Iterable[Declaration], said: str | None) -> str:
    """The type of the units that are compared."""
    types = [*dict.fromkeys(each.unit_type for each in under)]
    if said is None and len(types) == 1:
        return types[0]
    if said in types:
        return str(said)
    randomize = f"The experiments of the holdout {holdout.name!r} randomize {' and '.join(types)}"
    if said is not None:
        message = f"{randomize}, and none of them {said}"
        raise AnalysisError(message)
    choice = " or ".join(f"unit_type={each!r}, --unit-type {each}" for each in types)
    message = f"{randomize}, which are compared separately; choose one: {choice}"
    raise AnalysisError(message)
