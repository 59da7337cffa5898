"""The way in: an experiment and stored actions, to a `Rehearsal`."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

from attrs import evolve

from abkit.analysis.aggregation.session import Progress, silent
from abkit.analysis.amounts import listed
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.planned import in_force, planned
from abkit.analysis.findings.before import LEVEL
from abkit.analysis.inference.power.effect import check_power
from abkit.analysis.reading.sources import Source
from abkit.analysis.rehearsal.checks import check_deciding, check_done, check_size, check_splits
from abkit.analysis.rehearsal.drawing import Drawing
from abkit.analysis.rehearsal.history import History
from abkit.analysis.rehearsal.judging import (
    Judge,
    Judged,
    allowed,
    detectable,
    error_ratio,
    frequencies,
    most_missing,
)
from abkit.analysis.rehearsal.outcome import (
    Before,
    Frequency,
    Gains,
    Rehearsal,
    RehearsedMetric,
    Suggestion,
)
from abkit.analysis.rehearsal.reading import Wanted, read_history
from abkit.analysis.rehearsal.splits import SplitSums, sums_of_all, sums_of_splits
from abkit.analysis.rehearsal.spread import gains, top_share
from abkit.analysis.rehearsal.suggestion import (
    needed_units,
    suggestion,
    with_cuped,
    worth_limits,
)
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.days import DAY
from abkit.analysis.statistics.estimands import waits
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.experiment import Experiment
from abkit.experiments.declaring.metrics import Metric, Quantile

PAST = timedelta(days=14)
"""The time before that CUPED is tried with, of a plan that has none."""

_EPOCH = date(1970, 1, 1)


def rehearse(
    experiment: type[Experiment],
    *,
    actions: Source,
    identities: Source | None = None,
    plan: AnalysisPlan | None = None,
    length: timedelta | None = None,
    splits: int = 500,
    power: float = 0.8,
    progress: Progress = silent,
) -> Rehearsal:
    """Split the units of one's own history again and again, and judge each split as it is declared.

    The units are those of the experiment's type that did anything, each from its first action in that time
    on. All of them take part, whatever rollout, layer and holdouts say now. Nothing is different for any of
    them: each significant difference is a false alarm. See docs/howto/rehearse.md.

    Args:
        experiment: Its class.
        actions: As for `Analysis`.
        identities: As for `Analysis`.
        plan: What is to be otherwise than in the experiment's plan.
        length: How long before the last action the history begins; None: 28 days, or half of what there is.
        splits: How often the units are split, from 2 to 5,000.
        power: The probability to find the smallest detectable change.
        progress: Is told what is done.

    Raises:
        EmptyDataError: No unit did anything.
        AnalysisError: There are too few units or splits, no metrics, or a metric whose action was never done;
            code decides, and nobody knows with which weights; or the power cannot be had.
        MissingExtraError: A package is not installed that is needed.
    """
    check_splits(splits)
    design = Design.of(experiment)
    check_deciding(design)
    if not design.metrics:
        message = f"{design.name} declares no metrics: there is nothing to rehearse"
        raise AnalysisError(message)
    drawing = Drawing.of(experiment, design)
    left_out = tuple(m for m in design.metrics if isinstance(m, Quantile))
    rehearsed = tuple(m for m in design.metrics if m not in left_out)
    design = evolve(design, weights=drawing.cut.shares, metrics=rehearsed)
    judged_by = in_force(plan, planned(experiment))
    check_power(power, judged_by.level)
    past = judged_by.cuped if isinstance(judged_by.cuped, timedelta) else PAST
    wanted = Wanted(
        unit_type=design.unit_type,
        metrics=design.metrics,
        prefix=drawing.prefix,
        others=drawing.others,
        before=past,
        window=judged_by.window,
        length=length,
    )
    history = read_history(wanted, actions, identities, progress=progress)
    check_size(history, design)
    check_done(history)
    split = sums_of_splits(history, drawing.cut, range(splits + 1))
    judge = Judge(
        design=design,
        plan=evolve(judged_by, sample_size=history.units),
        estimands=history.layout.estimands,
        ends=tuple(_midnight(day) for day in split.ends),
    )
    judged = [*_judged(judge, split, progress)]
    days = [day for day, _ in history.looks]
    overall = sums_of_all(history)
    metrics = _metrics(judge, history, overall, judged, past=past, power=power)
    return Rehearsal(
        design=design,
        plan=judged_by,
        units=history.units,
        first=_EPOCH + days[0] * DAY,
        last=_EPOCH + days[-1] * DAY,
        splits=splits,
        power=power,
        metrics=metrics,
        before=_before(judge, history, split, drawing),
        suggestion=_suggestion(
            judged_by,
            metrics,
            judge,
            overall,
            past=past,
            power=power,
            per_day=history.units / (days[-1] - days[0] + 1),
        ),
        notes=(
            *_notes(experiment, design.metrics),
            *_without(left_out),
            *([drawing.note] if drawing.note else []),
        ),
    )


def _judged(judge: Judge, split: SplitSums, progress: Progress) -> Iterator[list[Judged]]:
    """What is found in each split but the experiment's own, which is to be found out with it."""
    for number in range(1, len(split)):
        progress(f"split {number:,} of {len(split) - 1:,}", number, len(split) - 1)
        yield judge.judged(split.looks(number))


