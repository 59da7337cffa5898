"""What is asked of the events: ten metrics with CUPED."""

from datetime import timedelta
from typing import Any

from abkit.analysis import Analysis, AnalysisPlan, Design
from abkit.experiments.declaring.metrics import Average, Conversion, Ratio, Sum, Total

DESIGN = Design(
    name="Bench",
    salt="Bench",
    unit_type="user",
    control="0",
    metrics=(
        Conversion("bought", action="purchase"),
        Sum("revenue", action="purchase", property="price"),
        Total("click"),
        Total("session"),
        Total("search"),
        Ratio("clicks per session", numerator=Total("click"), denominator=Total("session")),
        Conversion("signed up", action="signup"),
        Conversion("searched", action="search", times=2),
        Sum("waited", action="load", property="ms"),
        Average("time to load", action="load", property="ms"),
    ),
)


def analysis(where: object, engine: object, *, by_day: bool) -> Analysis:
    """The analysis of a folder of events.

    Args:
        where: The folder that `data.make` wrote.
        engine: What computes.
        by_day: Whether the results of each day are wanted too, and the effect by days since exposure.
    """
    week = timedelta(days=7)
    otherwise: dict[str, Any] = {} if by_day else {"over_time": None, "novelty": False}
    return Analysis(
        DESIGN,
        exposures=f"{where}/exposures",
        actions=f"{where}/actions",
        engine=engine,
        plan=AnalysisPlan(cuped=week, window=week, **otherwise),
    )
