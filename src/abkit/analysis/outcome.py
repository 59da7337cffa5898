"""What an analysis found: values only, from which tables, reports and JSON are made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from attrs import field, frozen

from abkit.analysis.advice.remaining import Remaining
from abkit.analysis.advice.verdict import Recommendation, Verdict
from abkit.analysis.advice.worth import Worth
from abkit.analysis.aggregation.assignments import Unassigned
from abkit.analysis.aggregation.identities import LinkedIdentities
from abkit.analysis.declared.design import Design
from abkit.analysis.findings.badges import badges
from abkit.analysis.findings.before import BeforeExposure
from abkit.analysis.findings.cumulative import CumulativeUnits
from abkit.analysis.findings.evaluate import taus as taus_of
from abkit.analysis.findings.heterogeneity import Heterogeneity
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.novelty import Novelty
from abkit.analysis.findings.pairs import Pair
from abkit.analysis.statistics.phases import Phase
from abkit.experiments.checking.phases import LockedPhase
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Several
from abkit.experiments.declaring.tau import Tau
from abkit.former_names import former_attribute

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
class Segment:
    """The units of one value of a property at their first exposure.

    Attributes:
        property: The property's name.
        value: Its value, as text; None for units without one.
        metrics: What was found among these units; not corrected for the number of segments.
    """

    property: str
    value: str | None
    metrics: tuple[MetricResult, ...]


@frozen(kw_only=True)
class Invocation:
    """How the command line is called here, so that commands can be pasted.

    Attributes:
        program: What is typed for `abkit`.
        options: What follows a command, such as ("--config", "myapp.experiments").
    """

    program: tuple[str, ...] = ("abkit",)
    options: tuple[str, ...] = ()


@frozen(kw_only=True)
class Outcome:
    """What an analysis found, and all that went into it.

    Attributes:
        design: What was planned.
        plan: How it was judged.
        declared_control: The variant that the experiment declares as its control; None where none is declared
            elsewhere than in `design`.
        not_as_planned: What of that was declared otherwise, such as "confidence 0.9 instead of 0.95".
        amended: What was changed, after the start, in how the experiment is judged, according to its lock.
        frame: The time frame of the exposures, UTC: from (included) and until (excluded); None where
            it is open.
        period: From the start of the day (or hour) of the first exposure to the last exposure, UTC;
            None for a table of units.
        made: When this was computed, UTC; None if that is not known.
        counts: Rows and units per variant, the control first.
        several: What became of units exposed to several variants; None for a table of units.
        in_several: Units exposed to several variants; each counts once.
        distinct: Units that are analyzed, each counted once; None: those of `counts`, added up.
        incomplete: Rows left out because their unit, variant or time is missing.
        exclusions: Units left out on request, by the name of the exclusion.
        sample_ratio: The check of the arms' sizes against the weights.
        before: The check that the units of the arms were alike before their exposure, by metric and variant;
            empty where CUPED is off.
        metrics: What was found, per metric.
        pairs: What was found of every two variants beside the control; empty if there are not two. They
            are computed when somebody looks at them.
        deciding_pairs: Those of the metric that decides, which the recommendation looks at.
        recommendation: What to do.
        phases: The phases in which units were drawn with different weights, and within which they are
            compared, in the order of their first exposures; empty if all had the same weights.
        entering: The phases that began while units were exposed, according to the lock, because others
            entered from then on: the rollout, slots, holdouts or `eligible()` changed. The variants' shares
            stayed the same, so units are compared across them.
        cumulative: Units over time; None for a table of units.
        unassigned: Exposures beside assignments; None where assignments were not given.
        identities: What identities did to the units and their actions; None where none were given.
        segments: What was found in parts of the units.
        novelty: The effect by days since each unit's first exposure, of the metric that decides; empty if
            that is not made of days, or while no unit has a week behind it.
        heterogeneity: Whether the metric that decides, and each guardrail, reacts alike in all values of a
            property, for each property of the segments and each variant.
        remaining: How long the experiment still needs; None where that makes no sense.
        worth: What the change is worth, in the metric that decides; None where nothing can be compared, and
            where the sizes of the arms contradict the weights.
        warnings: What a reader must know about the data.
        sources: Where the rows came from, by table.
        versions: Of abkit, Python and the engine.
        queries: The SQL texts that ran, by what they ask.
        invocation: How the commands are called that are shown.
    """

    design: Design
    plan: AnalysisPlan
    declared_control: str | None = None
    not_as_planned: tuple[str, ...] = ()
    amended: tuple[str, ...] = ()
    frame: tuple[datetime | None, datetime | None] = (None, None)
    period: tuple[datetime, datetime] | None = None
    made: datetime | None = None
    counts: tuple[VariantCounts, ...]
    several: Several | None = None
    in_several: int = 0
    distinct: int | None = None
    incomplete: int = 0
    exclusions: Mapping[str, int] = field(factory=lambda: MappingProxyType({}))
    sample_ratio: "SampleRatio"
    metrics: tuple[MetricResult, ...]
    pairs: Sequence[Pair] = ()
    deciding_pairs: tuple[Pair, ...] = ()
    recommendation: Recommendation
    before: tuple[BeforeExposure, ...] = ()
    phases: tuple[Phase, ...] = ()
    entering: tuple[LockedPhase, ...] = ()
    cumulative: CumulativeUnits | None = None
    unassigned: Unassigned | None = None
    identities: LinkedIdentities | None = None
    segments: tuple[Segment, ...] = ()
    novelty: tuple[Novelty, ...] = ()
    heterogeneity: tuple[Heterogeneity, ...] = ()
    remaining: Remaining | None = None
    worth: Worth | None = None
    warnings: tuple[str, ...] = ()
    sources: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    versions: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    queries: Mapping[str, str] = field(factory=lambda: MappingProxyType({}))
    invocation: Invocation = Invocation()

    settings: ClassVar[property] = former_attribute("settings", "plan")

    @property
    def units(self) -> int:
        """How many units are analyzed, of all variants."""
        return sum(of.units for of in self.counts) if self.distinct is None else self.distinct

    @property
    def deciding(self) -> MetricResult:
        """What was found for the metric that decides."""
        return next(found for found in self.metrics if found.metric == self.design.deciding)

    @property
    def verdict(self) -> Verdict:
        """The badges of the metric that decides, and what to do."""
        main = self.deciding
        found = {t.arm.variant: badges(t.comparison, main.metric) for t in main.treatments}
        return Verdict(badges=MappingProxyType(found), recommendation=self.recommendation)

    @property
    def taus(self) -> Mapping[str, Tau]:
        """By metric, the tau of its sequential test, as `taus=` of an analysis takes it."""
        return taus_of(self.metrics)
