"""Good news is green, bad news red, whatever its badge says."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from attrs import evolve

from abkit import Conversion
from abkit.analysis import SumsAnalysis
from abkit.analysis.advice.remaining import Remaining
from abkit.analysis.advice.verdict import RecommendedAction
from abkit.analysis.findings.badges import Badge, Tone
from abkit.analysis.findings.metric_result import Flag
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.report import render
from abkit.analysis.presentation.terminal import to_text
from abkit.analysis.presentation.tones import toned, word
from abkit.analysis.result import Result

Full = Callable[..., Result]


def of(
    *conversions: int, guards: Sequence[int] = (), units: Sequence[int] = (), **kind: Any
) -> Result:
    """Of so many conversions a variant, the control first, 10,000 units each."""
    names = "abc"[: len(conversions)]
    sums: dict[Any, Any] = {
        Conversion("bought", **kind): dict(zip(names, conversions, strict=True))
    }
    if guards:
        guard = Conversion("errors", direction="decrease", role="guardrail")
        sums[guard] = dict(zip(names, guards, strict=True))
    counts = dict(zip(names, units or [10_000] * len(names), strict=True))
    return SumsAnalysis("Test", sums=sums, units=counts, control="a").run()


def tones(result: Result, metric: int = 0) -> dict[Badge, Tone]:
    found = result.metrics[metric]
    return dict(toned(found.treatments[0], found.metric, result))


@pytest.mark.parametrize(
    ("conversions", "direction", "tone", "said"),
    [
        ((2000, 2500), "increase", Tone.GOOD, "better"),
        ((2000, 2500), "decrease", Tone.BAD, "worse"),
        ((2500, 2000), "decrease", Tone.GOOD, "better"),
        ((2500, 2000), "increase", Tone.BAD, "worse"),
        ((2500, 2000), "any", Tone.PLAIN, "changed"),
    ],
)
def test_a_significant_change_is_as_good_as_its_direction_says(
    conversions: tuple[int, int], direction: str, tone: Tone, said: str
) -> None:
    result = of(*conversions, direction=direction, goal=0.1)
    assert set(tones(result).values()) == {tone}
    assert Badge.SIGNIFICANT in tones(result)
    assert word(result.deciding.treatments[0], result.deciding.metric, result) == said


def test_a_harmed_guardrail_is_red_on_the_page_and_said_first() -> None:
    result = of(2000, 2500, guards=(500, 800))
    assert tones(result, 1) == {Badge.SIGNIFICANT: Tone.BAD, Badge.ABOVE_CONTROL: Tone.BAD}
    html, text = render(result), to_text(result)
    assert '<span class="badge badge-bad">Above Control</span>' in html
    assert html.index("Guardrail harmed") < html.index("Recommendation") < html.index("All metrics")
    assert text.index("! Guardrail harmed") < text.index("Recommendation: roll back")
    assert "b: Significant · Above Control (worse)" in text


def test_a_guardrail_without_a_direction_is_harmed_by_any_change() -> None:
    result = of(2500, 2000, direction="any", role="guardrail")
    assert tones(result)[Badge.SIGNIFICANT] is Tone.BAD
    assert word(result.deciding.treatments[0], result.deciding.metric, result) == "changed"


def test_what_is_not_decided_is_neither_good_nor_bad() -> None:
    assert tones(of(2000, 2010)) == {
        Badge.NOT_SIGNIFICANT: Tone.PLAIN,
        Badge.INCONCLUSIVE: Tone.WAIT,
    }
    reached = tones(of(2000, 2050, goal=0.01))
    assert reached[Badge.ABOVE_GOAL] is Tone.PLAIN
    assert set(tones(of(1, 2)).values()) == {Tone.PLAIN, Tone.WAIT}


def test_a_mismatch_comes_first_and_nothing_is_good_or_forecast(full: Full) -> None:
    result = of(2000, 2500, units=(10_000, 11_000))
    result = evolve(result, remaining=Remaining(days=15, units=9, message="About 15 days"))
    assert result.recommendation.action is RecommendedAction.INVESTIGATE
    assert Tone.GOOD not in tones(result).values()
    for shown in (render(result), to_text(result)):
        assert shown.index("Sample ratio mismatch") < shown.index("Recommendation")
        assert "Fix the assignment or the logging first" in shown.replace("\n", " ")
        assert "b has 11,000 units, designed 10,500" in shown.replace("\n", " ")
        assert "15 days" not in shown
        assert "continue" not in shown
    assert "badge badge-good" not in render(result)


def test_a_doubtful_winner_is_not_green() -> None:
    result = of(2000, 3500)
    assert Flag.SUSPICIOUS_LIFT in result.deciding.treatments[0].flags
    assert result.recommendation.action is RecommendedAction.INVESTIGATE
    assert tones(result)[Badge.SIGNIFICANT] is Tone.WAIT
    (alert,) = alerts(result)
    assert (alert.title, alert.tone) == ("Doubtful numbers", Tone.WAIT)


def test_nothing_is_alarming_where_all_is_well() -> None:
    assert alerts(of(2000, 2300)) == ()


def test_many_variants_make_a_short_alert(full: Full) -> None:
    names = [f"v{i}" for i in range(40)]
    result = SumsAnalysis(
        "Test",
        sums={
            Conversion("errors", direction="decrease", role="guardrail"): {
                name: 500 if name == "v0" else 1500 for name in names
            }
        },
        units=dict.fromkeys(names, 10_000),
        control="v0",
    ).run()
    (harm, doubt) = alerts(result)
    assert harm.text.endswith("and 36 more.")
    assert len(doubt.text) < 200
