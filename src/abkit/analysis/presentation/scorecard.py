"""One table of all metrics by all variants: what is read first."""

from itertools import groupby
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.metric_result import MetricResult, Treatment
from abkit.analysis.presentation import figures, tones
from abkit.experiments.declaring.metrics import Role

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

MOST = 6
"""So many variants beside the control are in it; the tables of the metrics have all."""


@frozen(kw_only=True)
class Entry:
    """One metric of one variant, in words.

    Attributes:
        metric: Its name.
        role: "decides", "guardrail" or "secondary"; else empty.
        variant: The variant.
        control: The control's mean, or rate.
        mean: The variant's.
        difference: Between the two, in the metric's unit.
        difference_interval: Of the difference.
        lift: The same, relative.
        interval: Of the lift.
        proof: The p-value, corrected where several are read together; or the chance to beat the control.
        word: What that means: better, worse, not significant.
        tone: Whether that is good.
    """

    metric: str
    role: str
    variant: str
    control: str
    mean: str
    difference: str
    difference_interval: str
    lift: str
    interval: str
    proof: str
    word: str
    tone: Tone


@frozen(kw_only=True)
class Scorecard:
    """All metrics by all variants.

    Attributes:
        entries: One for each metric and variant.
        several: Whether there are several variants beside the control.
        proof: What the proofs are: "p-value" or "beats control".
        level: The confidence of the intervals.
        note: What they are corrected for; else empty.
        omitted: What is not in it, in a sentence; else empty.
    """

    entries: tuple[Entry, ...]
    several: bool
    proof: str
    level: str
    note: str
    omitted: str

    @property
    def by_metric(self) -> tuple[tuple[Entry, ...], ...]:
        """The entries of each metric, in their order."""
        return tuple(tuple(of) for _, of in groupby(self.entries, key=lambda entry: entry.metric))


def scorecard(result: "Outcome") -> Scorecard | None:
    """The scorecard; None for one metric, whose own table says the same."""
    if len(result.metrics) < 2:
        return None
    variants = len(result.deciding.treatments)
    return Scorecard(
        entries=tuple(
            _entry(treatment, found, result)
            for found in result.metrics
            for treatment in found.treatments[:MOST]
        ),
        several=variants > 1,
        proof="beats control" if figures.bayesian(result.deciding) else "p-value",
        level=figures.confidence(result.plan),
        note=_note(result),
        omitted=(
            f"The first {MOST} of {variants} variants; the tables of the metrics have all."
            if variants > MOST
            else ""
        ),
    )


def _note(result: "Outcome") -> str:
    """What the intervals are corrected for; of each metric, where they differ."""
    of = {
        found.metric.name: figures.corrected_for(found, result.plan)
        for found in result.metrics
        if any(treatment.comparison is not None for treatment in found.treatments)
    }
    notes = {*of.values()}
    if len(notes) == 1 and "" not in notes:
        return f"Intervals and p-values are {notes.pop()}."
    told = [f"of {name} {note}" for name, note in of.items() if note]
    return f"Intervals and p-values: {'; '.join(told)}." if told else ""


def _entry(treatment: Treatment, found: MetricResult, result: "Outcome") -> Entry:
    metric, comparison = found.metric, treatment.comparison
    role = "" if metric.role is Role.PRIMARY else metric.role.value
    nothing = figures.NOTHING
    return Entry(
        metric=metric.name,
        role="decides" if found is result.deciding else role,
        variant=treatment.arm.variant,
        control=figures.mean(found.control),
        mean=figures.mean(treatment.arm),
        difference=figures.difference(comparison, metric) if comparison else nothing,
        difference_interval=figures.difference_interval(comparison, metric) if comparison else "",
        lift=figures.lift(comparison) if comparison else nothing,
        interval=figures.interval(comparison) if comparison else "",
        proof=figures.proof(treatment),
        word=tones.word(treatment, metric, result),
        tone=tones.news_of(treatment, metric, result),
    )
