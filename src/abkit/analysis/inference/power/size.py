"""One way to ask how many units a test needs, whatever its method."""

from typing import TypeAlias

from attrs import frozen

from abkit.analysis.inference.group_sequential import Spending, obrien_fleming
from abkit.analysis.inference.power.bayesian import BayesianTest, bayesian_size
from abkit.analysis.inference.power.effect import Effect
from abkit.analysis.inference.power.fixed import sample_size
from abkit.analysis.inference.power.group_sequential import group_sequential_size
from abkit.analysis.inference.power.needed import Needed
from abkit.analysis.inference.power.sequential import SequentialTest, sequential_size


@frozen(kw_only=True)
class FixedTest:
    """A test of one look: Welch's.

    Attributes:
        alpha: The accepted probability of a false alarm.
        one_sided: Whether only the side of the effect is tested.
    """

    alpha: float = 0.05
    one_sided: bool = False


@frozen(kw_only=True)
class GroupSequentialTest:
    """A two-sided test of a few planned looks.

    Attributes:
        looks: The share of the largest size at each look; rising, the last one is 1.
        alpha: The accepted probability of a false alarm over all looks.
        spending: When it spends its alpha.
    """

    looks: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8, 1.0)
    alpha: float = 0.05
    spending: Spending = obrien_fleming


Test: TypeAlias = FixedTest | SequentialTest | GroupSequentialTest | BayesianTest
"""How a test is made."""


def size(effect: Effect, *, test: Test, power: float = 0.8) -> Needed:
    """How many units of both arms together a test needs to find an effect.

    Args:
        effect: What is to be found, and how much the metric varies.
        test: How the test is made, at the level of this one comparison.
        power: The probability to find the effect if it is there.

    Raises:
        AnalysisError: A number cannot be used, or no number of units finds the effect.
    """
    match test:
        case FixedTest():
            alpha, one_sided = test.alpha, test.one_sided
            return Needed(units=sample_size(effect, alpha=alpha, power=power, one_sided=one_sided))
        case SequentialTest():
            return sequential_size(effect, test=test, power=power)
        case GroupSequentialTest():
            return group_sequential_size(
                effect, looks=test.looks, alpha=test.alpha, power=power, spending=test.spending
            )
        case BayesianTest():
            return bayesian_size(effect, test=test, power=power)
