"""What all looks of a metric found, computed at once: the series of each variant, without its comparisons.

It is a hundred times as fast as one comparison after the other; the last digits may differ.
"""

from collections.abc import Iterator, Sequence
from math import isnan

import numpy as np
from attrs import frozen
from numpy.typing import NDArray

from abkit.analysis.findings.look_arms import LookArms, look_arms
from abkit.analysis.inference.comparison import Estimate, Interval
from abkit.analysis.inference.look_tests import LookMoments, LookTests, look_sequential, look_welch
from abkit.analysis.statistics.aggregates import Moments
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.look_sums import LookSums, Numbers
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Alternative, Method
from abkit.experiments.declaring.tau import Tau

_TESTS = (Method.SEQUENTIAL, Method.WELCH)


def can_be_estimated(plan: AnalysisPlan) -> bool:
    """Whether there is a test of all looks at once for a plan."""
    return plan.method in _TESTS and plan.alternative is Alternative.TWO_SIDED


@frozen(kw_only=True, eq=False)
class LookEstimates:
    """What was found in one metric at all looks; arrays as of `LookArms` and `LookTests`.

    Attributes:
        arms: All arms, the control first.
        tests: Of each treatment beside the control.
        made: Whether a treatment was compared at a look.
    """

    arms: LookArms
    tests: LookTests
    made: NDArray[np.bool_]

    @classmethod
    def of(
        cls,
        sums: LookSums,
        estimand: Estimand,
        plan: AnalysisPlan,
        *,
        tau: Tau | None,
        alphas: Sequence[float],
        units: Sequence[int],
    ) -> "LookEstimates":
        """Compare each variant with the control at each look.

        Args:
            sums: Of all variants, the control first.
            estimand: The metric.
            plan: How the test is made.
            tau: What the sequential test looks for; None: nothing was compared.
            alphas: The level of each variant's comparison.
            units: The units of all variants at each look.
        """
        arms = look_arms(sums, estimand)
        control, treatment = _moments(arms, slice(0, 1)), _moments(arms, slice(1, None))
        alpha = np.array(alphas)[:, np.newaxis]
        constant = (control.variance == 0) & (treatment.variance == 0)
        waits = arms.waits[:1] | arms.waits[1:] | constant
        if plan.method is Method.WELCH:
            waits |= np.array(units) < (plan.sample_size or 0)
            tests = look_welch(control, treatment, alpha=alpha)
        else:
            waits |= tau is None
            tests = look_sequential(control, treatment, tau=tau or 1.0, alpha=alpha)
        return cls(arms=arms, tests=tests, made=~waits)

    def moments(self, variant: int) -> Iterator[Moments]:
        """Of a variant at each look; 0 is the control."""
        arms = self.arms
        columns = (arms.units[variant], arms.mean[variant], arms.variance[variant])
        for n, mean, variance in zip(*(each.tolist() for each in columns), strict=True):
            yield Moments(round(n), mean, variance)

    def estimates(self, treatment: int) -> Iterator[Estimate | None]:
        """What was found of a treatment at each look; None where it was not compared."""
        of = self.tests
        columns = (
            self.made,
            of.difference,
            of.reach,
            of.lift,
            of.lift_low,
            of.lift_high,
            of.p_value,
        )
        for made, difference, reach, lift, low, high, p in zip(
            *(each[treatment].tolist() for each in columns), strict=True
        ):
            yield (
                Estimate(
                    difference,
                    Interval(difference - reach, difference + reach),
                    None if isnan(lift) else lift,
                    None if isnan(low) else Interval(low, high),
                    p,
                )
                if made
                else None
            )

    def running_p(self, treatment: int) -> tuple[float, ...]:
        """The smallest p-value so far, at each look; 1 before there was any."""
        p_values = np.where(self.made[treatment], self.tests.p_value[treatment], 1.0)
        return tuple(np.minimum.accumulate(p_values).tolist())

    def running_intervals(self, treatment: int) -> Iterator[Interval | None]:
        """What all intervals of the difference so far have in common; None where that is nothing."""
        low, high = self._ends(treatment)
        lows, highs = np.maximum.accumulate(low), np.minimum.accumulate(high)
        begun = np.logical_or.accumulate(self.made[treatment])
        for known, least, most in zip(begun.tolist(), lows.tolist(), highs.tolist(), strict=True):
            yield Interval(least, most) if known and least <= most else None

    def differences(self, treatment: int) -> Interval | None:
        """What all intervals of the difference have in common; None if that is nothing."""
        low, high = self._ends(treatment)
        found = Interval(float(low.max(initial=-np.inf)), float(high.min(initial=np.inf)))
        return found if self.made[treatment].any() and found.low <= found.high else None

    def lifts(self, treatment: int) -> Interval | None:
        """From the largest lower to the smallest upper end of the lift's intervals; None without any."""
        low, high = self.tests.lift_low[treatment], self.tests.lift_high[treatment]
        known = self.made[treatment] & ~np.isnan(low)
        if not known.any():
            return None
        return Interval(float(low[known].max()), float(high[known].min()))

    def _ends(self, treatment: int) -> tuple[Numbers, Numbers]:
        made, of = self.made[treatment], self.tests
        difference, reach = of.difference[treatment], of.reach[treatment]
        return (
            np.where(made, difference - reach, -np.inf),
            np.where(made, difference + reach, np.inf),
        )


def _moments(arms: LookArms, variants: slice) -> LookMoments:
    return LookMoments(
        n=arms.units[variants], mean=arms.mean[variants], variance=arms.variance[variants]
    )
