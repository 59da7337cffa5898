"""Organizations of very unequal sizes, and how often intervals of their clicks per user hold."""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from abkit.analysis.findings.arms import arms
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.estimands import Estimand
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Ratio, Total

from .samples import sums

CLICKS, USERS = Total("click"), Total("active user")
PER_USER = Ratio("clicks per user", numerator=CLICKS, denominator=USERS)
ESTIMAND = Estimand(metric=PER_USER, places=MappingProxyType({CLICKS: 0, USERS: 1}))


@frozen
class Sizes:
    """How unequal organizations are.

    Attributes:
        family: "log-normal" or "Pareto".
        shape: Sigma, or alpha.
    """

    family: str
    shape: float

    def drawn(self, random: np.random.Generator, n: int) -> NDArray[np.float64]:
        """The users of so many organizations, about 50 each on average."""
        if self.family == "Pareto":
            return np.ceil(10 * (1 + random.pareto(self.shape, n)))
        return np.ceil(random.lognormal(4 - self.shape**2 / 2, self.shape, n))


@frozen
class Experiment:
    """One experiment without a difference.

    Attributes:
        covered: Whether the 95% interval has 0.
        effective: The effective number of organizations of the arm that has fewer.
    """

    covered: bool
    effective: float


def experiments(
    random: np.random.Generator, sizes: Sizes, n: int, *, slope: float, runs: int
) -> Iterator[Experiment]:
    """Experiments with so many organizations an arm.

    Args:
        random: Where the numbers come from.
        sizes: Of the organizations.
        n: Organizations of each arm.
        slope: How the log-odds of a click change with the logarithm of the size; 0: not at all.
        runs: How many experiments.
    """
    for _ in range(runs):
        of = {variant: sums(*_drawn(random, sizes, n, slope)) for variant in "01"}
        found = arms(of, ESTIMAND, plan=AnalysisPlan())
        control, treatment = found.control, found.treatments[0]
        interval = welch(control.moments, treatment.moments, alpha=0.05).interval
        yield Experiment(
            interval.low <= 0 <= interval.high,
            min(each.divisor_units or 0.0 for each in (control, treatment)),
        )


def _drawn(
    random: np.random.Generator, sizes: Sizes, n: int, slope: float
) -> Sequence[NDArray[np.float64]]:
    users = sizes.drawn(random, n)
    odds = np.exp(-1 + slope * (np.log(users) - 4) + random.normal(0, 0.7, n))
    clicks = random.binomial(users.astype(np.int64), odds / (1 + odds))
    return clicks.astype(float), users


def coverage(found: Sequence[Experiment], *, least: float = 0.0, below: float = np.inf) -> float:
    """How often the interval held, of the experiments of so many organizations in effect."""
    covered = [each.covered for each in found if least <= each.effective < below]
    return sum(covered) / len(covered) if covered else float("nan")
