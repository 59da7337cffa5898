"""The sums of an experiment, which can be judged again and again without reading anything."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from attrs import evolve, field, frozen

from abkit.analysis import times
from abkit.analysis.advice.daily_units import daily_units
from abkit.analysis.advice.verdict import with_trend
from abkit.analysis.advice.worth import per_day
from abkit.analysis.aggregation.assignments import Unassigned
from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.aggregation.identities import LinkedIdentities
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.quantiles import not_by_day
from abkit.analysis.assemble import Asked, assembled, check_plan
from abkit.analysis.data_warnings import of_exposures, of_identities, of_kept_variants
from abkit.analysis.declared.arguments import moment, utc
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.past_results import PastResults
from abkit.analysis.declared.planned import Deviation, deviations
from abkit.analysis.exposure_times import (
    counted_until,
    elapsed,
    exposure_period,
    is_over,
    units_by_period,
)
from abkit.analysis.findings.cumulative import cumulative
from abkit.analysis.findings.novelty import novelty
from abkit.analysis.findings.tau import Arrivals, FirstLook
from abkit.analysis.nobody_left import check_somebody_is_left
from abkit.analysis.outcome import VariantCounts
from abkit.analysis.result import Result
from abkit.analysis.statistics.days import DailySums
from abkit.errors import AnalysisError
from abkit.events import Variant
from abkit.experiments.checking.phases import LockedPhase
from abkit.experiments.checking.registration import Amendment
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import (
    Alternative,
    Correction,
    Method,
    Several,
    Step,
)
from abkit.experiments.declaring.metrics import Metric

READ = (
    "over_time",
    "segments",
    "several",
    "exclude",
    "window",
    "cuped",
    "covariates",
    "novelty",
)
"""What a plan says of the sums themselves: another one of these means to read them again."""


_AS_OF = (
    "As of {moment}: rows, segments, units that are not mature and the effect by days since "
    "exposure are not known by day, and units that saw several variants later are left out."
)


@frozen(kw_only=True)
class ExperimentSums:
    """What was read of an experiment: sums per variant, over time, in phases and in segments.

    Attributes:
        design: What was declared; its plan is that of the experiment over that of its project.
        declared_control: The variant that is compared with unless another is asked for.
        amendments: What was changed in how the experiment is judged, according to its lock.
        locked: What decided who entered and what they got, according to its lock, the oldest first.
        sticky: Whether its units keep the variant that they were exposed to first.
        past: What is known of past experiments.
        starts: The declared start, UTC; None if there is none.
        plan: By which plan it was read.
        measured: What the units did.
        exposed: Which units were exposed, and when.
        frame: From when (included) until when (excluded) exposures were read, UTC; None: it is open.
        unassigned: Exposures beside assignments; None where assignments were not given.
        daily: The metric that decides by days since each unit's exposure; empty if it is not made of days,
            or no unit has a week behind it.
        in_code: Whether the experiment's own `assign()` decides.
        made: When they were read, UTC.
        sources: Where the rows came from, by table.
        queries: The SQL texts that ran, by what they ask.
        engine: What ran them.
    """

    design: Design
    declared_control: str | None
    amendments: tuple[Amendment, ...] = ()
    locked: tuple[LockedPhase, ...] = ()
    sticky: bool = False
    past: PastResults = field(factory=PastResults)
    starts: datetime | None = None
    plan: AnalysisPlan
    measured: MeasuredSums
    exposed: ExposedUnits
    frame: tuple[datetime | None, datetime | None]
    unassigned: Unassigned | None
    daily: tuple[DailySums, ...] = ()
    in_code: bool
    made: datetime
    sources: Mapping[str, str]
    queries: Mapping[str, str]
    engine: str

    def result(
        self,
        *,
        control: Variant | None = None,
        until: datetime | date | str | None = None,
        method: str | Method | None = None,
        confidence: float | None = None,
        correction: str | Correction | None = None,
        alternative: str | Alternative | None = None,
        plan: AnalysisPlan | None = None,
    ) -> Result:
        """What the sums say: computed in milliseconds, without reading anything.

        Args:
            control: Compare with this variant.
            until: As things were at the end of this day (or hour): a moment at which a day (or hour)
                ends. Segments, units that are not mature, and the rows of each variant are not kept by day;
                units that saw several variants later are left out before, too. The result says so.
            method: Judge by this method.
            confidence: Judge with this confidence.
            correction: Correct for several comparisons like this.
            alternative: Test this alternative.
            plan: What else is to be otherwise than in the plan by which the sums were read.

        Raises:
            AnalysisError: What is asked does not go together, needs other sums, or there are no sums for
                that moment.
            TooFewVariantsError: There is no such control, or nothing to compare it with.
            MissingExtraError: numpy or scipy is not installed.
        """
        said = {
            "method": method,
            "confidence": confidence,
            "correction": correction,
            "alternative": alternative,
        }
        plan = self._plan({name: value for name, value in said.items() if value is not None}, plan)
        design = Design.of(self.design, control=control)
        check_plan(design, plan)
        sums = self if until is None else self._at(utc(_moment(until)))
        return sums._judged(design, plan)

    def _plan(self, said: Mapping[str, Any], plan: AnalysisPlan | None) -> AnalysisPlan:
        """The plan in force; what needs other sums is refused."""
        used = self.plan if plan is None else plan.over(self.plan)
        if said:
            used = AnalysisPlan(**said).over(used)
        left_out = [name for name in ("cuped", "covariates", "novelty") if not getattr(used, name)]
        other = [
            name
            for name in READ
            if getattr(used, name) != getattr(self.plan, name) and name not in left_out
        ]
        if other:
            message = (
                f"Another {other[0]} needs other sums: read them with Analysis(..., "
                f"plan=AnalysisPlan({other[0]}=...))"
            )
            raise AnalysisError(message)
        return used

    def _at(self, end: datetime) -> "ExperimentSums":
        """The sums as they were at the end of a period."""
        ends = [found for found, _ in self.measured.looks]
        if end not in ends:
            between = (
                f"from {ends[0]:%Y-%m-%d %H:%M} to {ends[-1]:%Y-%m-%d %H:%M}" if ends else "of none"
            )
            step = (self.plan.over_time or Step.DAY).value
            message = (
                f"until must be the end of a {step}, {between} UTC, not {end:%Y-%m-%d %H:%M}: for another "
                "moment, read the sums again with run(until=...)"
            )
            raise AnalysisError(message)
        if self.plan.several is Several.INCLUDE:
            message = (
                "until needs other sums if units count in several variants (several='include'): read them "
                "again with run(until=...)"
            )
            raise AnalysisError(message)
        count = ends.index(end) + 1
        by_period = {key: units for key, units in self.exposed.by_period.items() if key[0] < end}
        units: dict[str, int] = {}
        for (_, variant, _), came in by_period.items():
            units[variant] = units.get(variant, 0) + came
        latest = end if self.exposed.latest is None else min(end, self.exposed.latest)
        return evolve(
            self,
            measured=evolve(
                self.measured.up_to(count),
                notes=(
                    *self.measured.notes,
                    _AS_OF.format(moment=_told(end)),
                    *not_by_day(self.measured.layout),
                ),
            ),
            exposed=evolve(
                self.exposed,
                by_period=by_period,
                latest=latest,
                rows=units,
                exposed=units,
                jumped={},
                in_several=0,
                identities=_undated(self.exposed.identities),
            ),
            frame=(self.frame[0], end),
            daily=(),
        )

    def _judged(self, design: Design, plan: AnalysisPlan) -> Result:
        exposed, measured = self.exposed, self.measured
        if plan.cuped is None and self.plan.cuped is not None:
            measured = measured.without_cuped()
        if self.plan.covariates and not plan.covariates:
            measured = measured.without_covariates()
        daily = self.daily if plan.novelty else ()
        step = plan.over_time or Step.DAY
        start, until = self.frame
        check_somebody_is_left(design.control, measured.sums, exposed=exposed, several=plan.several)
        variants = dict.fromkeys([design.control, *design.weights, *measured.sums])
        arrivals = Arrivals.of(exposed.by_period)
        asked = Asked(
            design=design,
            plan=plan,
            elapsed=elapsed(exposed),
            over=until is not None or is_over(design, exposed),
            first_looks={variant: arrivals.at_first_look(variant) for variant in variants},
            waiting=_of_waiting(exposed, measured, [*variants]),
            known=exposed.known(until, made=self.made),
            past=self.past,
            in_code=self.in_code,
            made=self.made,
            sources=self.sources,
            queries=self.queries,
            engine=self.engine,
        )
        result = assembled(
            asked,
            measured,
            counts=lambda variant, units: VariantCounts(
                variant=variant,
                rows=exposed.rows.get(variant, 0),
                exposed=exposed.exposed.get(variant, 0),
                excluded=_left_out(plan, exposed.exposed.get(variant, 0), units),
                units=units,
            ),
        )
        shown = [count.variant for count in result.counts]
        curve = cumulative(
            {variant: units_by_period(exposed, variant) for variant in shown},
            step=step.length,
            until=counted_until(exposed, until, made=self.made, step=step.length),
            weights=result.sample_ratio.weights if _is_one_design(result) else None,
        )
        trends = novelty(result.metrics, plan, daily, new_units=exposed.by_period)
        return evolve(
            result,
            recommendation=with_trend(result.recommendation, trends, deciding=design.deciding),
            declared_control=self.declared_control,
            not_as_planned=tuple(map(str, self._deviations(design, plan))),
            amended=tuple(self._amended()),
            entering=tuple(self._entering()),
            frame=(start, until),
            period=exposure_period(exposed, until),
            several=plan.several,
            in_several=exposed.in_several,
            distinct=_distinct(plan, exposed, result),
            incomplete=exposed.incomplete,
            exclusions=exposed.excluded,
            cumulative=curve,
            worth=result.worth and per_day(result.worth, result.deciding, daily_units(curve)),
            unassigned=self.unassigned,
            identities=exposed.identities,
            novelty=trends,
            warnings=(
                *result.warnings,
                *of_exposures(exposed, result, plan.several),
                *of_identities(exposed.identities, design, plan.several),
                *(of_kept_variants(result, self.locked) if self.sticky else ()),
            ),
        )

    def _amended(self) -> Iterable[str]:
        """What was changed after the start: the declared one, or the first exposure."""
        period = exposure_period(self.exposed)
        start = self.starts or (period and period[0])
        for each in self.amendments:
            if start is not None and each.at >= start:
                yield each.since(start)

    def _entering(self) -> Iterable[LockedPhase]:
        """The changes of who enters while units were exposed."""
        period = exposure_period(self.exposed)
        for phase in self.locked:
            if phase.entering and period is not None and period[0] < phase.at <= period[1]:
                yield phase

    def _deviations(self, design: Design, plan: AnalysisPlan) -> Iterable[Deviation]:
        if self.declared_control not in (None, design.control):
            yield Deviation("control", design.control, self.declared_control)
        yield from deviations(plan, self.design.plan)


def _moment(until: datetime | date | str) -> datetime | date:
    found = moment(until)
    if found is None:
        message = "until must be a date or a time"
        raise AnalysisError(message)
    return found


def _undated(found: LinkedIdentities | None) -> LinkedIdentities | None:
    """What identities did, of which it is not known when units had seen several variants."""
    return None if found is None else evolve(found, in_several=0)


def _distinct(plan: AnalysisPlan, exposed: ExposedUnits, result: Result) -> int:
    """How many units are analyzed; of several variants, each is counted once."""
    counted = sum(count.units for count in result.counts)
    if plan.several is not Several.INCLUDE:
        return counted
    return counted - (sum(exposed.jumped.values()) - exposed.in_several)


def _left_out(plan: AnalysisPlan, exposed: int, units: int) -> int:
    """How many of the units exposed to a variant do not count for it: they saw another one too."""
    return 0 if plan.several is Several.INCLUDE else exposed - units


def _of_waiting(
    exposed: ExposedUnits, measured: MeasuredSums, controls: Sequence[str]
) -> Mapping[str, Mapping[Metric, FirstLook]]:
    """By the variant that is compared with, the first look of each metric that waits for its window."""
    found: dict[str, dict[Metric, FirstLook]] = {control: {} for control in controls}
    for estimand in measured.layout.estimands:
        window = measured.layout.counts_after(estimand.metric)
        if window is None:
            continue
        arrivals = Arrivals.of(exposed.by_period, window=window)
        counted = {variant: estimand.units(of) for variant, of in measured.sums.items()}
        for control, of_control in found.items():
            of_control[estimand.metric] = arrivals.at_first_look(control, counted=counted)
    return found


def _is_one_design(result: Result) -> bool:
    """Whether there are weights that hold for all days."""
    return result.sample_ratio.known and not result.phases


def _told(end: datetime) -> str:
    """The end of a period in words: that of a day by its own date."""
    by_day = times.daily([end])
    moment = times.look(end, by_day=by_day)
    return f"the end of {moment}, UTC" if by_day else f"{moment} UTC"
