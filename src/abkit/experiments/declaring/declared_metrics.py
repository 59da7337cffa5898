"""The metrics, and the plan, that somebody declares."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from abkit.errors import AnalysisError, DeclarationError

if TYPE_CHECKING:
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan
    from abkit.experiments.declaring.metrics import Metric

# Metrics and plans are imported by who declares some: most programs import them anyway, but a service that
# only asks for variants should start at once.


def check_metrics(name: str, metrics: Any) -> "tuple[Metric, ...]":
    """The metrics that somebody declares.

    Raises:
        DeclarationError: They are no metrics, or two have one name.
    """
    if metrics == ():
        return ()
    from abkit.experiments.declaring.metrics import Metric

    found = instances(name, "metrics", metrics, Metric)
    names = [metric.name for metric in found]
    for each in names:
        if names.count(each) > 1:
            problem = f"has two metrics named {each!r}; give one of them another name"
            raise DeclarationError(name, problem)
    return found


def check_plan(name: str, plan: Any, metrics: "tuple[Metric, ...]") -> "AnalysisPlan | None":
    """The plan that somebody declares.

    Raises:
        DeclarationError: It is no plan, or does not go with the metrics.
    """
    if plan is None:
        return None
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan

    if not isinstance(plan, AnalysisPlan):
        problem = f"`plan` must be an AnalysisPlan(...), such as AnalysisPlan(confidence=0.9), not {plan!r}"
        raise DeclarationError(name, problem)
    if isinstance(plan.cuped, Mapping):
        problem = "`plan`: cuped must be a length of time, such as timedelta(days=14); columns are for tables"
        raise DeclarationError(name, problem)
    try:
        plan.check(metrics)
    except AnalysisError as error:
        raise DeclarationError(name, f"`plan`: {error}") from None
    return plan


def instances(name: str, attribute: str, values: Any, kind: Callable[..., Any]) -> tuple[Any, ...]:
    """What somebody declares in a list.

    Args:
        name: Who declares it.
        attribute: Which list it is.
        values: The list.
        kind: The class of what is in it.

    Raises:
        DeclarationError: It is no list, or has something else in it.
    """
    wanted = kind.__name__
    if isinstance(values, str) or not isinstance(values, Iterable):
        problem = f"`{attribute}` must be a list of {wanted}, not {values!r}"
        raise DeclarationError(name, problem)
    found = tuple(values)
    for value in found:
        if not isinstance(value, kind):  # type: ignore[arg-type]
            problem = f"`{attribute}` must hold {wanted} declarations, not {value!r}"
            if isinstance(value, str):
                example = (
                    f"Conversion({value!r})" if wanted == "Metric" else f"{wanted}({value!r}, 0.05)"
                )
                problem += f"; perhaps {example}"
            raise DeclarationError(name, problem)
    return found