def _metrics(
    judge: Judge,
    history: History,
    overall: Sums,
    judged: Sequence[Sequence[Judged]],
    *,
    past: timedelta,
    power: float,
) -> tuple[RehearsedMetric, ...]:
    trial = AnalysisPlan(method=Method.WELCH, cuped=past)
    found = []
    for estimand, of in zip(judge.estimands, zip(*judged, strict=True), strict=True):
        mean = estimand.moments(overall).mean
        at_end, at_any_look = frequencies(of, judge.plan)
        missing = most_missing(of)
        difference = None if missing else detectable(of, power=power)
        found.append(
            RehearsedMetric(
                metric=estimand.metric,
                mean=mean,
                allowed=allowed(estimand.metric, judge.design, judge.plan),
                at_end=at_end,
                at_any_look=at_any_look,
                detectable=None if difference is None or not mean else difference / abs(mean),
                error_ratio=None if missing else error_ratio(of),
                top_share=top_share(history, estimand, overall),
                gains=_gains(judge, gains(history, estimand, overall, plan=trial)),
                missing=missing,
            )
        )
    return tuple(found)


def _gains(judge: Judge, found: Gains) -> Gains:
    """Without that of CUPED where the plan has it."""
    return found if judge.plan.cuped is None else evolve(found, cuped=None)


def _suggestion(
    plan: AnalysisPlan,
    found: Sequence[RehearsedMetric],
    judge: Judge,
    overall: Sums,
    *,
    past: timedelta,
    power: float,
    per_day: float,
) -> Suggestion:
    place = judge.design.metrics.index(judge.design.deciding)
    deciding = found[place]
    needed = needed_units(
        judge.estimands[place],
        overall,
        design=judge.design,
        plan=evolve(plan, cuped=past) if with_cuped(plan, deciding) else plan,
        power=power,
        per_day=per_day,
    )
    return suggestion(
        plan,
        deciding,
        past=past,
        needed=needed,
        units=overall.n,
        limited=[*worth_limits(found)],
    )


def _before(judge: Judge, history: History, split: SplitSums, drawing: Drawing) -> Before | None:
    present = [of.present for of in judge.estimands if of.present is not None]
    if history.before <= 0 or not history.values[:, present].any():
        return None
    own, *anew = (judge.differing_before(split.looks(k)[-1]) for k in range(len(split)))
    salts = {} if drawing.salt is None else {drawing.salt: own}
    for salt in history.others:
        (sums,) = sums_of_splits(history.under(salt), drawing.cut, [0]).looks(0)[-1:]
        salts[salt] = judge.differing_before(sums)
    return Before(
        days=history.before,
        differing=Frequency(count=sum(map(bool, anew)), of=len(anew)),
        allowed=LEVEL,
        salts=salts,
    )


def _notes(experiment: type[Experiment], metrics: Sequence[Metric]) -> Iterator[str]:
    """What of the declaration a rehearsal does not follow."""
    waiting = [repr(metric.name) for metric in metrics if waits(metric)]
    if waiting:
        yield f"Units whose window is not over count here too, in {listed(waiting)}."
    if experiment.eligible is not Experiment.eligible:
        yield "Its eligible() is not asked: units that it would leave out take part here."
    if experiment.declaration.layer is not None or experiment.declaration.holdouts:
        yield "Its layer and its holdouts keep nobody out here."
    if experiment.declaration.rollout < 1:
        share = experiment.declaration.rollout
        yield (
            f"All units take part here; at its rollout of {share:.0%}, fewer do, and the smallest change "
            "that is found is larger."
        )


def _without(quantiles: Sequence[Quantile]) -> Iterator[str]:
    """That some metrics are left out."""
    if quantiles:
        names = listed([repr(metric.name) for metric in quantiles])
        yield f"{names}: left out here, as a quantile is not made of sums over units."


def _midnight(day: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + day * DAY
