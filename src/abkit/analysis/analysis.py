"""Stored exposures and actions in, a result out."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.absence import absences, unreached_visitors
from abkit.analysis.aggregation.assignments import compare_assignments
from abkit.analysis.aggregation.covariates import find_attributes
from abkit.analysis.aggregation.days import measure_days
from abkit.analysis.aggregation.exposures import find_exposed_units
from abkit.analysis.aggregation.identities import find_links, recorded_actions
from abkit.analysis.aggregation.maturity import immature
from abkit.analysis.aggregation.measures import NewUnits
from abkit.analysis.aggregation.phases import locked_weights
from abkit.analysis.aggregation.session import Progress, QuerySession, microseconds, silent
from abkit.analysis.assemble import check_plan
from abkit.analysis.declared.arguments import moment, utc
from abkit.analysis.declared.design import Declared, Design
from abkit.analysis.declared.design_weights import designed_weights, is_in_code
from abkit.analysis.declared.history import readable_history
from abkit.analysis.declared.past_results import past_results
from abkit.analysis.declared.planned import in_force, planned
from abkit.analysis.engines.base import Engine
from abkit.analysis.engines.choose import opened
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.measuring import measure
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import Source, Table, table
from abkit.analysis.result import Result
from abkit.analysis.statistics.days import are_additive
from abkit.analysis.store.needed import needed_columns
from abkit.analysis.store.opening import opened_store
from abkit.analysis.store.place import Store, store_of
from abkit.errors import AnalysisError
from abkit.events import Variant
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.analysis_words import Several, Step
from abkit.experiments.declaring.arguments import arguments_checked
from abkit.experiments.declaring.covariates import metrics_among, properties_among
from abkit.experiments.declaring.identities import VISITOR

if TYPE_CHECKING:
    from abkit.experiments.declaring.experiment import Experiment

_STEPS, _STEPS_BY_DAY = 8, 4
"""About how many queries an analysis runs, and how many more for the effect by days since exposure."""


def of_the_plan(name: str) -> str:
    """Where what a plan says is said."""
    return f"it is part of the plan: plan=AnalysisPlan({name}=...)"


def check_plan_given(_: object, __: object, value: Any) -> None:
    """Refuse what is no plan."""
    if value is not None and not isinstance(value, AnalysisPlan):
        message = f"plan must be an AnalysisPlan(...), such as AnalysisPlan(confidence=0.9), not {value!r}"
        raise AnalysisError(message)


@arguments_checked(
    {
        **{name: of_the_plan(name) for name in fields_of_a_plan()},
        **{
            name: f"it is said when it is run: .run({name}=...)"
            for name in ("start", "until", "control")
        },
        "metric": "the experiment declares its metrics; of a table of units, use UnitsAnalysis",
        "metrics": "the experiment declares them; of a table of units, use UnitsAnalysis",
        "weights": "the experiment declares them as its variants",
        "units": "use UnitsAnalysis for a table with one row per unit",
    }
)
@frozen
class Analysis:
    """The analysis of one experiment, from its stored exposures and actions.

    How it is judged is the experiment's `plan`. A unit enters with its first exposure; its actions count
    from then on; a unit without actions counts as 0. See docs/concepts/analysis.md.

    Attributes:
        experiment: The class of the experiment, or a `Design`.
        exposures: A path, a frame, the name of a table of the engine, or a `Table` of any of these,
            with the columns of `abkit.events.EXPOSURE_COLUMNS`.
        actions: The same, with the columns of `abkit.events.ACTION_COLUMNS`; None: nothing was done yet.
        assignments: The same as exposures, of every assignment; to compare the two. None: no comparison.
        identities: The same, with the columns of `abkit.events.IDENTITY_COLUMNS`: an action of a user counts
            for the visitors that the user was, and so on; visitors of one person are one unit. None: an
            action counts for the unit that it names. See docs/concepts/visitors-and-identity.md.
        engine: A DB-API connection, an engine of SQLAlchemy or a Spark session, whose tables are
            analyzed where they are; None: DuckDB, embedded.
        plan: What is to be otherwise than in the experiment's plan, which the result then says. Where it
            says nothing, the experiment's plan holds; None: in everything.
        store: A `Store`, or the path of its file, which keeps what was read, so that the next time only what
            is new is; of files only. None: everything is read each time. See docs/howto/analyze-daily.md.
    """

    experiment: "type[Experiment] | Declared | Design"
    exposures: Source = field(kw_only=True)
    actions: Source | None = field(kw_only=True)
    assignments: Source | None = field(kw_only=True, default=None)
    identities: Source | None = field(kw_only=True, default=None)
    engine: object = field(kw_only=True, default=None)
    plan: AnalysisPlan | None = field(kw_only=True, default=None, validator=check_plan_given)
    store: Store | None = field(kw_only=True, default=None, converter=store_of)

    def run(
        self,
        progress: Progress = silent,
        *,
        control: Variant | None = None,
        start: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
    ) -> Result:
        """Compute the result.

        Args:
            progress: Is told what is done now, as which step, of about how many.
            control: Compare with this variant instead of the declared control.
            start: Exposures count from then on; None: from the first. A date or a time, or its text in
                ISO 8601; without a zone it is UTC.
            until: Exposures and actions count before this; None: to the last.

        Raises:
            MissingColumnError: A table lacks a column.
            EmptyDataError: There is no exposure of the experiment.
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The data cannot be analyzed; the message says why.
            MissingExtraError: A package is not installed that is needed.
        """
        return self.gather(progress, control=control, start=start, until=until).result()

    def gather(
        self,
        progress: Progress = silent,
        *,
        control: Variant | None = None,
        start: datetime | date | str | None = None,
        until: datetime | date | str | None = None,
    ) -> ExperimentSums:
        """Read the sums of which results are made: as `run`, but without judging them.

        `gather().result()` is what `run()` gives; `ExperimentSums.result` can be asked again, with another
        control, confidence or method, and reads nothing.

        Args:
            progress: As for `run`.
            control: As for `run`.
            start: As for `run`.
            until: As for `run`.

        Raises:
            AbkitError: As `run`.
        """
        design = evolve(Design.of(self.experiment, control=control), plan=planned(self.experiment))
        plan = in_force(self.plan, design.plan)
        check_plan(design, plan)
        if isinstance(plan.cuped, Mapping):
            message = (
                "cuped names columns, which are those of a table of units: for events, give a length of "
                "time, such as cuped=timedelta(days=14)"
            )
            raise AnalysisError(message)
        made, begin, end = datetime.now(UTC), moment(start), moment(until)
        history, unreadable = readable_history(design.name)
        sticky = _is_sticky(self.experiment)
        layout = Layout.of_events(
            design.metrics,
            cuped=plan.cuped is not None,
            window=plan.window,
            covariates=metrics_among(plan.covariates, design.metrics),
        )
        told = properties_among(plan.covariates, design.metrics)
        segments = tuple(dict.fromkeys([*plan.segments, *told]))
        length = (plan.over_time or Step.DAY).length
        sources = {"exposures": table(self.exposures)}
        if self.actions is not None:
            sources["actions"] = table(self.actions)
        if self.identities is not None:
            sources["identities"] = table(self.identities)
        who = UnitQueries(
            design=design,
            several=plan.several,
            start=_instant(begin),
            until=_instant(end),
            segments=segments,
            numbers=told,
            exclusions=plan.exclude,
            locked=locked_weights(history.phases),
        )
        what = EventQueries(
            layout=layout,
            unit_type=design.unit_type,
            until=who.until,
            cuped=plan.cuped,
            segments=len(plan.segments),
            in_several=plan.several is Several.INCLUDE,
        )
        with self._opened(sources, who, what) as engine:
            steps = _STEPS + (_STEPS_BY_DAY if plan.novelty else 0)
            session = QuerySession(engine, progress=progress, steps=steps)
            links = None
            if "identities" in sources:
                links = find_links(session, design.unit_type, sources["identities"])
            exposed = find_exposed_units(
                session,
                who,
                sources["exposures"],
                length=length // timedelta(microseconds=1),
                designed=lambda: designed_weights(self.experiment, design),
                links=links,
                sticky=sticky,
            )
            attributes = find_attributes(
                session, {name: f"segment_{segments.index(name)}" for name in told}
            )
            layout = evolve(layout, attributes=attributes.found)
            what = evolve(what, layout=layout, phased=len(exposed.phases) > 1)
            latest = None if exposed.latest is None else microseconds(exposed.latest)
            known = microseconds(made if end is None else min(made, utc(end)))
            new_units = NewUnits(length // timedelta(microseconds=1), exposed.by_period)
            did = measure(
                session,
                what,
                sources.get("actions"),
                segments=plan.segments,
                new_units=new_units if plan.over_time else None,
                links=links,
                ends=(latest, known),
                experiment=design.name if (begin, end) == (None, None) else None,
            )
            notes = absences(did.complete, did.sums, sources.get("actions"), lacking=did.lacking)
            if design.unit_type == VISITOR and "actions" in sources and links is None:
                notes += tuple(unreached_visitors(did.sums))
            recorded = recorded_actions(links, sources.get("actions"))
            measured = evolve(
                did.sums,
                notes=(*did.sums.notes, *attributes.notes, *notes, *unreadable),
                absences=notes,
                phases=exposed.phases,
                immature=immature(
                    session,
                    layout,
                    exposed=latest,
                    until=who.until,
                    actions=recorded,
                    started=did.started,
                ),
            )
            daily = measure_days(
                session,
                what,
                are_additive([design.deciding] if plan.novelty else []),
                exposed=latest,
                until=known,
                actions=recorded,
                unit_days=did.unit_days,
            )
            did.close()
            unassigned = None
            if self.assignments is not None:
                sources["assignments"] = table(self.assignments)
                unassigned = compare_assignments(
                    session, design, sources["assignments"], links=links
                )
            version = engine.version
        return ExperimentSums(
            design=design,
            declared_control=_declared_control(self.experiment),
            amendments=history.amendments,
            locked=history.phases,
            sticky=sticky,
            past=past_results(design.name),
            starts=_starts(self.experiment),
            plan=plan,
            measured=measured,
            exposed=exposed,
            frame=(_zoned(begin), _zoned(end)),
            unassigned=unassigned,
            daily=daily,
            in_code=is_in_code(self.experiment),
            made=made,
            sources={name: source.label for name, source in sources.items()},
            queries=session.texts,
            engine=version,
        )

    @contextmanager
    def _opened(
        self, tables: Mapping[str, Table], who: UnitQueries, what: EventQueries
    ) -> Iterator[Engine]:
        """The engine, for a while; with a store, one that has taken in what is new."""
        if self.store is None:
            with opened(self.engine) as engine:
                yield engine
            return
        if self.engine is not None:
            message = "store= keeps what files have: leave out either store= or engine="
            raise AnalysisError(message)
        needed = needed_columns(who, what, tables)
        with opened_store(self.store, tables, [needed]) as engine:
            yield engine


def _declared_control(experiment: object) -> str | None:
    """The control that is compared with unless another is asked for; None if there is none."""
    try:
        return Design.of(experiment).control  # type: ignore[arg-type]
    except AnalysisError:
        return None


def _is_sticky(experiment: Any) -> bool:
    """Whether units keep the variant that they were exposed to first; of a `Design` it is not known."""
    declared = getattr(experiment, "declaration", None) or experiment
    return bool(getattr(declared, "sticky", False))


def _starts(experiment: Any) -> datetime | None:
    """The declared start; None if there is none."""
    starts = getattr(getattr(experiment, "declaration", None) or experiment, "starts", None)
    return datetime.fromtimestamp(starts, tz=UTC) if isinstance(starts, int | float) else None


def _instant(when: datetime | date | None) -> int | None:
    return None if when is None else microseconds(when)


def _zoned(when: datetime | date | None) -> datetime | None:
    return None if when is None else utc(when)
