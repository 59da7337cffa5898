"""A table with one row per unit in, a result out; or just the sums."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import evolve, field, frozen

from abkit.analysis.aggregates import Moments, Sums
from abkit.analysis.amounts import left_out
from abkit.analysis.arguments import arguments_checked, by_metric, shares
from abkit.analysis.arguments import metrics as metrics_of
from abkit.analysis.assembling import Asked, assembled, check_plan, segment_names
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.engines.choose import opened
from abkit.analysis.gathering.absence import limited_to_zero
from abkit.analysis.gathering.asking import Asking, Progress, silent
from abkit.analysis.gathering.exposures import check_variants
from abkit.analysis.gathering.measures import Gathered, measure_units
from abkit.analysis.inference.sequential import Tau
from abkit.analysis.outcome import VariantCounts
from abkit.analysis.plan import Plan
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.unit_table import UnitTableQueries
from abkit.analysis.reading.sources import Source, Table, table
from abkit.analysis.result import Result
from abkit.analysis.settings import Alternative, Correction, Method, Settings
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.metrics import Metric

_NOTHING: Mapping[str, float] = MappingProxyType({})
_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})
_STEPS = 2

ENOUGH = 100_000
"""So many units are looked at for several rows of one unit; of more than these, a sample by hash.

Of ten million units that is 1%: 300 that have a second row are found with a probability of 95%."""


_EVENTS_ONLY = "a table of units has no exposures; use Analysis for stored events"


@arguments_checked(
    {
        **dict.fromkeys(
            ("start", "until", "window", "over_time", "several", "exclude"), _EVENTS_ONLY
        ),
        "cuped": "name the columns of the time before: covariates={'revenue': 'revenue_before'}",
    }
)
@frozen
class UnitsAnalysis:
    """The analysis of a table that has one row per unit already.

    Attributes:
        units: A path, a frame, the name of a table of the engine, or a `Table` of any of these.
        unit: The column of the units' ids; None: there is none, and each row is a unit.
        variant: The column of the variants.
        control: The variant that the others are compared with.
        metrics: `Conversion` (a column of TRUE and FALSE, t and f, or 1 and 0), `Mean`, and formulas of
            these.
        weights: The designed share of each variant. If empty, equal shares, unless the variants are so
            far from these that other ones must have been designed: then their sizes are not checked.
        covariates: By metric, the column of the same before the experiment, for CUPED.
        segments: Columns; the result is given for the ten largest groups of each too.
        engine: As for `Analysis`.
        method: "welch" (a table does not say when its units came, so it is taken for one look), or
            "sequential" for a table that is looked at again while it grows, or "bayesian".
        confidence: As for `Analysis`.
        correction: As for `Analysis`.
        alternative: As for `Analysis`.
        taus: As for `Analysis`.
        sample_size: As for `Analysis`.
    """

    units: Source
    unit: str | None = field(kw_only=True, default=None)
    variant: str = field(kw_only=True)
    control: str = field(kw_only=True, converter=str)
    metrics: Sequence[Metric] = field(kw_only=True, converter=metrics_of)
    weights: Mapping[str, float] = field(kw_only=True, default=_NOTHING, converter=shares)
    covariates: Mapping[str, str] = field(kw_only=True, default=_NO_COLUMNS, validator=by_metric)
    segments: Sequence[str] = field(kw_only=True, default=(), converter=segment_names)
    engine: object = field(kw_only=True, default=None)
    method: str | Method = field(kw_only=True, default=Method.WELCH)
    confidence: float = field(kw_only=True, default=0.95)
    correction: str | Correction | None = field(kw_only=True, default=None)
    alternative: str | Alternative = field(kw_only=True, default=Alternative.TWO_SIDED)
    taus: Mapping[str, Tau] = field(kw_only=True, default=_NOTHING, validator=by_metric)
    sample_size: int | None = field(kw_only=True, default=None)

    def run(self, progress: Progress = silent) -> Result:
        """Compute the result.

        Args:
            progress: As for `Analysis.run`.

        Raises:
            MissingColumnError: The table lacks a column.
            EmptyDataError: It has no rows.
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The data cannot be analyzed; the message says why.
            MissingExtraError: A package is not installed that is needed.
        """
        settings = self._settings()
        units = table(self.units)
        plan = Plan(
            name=_title(units, self.metrics, self.variant),
            unit_type=self.unit or "unit",
            control=self.control,
            weights=self.weights,
            metrics=self.metrics,
        )
        check_plan(plan, settings)
        if self.covariates and settings.method is Method.BAYESIAN:
            message = "CUPED is not offered with method='bayesian': leave covariates out"
            raise AnalysisError(message)
        queries = self._queries(plan)
        with opened(self.engine) as engine:
            asking = Asking(engine, progress=progress, steps=_STEPS)
            engine.open("table_of_units", units, queries.columns())
            rows = asking.row("rows of the table", queries.rows())
            without = _without(rows)
            _check_rows(rows, queries, units.label)
            if self.unit is not None:
                _check_once(asking, queries, units.label, rows=integer(rows, "total_rows"))
            keep = bool(self.segments) or bool(queries.layout.capped)
            measured = queries.measured(complete=not any(without.values()))
            asking.define("measured", measured, keep=keep)
            gathered = measure_units(asking, queries.layout, segments=self.segments)
            where = f"{units.label}, column {self.variant!r},"
            check_variants(len(gathered.sums), where=where)
            version = engine.version
        asked = Asked(
            plan=plan,
            settings=settings,
            made=datetime.now(UTC),
            sources={"units": units.label},
            queries=asking.texts,
            engine=version,
        )
        zeros = (*_zeros(gathered), *limited_to_zero(gathered))
        gathered = evolve(gathered, notes=(*gathered.notes, *zeros))
        result = assembled(asked, gathered, counts=_counted)
        return evolve(
            result,
            incomplete=sum(without.values()),
            warnings=(*result.warnings, *_warnings(without)),
        )

    def _settings(self) -> Settings:
        _check_method(self.method)
        chosen: dict[str, Any] = {} if self.correction is None else {"correction": self.correction}
        return Settings(
            method=self.method,
            confidence=self.confidence,
            alternative=self.alternative,
            taus=self.taus,
            sample_size=self.sample_size,
            **chosen,
        )

    def _queries(self, plan: Plan) -> UnitTableQueries:
        plain = Layout(metrics=plan.metrics)
        by_name = {part.name: part for part in plain.parts}
        unknown = sorted(set(self.covariates) - set(by_name))
        if unknown:
            message = (
                f"covariates names {', '.join(unknown)}; the metrics of one column are "
                f"{', '.join(by_name)}"
            )
            raise AnalysisError(message)
        before = {by_name[name]: column for name, column in self.covariates.items()}
        return UnitTableQueries(
            unit=self.unit,
            variant=self.variant,
            layout=Layout(
                metrics=plan.metrics, past={part: (column,) for part, column in before.items()}
            ),
            before=before,
            segments=self.segments,
        )


@arguments_checked({"metrics": "they are the keys of sums"})
@frozen
class SumsAnalysis:
    """The analysis of what was counted and averaged elsewhere.

    Attributes:
        name: How reports call the experiment.
        sums: By metric and variant: the number of conversions (of a `Conversion`), or the `Moments` (of
            any other metric).
        units: By variant, the number of units.
        control: The variant that the others are compared with.
        weights: As for `UnitsAnalysis`.
        method: As for `UnitsAnalysis`.
        confidence: As for `UnitsAnalysis`.
        taus: As for `UnitsAnalysis`.
    """

    name: str
    sums: Mapping[Metric, Mapping[str, int | Moments]] = field(kw_only=True)
    units: Mapping[str, int] = field(kw_only=True)
    control: str = field(kw_only=True, converter=str)
    weights: Mapping[str, float] = field(kw_only=True, default=_NOTHING, converter=shares)
    method: str | Method = field(kw_only=True, default=Method.WELCH)
    confidence: float = field(kw_only=True, default=0.95)
    taus: Mapping[str, Tau] = field(kw_only=True, default=_NOTHING, validator=by_metric)

    def run(self) -> Result:
        """Compute the result.

        Raises:
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The sums contradict each other; the message says how.
            MissingExtraError: scipy is not installed.
        """
        _check_method(self.method)
        plan = Plan(
            name=self.name, control=self.control, weights=self.weights, metrics=tuple(self.sums)
        )
        settings = Settings(method=self.method, confidence=self.confidence, taus=self.taus)
        check_plan(plan, settings)
        layout = Layout(metrics=plan.metrics, signed=(), divisors=())
        gathered = Gathered(
            sums=MappingProxyType({v: self._of(v, layout) for v in self.units}), layout=layout
        )
        asked = Asked(
            plan=plan,
            settings=settings,
            made=datetime.now(UTC),
            sources={},
            queries={},
            engine="sums made elsewhere",
        )
        return assembled(asked, gathered, counts=_counted)

    def _of(self, variant: str, layout: Layout) -> Sums:
        n = self.units[variant]
        means: list[float] = []
        products: dict[tuple[int, int], float] = {}
        for i, part in enumerate(layout.parts):
            found = self._moments(part, variant)
            means.append(found.mean)
            products[i, i] = found.variance * (n if part.binary else max(0, n - 1))
        nothing = (0.0,) * layout.size
        return Sums(n, tuple(means), nothing, MappingProxyType(products))

    def _moments(self, part: Metric, variant: str) -> Moments:
        n = self.units.get(variant, 0)
        found = self.sums.get(part, {}).get(variant)
        if type(found) is int and part.binary and 0 <= found <= n:
            return Moments.from_successes(n, found)
        if isinstance(found, Moments) and not part.binary and found.n == n:
            return found
        wanted = f"0 to {n:,} conversions" if part.binary else f"Moments of {n:,} units"
        message = f"{part.name}, variant {variant}: needs {wanted}, not {found!r}"
        raise AnalysisError(message)


def _title(units: Table, metrics: Sequence[Metric], variant: str) -> str:
    """How a table is called in a heading: "exports/cookie_cats.csv.gz" is "Cookie cats".

    Rows in memory have no name: they are "revenue by variant".
    """
    words = units.name.split(".")[0].replace("_", " ").replace("-", " ").strip()
    if not words or not isinstance(units.source, str | Path):
        return f"{metrics[0].name} by {variant}" if metrics else units.name
    return f"{words[0].upper()}{words[1:]}"


def _zeros(gathered: Gathered) -> Iterable[str]:
    """A column that has nothing but 0 is probably another one than was meant."""
    for estimand in gathered.layout.estimands:
        places = estimand.places.values()
        if any(estimand.capped_units(sums) for sums in gathered.sums.values()):
            continue  # the limits made them 0
        if all(sums.mean(place) == 0 for sums in gathered.sums.values() for place in places):
            yield f"{estimand.metric.name!r} is 0 for every unit. Is it the right column?"


def _check_method(method: str | Method) -> None:
    """Refuse a test whose looks are found in results over time."""
    if method == Method.GROUP_SEQUENTIAL:
        message = (
            "method='group-sequential' finds its looks in the results over time, which only Analysis "
            "has, of stored events: use method='sequential', or 'welch' for one look"
        )
        raise AnalysisError(message)


def _counted(variant: str, units: int) -> VariantCounts:
    return VariantCounts(variant=variant, rows=units, exposed=units, excluded=0, units=units)


def _check_rows(rows: Row, queries: UnitTableQueries, label: str) -> None:
    """Refuse a table without variants."""
    if not integer(rows, "total_rows"):
        raise EmptyDataError(label, "has columns but no rows")
    if not integer(rows, "with_variant"):
        raise EmptyDataError(label, f"has no value in its column {queries.variant!r}")


def _check_once(asking: Asking, queries: UnitTableQueries, label: str, *, rows: int) -> None:
    """Refuse a table in which a unit has several rows.

    Of a large table, a hundred thousand units are looked at: enough for the mistakes that matter.
    """
    share = min(1.0, ENOUGH / max(1, rows))
    if not asking.engine.repeats("table_of_units", "unit_id", share=share):
        return
    for row in asking.rows("units with several rows", queries.repeated()):
        message = (
            f"{label} must have one row per unit, but {integer(row, 'times'):,} rows have the value "
            f"{row['unit_id']!r} of {queries.unit!r}; leave unit out if each row is one"
        )
        raise AnalysisError(message)


def _without(rows: Row) -> dict[str, int]:
    """How many rows lack what."""
    total = integer(rows, "total_rows")
    return {
        "variant": total - integer(rows, "with_variant"),
        "unit id": total - integer(rows, "with_unit"),
    }


def _warnings(without: Mapping[str, int]) -> Iterable[str]:
    for what, rows in without.items():
        if rows:
            yield left_out(rows, "row", what)
