"""Which charts a result has, with their titles."""

from collections.abc import Callable, Iterator, Mapping
from re import sub
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from abkit.analysis import times
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.charts.by_day import by_day_chart
from abkit.analysis.presentation.charts.exposures import cumulative_chart
from abkit.analysis.presentation.charts.forest import intervals_chart, segments_chart
from abkit.analysis.presentation.charts.over_time import over_time_chart
from abkit.analysis.presentation.charts.plot import Plot
from abkit.analysis.presentation.phase_marks import phase_marks

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


CUMULATIVE = "cumulative-exposures"
"""The name of the file of the exposures."""


def file_name(kind: str, number: int, metric: str) -> str:
    """The name of a metric's file, wherever it is written."""
    slug = sub(r"[^a-z0-9]+", "-", metric.lower()).strip("-")[:40]
    return f"{kind}-{number}-{slug}".rstrip("-")


@frozen
class Drawing:
    """The charts of one result, defined.

    Attributes:
        result: The result.
    """

    result: "Outcome"

    def each(self, draw: Callable[[int, MetricResult], Plot | None]) -> Mapping[str, Plot]:
        """A chart for each metric that has something to show."""
        drawn = {f.metric.name: draw(number, f) for number, f in enumerate(self.result.metrics)}
        return MappingProxyType({name: chart for name, chart in drawn.items() if chart is not None})

    def cumulative(self) -> Plot | None:
        """Units exposed over time; None if there are none over time."""
        units = self.result.cumulative
        if units is None or not units.ends:
            return None
        marks = phase_marks(self.result)
        chart = cumulative_chart(units, marks)
        about = [
            f"{self.result.design.unit_type}s",
            *self._period(),
            *([] if units.complete else ["dotted: not over yet"]),
        ]
        title = f"{self.result.design.name}: cumulative exposures"
        return evolve(chart, title=title, subtitle="; ".join(about))

    def over_time(self, _: int, found: MetricResult) -> Plot | None:
        """One metric over time; None if it was not computed so, or nothing is compared yet."""
        series = found.over_time
        if series is None or not series.ends:
            return None
        p_values = self.result.plan.method.value == "sequential"
        chart = over_time_chart(found, series, p_values=p_values)
        return self._named(chart, found, "over time")

    def by_day(self, _: int, found: MetricResult) -> Plot | None:
        """One metric by days since exposure; None if it was not measured so, or nothing is compared."""
        shown = next((each for each in self.result.novelty if each.metric == found.metric), None)
        if shown is None:
            return None
        chart = by_day_chart(found, shown)
        return self._named(chart, found, "by days since exposure")

    def intervals(self, _: int, found: MetricResult) -> Plot | None:
        """One metric's interval for each variant; None if nothing is compared yet."""
        chart = intervals_chart(found)
        return self._named(chart, found, "by variant")

    def segments(self, number: int, found: MetricResult) -> Plot | None:
        """One metric in segments; None if there are none, or nothing is compared yet."""
        if not self.result.segments:
            return None
        chart = segments_chart(self.result.segments, number=number)
        return self._named(chart, found, "by segment")

    def named(self) -> Iterator[tuple[str, Plot]]:
        """Each chart with the name of its file, without an ending."""
        units = self.cumulative()
        if units is not None:
            yield CUMULATIVE, units
        kinds = {
            "over-time": self.over_time,
            "by-day": self.by_day,
            "intervals": self.intervals,
            "segments": self.segments,
        }
        for kind, draw in kinds.items():
            for number, (metric, chart) in enumerate(self.each(draw).items(), start=1):
                yield file_name(kind, number, metric), chart

    def _period(self) -> list[str]:
        """The dates with their years, which the axes leave out."""
        return [] if self.result.period is None else [times.period(self.result.period)]

    def _named(self, chart: Plot | None, found: MetricResult, how: str) -> Plot | None:
        if chart is None:
            return None
        level = figures.confidence(self.result.plan)
        note = figures.corrected_for(found, self.result.plan)
        about = [
            f"beside {self.result.design.control}, with {level} intervals{note and f' {note}'}",
            *(["dashed: the goal"] if found.metric.goal else []),
            *(["dashed in red: the margin"] if found.metric.margin else []),
            *self._period(),
        ]
        return evolve(chart, title=f"{found.metric.name} {how}", subtitle="; ".join(about))
