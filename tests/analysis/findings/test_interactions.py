"""Who reacts differently."""

from collections.abc import Mapping, Sequence
from itertools import accumulate

import numpy as np
import pytest

from abkit.analysis.findings.heterogeneity import Heterogeneity
from abkit.analysis.findings.interactions import heterogeneity
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.parts import Part
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean

from .samples import alone, conversions, design, spread, sums

SIGNED_UP = Conversion("signed up")
SEQUENTIAL = AnalysisPlan(method="sequential")
WELCH = AnalysisPlan(method="welch")


def part(value: str | None, units: int, *rates: float, prop: str = "plan") -> Part:
    """So many units of each variant, and the rates of the control and the others."""
    return Part(
        property=prop,
        value=value,
        sums={str(i): conversions(units, round(units * rate)) for i, rate in enumerate(rates)},
    )


def compared(
    parts: Sequence[Part], *, plan: AnalysisPlan = SEQUENTIAL, units: int | None = None
) -> tuple[Heterogeneity, ...]:
    variants = list(parts[0].sums)
    return heterogeneity(
        parts,
        [alone(SIGNED_UP)],
        design(SIGNED_UP, variants=variants),
        plan,
        units=sum(of.n for each in parts for of in each.sums.values()) if units is None else units,
    )


FREE = part("free", 20_000, 0.100, 0.101)
TEAM = part("team", 8_000, 0.100, 0.130)
LARGE = part("enterprise", 2_000, 0.100, 0.101)


@pytest.mark.parametrize("plan", [SEQUENTIAL, WELCH, AnalysisPlan(method="bayesian")])
def test_the_value_that_reacts_differently_is_named_and_no_other_one(plan: AnalysisPlan) -> None:
    """The largest value differs from the rest too, but only because the different one is in it."""
    (found,) = compared([FREE, TEAM, LARGE], plan=plan)
    assert found.differs
    (different,) = found.different
    assert different.value == "team"
    assert different.lift == pytest.approx(0.3)
    assert different.rest_lift == pytest.approx(0.01)
    assert different.units == 16_000
    assert [of.value for of in found.parts] == ["free", "team", "enterprise"]


@pytest.mark.parametrize("plan", [SEQUENTIAL, WELCH])
def test_of_two_values_the_smaller_one_is_named(plan: AnalysisPlan) -> None:
    (found,) = compared([FREE, TEAM], plan=plan)
    assert [of.value for of in found.different] == ["team"]


@pytest.mark.parametrize("plan", [SEQUENTIAL, WELCH])
def test_several_different_values_are_named_one_after_the_other(plan: AnalysisPlan) -> None:
    worse = part("trial", 8_000, 0.100, 0.080)
    (found,) = compared([FREE, TEAM, worse, LARGE], plan=plan)
    assert {of.value for of in found.different} == {"team", "trial"}


@pytest.mark.parametrize("plan", [SEQUENTIAL, WELCH])
def test_one_segment_that_is_significant_beside_one_that_is_not_is_no_difference(
    plan: AnalysisPlan,
) -> None:
    large, small = part("large", 60_000, 0.100, 0.105), part("small", 2_000, 0.100, 0.105)
    (found,) = compared([large, small], plan=plan)
    assert not found.differs
    assert found.different == ()


def test_tests_are_corrected_for_the_number_of_properties_and_variants() -> None:
    alike = [part(value, 10_000, 0.1, 0.1, prop="country") for value in "abc"]
    alone_, (first, second) = compared([FREE, TEAM]), compared([FREE, TEAM, *alike])
    assert (first.property, second.property) == ("plan", "country")
    assert first.p_value == alone_[0].p_value
    assert first.corrected_p == pytest.approx(2 * alone_[0].corrected_p)
    assert second.corrected_p == 1
    three = [part("x", 9_000, 0.1, 0.1, 0.1), part("y", 9_000, 0.1, 0.1, 0.15)]
    one, two = compared(three)
    assert (one.variant, one.differs, two.variant, two.differs) == ("1", False, "2", True)


