"""Stored exposures and actions in, a result out."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
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
from abkit.analysis.aggregation.session import Progress, QuerySession, microseconds, silent
from abkit.analysis.asking import Asking, asked
from abkit.analysis.declared.design import Declared, Design
from abkit.analysis.declared.design_weights import designed_weights, is_in_code
from abkit.analysis.declared.past_results import past_results
from abkit.analysis.engines.base import Engine
from abkit.analysis.engines.choose import opened
from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.measuring import measure
from abkit.analysis.reading.gone_files import read_again
from abkit.analysis.reading.sources import Source, Table, table
from abkit.analysis.result import Result
from abkit.analysis.statistics.days import are_additive
from abkit.analysis.store.file.remote_store import from_the_newest
from abkit.analysis.store.needed import needed_columns
from abkit.analysis.store.opening import opened_store
from abkit.analysis.store.place import Store, store_of
from abkit.errors import AnalysisError
from abkit.events import Variant
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.arguments import arguments_checked
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
            is new is: a file keeps what files have, and `Store(schema="...")` what tables of the engine
            have. None: everything is read each time. See docs/howto/analyze-daily.md.
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
        ask = asked(self.experiment, self.plan, control=control, start=start, until=until)

        def gathered() -> ExperimentSums:
            return self._gathered(ask, progress)

        if self.engine is None:
            return from_the_newest(lambda: read_again(gathered))
        return from_the_newest(gathered)  # An engine may still have names of the first time.

    def _gathered(self, ask: Asking, progress: Progress) -> ExperimentSums:
        design, plan, who = ask.design, ask.plan, ask.who
        sticky, tables = _is_sticky(self.experiment), self._tables()
        with self._opened(ask, tables) as engine:
            steps = _STEPS + (_STEPS_BY_DAY if plan.novelty else 0)
            session = QuerySession(engine, progress=progress, steps=steps)
            links = None
            if "identities" in tables:
                links = find_links(session, design.unit_type, tables["identities"])
            exposed = find_exposed_units(
                session,
                who,
                tables["exposures"],
                length=ask.length,
                designed=lambda: designed_weights(self.experiment, design),
                links=links,
                sticky=sticky,
            )
            attributes = find_attributes(
                session, {name: f"segment_{who.segments.index(name)}" for name in ask.properties}
            )
            what = evolve(
                ask.what,
                layout=evolve(ask.what.layout, attributes=attributes.found),
                phased=len(exposed.phases) > 1,
            )
            latest = None if exposed.latest is None else microseconds(exposed.latest)
            actions = tables.get("actions")
            recorded = recorded_actions(links, actions)
            did = measure(
                session,
                what,
                actions,
                segments=plan.segments,
                new_units=NewUnits(ask.length, exposed.by_period) if plan.over_time else None,
                links=links,
                ends=(latest, ask.until),
                experiment=design.name if ask.frame == (None, None) else None,
            )
            notes = absences(did.complete, did.sums, actions, lacking=did.lacking)
            if design.unit_type == VISITOR and actions is not None and links is None:
                notes += tuple(unreached_visitors(did.sums))
            measured = evolve(
                did.sums,
                notes=(*did.sums.notes, *attributes.notes, *notes, *ask.unreadable),
                absences=notes,
                phases=exposed.phases,
                immature=immature(
                    session,
                    what.layout,
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
                until=ask.until,
                actions=recorded,
                unit_days=did.unit_days,
            )
            did.close()
            unassigned = None
            if self.assignments is not None:
                tables["assignments"] = table(self.assignments)
                unassigned = compare_assignments(
                    session, design, tables["assignments"], links=links
                )
            version = engine.version
        return ExperimentSums(
            design=design,
            declared_control=_declared_control(self.experiment),
            amendments=ask.history.amendments,
            locked=ask.history.phases,
            sticky=sticky,
            past=past_results(design.name),
            starts=_starts(self.experiment),
            plan=plan,
            measured=measured,
            exposed=exposed,
            frame=ask.frame,
            unassigned=unassigned,
            daily=daily,
            in_code=is_in_code(self.experiment),
            made=ask.made,
            sources={name: source.label for name, source in tables.items()},
            queries=session.texts,
            engine=version,
        )

    def _tables(self) -> dict[str, Table]:
        sources = {
            "exposures": self.exposures,
            "actions": self.actions,
            "identities": self.identities,
        }
        return {name: table(source) for name, source in sources.items() if source is not None}

    @contextmanager
    def _opened(self, ask: Asking, tables: Mapping[str, Table]) -> Iterator[Engine]:
        """The engine, for a while; with a store, one that has taken in what is new."""
        if self.store is None:
            with opened(self.engine) as engine:
                yield engine
            return
        needed = needed_columns(ask.who, ask.what, tables)
        with opened_store(self.store, self.engine, tables, [needed]) as kept:
            yield kept


def read_together(analyses: Iterable[Analysis]) -> None:
    """Take what is new into a store for several analyses: it is read once, whatever each of them needs.

    They would take it in themselves when they are run; but each that needs other properties of the actions
    than those before it would read all of them anew.

    Args:
        analyses: Of the same events, with the same store. One that asks what does not go together is left
            out: it says so when it is run.

    Raises:
        AnalysisError: They have different stores, engines or events, or none; or the events cannot be read.
    """
    known = [*analyses]
    if not known:
        return
    first, needed = known[0], []
    tables = first._tables()
    for each in known:
        alike = each.store == first.store and each.engine is first.engine
        if each.store is None or not alike or each._tables() != tables:
            message = "what is read together has the same exposures, actions and identities, and one store="
            raise AnalysisError(message)
        with suppress(AnalysisError):
            ask = asked(each.experiment, each.plan)
            needed.append(needed_columns(ask.who, ask.what, tables))
    store = first.store

    def take_in() -> None:
        if store is not None:
            with opened_store(store, first.engine, tables, needed):
                pass

    from_the_newest(take_in)


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
