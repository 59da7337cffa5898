"""The rows of tables of comparisons: hundreds of numbers, so that no template writes them."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from abkit.analysis.findings.metric_result import Arm, MetricResult, Treatment
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.presentation import figures, margins, sentences, tones
from abkit.analysis.presentation.bars import IntervalBar
from abkit.analysis.presentation.report.explaining import Bare, Showing
from abkit.analysis.presentation.report.fragments import breakable, escaped, interval_bar
from abkit.experiments.declaring.metrics import Metric

if TYPE_CHECKING:
    from markupsafe import Markup

    from abkit.analysis.outcome import Outcome

_BLANK = '<td class="blank"></td>' * 4


class ComparisonRows:
    """Writes what templates put into the tables of a result.

    Args:
        result: The result of an analysis.
        bar_width: Of the canvas of an interval's bar.
        showing: How numbers and badges are shown.
    """

    def __init__(
        self, result: "Outcome", *, bar_width: float, showing: Showing | None = None
    ) -> None:
        self._result = result
        self._bar_width = bar_width
        self._showing = showing or Bare()
        self._interval = f"{figures.confidence(result.plan)} interval"

    def of_metric(self, found: MetricResult, bars: Mapping[str, IntervalBar]) -> "Markup":
        """The control's row, and two of each variant: its numbers, and what is said of it.

        Args:
            found: The metric.
            bars: Of the variants that have one, by their names.
        """
        tag = ' <span class="tag">control</span>' if found.control.variant != "control" else ""
        lines = [
            f'<tr>\n<th scope="row">{breakable(found.control.variant)}{tag}</th>',
            *self._arm(found, found.control),
            f"{_BLANK}\n</tr>",
        ]
        columns = 8 if found.metric.binary else 7
        for treatment in found.treatments:
            variant = treatment.arm.variant
            lines += (
                f'<tr class="compared">\n<th scope="row">{breakable(variant)}</th>',
                *self._arm(found, treatment.arm),
                *self._compared(found, treatment, bars.get(variant)),
                f'</tr>\n<tr class="said">\n<td colspan="{columns}">',
                self.badges(treatment, found.metric),
                *_said(found, treatment),
                "</td>\n</tr>",
            )
        return _html(lines)

    def effect(
        self, found: MetricResult, treatment: Treatment, bar: IntervalBar | None
    ) -> "Markup":
        """Three cells: the difference, the lift, and its interval with a bar; or why there are none."""
        if treatment.comparison is None:
            return _html([_waiting(treatment, columns=3)])
        return _html(self._effect(found, treatment, treatment.comparison, bar))

    def badges(self, treatment: Treatment, metric: Metric) -> "Markup":
        """The badges of a variant."""
        toned = tones.toned(treatment, metric, self._result)
        each = "\n".join(
            f'<span class="badge badge-{tone.value}">{self._showing.badge(badge, metric)}</span>'
            for badge, tone in toned
        )
        return _html([f'<span class="badges">\n{each}\n</span>'])

    def _arm(self, found: MetricResult, arm: Arm) -> Iterator[str]:
        units = self._showing.units(f"{arm.moments.n:,}", arm)
        yield f'<td class="number" data-label="Units">{units}</td>'
        if found.metric.binary:
            conversions = self._showing.mean(figures.conversions(arm), found, arm)
            yield f'<td class="number" data-label="Conversions">{conversions}</td>'
        mean = self._showing.mean(figures.mean(arm), found, arm)
        label = "Rate" if found.metric.binary else "Mean"
        yield f'<td class="number" data-label="{label}">{mean}</td>'

    def _compared(
        self, found: MetricResult, treatment: Treatment, bar: IntervalBar | None
    ) -> Iterator[str]:
        """The effect, and what the test says: four cells."""
        comparison = treatment.comparison
        if comparison is None:
            yield _waiting(treatment, columns=4)
            return
        yield from self._effect(found, treatment, comparison, bar)
        if figures.bayesian(found):
            label, beneath = "Chance to beat control", _best(treatment)
            chance = treatment.chance_to_beat
            shown = figures.NOTHING if chance is None else figures.chance(chance)
        else:
            label, beneath = "p-value", _uncorrected(found, treatment, comparison)
            shown = figures.proof(treatment)
        proof = self._showing.compared("proof", shown, found, treatment)
        yield f'<td class="number" data-label="{label}"><span>{proof}{beneath}</span></td>'

    def _effect(
        self,
        found: MetricResult,
        treatment: Treatment,
        comparison: Comparison,
        bar: IntervalBar | None,
    ) -> Iterator[str]:
        """Lift and interval have all their digits as values."""
        showing = self._showing
        difference = figures.difference(comparison, found.metric)
        yield (
            '<td class="number" data-label="Difference">'
            f"{showing.compared('difference', difference, found, treatment)}</td>"
        )
        value = comparison.difference if comparison.lift is None else comparison.lift
        lift = _html([f'<data value="{value}">{figures.lift(comparison)}</data>'])
        yield (
            '<td class="number strong" data-label="Lift">'
            f"{showing.compared('lift', lift, found, treatment)}</td>"
        )
        ends = comparison.lift_interval or comparison.interval
        interval = figures.interval(comparison)
        drawn = ""
        if bar is not None:
            label = f"{treatment.arm.variant}: {interval}"
            drawn = interval_bar(bar, label, width=self._bar_width)
        beneath = ""
        if comparison.lift_interval is not None:
            beneath = _beneath(figures.difference_interval(comparison, found.metric))
        told = showing.compared(
            "interval",
            _html([f'<data value="{ends.low} {ends.high}">{interval}</data>']),
            found,
            treatment,
        )
        yield (
            f'<td class="wide" data-label="{self._interval}">\n{drawn}\n'
            f'<span class="range">{told}{beneath}</span>\n</td>'
        )


def _said(found: MetricResult, treatment: Treatment) -> Iterator[str]:
    for note in margins.notes(found, treatment):
        yield f'<p class="key">{escaped(note)}</p>'
    if treatment.flags:
        each = "".join(
            f"<li><b>{escaped(flag[:1].upper() + flag[1:])}</b>: {escaped(meaning)}</li>"
            for flag, meaning in figures.flags(treatment)
        )
        yield f'<ul class="flags">{each}</ul>'


def _waiting(treatment: Treatment, *, columns: int) -> str:
    return (
        f'<td class="wide waiting" colspan="{columns}">{escaped(sentences.waiting(treatment))}</td>'
    )


def _best(treatment: Treatment) -> str:
    chance = treatment.chance_to_be_best
    return "" if chance is None else _beneath(f"best of all {figures.chance(chance)}")


def _uncorrected(found: MetricResult, treatment: Treatment, comparison: Comparison) -> str:
    alone = figures.p_value(comparison.p_value)
    if alone == figures.proof(treatment) or not figures.corrected(found):
        return ""
    return _beneath(f"uncorrected {alone}")


def _beneath(text: str) -> str:
    return f'\n<span class="beneath">{escaped(text)}</span>\n'


def _html(lines: Iterator[str] | list[str]) -> "Markup":
    from markupsafe import Markup

    return Markup("\n".join(lines))  # noqa: S704 - all texts are escaped
