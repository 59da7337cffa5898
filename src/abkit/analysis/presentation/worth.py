"""What a change is worth, in words and figures: for the terminal, the report and the notebook alike."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.advice.worth import Choice, PriorSource, Worth
from abkit.analysis.amounts import amount
from abkit.analysis.findings.badges import Tone
from abkit.analysis.inference.comparison import Interval
from abkit.analysis.inference.shrinkage import FEWEST
from abkit.analysis.presentation import figures
from abkit.experiments.declaring.metrics import Role

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

MOST = 12
"""So many choices are shown; JSON and CSV have all."""


@frozen(kw_only=True)
class Row:
    """One choice in words; what is not known is a dash.

    Attributes:
        variant: The variant.
        is_control: Whether it is the control.
        measured: The lift that was measured.
        shrunk: The lift that is to be expected.
        interval: Its credible interval.
        per_day: The effect a day.
        per_day_interval: Its interval.
        shrunk_per_day: The effect a day that is to be expected.
        risk: The expected loss, as a lift.
        risk_per_day: The same a day.
        tone: GOOD for the choice with the least expected loss, if it is the recommended one: the loss does
            not know of guardrails, nor of doubts.
    """

    variant: str
    is_control: bool
    measured: str
    shrunk: str
    interval: str
    per_day: str
    per_day_interval: str
    shrunk_per_day: str
    risk: str
    risk_per_day: str
    tone: Tone


@frozen(kw_only=True)
class WorthTable:
    """What the change is worth.

    Attributes:
        metric: The metric that decides.
        level: The confidence of the intervals.
        rows: The control first.
        daily: Whether the effect a day is known.
        notes: How the figures are to be read, in sentences.
    """

    metric: str
    level: str
    rows: tuple[Row, ...]
    daily: bool
    notes: tuple[str, ...]


def worth_table(result: "Outcome") -> WorthTable | None:
    """All choices; None where there is nothing to say."""
    found = result.worth
    if found is None or all(c.shrunk_lift is None and c.per_day is None for c in found.choices):
        return None
    losses = [c.expected_loss for c in found.choices if c.expected_loss is not None]
    advised = _advised(result)
    return WorthTable(
        metric=found.metric.name,
        level=figures.confidence(result.plan),
        rows=tuple(
            _row(
                choice,
                control=result.design.control,
                least=min(losses, default=None) if choice.variant == advised else None,
            )
            for choice in found.choices[:MOST]
        ),
        daily=found.daily is not None,
        notes=tuple(_notes(found, guarded=_is_guarded(result))),
    )


def _is_guarded(result: "Outcome") -> bool:
    return any(found.metric.role is Role.GUARDRAIL for found in result.metrics)


def _advised(result: "Outcome") -> str | None:
    """The choice that is recommended; None if there is none yet."""
    advice = result.recommendation
    if advice.action is RecommendedAction.ROLL_BACK:
        return result.design.control
    return advice.variant


def worth_sentence(result: "Outcome") -> str | None:
    """What the variant is worth that is to be rolled out, in a sentence; None of other recommendations."""
    found, advice = result.worth, result.recommendation
    if found is None or advice.action is not RecommendedAction.ROLL_OUT:
        return None
    choice = next((c for c in found.choices if c.variant == advice.variant), None)
    if choice is None or choice.shrunk_lift is None:
        return None
    expected, measured = figures.change(choice.shrunk_lift), figures.change(choice.lift or 0.0)
    text = f"The lift to be expected of {choice.variant} is {expected}; {measured} was measured."
    if found.daily is None or choice.shrunk_per_day is None:
        return text
    return (
        f"{text} If all {_count(found.daily.units)} units a day got it, that is "
        f"{_daily(choice.shrunk_per_day)} a day in {found.metric.name}."
    )


def _row(choice: Choice, *, control: str, least: float | None) -> Row:
    is_best = choice.expected_loss is not None and choice.expected_loss == least
    return Row(
        variant=choice.variant,
        is_control=choice.variant == control,
        measured=_change(choice.lift),
        shrunk=_change(choice.shrunk_lift),
        interval=figures.NOTHING
        if choice.shrunk_interval is None
        else figures.relative_interval(choice.shrunk_interval),
        per_day=_or_nothing(choice.per_day),
        per_day_interval=_range(choice.per_day_interval),
        shrunk_per_day=_or_nothing(choice.shrunk_per_day),
        risk=figures.NOTHING if choice.expected_loss is None else loss(choice.expected_loss),
        risk_per_day=figures.NOTHING
        if choice.expected_loss_per_day is None
        else _count(choice.expected_loss_per_day),
        tone=Tone.GOOD if is_best else Tone.PLAIN,
    )


def _notes(found: Worth, *, guarded: bool) -> Iterator[str]:
    if any(choice.shrunk_lift is not None for choice in found.choices):
        yield _prior(found)
    daily = found.daily
    if daily is not None:
        days = f"{daily.first:%Y-%m-%d}"
        if daily.days > 1:
            days = f"the mean of {amount(daily.days, 'day')}, {days} to {daily.last:%Y-%m-%d}"
        yield (
            f"A day: as measured, if all {_count(daily.units)} units a day that the experiment reaches got "
            f"the variant, instead of the control ({days})."
        )
    if any(choice.expected_loss is not None for choice in found.choices):
        beside = " Guardrails are no part of it." if guarded else ""
        yield f"Risk: the lift that the choice loses on average, where another one is better.{beside}"
    unreadable = found.stated.unreadable
    if unreadable:
        verb = "does" if unreadable == 1 else "do"
        yield (
            f"{amount(unreadable, 'file')} in the folder of past results cannot be read and {verb} not count."
        )


def _prior(found: Worth) -> str:
    """What was believed before the data, in a sentence."""
    stated = found.stated
    deviation = f"{stated.prior.deviation:.3g}" if stated.prior.deviation > 1e4 else ""
    spread = deviation or f"{stated.prior.deviation:.1%}"
    if stated.source is PriorSource.PAST_RESULTS:
        which = " decided by this metric" if stated.same_metric else ""
        return (
            f"Shrunk: the lift to be expected, as those of {stated.experiments} past experiments{which} were "
            f"{figures.change(stated.prior.mean)} on average, with a standard deviation of {spread}."
        )
    why = (
        f"the goal, as fewer than {FEWEST} past results are known"
        if stated.source is PriorSource.GOAL
        else f"as neither {FEWEST} past results nor a goal are known"
    )
    return (
        "Shrunk: the lift to be expected if such lifts are 0 on average, with a standard deviation of "
        f"{spread} ({why})."
    )


def loss(share: float) -> str:
    """An expected loss, such as "1.20%"; never quite 0."""
    return "<0.01%" if share < 0.0001 else figures.percent(share)


def _change(share: float | None) -> str:
    return figures.NOTHING if share is None else figures.change(share)


def _or_nothing(value: float | None) -> str:
    return figures.NOTHING if value is None else _daily(value)


def _range(interval: Interval | None) -> str:
    return (
        figures.NOTHING
        if interval is None
        else f"{_daily(interval.low)} to {_daily(interval.high)}"
    )


def _daily(value: float) -> str:
    """A number with its sign, to about three digits."""
    text = _count(value)
    return f"+{text}" if value > 0 and text.strip("0.") else text


def _count(value: float) -> str:
    """A number to about three digits; whole from 100 on."""
    size = abs(value)
    if not size < 1e15:
        return figures.number(value)
    text = f"{value:,.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}"
    return "0" if not text.strip("-0.") else text