def test_a_value_of_too_few_units_waits() -> None:
    (found,) = compared([FREE, TEAM, part("new", 90, 0.1, 0.9)])
    assert found.waiting == ("new",)
    assert [of.value for of in found.parts] == ["free", "team"]


def test_before_its_planned_size_welchs_test_says_nothing_of_segments_either() -> None:
    plan = AnalysisPlan(method="welch", sample_size=100_000)
    (found,) = compared([FREE, TEAM], plan=plan)
    assert (found.differs, found.parts, found.waiting) == (False, (), ("free", "team"))


def test_units_of_rarer_values_are_counted() -> None:
    (found,) = compared([FREE, TEAM], units=60_000)
    assert found.left_out == 4_000


def test_one_value_alone_is_not_compared() -> None:
    assert compared([FREE]) == ()


def test_guardrails_are_tested_and_other_metrics_are_not() -> None:
    guardrail = Mean("latency", role="guardrail")
    other = Mean("spent", role="secondary")
    measured = [SIGNED_UP, guardrail, other]
    parts = [
        Part(property="plan", value=value, sums={v: sums(*np.ones((3, 500))) for v in "01"})
        for value in "ab"
    ]
    found = heterogeneity(
        parts,
        [alone(metric, place=i) for i, metric in enumerate(measured)],
        design(*measured),
        SEQUENTIAL,
        units=2_000,
    )
    assert [of.metric for of in found] == [SIGNED_UP, guardrail]


def test_a_variant_without_units_in_a_value_is_compared_in_the_others() -> None:
    none = Part(property="plan", value="none", sums={"0": conversions(500, 50)})
    (found,) = compared([FREE, TEAM, none])
    assert found.waiting == ("none",)
    assert [of.value for of in found.different] == ["team"]


SHARES = (0.5, 0.25, 0.12, 0.06, 0.03, 0.02, 0.01, 0.01)
LOOKS = 25


def buyers(random: np.random.Generator, n: int) -> Sums:
    """One in ten buys, for a lognormal amount."""
    return sums((random.random(n) < 0.1) * random.lognormal(3, 1.2, n))


def looked_at(seed: int, *, per_look: int = 400) -> bool:
    """Whether in eight values of very unequal size, without any effect, one is ever named."""
    random, spent = np.random.default_rng(seed), Mean("spent")
    looks: list[Mapping[str, Mapping[str, Sums]]] = []
    so_far = {
        (value, v): list(
            accumulate(
                buyers(random, int(random.poisson(per_look * share / 2))) for _ in range(LOOKS)
            )
        )
        for value, share in enumerate(SHARES)
        for v in "01"
    }
    looks = [
        {str(value): {v: so_far[value, v][look] for v in "01"} for value in range(len(SHARES))}
        for look in range(LOOKS)
    ]
    totals = [{v: sum(of[v].n for of in look.values()) for v in "01"} for look in looks]
    for look, units in zip(looks[::5], totals[::5], strict=True):
        first = {"1": (totals[0]["0"] / units["0"], totals[0]["1"] / units["1"])}
        parts = [Part(property="plan", value=value, sums=of) for value, of in look.items()]
        found = heterogeneity(
            parts,
            [alone(spent)],
            design(spent),
            SEQUENTIAL,
            units=sum(units.values()),
            first_look=first,
        )
        if found and found[0].differs:
            return True
    return False


def test_where_all_react_alike_nobody_is_named_at_any_look() -> None:
    assert sum(looked_at(seed) for seed in range(3)) == 0


def test_amounts_are_compared_as_their_moments_say() -> None:
    spent = Mean("spent")
    parts = [
        Part(
            property="plan",
            value="a",
            sums={"0": spread(5_000, 10, 100), "1": spread(5_000, 10, 100)},
        ),
        Part(
            property="plan",
            value="b",
            sums={"0": spread(5_000, 10, 100), "1": spread(5_000, 12, 100)},
        ),
    ]
    (found,) = heterogeneity(parts, [alone(spent)], design(spent), WELCH, units=20_000)
    assert found.differs
    assert found.parts[1].difference - found.parts[1].rest == pytest.approx(2)
