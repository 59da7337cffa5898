"""The result of an analysis: one frozen value, from which tables, reports and JSON are made."""

from collections.abc import Mapping
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import field, frozen

from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.verdict import Recommendation
from abkit.analysis.plan import Plan
from abkit.analysis.query.events import Several
from abkit.analysis.settings import Settings

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio


@frozen(kw_only=True)
class VariantCounts:
    """The rows and units of one variant.

    Attributes:
        variant: The variant, as text.
        rows: Exposures as in the files, or rows of a table of units.
        exposed: Distinct units among them.
        excluded: Units of these left out, because they saw several variants.
        units: Units that the analysis counts for this variant.
    """

    variant: str
    rows: int
    exposed: int
    excluded: int
    units: int


@frozen(kw_only=True)
class CumulativeUnits:
    """How many units were exposed up to the end of each UTC day.

    Attributes:
        days: Those days on which some unit was first exposed, in order.
        units: By variant, one number a day.
    """

    days: tuple[date, ...]
    units: Mapping[str, tuple[int, ...]]


@frozen(kw_only=True)
class Result:
    """What an analysis found, and all that went into it.

    Attributes:
        plan: What was planned.
        settings: How the test was made.
        counts: Rows and units per variant, the control first.
        several: What became of units exposed to several variants; None for a table of units.
        incomplete: Rows left out because their unit, variant or time is missing.
        sample_ratio: The check of the arms' sizes against the weights.
        metrics: What was found, per metric.
        recommendation: What to do.
        cumulative: Units over time; None for a table of units.
        warnings: What a reader must know about the data.
        sources: Where the rows came from, by table.
        versions: Of abkit, Python and the engine.
        queries: The SQL texts that ran, by what they ask.
    """

    plan: Plan
    settings: Settings
    counts: tuple[VariantCounts, ...]
    several: Several | None = None
    incomplete: int = 0
    sample_ratio: "SampleRatio"
    metrics: tuple[MetricResult, ...]
    recommendation: Recommendation
    cumulative: CumulativeUnits | None = None
    warnings: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    versions: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    queries: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))

    @property
    def deciding(self) -> MetricResult:
        """What was found for the metric that decides."""
        return next(found for found in self.metrics if found.metric == self.plan.deciding)

    def to_dict(self) -> dict[str, object]:
        """All of it as JSON-ready values; infinite ends of intervals are null."""
        from abkit.analysis.presentation.export import to_dict

        return to_dict(self)

    def to_text(self, *, width: int = 100) -> str:
        """All that matters as a plain text table, `width` characters wide."""
        from abkit.analysis.presentation.table import to_text

        return to_text(self, width=width)

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one HTML file that needs nothing else; the answer is its path."""
        from abkit.analysis.presentation.report import render

        target = Path(path)
        target.write_text(render(self), encoding="utf-8")
        return target


def versions(engine: str) -> Mapping[str, str]:
    """What computed a result."""
    try:
        abkit = version("abkit")
    except PackageNotFoundError:
        abkit = "not installed"
    return MappingProxyType({"abkit": abkit, "Python": python_version(), "engine": engine})
