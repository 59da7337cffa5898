"""What tables of units and sums made elsewhere have in common: no exposures, and mostly one look."""

from datetime import timedelta

from abkit.analysis.outcome import VariantCounts
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method

OF_EVENTS = ("covariates", "window", "over_time", "several", "exclude", "min_days", "novelty")
"""What a plan says of events only."""


def plan_of_a_table(said: AnalysisPlan | None, project: AnalysisPlan | None) -> AnalysisPlan:
    """How a table is judged: Welch's t-test unless another method is said, as a table is looked at once.

    Args:
        said: What the caller says; None: nothing.
        project: What the project says, of which a table takes what it can; None: nothing.

    Raises:
        AnalysisError: Something is said that goes with stored events only.
    """
    plan = AnalysisPlan(method=Method.WELCH)
    if project is not None:
        plan = _of_tables(project).over(plan)
    if said is None:
        return plan
    for name in OF_EVENTS:
        if name in said.given:
            message = f"{name} goes with stored events, for which there is Analysis: a table has no exposures"
            raise AnalysisError(message)
    if isinstance(said.cuped, timedelta):
        message = (
            "A table of units has no time before the experiment: cuped must name columns, such as "
            "cuped={'revenue': 'revenue_before'}"
        )
        raise AnalysisError(message)
    if said.method is Method.GROUP_SEQUENTIAL:
        message = (
            "method='group-sequential' finds its looks in the results over time, which only Analysis "
            "has, of stored events: use method='sequential', or 'welch' for one look"
        )
        raise AnalysisError(message)
    return said.over(plan)


def _of_tables(project: AnalysisPlan) -> AnalysisPlan:
    """What a project says that can hold for a table: not what goes with events, nor the default method."""
    names = project.given - {*OF_EVENTS, "cuped", "segments", "method", "looks", "spending", "taus"}
    said = {name: getattr(project, name) for name in names}
    try:
        return AnalysisPlan(method=Method.WELCH, **said)
    except AnalysisError:
        return AnalysisPlan(method=Method.WELCH, confidence=project.confidence)


def counted(variant: str, units: int) -> VariantCounts:
    """The counts of a variant of which each row is a unit."""
    return VariantCounts(variant=variant, rows=units, exposed=units, excluded=0, units=units)
