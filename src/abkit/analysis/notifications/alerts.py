"""Alert rules: which alerts of an experiment fire now, and the text of each."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from shlex import quote
from typing import Any, ClassVar

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.analysis.findings.badges import harmed
from abkit.analysis.findings.before import BeforeExposure, BeforeState
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.notifications.rules import AlertRules, Schedule
from abkit.analysis.presentation import figures, margins
from abkit.analysis.presentation.commands import command
from abkit.analysis.presentation.figures import legible
from abkit.analysis.result import Result
from abkit.experiments.declaring.metrics import Direction, Metric, Role
from abkit.former_names import former_attribute, former_names


class AlertKind(StrEnum):
    """The kinds of alerts."""

    STARTING = "about to start"
    STARTED = "started"
    ENDED = "end reached"
    LONG_RUNNING = "long-running"
    SAMPLE_RATIO = "sample ratio mismatch"
    NOT_ALIKE = "units not alike"
    SIGNIFICANT = "significance"
    GUARDRAIL = "guardrail violated"


DATED = frozenset({AlertKind.STARTING, AlertKind.STARTED, AlertKind.ENDED})
"""The kinds that depend on the declared dates alone."""


@frozen(kw_only=True)
class Alert:
    """One alert that fires now.

    Attributes:
        kind: Its kind.
        about: Tells alerts of one kind apart, such as the metric and the variant.
        title: One line.
        body: The numbers, and the commands to act on them. Plain text.
    """

    kind: AlertKind
    about: tuple[str, ...] = ()
    title: str
    body: str

    @property
    def key(self) -> tuple[str, ...]:
        """Identifies the alert within one experiment."""
        return (self.kind.value, *self.about)


@frozen(kw_only=True)
class Evaluation:
    """The result of one evaluation.

    Attributes:
        alerts: The alerts that fire.
        evaluated: The kinds that were evaluated. Alerts of other kinds are neither firing nor resolved.
    """

    alerts: tuple[Alert, ...]
    evaluated: frozenset[AlertKind]

    conditions: ClassVar[property] = former_attribute("conditions", "alerts")
    judged: ClassVar[property] = former_attribute("judged", "evaluated")


def evaluate_alerts(
    schedule: Schedule,
    result: Result | None,
    *,
    now: datetime,
    rules: AlertRules | None = None,
    analyze: str | None = None,
) -> Evaluation:
    """The alerts of an experiment that fire now.

    Args:
        schedule: Its declared dates.
        result: The result of its analysis. If it is None, only the dates are evaluated.
        now: The current time; without a time zone it is taken as UTC.
        rules: The thresholds; None: the defaults.
        analyze: The command that shows more, for the text.
    """
    rules, now = rules or AlertRules(), _utc(now)
    more = f"See more: {analyze or f'abkit analyze {quote(legible(schedule.name))}'}"
    alerts = [
        Alert(
            kind=kind,
            about=about,
            title=f"{legible(schedule.name)}: {title}",
            body="\n".join([*lines, more]),
        )
        for kind, about, title, lines in (
            *_dates(schedule, result, now, rules),
            *(() if result is None else _numbers(schedule, result, now, rules)),
        )
    ]
    return Evaluation(
        alerts=tuple(alerts), evaluated=DATED if result is None else frozenset(AlertKind)
    )


_Parts = tuple[AlertKind, tuple[str, ...], str, list[str]]


def _dates(
    schedule: Schedule, result: Result | None, now: datetime, rules: AlertRules
) -> Iterator[_Parts]:
    around = timedelta(days=rules.around_start)
    starts, ends = schedule.starts, schedule.ends
    if starts is not None and starts - around <= now < starts:
        yield (
            AlertKind.STARTING,
            (starts.isoformat(),),
            "about to start",
            [f"It starts at {_time(starts)}. Until then, everybody gets the default."],
        )
    if starts is not None and starts <= now < starts + around:
        line = f"It started at {_time(starts)}."
        yield AlertKind.STARTED, (starts.isoformat(),), "started", [line]
    if ends is not None and ends <= now:
        yield (
            AlertKind.ENDED,
            (ends.isoformat(),),
            "end reached",
            [f"Its declared end was {_time(ends)}.", *_verdict(result)],
        )


def _numbers(
    schedule: Schedule, result: Result, now: datetime, rules: AlertRules
) -> Iterator[_Parts]:
    begun = _begun(schedule, result)
    yield from _long_running(schedule, result, now, rules)
    if begun is not None and now < begun + timedelta(days=rules.minimum_days):
        return
    if result.units < rules.minimum_units:
        return
    if result.sample_ratio.alarm:
        yield AlertKind.SAMPLE_RATIO, (), "sample ratio mismatch", _mismatch(result)
    unlike = [each for each in result.before if each.state is BeforeState.DIFFERS]
    if unlike:
        yield AlertKind.NOT_ALIKE, (), "units differed before their exposure", _unlike(unlike)
    for treatment in result.deciding.treatments:
        if treatment.comparison is not None and treatment.comparison.significant:
            yield _significant(result, treatment, treatment.comparison)
    for found in result.metrics:
        if found.metric.role is Role.GUARDRAIL:
            yield from _violated(result, found)


def _begun(schedule: Schedule, result: Result) -> datetime | None:
    """The end of the first day (or hour) with exposures."""
    if result.cumulative is not None and result.cumulative.ends:
        return _utc(result.cumulative.ends[0])
    return schedule.starts


def _long_running(
    schedule: Schedule, result: Result, now: datetime, rules: AlertRules
) -> Iterator[_Parts]:
    begun, ends = _begun(schedule, result), schedule.ends
    if ends is not None:
        if now >= ends + timedelta(days=rules.overdue):
            line = f"Its declared end was {_days(now - ends)} ago, and it is not concluded."
            yield AlertKind.LONG_RUNNING, (), "still not concluded", [line, *_verdict(result)]
    elif begun is not None and now >= begun + timedelta(days=rules.long_running):
        line = f"Its first exposures were {_days(now - begun)} ago, and it declares no end."
        yield AlertKind.LONG_RUNNING, (), "long-running", [line, *_verdict(result)]


def _mismatch(result: Result) -> list[str]:
    ratio = result.sample_ratio
    warning = (
        "The sizes of the variants contradict their weights: find the cause before you act on any "
        f"number ({figures.p_is(ratio.p_value)})."
    )
    return [
        warning,
        *(
            f"{legible(variant)}: {amount(units, 'unit')}, {ratio.expected[variant]:,.0f} expected"
            for variant, units in ratio.counts.items()
        ),
        *_commands(result),
    ]


def _unlike(found: Sequence[BeforeExposure]) -> list[str]:
    warning = (
        "The units of the variants differed before they were exposed, so they were not split or not counted "
        "at random: find the cause before you act on any number."
    )
    return [
        warning,
        *(
            f"{legible(each.metric.name)}: {figures.number(each.comparison.treatment.mean)} in "
            f"{legible(each.variant)}, {figures.number(each.comparison.control.mean)} in the control "
            f"({figures.p_is(each.p_value)})"
            for each in found
            if each.comparison is not None and each.p_value is not None
        ),
    ]


def _significant(result: Result, treatment: Treatment, comparison: Comparison) -> _Parts:
    found, variant = result.deciding, treatment.arm.variant
    which = _which(comparison, found.metric)
    metric = legible(found.metric.name)
    title = f"{legible(variant)} is significantly {which} in {metric}"
    about = (found.metric.name, variant, "up" if comparison.difference > 0 else "down")
    lines = [*_compared(result, found, treatment, comparison), *_verdict(result)]
    return AlertKind.SIGNIFICANT, about, title, lines


def _violated(result: Result, found: MetricResult) -> Iterator[_Parts]:
    for treatment in found.treatments:
        comparison = treatment.comparison
        if comparison is None or not harmed(comparison, found.metric):
            continue
        variant, metric = treatment.arm.variant, found.metric.name
        how = f"significantly {_which(comparison, found.metric)}"
        lines = [*_compared(result, found, treatment, comparison), *_verdict(result)]
        if found.metric.margin is not None:
            how = f"worse than the margin of {figures.margin(found.metric)}"
            lines = [*map(legible, margins.notes(found, treatment)), *lines]
        title = f"{legible(variant)} is {how} in the guardrail {legible(metric)}"
        yield AlertKind.GUARDRAIL, (metric, variant), title, lines


def _which(comparison: Comparison, metric: Metric) -> str:
    rise = comparison.difference > 0
    if metric.direction is Direction.ANY:
        return "higher" if rise else "lower"
    return "better" if rise is (metric.direction is Direction.INCREASE) else "worse"


def _compared(
    result: Result, found: MetricResult, treatment: Treatment, comparison: Comparison
) -> Iterator[str]:
    """The numbers of one variant beside the control, and what makes them doubtful."""
    note = figures.corrected_for(found, result.plan)
    level = f"{figures.confidence(result.plan)} interval{note and f' {note}'}"
    interval = f"{level} {figures.interval(comparison)}"
    if treatment.chance_to_beat is not None:
        proof = f"chance to beat the control {figures.chance(treatment.chance_to_beat)}"
    else:
        corrected = treatment.corrected_p
        proof = figures.p_is(comparison.p_value if corrected is None else corrected)
    arms = ", ".join(
        f"{legible(arm.variant)}: {figures.mean(arm)} of {amount(arm.moments.n, 'unit')}"
        if arm.conversions is not None
        else f"{legible(arm.variant)}: {figures.mean(arm)} on average of {amount(arm.moments.n, 'unit')}"
        for arm in (found.control, treatment.arm)
    )
    yield f"{figures.lift(comparison)} against the control ({interval}, {proof}). {arms}."
    for flag, meaning in figures.flags(treatment):
        yield f"Doubtful, {flag}: {meaning}."


def _verdict(result: Result | None) -> list[str]:
    """The recommendation, its reasons, and what can be done at once."""
    if result is None:
        return []
    advice = result.recommendation
    variant = "" if advice.variant is None else f" {legible(advice.variant)}"
    lines = [f"Recommendation: {advice.action}{variant}."]
    return [*lines, *(legible(reason) for reason in advice.reasons), *_commands(result)]


def _commands(result: Result) -> list[str]:
    act = command(result)
    return [] if act is None else [f"{act.purpose}: {act.line}"]


def _days(span: timedelta) -> str:
    days = span // timedelta(days=1)
    return f"{days} day{'' if days == 1 else 's'}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


__getattr__: Callable[[str], Any] = former_names(
    globals(),
    {
        "Condition": "Alert",
        "Kind": "AlertKind",
        "Observed": "Evaluation",
        "observe": "evaluate_alerts",
    },
)
