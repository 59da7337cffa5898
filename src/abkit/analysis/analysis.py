"""Stored exposures and actions in, a result out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from abkit.analysis.amounts import left_out
from abkit.analysis.arguments import arguments_checked, by_metric, moment, utc
from abkit.analysis.assembling import Asked, assembled, check_plan, segment_names
from abkit.analysis.designed import designed_weights, is_in_code
from abkit.analysis.engines.choose import opened
from abkit.analysis.findings.cumulative import cumulative
from abkit.analysis.findings.tau import shares_at_first_look
from abkit.analysis.gathering.absence import absences
from abkit.analysis.gathering.asking import Asking, Progress, microseconds, silent
from abkit.analysis.gathering.assignments import compare_assignments
from abkit.analysis.gathering.exposures import Taking, take_part
from abkit.analysis.gathering.maturity import immature
from abkit.analysis.gathering.measures import Arrivals, Gathered, measure_events
from abkit.analysis.inference.sequential import Tau
from abkit.analysis.outcome import Unassigned, VariantCounts
from abkit.analysis.plan import Declared, Plan
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.exclusion import Exclusion
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.units import Several, UnitQueries
from abkit.analysis.reading.sources import Source, table
from abkit.analysis.result import Result
from abkit.analysis.settings import Alternative, Correction, Method, Settings, Spending
from abkit.errors import AnalysisError
from abkit.events import Variant

if TYPE_CHECKING:
    from abkit.experiments.declaring.experiment import Experiment

_NOTHING: Mapping[str, float] = MappingProxyType({})
_STEPS = 7
"""About how many questions an analysis asks."""


class Step(StrEnum):
    """How far apart the looks of results over time are."""

    DAY = "day"
    HOUR = "hour"

    @property
    def length(self) -> timedelta:
        """As a length of time."""
        return timedelta(days=1) if self is Step.DAY else timedelta(hours=1)


def _several(value: str | Several) -> Several:
    try:
        return Several(value)
    except ValueError:
        message = f"several must be one of {', '.join(Several)}, not {value!r}"
        raise AnalysisError(message) from None


def _step(value: str | Step | None) -> Step | None:
    try:
        return None if value is None else Step(value)
    except ValueError:
        message = f"over_time must be one of {', '.join(Step)}, or None, not {value!r}"
        raise AnalysisError(message) from None


def _exclusions(value: Sequence[Exclusion]) -> tuple[Exclusion, ...]:
    if isinstance(value, str | Exclusion) or not all(isinstance(e, Exclusion) for e in value):
        message = f"exclude must be a list of Exclusion(...), such as [BOTS], not {value!r}"
        raise AnalysisError(message)
    return tuple(value)


@arguments_checked(
    {
        "metric": "the experiment declares its metrics; of a table of units, use UnitsAnalysis",
        "metrics": "the experiment declares them; of a table of units, use UnitsAnalysis",
        "weights": "the experiment declares them as its variants",
        "units": "use UnitsAnalysis for a table with one row per unit",
    }
)
@frozen
class Analysis:
    """The analysis of one experiment, from its stored exposures and actions.

    A unit enters with its first exposure; its actions count from then on; a unit without actions
    counts as 0. See docs/concepts/analysis.md.

    Attributes:
        experiment: The class of the experiment, or a `Plan`.
        exposures: A path, a frame, the name of a table of the engine, or a `Table` of any of these,
            with the columns of `abkit.events.EXPOSURE_COLUMNS`.
        actions: The same, with the columns of `abkit.events.ACTION_COLUMNS`; None: nothing was done yet.
        assignments: The same as exposures, of every assignment; to compare the two. None: no comparison.
        engine: A DB-API connection, an engine of SQLAlchemy or a Spark session, whose tables are
            analyzed where they are; None: DuckDB, embedded.
        control: Compare with this variant instead of the declared control.
        several: What becomes of units exposed to several variants: "exclude", "first" or "include".
        exclude: Units that are left out, such as testers and `BOTS`.
        start: Exposures count from then on; None: from the first. A date or a time, or its text in ISO
            8601; without a zone it is UTC.
        until: Exposures and actions count before this; None: to the last.
        segments: Properties of a unit's first exposure; the result is given for the ten largest
            groups of each too.
        over_time: "day" or "hour": the result at the end of each of them too; None: only the result,
            which is not enough for "group-sequential".
        method: "sequential" (look as often as you like), "welch" (one planned look), "bayesian" or
            "group-sequential".
        confidence: 0.95 accepts a false alarm in one of 20 experiments without a difference.
        correction: How several comparisons share that; None: as usual with the method.
        alternative: "two-sided" or "one-sided".
        taus: By metric, the difference that the sequential test looks for: `Settings.taus`.
        sample_size: The planned units of all arms.
        looks: The planned looks of the group sequential test, which are found in the results over time.
        spending: When the group sequential test spends its level.
        cuped: How long before the first exposure CUPED looks; None: no CUPED.
        window: How long after it actions count; None: for ever.
    """

    experiment: "type[Experiment] | Declared | Plan"
    exposures: Source = field(kw_only=True)
    actions: Source | None = field(kw_only=True)
    assignments: Source | None = field(kw_only=True, default=None)
    engine: object = field(kw_only=True, default=None)
    control: Variant | None = field(kw_only=True, default=None)
    several: Several = field(kw_only=True, default=Several.EXCLUDE, converter=_several)
    exclude: Sequence[Exclusion] = field(kw_only=True, default=(), converter=_exclusions)
    start: datetime | date | None = field(kw_only=True, default=None, converter=moment)
    until: datetime | date | None = field(kw_only=True, default=None, converter=moment)
    segments: Sequence[str] = field(kw_only=True, default=(), converter=segment_names)
    over_time: Step | None = field(kw_only=True, default=Step.DAY, converter=_step)
    method: str | Method = field(kw_only=True, default=Method.SEQUENTIAL)
    confidence: float = field(kw_only=True, default=0.95)
    correction: str | Correction | None = field(kw_only=True, default=None)
    alternative: str | Alternative = field(kw_only=True, default=Alternative.TWO_SIDED)
    taus: Mapping[str, Tau] = field(kw_only=True, default=_NOTHING, validator=by_metric)
    sample_size: int | None = field(kw_only=True, default=None)
    looks: int | Sequence[float] | None = field(kw_only=True, default=None)
    spending: str | Spending = field(kw_only=True, default=Spending.OBRIEN_FLEMING)
    cuped: timedelta | None = field(kw_only=True, default=None)
    window: timedelta | None = field(kw_only=True, default=None)

    @property
    def settings(self) -> Settings:
        """How the test is made.

        Raises:
            AnalysisError: What is asked does not go together.
        """
        chosen: dict[str, Any] = {
            name: value
            for name in ("correction", "looks")
            if (value := getattr(self, name)) is not None
        }
        return Settings(
            method=self.method,
            confidence=self.confidence,
            alternative=self.alternative,
            taus=self.taus,
            sample_size=self.sample_size,
            spending=self.spending,
            cuped=self.cuped,
            window=self.window,
            **chosen,
        )

    def run(self, progress: Progress = silent) -> Result:
        """Compute the result.

        Args:
            progress: Is told what is done now, as which step, of about how many.

        Raises:
            MissingColumnError: A table lacks a column.
            EmptyDataError: There is no exposure of the experiment.
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The data cannot be analyzed; the message says why.
            MissingExtraError: A package is not installed that is needed.
        """
        settings = self.settings
        plan = Plan.of(self.experiment, control=self.control)
        check_plan(plan, settings)
        if settings.method is Method.GROUP_SEQUENTIAL and self.over_time is None:
            message = (
                "method='group-sequential' finds its looks in the results over time: leave "
                "over_time='day', or 'hour'"
            )
            raise AnalysisError(message)
        layout = Layout.of_events(plan.metrics, cuped=settings.cuped is not None)
        step = self.over_time or Step.DAY
        sources = {"exposures": table(self.exposures)}
        if self.actions is not None:
            sources["actions"] = table(self.actions)
        with opened(self.engine) as engine:
            asking = Asking(engine, progress=progress, steps=_STEPS)
            who = UnitQueries(
                plan=plan,
                several=self.several,
                start=_instant(self.start),
                until=_instant(self.until),
                segments=self.segments,
                exclusions=self.exclude,
            )
            length = step.length // timedelta(microseconds=1)
            taking = take_part(
                asking,
                who,
                sources["exposures"],
                length=length,
                designed=lambda: designed_weights(self.experiment, plan),
            )
            what = EventQueries(
                layout=layout,
                unit_type=plan.unit_type,
                window=settings.window,
                until=who.until,
                cuped=settings.cuped,
                segments=len(self.segments),
                in_several=self.several is Several.INCLUDE,
                phased=len(taking.phases) > 1,
            )
            gathered = measure_events(
                asking,
                what,
                sources.get("actions"),
                segments=self.segments,
                arrivals=Arrivals(length, taking.by_period) if self.over_time else None,
            )
            notes = absences(asking, gathered, sources.get("actions"))
            gathered = evolve(
                gathered,
                notes=(*gathered.notes, *notes),
                phases=taking.phases,
                immature=immature(
                    asking,
                    layout,
                    window=settings.window,
                    exposed=None if taking.latest is None else microseconds(taking.latest),
                    until=who.until,
                ),
            )
            unassigned = None
            if self.assignments is not None:
                sources["assignments"] = table(self.assignments)
                unassigned = compare_assignments(asking, plan, sources["assignments"])
            version = engine.version
        made = datetime.now(UTC)
        asked = Asked(
            plan=plan,
            settings=settings,
            elapsed=_elapsed(taking),
            over=self.until is not None or _over(plan, taking),
            first_look=shares_at_first_look(taking.by_period, control=plan.control),
            known=taking.known(_zoned(self.until), made=made),
            in_code=is_in_code(self.experiment),
            made=made,
            sources={name: source.label for name, source in sources.items()},
            queries=asking.texts,
            engine=version,
        )
        return self._result(asked, taking, gathered, step=step, unassigned=unassigned)

    def _result(
        self,
        asked: Asked,
        taking: Taking,
        gathered: Gathered,
        *,
        step: Step,
        unassigned: Unassigned | None,
    ) -> Result:
        result = assembled(
            asked,
            gathered,
            counts=lambda variant, units: VariantCounts(
                variant=variant,
                rows=taking.rows.get(variant, 0),
                exposed=taking.exposed.get(variant, 0),
                excluded=self._left_out(taking.exposed.get(variant, 0), units),
                units=units,
            ),
        )
        variants = [count.variant for count in result.counts]
        by_variant = {variant: _of(taking, variant) for variant in variants}
        curve = cumulative(
            by_variant,
            step=step.length,
            until=taking.latest,
            weights=result.sample_ratio.weights if _is_one_design(result) else None,
        )
        return evolve(
            result,
            frame=(_zoned(self.start), _zoned(self.until)),
            period=_period(taking),
            several=self.several,
            in_several=taking.in_several,
            distinct=self._distinct(taking, result),
            incomplete=taking.incomplete,
            exclusions=taking.excluded,
            cumulative=curve,
            unassigned=unassigned,
            warnings=(*result.warnings, *_warnings(taking, result, self.several)),
        )

    def _distinct(self, taking: Taking, result: Result) -> int:
        """How many units are analyzed; of several variants, each is counted once."""
        counted = sum(count.units for count in result.counts)
        if self.several is not Several.INCLUDE:
            return counted
        return counted - (sum(taking.jumped.values()) - taking.in_several)

    def _left_out(self, exposed: int, units: int) -> int:
        """How many of the units exposed to a variant do not count for it: they saw another one too."""
        return 0 if self.several is Several.INCLUDE else exposed - units


def _is_one_design(result: Result) -> bool:
    """Whether there are weights that hold for all days."""
    return result.sample_ratio.known and not result.phases


def _period(taking: Taking) -> tuple[datetime, datetime] | None:
    """From the start of the first period in which a unit was exposed to the last exposure."""
    if taking.latest is None or not taking.by_period:
        return None
    return min(start for start, *_ in taking.by_period), taking.latest


def _of(taking: Taking, variant: str) -> dict[datetime, int]:
    found: dict[datetime, int] = {}
    for (start, of, _), units in taking.by_period.items():
        if of == variant:
            found[start] = found.get(start, 0) + units
    return found


def _elapsed(taking: Taking) -> timedelta:
    """The length of the period; 0 if there is none."""
    found = _period(taking)
    return timedelta(0) if found is None else found[1] - found[0]


def _over(plan: Plan, taking: Taking) -> bool:
    """Whether the exposures reach the declared end."""
    return plan.ends is not None and taking.latest is not None and taking.latest >= plan.ends


def _instant(when: datetime | date | None) -> int | None:
    return None if when is None else microseconds(when)


def _zoned(when: datetime | date | None) -> datetime | None:
    return None if when is None else utc(when)


def _warnings(taking: Taking, result: Result, several: Several) -> Iterable[str]:
    if taking.incomplete:
        yield left_out(taking.incomplete, "exposure", "unit, no variant or no time")
    yield from taking.notes
    weights = result.sample_ratio.weights if result.plan.weights or result.phases else {}
    undeclared = [c.variant for c in result.counts if weights and c.variant not in weights]
    if undeclared:
        yield (
            f"Exposures have variants that are not declared: {', '.join(undeclared)}. They are "
            "compared, but left out of the check of the arms' sizes."
        )
    repeated = sum(taking.jumped.values()) - taking.in_several
    jumped, exposed = taking.in_several, sum(taking.exposed.values()) - repeated
    if jumped > 0.005 * exposed:
        yield (
            f"{jumped:,} of {exposed:,} units ({jumped / exposed:.1%}) were exposed to several "
            f"variants; {_MOVED if _are_moved_kept(result, several) else _JUMPED[several]}. "
            "Find out why units change their variant."
        )


def _are_moved_kept(result: Result, several: Several) -> bool:
    return bool(result.phases) and several is Several.EXCLUDE


_JUMPED = {
    Several.EXCLUDE: "leaving them out may bias the comparison",
    Several.FIRST: "counting them for the first one blurs the difference",
    Several.INCLUDE: "counting them for each of these blurs the difference",
}
_MOVED = (
    "those that a change of the weights moved count for the first one, which blurs the difference; "
    "leaving the others out may bias the comparison"
)
