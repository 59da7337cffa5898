"""What an analysis asks of events, before it has seen any."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from attrs import evolve, frozen

from abkit.analysis.aggregation.phases import locked_weights
from abkit.analysis.aggregation.session import microseconds
from abkit.analysis.assemble import check_plan
from abkit.analysis.declared.arguments import moment, utc
from abkit.analysis.declared.design import Declared, Design
from abkit.analysis.declared.history import History, readable_history
from abkit.analysis.declared.planned import in_force, planned
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.units import UnitQueries
from abkit.errors import AnalysisError
from abkit.events import Variant
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Several, Step
from abkit.experiments.declaring.covariates import metrics_among, properties_among

if TYPE_CHECKING:
    from abkit.experiments.declaring.experiment import Experiment


@frozen(kw_only=True)
class Asking:
    """What is asked.

    Attributes:
        design: What was declared; its plan is that of the experiment over that of its project.
        plan: How it is judged.
        who: The queries of who takes part.
        what: The queries of what they did.
        properties: Those of the exposure by which metrics are adjusted.
        history: What the lock knows.
        unreadable: Why it is not known, in sentences.
        frame: From when (included) until when (excluded) exposures count, UTC; None: it is open.
        made: Now, UTC.
    """

    design: Design
    plan: AnalysisPlan
    who: UnitQueries
    what: EventQueries
    properties: Sequence[str]
    history: History
    unreadable: Sequence[str]
    frame: tuple[datetime | None, datetime | None]
    made: datetime

    @property
    def length(self) -> int:
        """Of a period, in microseconds."""
        return (self.plan.over_time or Step.DAY).length // timedelta(microseconds=1)

    @property
    def until(self) -> int:
        """The end of the time frame, or now, in microseconds since 1970."""
        end = self.frame[1]
        return microseconds(self.made if end is None else min(self.made, end))


def asked(
    experiment: "type[Experiment] | Declared | Design",
    plan: AnalysisPlan | None,
    *,
    control: Variant | None = None,
    start: datetime | date | str | None = None,
    until: datetime | date | str | None = None,
) -> Asking:
    """What an analysis asks.

    Args:
        experiment: The class of the experiment, or a `Design`.
        plan: What is to be otherwise than in the experiment's plan; None: nothing.
        control: The variant that the others are compared with; None: the declared one.
        start: As for `Analysis.run`.
        until: As for `Analysis.run`.

    Raises:
        TooFewVariantsError: There is no control.
        AnalysisError: What is asked does not go together.
    """
    design = evolve(Design.of(experiment, control=control), plan=planned(experiment))
    plan = in_force(plan, design.plan)
    check_plan(design, plan)
    if isinstance(plan.cuped, Mapping):
        message = (
            "cuped names columns, which are those of a table of units: for events, give a length of "
            "time, such as cuped=timedelta(days=14)"
        )
        raise AnalysisError(message)
    made, begin, end = datetime.now(UTC), _zoned(moment(start)), _zoned(moment(until))
    history, unreadable = readable_history(design.name)
    layout = Layout.of_events(
        design.metrics,
        cuped=plan.cuped is not None,
        window=plan.window,
        covariates=metrics_among(plan.covariates, design.metrics),
    )
    properties = properties_among(plan.covariates, design.metrics)
    who = UnitQueries(
        design=design,
        several=plan.several,
        start=None if begin is None else microseconds(begin),
        until=None if end is None else microseconds(end),
        segments=tuple(dict.fromkeys([*plan.segments, *properties])),
        numbers=properties,
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
    return Asking(
        design=design,
        plan=plan,
        who=who,
        what=what,
        properties=properties,
        history=history,
        unreadable=unreadable,
        frame=(begin, end),
        made=made,
    )


def _zoned(when: datetime | date | None) -> datetime | None:
    return None if when is None else utc(when)
