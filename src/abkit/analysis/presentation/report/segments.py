"""What the report says of segments: a table for each property and metric."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation.bars import IntervalBar, interval_bars

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome, Segment


LONGEST = 100
"""More characters of a value are not shown: each row of a table begins with it."""


@frozen(kw_only=True)
class BarTable:
    """Several results of one metric, one below the other.

    Attributes:
        founds: Of each segment, or of each pair of variants.
        bars: For each of them, the variants' bars; all on one scale.
    """

    founds: tuple[MetricResult, ...]
    bars: tuple[Mapping[str, IntervalBar], ...]


@frozen(kw_only=True)
class Part:
    """The segments of one property.

    Attributes:
        property: Its name.
        names: What each segment is called.
        tables: One for each metric.
    """

    property: str
    names: tuple[str, ...]
    tables: tuple[BarTable, ...]


def segment_name(value: str | None) -> str:
    """What a segment is called: the value of the property; of a long text, its beginning."""
    if value is None:
        return "(none)"
    return value if len(value) <= LONGEST else f"{value[:LONGEST]}…"


def segment_tables(result: "Outcome", *, width: float) -> list[Part]:
    """The segments by property, in the order of the result.

    Args:
        result: The result of an analysis.
        width: Of a bar's canvas.
    """
    by_property: dict[str, list[Segment]] = {}
    for segment in result.segments:
        by_property.setdefault(segment.property, []).append(segment)
    return [
        Part(
            property=prop,
            names=tuple(segment_name(s.value) for s in segments),
            tables=tuple(
                BarTable(founds=founds, bars=interval_bars(founds, width=width))
                for founds in zip(*(segment.metrics for segment in segments), strict=True)
            ),
        )
        for prop, segments in by_property.items()
    ]
