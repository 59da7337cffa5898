"""From sums and what a person asks of them to the result that is shown: pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.outcome import Segment
from abkit.analysis.presentation.report.segments import segment_name
from abkit.analysis.result import Result
from abkit.errors import AbkitError
from abkit.experiments.declaring.analysis_words import Method
from abkit.panel.controls import Controls, first_day
from abkit.panel.questions import Question


@frozen(kw_only=True)
class Answer:
    """What is shown of an experiment.

    Attributes:
        result: What the sums say; None if they do not go together with what was asked.
        notes: What a reader must know of what was asked, in sentences.
        problem: Why there is no result; empty if there is one.
    """

    result: Result | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""


def question_of(controls: Controls, planned: ExperimentSums, name: str) -> Question:
    """Which sums the controls need.

    Args:
        controls: What is asked.
        planned: The sums by the plan, of all days.
        name: The experiment.
    """
    latest = planned.exposed.latest
    since = None if latest is None else first_day(controls, latest=latest.astimezone(UTC).date())
    by = controls.by
    if by is not None and by in planned.plan.segments:
        by = None
    until = controls.until
    if since is None and by is None and _is_known(planned, until):
        until = None
    return Question(name, since=since, until=until, by=by)


def answer(sums: ExperimentSums, controls: Controls) -> Answer:
    """What the sums say to what is asked.

    Args:
        sums: Those of `question_of`.
        controls: What is asked.
    """
    said: dict[str, Any] = {
        "control": controls.control,
        "method": controls.method,
        "confidence": controls.confidence,
    }
    if controls.until is not None and sums.frame[1] is None:
        said["until"] = _end(controls.until)
    if controls.method is Method.GROUP_SEQUENTIAL and sums.plan.sample_size is None:
        problem = (
            "The group sequential test needs a planned size (sample_size), and the plan has none."
        )
        return Answer(problem=problem)
    try:
        result = sums.result(**said)
    except AbkitError as error:
        return Answer(problem=str(error))
    return shown(result, controls)


def _is_known(planned: ExperimentSums, until: date | None) -> bool:
    """Whether the sums of all days tell what was at the end of a day."""
    return until is None or _end(until) in {end for end, _ in planned.measured.looks}


def _end(day: date) -> datetime:
    return datetime.combine(day, time(), UTC) + timedelta(days=1)


def shown(result: Result, controls: Controls) -> Answer:
    """The part of a result that is asked for: one segment, some metrics, one variant."""
    notes: list[str] = []
    if controls.by is not None and controls.segment is not None:
        found = _segment(result, controls)
        of = f"{controls.by} = {segment_name(controls.segment or None)}"
        if found is None:
            return Answer(problem=f"No unit has {of}.")
        notes.append(
            f"Only units with {of}: what was found among them is not adjusted by CUPED, and not corrected "
            "for the number of segments that one could look at."
        )
        result = evolve(result, metrics=found.metrics, pairs=(), deciding_pairs=())
    if controls.metrics:
        result, unknown = _of_metrics(result, controls.metrics)
        notes += [f"There is no metric {name!r}." for name in unknown]
    if controls.variant is not None:
        variants = [t.arm.variant for t in result.deciding.treatments]
        if controls.variant not in variants:
            return Answer(
                problem=f"{controls.variant!r} is not compared: there are {', '.join(variants)}."
            )
        keep = _keeper(controls.variant)
        result = evolve(
            result,
            metrics=tuple(map(keep, result.metrics)),
            segments=tuple(
                evolve(each, metrics=tuple(map(keep, each.metrics))) for each in result.segments
            ),
            pairs=(),
            deciding_pairs=(),
        )
    return Answer(result=result, notes=tuple(notes))


def _segment(result: Result, controls: Controls) -> Segment | None:
    value = controls.segment or None
    for each in result.segments:
        if each.property == controls.by and each.value == value:
            return each
    return None


def _of_metrics(result: Result, names: Sequence[str]) -> tuple[Result, list[str]]:
    """The metrics of these names, and the one that decides."""
    unknown = [name for name in names if name not in result]
    deciding = result.deciding.metric.name

    def kept(found: Sequence[MetricResult]) -> Iterator[MetricResult]:
        return (each for each in found if each.metric.name in {*names, deciding})

    return evolve(
        result,
        metrics=tuple(kept(result.metrics)),
        segments=tuple(evolve(each, metrics=tuple(kept(each.metrics))) for each in result.segments),
        pairs=tuple(each for each in result.pairs if each.metric.name in {*names, deciding}),
    ), unknown


def _keeper(variant: str) -> Callable[[MetricResult], MetricResult]:
    """What leaves one variant beside the control."""

    def keep(found: MetricResult) -> MetricResult:
        series = found.over_time
        if series is not None:
            theirs = {v: each for v, each in series.treatments.items() if v == variant}
            series = evolve(series, treatments=MappingProxyType(theirs))
        treatments = tuple(t for t in found.treatments if t.arm.variant == variant)
        return evolve(found, treatments=treatments, over_time=series)

    return keep
