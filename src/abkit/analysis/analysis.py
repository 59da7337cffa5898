"""Stored exposures and actions in, a result out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import field, frozen

from abkit.analysis.engines.duckdb import DuckDB, Row, integer
from abkit.analysis.findings.evaluate import check_ratio, check_variants, evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.verdict import recommend
from abkit.analysis.plan import Declared, Plan
from abkit.analysis.query.events import EventQueries, Several
from abkit.analysis.reading.sources import Source, Table, table
from abkit.analysis.result import CumulativeUnits, Result, VariantCounts, versions
from abkit.analysis.settings import Method, Settings
from abkit.errors import AnalysisError, EmptyDataError
from abkit.events import ACTION_COLUMNS, EXPOSURE_COLUMNS, Variant
from abkit.experiments.metrics import Sum

if TYPE_CHECKING:
    from abkit.experiments.experiment import Experiment

_NOTHING: Mapping[str, float] = MappingProxyType({})


def _several(value: str | Several) -> Several:
    try:
        return Several(value)
    except ValueError:
        message = f"several must be one of {', '.join(Several)}, not {value!r}"
        raise AnalysisError(message) from None


@frozen
class Analysis:
    """The analysis of one experiment, from its stored exposures and actions.

    A unit enters with its first exposure; its actions count from then on; a unit without actions
    counts as 0. See docs/concepts/analysis.md.

    Attributes:
        experiment: The class of the experiment, or a `Plan`.
        exposures: A path, a frame, or a `Table` of either, with the columns of
            `abkit.events.EXPOSURE_COLUMNS`.
        actions: The same, with the columns of `abkit.events.ACTION_COLUMNS`.
        method: "sequential" (look as often as you like) or "welch" (one planned look).
        confidence: 0.95 accepts a false alarm in one of 20 experiments without a difference.
        control: Compare with this variant instead of the declared control.
        several: What becomes of units exposed to several variants: "exclude", "first" or "include".
        taus: By metric, the difference that the sequential test looks for: `Settings.taus`.
    """

    experiment: "type[Experiment] | Declared | Plan"
    exposures: Source = field(kw_only=True)
    actions: Source = field(kw_only=True)
    method: str | Method = field(kw_only=True, default=Method.SEQUENTIAL)
    confidence: float = field(kw_only=True, default=0.95)
    control: Variant | None = field(kw_only=True, default=None)
    several: Several = field(kw_only=True, default=Several.EXCLUDE, converter=_several)
    taus: Mapping[str, float] = field(kw_only=True, default=_NOTHING)

    def run(self) -> Result:
        """Compute the result.

        Raises:
            MissingColumnError: A table lacks a column.
            EmptyDataError: There is no exposure of the experiment.
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The data cannot be analyzed; the message says why.
            MissingExtraError: duckdb or scipy is not installed.
        """
        settings = Settings(method=self.method, confidence=self.confidence, taus=self.taus)
        plan = Plan.of(self.experiment, control=self.control)
        check_plan(plan, settings)
        exposures, actions = table(self.exposures), table(self.actions)
        answers = _ask(plan, exposures, actions, several=self.several)
        metrics = evaluate(answers.statistics, plan, settings)
        counts = _counts(answers.exposures, metrics[0], self.several)
        ratio = check_ratio({c.variant: c.units for c in counts}, plan, one_look=False)
        return Result(
            plan=plan,
            settings=settings,
            counts=counts,
            several=self.several,
            incomplete=answers.incomplete,
            sample_ratio=ratio,
            metrics=metrics,
            recommendation=recommend(
                metrics,
                deciding=plan.deciding,
                mismatch=ratio.alarm,
                one_look=settings.method is Method.WELCH,
            ),
            cumulative=_cumulative(answers.daily, [c.variant for c in counts]),
            warnings=(
                *setting_warnings(settings),
                *_data_warnings(plan, counts, metrics, incomplete=answers.incomplete),
            ),
            sources=MappingProxyType({"exposures": exposures.label, "actions": actions.label}),
            versions=versions(answers.engine),
            queries=MappingProxyType(answers.queries),
        )


@frozen(kw_only=True)
class _Answers:
    """What the database said."""

    incomplete: int
    exposures: Sequence[Row]
    daily: Sequence[Row]
    statistics: Sequence[Row]
    queries: Mapping[str, str]
    engine: str


def _ask(plan: Plan, exposures: Table, actions: Table, *, several: Several) -> _Answers:
    with DuckDB() as engine:
        columns = engine.open(
            "exposures",
            exposures,
            schema=EXPOSURE_COLUMNS,
            required=("time", "experiment", "unit_id", "variant"),
        )
        queries = EventQueries(plan=plan, columns=columns, several=several)
        incomplete = _check_exposures(engine, queries, exposures)
        engine.open("actions", actions, schema=ACTION_COLUMNS, required=_needed(plan))
        texts = {
            "exposures and units": queries.exposures(),
            "units by day": queries.daily(),
            "sufficient statistics": queries.statistics(plan.metrics),
        }
        counted, daily, statistics = map(engine.rows, texts.values())
        return _Answers(
            incomplete=incomplete,
            exposures=counted,
            daily=daily,
            statistics=statistics,
            queries=texts,
            engine=engine.version,
        )


def check_plan(plan: Plan, settings: Settings) -> None:
    """Refuse an analysis of nothing.

    Raises:
        AnalysisError: There are no metrics, or two of one name, or a tau of none of them.
    """
    names = [metric.name for metric in plan.metrics]
    if not names:
        message = f"{plan.name} declares no metrics; declare one, such as Conversion('signed up')"
        raise AnalysisError(message)
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        message = f"{plan.name} has several metrics of one name: {', '.join(repeated)}"
        raise AnalysisError(message)
    unknown = sorted(set(settings.taus) - set(names))
    if unknown:
        message = f"taus names {', '.join(unknown)}; the metrics are {', '.join(names)}"
        raise AnalysisError(message)


def setting_warnings(settings: Settings) -> Iterable[str]:
    """What a reader must know about the settings."""
    if settings.confidence < 0.8:
        yield (
            f"A confidence of {settings.confidence:.0%} is low: expect a false alarm in "
            f"{1 - settings.confidence:.0%} of the experiments without a difference."
        )


def _needed(plan: Plan) -> Sequence[str]:
    """The columns of actions without which there is no answer."""
    unit = "user_id" if plan.unit_type == "user" else "groups"
    sums = any(isinstance(metric, Sum) for metric in plan.metrics)
    return ["time", "action", unit, *(["properties"] if sums else [])]


def _check_exposures(engine: DuckDB, queries: EventQueries, exposures: Table) -> int:
    """Refuse exposures that cannot be analyzed; the answer is how many rows are incomplete."""
    plan = queries.plan
    (profile,) = engine.rows(queries.profile())
    if not profile["total_rows"]:
        raise EmptyDataError(exposures.label, "has columns but no rows")
    if not profile["of_experiment"]:
        found = sorted({str(row["experiment"]) for row in engine.rows(queries.found())})
        problem = f"has no exposure of {plan.name!r}; it has those of {', '.join(found)}"
        raise EmptyDataError(exposures.label, problem)
    if not profile["exposures"]:
        found = sorted(
            f"salt {row['salt']!r} and unit type {row['unit_type']!r}"
            for row in engine.rows(queries.found())
            if row["experiment"] == plan.name
        )
        problem = (
            f"has exposures of {plan.name!r}, but none with salt {plan.salt!r} and unit type "
            f"{plan.unit_type!r}; it has {'; '.join(found)}"
        )
        raise EmptyDataError(exposures.label, problem)
    if profile["exposures"] == profile["incomplete"]:
        problem = f"has no exposure of {plan.name!r} with a unit_id, a variant and a time"
        raise EmptyDataError(exposures.label, problem)
    check_variants(integer(profile, "variants"), where=exposures.label)
    return integer(profile, "incomplete")


def _counts(
    rows: Sequence[Row], metric: MetricResult, several: Several
) -> tuple[VariantCounts, ...]:
    by_variant = {str(row["variant"]): row for row in rows}
    arms = [metric.control, *(treatment.arm for treatment in metric.treatments)]
    counts: list[VariantCounts] = []
    for arm in arms:
        row = by_variant.get(arm.variant, {})
        exposed = integer(row, "exposed")
        excluded = exposed - arm.moments.n if several is not Several.INCLUDE else 0
        counts.append(
            VariantCounts(
                variant=arm.variant,
                rows=integer(row, "exposures"),
                exposed=exposed,
                excluded=excluded,
                units=arm.moments.n,
            )
        )
    return tuple(counts)


def _cumulative(rows: Sequence[Row], variants: Sequence[str]) -> CumulativeUnits:
    """Add up the units of each day; a day without new units of a variant adds none."""
    new: dict[tuple[date, str], int] = {}
    for row in rows:
        day, units = row["day"], row["units"]
        if isinstance(day, date) and isinstance(units, int):
            new[day, str(row["variant"])] = units
    days = tuple(sorted({day for day, _ in new}))
    sums: dict[str, tuple[int, ...]] = {}
    for variant in variants:
        total = 0
        sums[variant] = tuple(total := total + new.get((day, variant), 0) for day in days)
    return CumulativeUnits(days=days, units=MappingProxyType(sums))


def _data_warnings(
    plan: Plan,
    counts: Sequence[VariantCounts],
    metrics: Sequence[MetricResult],
    *,
    incomplete: int,
) -> Iterable[str]:
    if incomplete:
        yield f"{incomplete:,} exposures have no unit, no variant or no time: they are left out."
    undeclared = [c.variant for c in counts if plan.weights and c.variant not in plan.weights]
    if undeclared:
        yield (
            f"Exposures have variants that are not declared: {', '.join(undeclared)}. They are "
            "compared, but left out of the check of the arms' sizes."
        )
    exposed, excluded = sum(c.exposed for c in counts), sum(c.excluded for c in counts)
    if excluded > 0.01 * exposed:
        yield (
            f"{excluded / exposed:.1%} of the units were exposed to several variants; leaving them "
            "out may bias the comparison. Find out why units change their variant."
        )
    for found in metrics:
        arms = [found.control, *(treatment.arm for treatment in found.treatments)]
        if all(arm.moments.mean == 0 and arm.moments.variance == 0 for arm in arms):
            yield (
                f"No unit has any {found.metric.name!r} after its exposure. "
                "Is the action's name the one that the application tracks?"
            )
