"""When actions count for a metric, after a unit's first exposure; and when a unit counts for it."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from abkit.analysis.query.periods import microseconds
from abkit.analysis.statistics.estimands import measured, waits
from abkit.analysis.times import duration
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import ActionMetric, Metric


def window_of(part: Metric, of_the_plan: timedelta | None) -> timedelta | None:
    """How long after a unit's first exposure its actions count; None: until the end.

    Args:
        part: A metric of one value per unit, whose own window goes first.
        of_the_plan: The window of the plan.
    """
    own = part.window if isinstance(part, ActionMetric) else None
    return of_the_plan if own is None else own


def longest(windows: Iterable[timedelta | None]) -> timedelta | None:
    """The longest of some windows; None if one is open, or there is none."""
    found = [*windows]
    lengths = [window for window in found if window is not None]
    return max(lengths) if lengths and len(lengths) == len(found) else None


def within(part: Metric, *, window: timedelta | None, reach: timedelta | None) -> str:
    """Whether a row of `done` is in a metric's time, as SQL; empty where every row is.

    What a unit did before its exposure is so: CUPED adjusts by all of that time.

    Args:
        part: The metric.
        window: Its window: `window_of`.
        reach: Up to when after the first exposure there are rows.
    """
    since = "time - first_exposure"
    bounds = []
    if isinstance(part, ActionMetric) and part.delay is not None:
        bounds.append(f"{since} >= {microseconds(part.delay)}")
    if window is not None and window != reach:
        bounds.append(f"{since} < {microseconds(window)}")
    return f"(past = 1 or ({' and '.join(bounds)}))" if bounds else ""


def window_over(window: timedelta, *, end: int | None, of: str = "") -> str:
    """Whether a window of a unit is over, as SQL.

    Args:
        window: Its length.
        end: The last moment of the data, in microseconds since 1970; None: no window is over.
        of: What the names of the columns begin with.
    """
    if end is None:
        return "1 = 0"
    return f"{of}first_exposure <= {end - microseconds(window)}"


def has_own_time(part: Metric) -> bool:
    """Whether a metric says itself when actions or units count."""
    return isinstance(part, ActionMetric) and (
        part.mature_only or part.delay is not None or part.window is not None
    )


def check_windows(metrics: Sequence[Metric], *, window: timedelta | None) -> None:
    """Refuse metrics whose time cannot be had.

    Args:
        metrics: The metrics.
        window: The window of the plan.

    Raises:
        AnalysisError: A metric waits for a window that nobody declared; the parts of a formula are of
            different units; or a metric begins to count after the plan's window is over.
    """
    for metric in metrics:
        parts = measured(metric)
        for part in parts:
            if isinstance(part, ActionMetric):
                _check_window(part, window_of(part, window))
        ends = {window_of(part, window) if waits(part) else None for part in parts}
        if waits(metric) and len(ends) > 1:
            message = (
                f"{metric.name!r} is made of metrics that count different units: a formula needs all its "
                "parts of the same units. Give all of them mature_only=True and the same window, or none"
            )
            raise AnalysisError(message)


def _check_window(part: ActionMetric, window: timedelta | None) -> None:
    if window is None and part.mature_only:
        message = (
            f"{part.name!r} has mature_only=True but no window, so no unit's time is ever over: give the "
            "metric a window, such as window=timedelta(days=7), or the plan one. It is counted from a "
            "unit's first exposure, of a retention and a funnel too, as their start may come at any time"
        )
        raise AnalysisError(message)
    if window is not None and window <= part.begins:
        message = (
            f"{part.name!r} begins to count {duration(part.begins)} after a unit's exposure, and the plan's "
            f"window is over after {duration(window)}, so nothing counts: give the metric a longer window of "
            "its own"
        )
        raise AnalysisError(message)


def check_no_time(metrics: Sequence[Metric]) -> None:
    """Refuse metrics with a time of their own, of a table of units.

    Raises:
        AnalysisError: There is one.
    """
    for part in (part for metric in metrics for part in measured(metric)):
        if has_own_time(part):
            message = (
                f"{part.name!r} has a delay, a window or mature_only, which need exposures and actions: a "
                "table of units tells no times. Leave them out, and count what is within the window where "
                "the table is made"
            )
            raise AnalysisError(message)
