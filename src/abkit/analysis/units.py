"""A table with one row per unit in, a result out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.absence import limited_to_zero
from abkit.analysis.aggregation.exposures import check_variants
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.measures import measure_units
from abkit.analysis.aggregation.missing import check_dropped, missing_values
from abkit.analysis.aggregation.session import Progress, QuerySession, silent
from abkit.analysis.amounts import left_out
from abkit.analysis.analysis import check_plan_given, of_the_plan
from abkit.analysis.assemble import Asked, assembled, check_plan
from abkit.analysis.declared.arguments import metrics as metrics_of
from abkit.analysis.declared.arguments import shares
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.past_results import past_results
from abkit.analysis.declared.planned import deviations, project_plan
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.engines.choose import opened
from abkit.analysis.missing_values import of_missing_values, with_missing_values
from abkit.analysis.query.counted_time import check_no_time
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.unit_table import UnitTableQueries, column_of
from abkit.analysis.reading.sources import Source, Table, table
from abkit.analysis.result import Result
from abkit.analysis.tables import OF_EVENTS, counted, plan_of_a_table
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.arguments import arguments_checked
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
        **{name: of_the_plan(name) for name in fields_of_a_plan()},
        **dict.fromkeys(("start", "until", *OF_EVENTS), _EVENTS_ONLY),
        "cuped": "it is part of the plan: plan=AnalysisPlan(cuped={'revenue': 'revenue_before'})",
        "covariates": "it is part of the plan: plan=AnalysisPlan(cuped={'revenue': 'revenue_before'})",
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
            these. A unit without a value is an error, unless the metric's `missing` says otherwise.
        weights: The designed share of each variant. If empty, equal shares, unless the variants are so
            far from these that other ones must have been designed: then their sizes are not checked.
        engine: As for `Analysis`.
        plan: How it is judged; None: as the project says, or by default, which is Welch's t-test here, as a
            table is usually looked at once. `cuped` names, by metric, the column of the same before the
            experiment; `segments` are columns.
    """

    units: Source
    unit: str | None = field(kw_only=True, default=None)
    variant: str = field(kw_only=True)
    control: str = field(kw_only=True, converter=str)
    metrics: Sequence[Metric] = field(kw_only=True, converter=metrics_of)
    weights: Mapping[str, float] = field(kw_only=True, default=_NOTHING, converter=shares)
    engine: object = field(kw_only=True, default=None)
    plan: AnalysisPlan | None = field(kw_only=True, default=None, validator=check_plan_given)

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
        project = project_plan()
        plan = plan_of_a_table(self.plan, project)
        units = table(self.units)
        design = Design(
            name=_title(units, self.metrics, self.variant),
            unit_type=self.unit or "unit",
            control=self.control,
            weights=self.weights,
            metrics=self.metrics,
        )
        check_plan(design, plan)
        check_dropped(design.metrics)
        check_no_time(design.metrics)
        queries = self._queries(design, plan)
        with opened(self.engine) as engine:
            session = QuerySession(engine, progress=progress, steps=_STEPS)
            engine.open("table_of_units", units, queries.columns())
            rows = session.row("rows of the table", queries.rows())
            without = _without(rows)
            _check_rows(rows, queries, units.label)
            if self.unit is not None:
                _check_once(session, queries, units.label, rows=integer(rows, "total_rows"))
            keep = bool(plan.segments) or bool(queries.layout.capped)
            columns = queries.measured(complete=not any(without.values()))
            session.define("measured", columns, keep=keep)
            measured = measure_units(session, queries.layout, segments=plan.segments)
            where = f"{units.label}, column {self.variant!r},"
            check_variants(len(measured.sums), where=where)
            missing = missing_values(session, queries)
            version = engine.version
        asked = Asked(
            design=design,
            plan=plan,
            past=past_results(design.name),
            made=datetime.now(UTC),
            sources={"units": units.label},
            queries=session.texts,
            engine=version,
        )
        zeros = (*_zeros(measured), *limited_to_zero(measured))
        measured = evolve(measured, notes=(*measured.notes, *zeros))
        result = assembled(asked, measured, counts=counted)
        return evolve(
            result,
            not_as_planned=tuple(
                map(str, deviations(plan, project and plan_of_a_table(None, project)))
            ),
            metrics=tuple(with_missing_values(found, missing) for found in result.metrics),
            incomplete=sum(without.values()),
            warnings=(*result.warnings, *_warnings(without), *of_missing_values(missing)),
        )

    def _queries(self, design: Design, plan: AnalysisPlan) -> UnitTableQueries:
        columns = plan.cuped if isinstance(plan.cuped, Mapping) else _NO_COLUMNS
        plain = Layout(metrics=design.metrics)
        by_name = {part.name: part for part in plain.parts}
        unknown = sorted(set(columns) - set(by_name))
        if unknown:
            message = (
                f"cuped names {', '.join(unknown)}; the metrics of one column are "
                f"{', '.join(by_name)}"
            )
            raise AnalysisError(message)
        before = {by_name[name]: column for name, column in columns.items()}
        past = {
            part: (column, *([f"of {column_of(part)}"] if part in plain.dropping else []))
            for part, column in before.items()
        }
        return UnitTableQueries(
            unit=self.unit,
            variant=self.variant,
            layout=Layout(metrics=design.metrics, past=past),
            before=before,
            segments=plan.segments,
        )


def _title(units: Table, metrics: Sequence[Metric], variant: str) -> str:
    """How a table is called in a heading: "exports/cookie_cats.csv.gz" is "Cookie cats".

    Rows in memory have no name: they are "revenue by variant".
    """
    words = units.name.split(".")[0].replace("_", " ").replace("-", " ").strip()
    if not words or not isinstance(units.source, str | Path):
        return f"{metrics[0].name} by {variant}" if metrics else units.name
    return f"{words[0].upper()}{words[1:]}"


def _zeros(measured_sums: MeasuredSums) -> Iterable[str]:
    """A column that has nothing but 0 is probably another one than was meant."""
    for estimand in measured_sums.layout.estimands:
        places = estimand.places.values()
        if any(estimand.capped_units(sums) for sums in measured_sums.sums.values()):
            continue  # the limits made them 0
        if all(sums.mean(place) == 0 for sums in measured_sums.sums.values() for place in places):
            yield f"{estimand.metric.name!r} is 0 for every unit. Is it the right column?"


def _check_rows(rows: Row, queries: UnitTableQueries, label: str) -> None:
    """Refuse a table without variants."""
    if not integer(rows, "total_rows"):
        raise EmptyDataError(label, "has columns but no rows")
    if not integer(rows, "with_variant"):
        raise EmptyDataError(label, f"has no value in its column {queries.variant!r}")


def _check_once(session: QuerySession, queries: UnitTableQueries, label: str, *, rows: int) -> None:
    """Refuse a table in which a unit has several rows.

    Of a large table, a hundred thousand units are looked at: enough for the mistakes that matter.
    """
    share = min(1.0, ENOUGH / max(1, rows))
    if not session.engine.repeats("table_of_units", "unit_id", share=share):
        return
    for row in session.rows("units with several rows", queries.repeated()):
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
