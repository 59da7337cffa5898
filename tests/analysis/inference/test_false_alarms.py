"""A/A tests that are looked at 100 times: how often a difference is found that is not there.

Every arm has the same distribution; a look each 10 units of the smaller arm; tau is what a single
look at the end could find with 80% power. Fixed seeds; in arrays, which `test_simulated` holds to the
functions themselves. What the gates and the default tau add: `findings/test_false_alarms.py`.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import pytest

from ..many_sums import Floats
from ..scenarios import Sample, alike, rate, revenue
from ..simulated import (
    ManyMoments,
    Measured,
    at_least_pooled,
    found_at,
    log_evidence,
    means,
    rates,
    separate,
)

RUNS, LOOKS = 1_000, 100
SIZES = range(10, 10 * LOOKS + 1, 10)
Rule: TypeAlias = Callable[[ManyMoments, ManyMoments], Floats]
METRICS: dict[str, tuple[Sample, Measured]] = {
    "rare conversions": (rate(0.01), rates),
    "conversions": (rate(0.1), rates),
    "revenue": (revenue(0.1, 1.2), means),
    "heavy-tailed revenue": (revenue(0.02, 2.0), means),
}


def share_alarmed(metric: str, control_share: int, *, rule: Rule) -> float:
    sample, measured = METRICS[metric]
    draw = alike(sample, share=control_share, sizes=SIZES)
    control, treatment = measured(*draw(np.random.default_rng(11), RUNS))
    tau = 2.8 * float(np.sqrt(separate(control, treatment)[:, -1].mean()))
    variance = rule(control, treatment)
    varies = variance > 0
    variance = np.where(varies, variance, 1.0)
    z = np.where(varies, (treatment.mean - control.mean) / np.sqrt(variance), 0.0)
    return float(found_at(log_evidence(z, variance=variance, tau=tau)).mean())


@pytest.mark.parametrize("control_share", [1, 9], ids=["50/50", "90/10"])
@pytest.mark.parametrize("metric", METRICS)
def test_the_sequential_test_keeps_its_level(metric: str, control_share: int) -> None:
    """At 5% nominal, 1,000 runs; it is found at 0% to 2%."""
    assert share_alarmed(metric, control_share, rule=at_least_pooled) <= 0.05


@pytest.mark.parametrize("metric", ["rare conversions", "revenue"])
def test_with_welchs_variance_it_would_not_on_an_unequal_split(metric: str) -> None:
    """Why the default rule is another one."""
    assert share_alarmed(metric, 9, rule=separate) > 0.15


def test_nor_does_a_test_of_one_look_when_it_is_looked_at_often() -> None:
    draw = alike(rate(0.1), sizes=range(100, 100 * LOOKS + 1, 100))
    arms = rates(*draw(np.random.default_rng(5), RUNS))
    z = (arms[1].mean - arms[0].mean) / np.sqrt(separate(*arms))
    assert (np.abs(z) >= 1.96).any(axis=1).mean() > 0.2
