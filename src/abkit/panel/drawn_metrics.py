"""Which metrics are drawn over time at once: all of them, unless a page of them took long. Pure."""

from attrs import evolve, frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.result import Result

MOST_POINTS = 1_000
"""So many points are drawn at once, over all metrics, variants and looks; each is a row of a table too."""


MOST_PAIRS = 100
"""So many pairs of variants are shown at once, over all metrics."""


@frozen(kw_only=True)
class DrawnMetrics:
    """The metrics of a page of charts.

    Attributes:
        result: Their part of the result.
        shown: Their names, the deciding one among them.
        others: The names of those that are left out.
    """

    result: Result
    shown: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def over_time(self) -> bool:
        """Whether any of them is known over time."""
        return any(found.over_time and found.over_time.ends for found in self.result.metrics)


def drawn_metrics(result: Result, *, asked: bool) -> DrawnMetrics:
    """The deciding metric, and as many of the others as there is room for, in their order.

    Args:
        result: What was found.
        asked: Whether somebody asked for just these metrics: then all of them are drawn.
    """
    first = result.deciding
    kept = {first.metric.name}
    room = MOST_POINTS - _points(first)
    for found in result.metrics:
        if found is not first and (asked or _points(found) <= room):
            kept.add(found.metric.name)
            room -= _points(found)
    metrics = tuple(found for found in result.metrics if found.metric.name in kept)
    return DrawnMetrics(
        result=evolve(result, metrics=metrics),
        shown=tuple(found.metric.name for found in metrics),
        others=tuple(f.metric.name for f in result.metrics if f.metric.name not in kept),
    )


def _points(found: MetricResult) -> int:
    return 0 if found.over_time is None else len(found.over_time.ends) * len(found.treatments)


def with_fewer_pairs(result: Result, *, asked: bool) -> Result:
    """The same, with every two variants of the deciding metric only, if there are very many of all metrics.

    Args:
        result: What was found.
        asked: Whether somebody asked for just these metrics: then all of them have their pairs.
    """
    if asked or len(result.pairs) <= MOST_PAIRS:
        return result
    return evolve(result, pairs=result.deciding_pairs)
