"""Good news or bad: the one place that decides how badges and results are coloured."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from abkit.analysis.advice.verdict import DOUBTS
from abkit.analysis.findings.badges import Badge, Tone, against_margin, badges, moved, news, tone
from abkit.analysis.findings.metric_result import Treatment
from abkit.experiments.declaring.metrics import Metric

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_OF_MARGINS = {
    Badge.WITHIN_MARGIN: "within margin",
    Badge.BEYOND_MARGIN: "beyond margin",
    Badge.MARGIN_NOT_RULED_OUT: "inconclusive",
}


def news_of(treatment: Treatment, metric: Metric, result: "Outcome") -> Tone:
    """Whether what was found of a variant is good; nothing is while the data are doubtful."""
    doubtful = result.sample_ratio.alarm or bool(DOUBTS.keys() & {*treatment.flags})
    return news(treatment.comparison, metric, doubtful=doubtful)


def toned(treatment: Treatment, metric: Metric, result: "Outcome") -> Iterator[tuple[Badge, Tone]]:
    """The badges of a variant, each with its tone."""
    found = news_of(treatment, metric, result)
    for badge in badges(treatment.comparison, metric):
        yield badge, tone(badge, found)


def word(treatment: Treatment, metric: Metric, result: "Outcome") -> str:
    """What was found of a variant, in a word or two: colour alone is not seen by everybody."""
    comparison = treatment.comparison
    if comparison is None:
        return "not compared"
    if metric.margin is not None:
        return _OF_MARGINS[against_margin(comparison)]
    if not comparison.significant:
        return "not significant"
    found = news_of(treatment, metric, result)
    if found is Tone.BAD:
        return "worse" if moved(comparison, metric) else "changed"
    if found is Tone.PLAIN:
        return "changed"
    return "better" if found is Tone.GOOD else "doubtful"
