"""A table with one row per unit in, a result out."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from attrs import field, frozen

from abkit.analysis.analysis import check_plan, setting_warnings
from abkit.analysis.engines.duckdb import DuckDB, Row, integer
from abkit.analysis.findings.evaluate import check_ratio, check_variants, evaluate
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.verdict import recommend
from abkit.analysis.plan import Plan
from abkit.analysis.query.unit_table import UnitQueries, column_of
from abkit.analysis.reading.sources import Source, table
from abkit.analysis.result import Result, VariantCounts, versions
from abkit.analysis.settings import Method, Settings
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.metrics import Metric

_NOTHING: Mapping[str, float] = MappingProxyType({})


@frozen
class UnitsAnalysis:
    """The analysis of a table that has one row per unit already.

    Attributes:
        units: A path, a frame, or a `Table` of either.
        unit: The column of the units' ids.
        variant: The column of the variants.
        control: The variant that the others are compared with.
        metrics: `Conversion` (a column of TRUE and FALSE, t and f, or 1 and 0) and `Mean`.
        weights: The designed share of each variant; equal shares if empty.
        method: "sequential" or "welch", as for `Analysis`.
        confidence: As for `Analysis`.
        taus: As for `Analysis`.
    """

    units: Source
    unit: str = field(kw_only=True)
    variant: str = field(kw_only=True)
    control: str = field(kw_only=True, converter=str)
    metrics: Sequence[Metric] = field(kw_only=True)
    weights: Mapping[str, float] = field(kw_only=True, default=_NOTHING)
    method: str | Method = field(kw_only=True, default=Method.SEQUENTIAL)
    confidence: float = field(kw_only=True, default=0.95)
    taus: Mapping[str, float] = field(kw_only=True, default=_NOTHING)

    def run(self) -> Result:
        """Compute the result.

        Raises:
            MissingColumnError: The table lacks a column.
            EmptyDataError: It has no rows.
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The data cannot be analyzed; the message says why.
            MissingExtraError: duckdb or scipy is not installed.
        """
        settings = Settings(method=self.method, confidence=self.confidence, taus=self.taus)
        units = table(self.units)
        plan = Plan(
            name=units.name,
            unit_type=self.unit,
            control=self.control,
            weights=self.weights,
            metrics=tuple(self.metrics),
        )
        check_plan(plan, settings)
        queries = UnitQueries(unit=self.unit, variant=self.variant, metrics=plan.metrics)
        with DuckDB() as engine:
            engine.open("units", units, schema=self._schema(), required=queries.columns)
            (profile,) = engine.rows(queries.profile())
            self._check(profile, units.label)
            text = queries.statistics()
            statistics = engine.rows(text)
            engine_version = engine.version
        metrics = evaluate(statistics, plan, settings)
        counts = _counts(metrics[0])
        ratio = check_ratio({c.variant: c.units for c in counts}, plan, one_look=True)
        return Result(
            plan=plan,
            settings=settings,
            counts=counts,
            incomplete=integer(profile, "without_variant") + integer(profile, "without_unit"),
            sample_ratio=ratio,
            metrics=metrics,
            recommendation=recommend(
                metrics,
                deciding=plan.deciding,
                mismatch=ratio.alarm,
                one_look=settings.method is Method.WELCH,
            ),
            warnings=(*setting_warnings(settings), *_data_warnings(profile)),
            sources=MappingProxyType({"units": units.label}),
            versions=versions(engine_version),
            queries=MappingProxyType({"sufficient statistics": text}),
        )

    def _schema(self) -> Mapping[str, str]:
        measures = {column_of(metric): "value" for metric in self.metrics}
        return {**measures, self.unit: "text", self.variant: "text"}

    def _check(self, profile: Row, label: str) -> None:
        """Refuse a table that is not one row per unit with usable values."""
        if not profile["total_rows"]:
            raise EmptyDataError(label, "has columns but no rows")
        if integer(profile, "without_variant") == profile["total_rows"]:
            raise EmptyDataError(label, f"has no value in its column {self.variant!r}")
        check_variants(integer(profile, "variants"), where=f"{label}, column {self.variant!r},")
        if integer(profile, "duplicates"):
            message = (
                f"{label} must have one row per unit, but {integer(profile, 'duplicates'):,} rows "
                f"repeat a value of {self.unit!r}, such as {profile['duplicate']!r}"
            )
            raise AnalysisError(message)
        for number, metric in enumerate(self.metrics, start=1):
            _check_metric(profile, metric, number=number, label=label)


def _check_metric(profile: Row, metric: Metric, *, number: int, label: str) -> None:
    column = column_of(metric)
    missing = integer(profile, f"metric_{number}_missing")
    if missing:
        fill = "FALSE for a unit that did not convert" if metric.binary else "such as 0"
        message = (
            f"{label}: column {column!r} is empty in {missing:,} rows. Every unit needs a value: "
            f"fill in what an empty one means ({fill}), or remove these units"
        )
        raise AnalysisError(message)
    wrong = integer(profile, f"metric_{number}_wrong")
    if wrong:
        wanted = "TRUE and FALSE, t and f, or 1 and 0" if metric.binary else "finite numbers"
        message = (
            f"{label}: column {column!r} must have {wanted}, but {wrong:,} rows have others, "
            f"such as {profile[f'metric_{number}_example']!r}"
        )
        raise AnalysisError(message)


def _counts(metric: MetricResult) -> tuple[VariantCounts, ...]:
    arms = [metric.control, *(treatment.arm for treatment in metric.treatments)]
    return tuple(
        VariantCounts(variant=arm.variant, rows=n, exposed=n, excluded=0, units=n)
        for arm in arms
        for n in [arm.moments.n]
    )


def _data_warnings(profile: Row) -> Iterable[str]:
    for what, rows in [
        ("variant", integer(profile, "without_variant")),
        ("unit id", integer(profile, "without_unit")),
    ]:
        if rows:
            yield f"{rows:,} rows have no {what}: they are left out."
