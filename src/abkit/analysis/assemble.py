"""From the sums that a database gave to a result: pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from abkit.analysis import data_warnings
from abkit.analysis.advice.remaining import remaining
from abkit.analysis.advice.timing import timing
from abkit.analysis.advice.verdict import is_last_look, recommend
from abkit.analysis.advice.worth import worth
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.past_results import PastResults
from abkit.analysis.findings.before import before_exposure
from abkit.analysis.findings.evaluate import check_ratio, evaluate, in_order
from abkit.analysis.findings.interactions import heterogeneity
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.over_time import over_time
from abkit.analysis.findings.pairs import Pair, evaluate_pairs, pairs
from abkit.analysis.findings.tau import FirstLook
from abkit.analysis.outcome import Segment, VariantCounts
from abkit.analysis.result import Result, versions
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.deferred import Deferred
from abkit.analysis.statistics.estimands import Estimand, waits
from abkit.analysis.statistics.phases import Phase
from abkit.analysis.statistics.standardizing import compared
from abkit.errors import AnalysisError, TooFewVariantsError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Metric, Role

if TYPE_CHECKING:
    pass


@frozen(kw_only=True)
class Asked:
    """What was asked.

    Attributes:
        design: What was planned.
        plan: How the test is made.
        elapsed: The time since the first exposure; None where there is no time.
        over: Whether no further unit will come.
        first_looks: By the variant that is compared with, the shares of the units that had come by the first
            look; None: this one is the first.
        waiting: The same of metrics that count a unit only once its window is over, by the metric.
        known: Up to when nothing more will come into the data, UTC; None where there is no time.
        past: What is known of past experiments.
        in_code: Whether the experiment's own `assign()` holds weights that nobody could read.
        made: When the analysis ran, UTC.
        sources: Where the rows come from, by table.
        queries: The SQL texts that ran, by what they ask.
        engine: What ran them.
    """

    design: Design
    plan: AnalysisPlan
    elapsed: timedelta | None = None
    over: bool = False
    first_looks: Mapping[str, FirstLook] | None = None
    waiting: Mapping[str, Mapping[Metric, FirstLook]] | None = None
    known: datetime | None = None
    past: PastResults = field(factory=PastResults)
    in_code: bool = False
    made: datetime
    sources: Mapping[str, str]
    queries: Mapping[str, str]
    engine: str

    @property
    def first_look(self) -> FirstLook | None:
        """Beside the control, the shares of the units that had come by the first look."""
        return None if self.first_looks is None else self.first_looks[self.design.control]

    @property
    def mature(self) -> Mapping[Metric, FirstLook]:
        """The same of the metrics that wait."""
        return MappingProxyType({}) if self.waiting is None else self.waiting[self.design.control]


def assembled(
    asked: Asked, measured_sums: MeasuredSums, *, counts: Callable[[str, int], VariantCounts]
) -> Result:
    """What the sums say.

    Args:
        asked: What was asked.
        measured_sums: The sums.
        counts: What is known of a variant of so many units.

    Raises:
        TooFewVariantsError: There is no control, or nothing to compare it with.
        AnalysisError: A sum is not finite.
        MissingExtraError: numpy or scipy is not installed.
    """
    design, plan = asked.design, asked.plan
    estimands = measured_sums.estimands
    looks = [sums for _, sums in measured_sums.looks]
    metrics = evaluate(
        measured_sums.sums,
        estimands,
        design,
        plan,
        first_look=asked.first_look,
        waiting=asked.mature,
        strata=measured_sums.strata,
    )
    if looks:
        metrics = over_time(
            metrics,
            estimands,
            ends=[end for end, _ in measured_sums.looks],
            looks=looks,
            plan=plan,
            known=asked.known,
            strata=measured_sums.strata_of_looks,
        )
    metrics = tuple(
        _with_immature(found, estimand, measured_sums)
        for found, estimand in zip(metrics, estimands, strict=True)
    )
    units = sum(sums.n for sums in measured_sums.sums.values())
    main = next(found for found in metrics if found.metric == design.deciding)
    deciding = estimands[metrics.index(main)]
    decisive = _deciding_pairs(asked, measured_sums, deciding)
    last_look = is_last_look(plan, units=deciding.planned(measured_sums.sums), found=main)
    arms = [main.control, *(treatment.arm for treatment in main.treatments)]
    sizes = {arm.variant: _units(measured_sums.sums, arm.variant) for arm in arms}
    phases = _phases(measured_sums, sizes)
    ratio = check_ratio(
        sizes,
        design,
        one_look=plan.method is Method.WELCH and plan.sample_size is not None and last_look,
        phases=phases,
        in_code=asked.in_code,
    )
    before = before_exposure(
        measured_sums.sums, estimands, design, plan, strata=measured_sums.strata
    )
    recommendation = recommend(
        metrics,
        deciding=design.deciding,
        mismatch=ratio.alarm,
        last_look=last_look,
        pairs=decisive,
        timing=timing(plan, asked.elapsed, ended=_ended(asked)),
        before=before,
    )
    left = None
    if asked.elapsed is not None and not asked.over and not ratio.alarm:
        left = remaining(
            main,
            plan,
            units=deciding.planned(measured_sums.sums),
            elapsed=asked.elapsed
            - (measured_sums.layout.counts_after(main.metric) or timedelta(0)),
        )
    return Result(
        design=design,
        plan=plan,
        made=asked.made,
        counts=tuple(counts(variant, units) for variant, units in sizes.items()),
        sample_ratio=ratio,
        before=before,
        metrics=metrics,
        pairs=Deferred(
            len(decisive) * len(estimands), partial(_pairs, asked, measured_sums, estimands)
        ),
        deciding_pairs=decisive,
        recommendation=recommendation,
        segments=tuple(_segments(measured_sums, asked)),
        heterogeneity=heterogeneity(
            measured_sums.parts,
            measured_sums.layout.estimands,
            design,
            plan,
            units=units,
            first_look=asked.first_look,
            waiting=asked.mature,
        ),
        remaining=left,
        worth=None if ratio.alarm else worth(main, past=asked.past, alpha=plan.level),
        warnings=(
            *plan.warnings,
            *measured_sums.notes,
            *data_warnings.of_windows(measured_sums),
            *data_warnings.of_phases(phases, control=design.control),
            *data_warnings.without_weights(phases),
            *data_warnings.of_unknown_shares(ratio, in_code=asked.in_code),
            *data_warnings.without_looks(measured_sums, plan),
        ),
        phases=phases if len(phases) > 1 else (),
        sources=MappingProxyType(dict(asked.sources)),
        versions=versions(asked.engine),
        queries=MappingProxyType(dict(asked.queries)),
    )


def _ended(asked: Asked) -> bool:
    """Whether the experiment is over as declared."""
    ends, known = asked.design.ends, asked.known
    return ends is not None and known is not None and known >= ends


def check_plan(design: Design, plan: AnalysisPlan) -> None:
    """Refuse an analysis of nothing.

    Raises:
        AnalysisError: There are no metrics, or two of one name, or the plan does not fit them.
    """
    names = [metric.name for metric in design.metrics]
    if not names:
        message = f"{design.name} declares no metrics; declare one, such as Conversion('signed up')"
        raise AnalysisError(message)
    if len(set(names)) < len(names):
        repeated = sorted({name for name in names if names.count(name) > 1})
        message = f"{design.name} has several metrics of one name: {', '.join(repeated)}"
        raise AnalysisError(message)
    plan.check(design.metrics)


def _with_immature(
    found: MetricResult, estimand: Estimand, measured_sums: MeasuredSums
) -> MetricResult:
    """A result that says how many of its units are not mature yet; if it waits, how many it waits for."""
    counts = measured_sums.immature.get(found.metric)
    if waits(found.metric):
        counts = {v: of.n - estimand.units(of) for v, of in measured_sums.sums.items()}
    if counts is None:
        return found
    return evolve(
        found,
        control=evolve(found.control, immature=counts.get(found.control.variant, 0)),
        treatments=tuple(
            evolve(t, arm=evolve(t.arm, immature=counts.get(t.arm.variant, 0)))
            for t in found.treatments
        ),
    )


def _deciding_pairs(
    asked: Asked, measured_sums: MeasuredSums, deciding: Estimand
) -> tuple[Pair, ...]:
    """Every two variants beside the control, in the metric that decides."""
    alone = deciding.metric.role is not Role.SECONDARY
    found = _pairs(asked, measured_sums, [deciding] if alone else measured_sums.estimands)
    return tuple(pair for pair in found if pair.metric == deciding.metric)


def _pairs(
    asked: Asked, measured_sums: MeasuredSums, estimands: Sequence[Estimand]
) -> tuple[Pair, ...]:
    """Every two variants beside the control, in all metrics; or in one that is read alone."""
    plan = asked.plan
    found = evaluate_pairs(
        in_order(measured_sums.sums, asked.design),
        estimands,
        plan,
        first_looks=asked.first_looks,
        waiting=asked.waiting,
        strata=measured_sums.strata,
    )
    if found and measured_sums.looks and plan.method is Method.GROUP_SEQUENTIAL:
        found = over_time(
            found,
            [*estimands] * (len(found) // len(estimands)),
            ends=[end for end, _ in measured_sums.looks],
            looks=[sums for _, sums in measured_sums.looks],
            plan=plan,
            known=asked.known,
            strata=measured_sums.strata_of_looks,
        )
    return pairs(found)


def _segments(measured_sums: MeasuredSums, asked: Asked) -> Iterable[Segment]:
    """The parts of the units that have the control and something beside it."""
    # CUPED and corrections are for the whole.
    estimands = [estimand.unadjusted for estimand in measured_sums.layout.estimands]
    for part in measured_sums.parts:
        try:
            metrics = evaluate(
                part.sums,
                estimands,
                asked.design,
                asked.plan.for_segments,
                whole=measured_sums.sums,
                first_look=asked.first_look,
                waiting=asked.mature,
                strata=part.strata,
            )
        except TooFewVariantsError:
            continue
        yield Segment(property=part.property, value=part.value, metrics=metrics)


def _units(sums: Mapping[str, Sums], variant: str) -> int:
    return sums[variant].n if variant in sums else 0


def _phases(measured_sums: MeasuredSums, sizes: Mapping[str, int]) -> tuple[Phase, ...]:
    """The phases, with their units and what is compared in them."""
    if len(measured_sums.phases) < 2:
        return tuple(evolve(phase, units=MappingProxyType(sizes)) for phase in measured_sums.phases)
    control, *treatments = sizes
    phases = []
    for number, phase in enumerate(measured_sums.phases):
        sums = measured_sums.strata[number] if number < len(measured_sums.strata) else {}
        units = {variant: _units(sums, variant) for variant in sizes}
        both = [treatment for treatment in treatments if compared([sums], control, treatment)]
        phases.append(evolve(phase, units=MappingProxyType(units), compared=tuple(both)))
    return tuple(phases)
