"""What a reader must see before anything else: why the numbers are not to be trusted, or who is harmed."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.advice.verdict import DOUBTS
from abkit.analysis.findings.badges import Tone, harmed
from abkit.analysis.findings.before import BeforeState
from abkit.analysis.findings.metric_result import Flag
from abkit.analysis.presentation import figures

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

NAMED = 3
"""So many variants are named in a sentence; the tables have all."""


@frozen
class Alert:
    """One thing to be seen first.

    Attributes:
        tone: BAD or WAIT.
        title: In two or three words.
        text: In a sentence or two.
    """

    tone: Tone
    title: str
    text: str


def alerts(result: "Outcome") -> tuple[Alert, ...]:
    """All of them, the weightiest first; none where nothing is wrong."""
    return (*_mismatch(result), *_harm(result), *_doubts(result), *_unlike(result))


def _mismatch(result: "Outcome") -> Iterator[Alert]:
    ratio = result.sample_ratio
    if not ratio.alarm:
        return
    apart = sorted(ratio.counts, key=lambda v: -abs(ratio.counts[v] - ratio.expected[v]))
    found = _few(
        [f"{v} has {ratio.counts[v]:,} units, designed {ratio.expected[v]:,.0f}" for v in apart],
        joined="; ",
    )
    text = (
        f"{found} ({figures.p_is(ratio.p_value)}). Units are assigned, logged or lost "
        "differently in the variants, so no number here can be trusted. Fix the assignment or the "
        "logging first."
    )
    yield Alert(Tone.BAD, "Sample ratio mismatch", text)


def _harm(result: "Outcome") -> Iterator[Alert]:
    for found in result.metrics:
        hurt = [
            f"{treatment.arm.variant} ({figures.lift(treatment.comparison)})"
            for treatment in found.treatments
            if treatment.comparison is not None and harmed(treatment.comparison, found.metric)
        ]
        if hurt:
            wanted, control = figures.wanted(found.metric), found.control.variant
            how = f"is significantly worse than in {control}"
            if found.metric.margin is not None:
                how = f"is worse than in {control} by more than its margin"
            text = f"{found.metric.name}, which {wanted}, {how}: {_few(hurt)}."
            yield Alert(Tone.BAD, "Guardrail harmed", text)


def _doubts(result: "Outcome") -> Iterator[Alert]:
    found = result.deciding
    by_flag: dict[Flag, list[str]] = {}
    for treatment in found.treatments:
        if treatment.comparison is not None and treatment.comparison.significant:
            for flag in treatment.flags:
                by_flag.setdefault(flag, []).append(treatment.arm.variant)
    for flag, variants in by_flag.items():
        if flag in DOUBTS:
            text = f"{found.metric.name}, {_few(variants)}: {figures.FLAGS[flag]}."
            yield Alert(Tone.WAIT, "Doubtful numbers", text)


def _unlike(result: "Outcome") -> Iterator[Alert]:
    found = [
        f"{each.variant} in {each.metric.name}, by {figures.signed(each.comparison.difference)} "
        f"({figures.p_is(each.p_value)})"
        for each in result.before
        if each.state is BeforeState.DIFFERS
        and each.comparison is not None
        and each.p_value is not None
    ]
    if found:
        text = (
            f"Before their exposure, units differed from those of {result.design.control} already: "
            f"{_few(found, joined='; ')}. Units are assigned, logged or lost differently in the variants: "
            "find the cause."
        )
        yield Alert(Tone.WAIT, "Variants not alike", text)


def _few(texts: list[str], *, joined: str = ", ") -> str:
    more = len(texts) - NAMED
    return joined.join(texts[:NAMED]) + (f"{joined}and {more} more" if more > 0 else "")
