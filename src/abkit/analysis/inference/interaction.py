"""Whether an effect is the same in all parts of the units: tests of interaction. Pure.

"The same" can mean the same difference or the same lift, and where the parts have different means both
cannot be true: if 10% and 40% of the units convert, a lift of 5% is a difference of 0.5 points in one part
and of 2 points in the other. A part reacts differently only if neither is the same. So each test is made
on both scales, and the scale with the less evidence counts: an intersection-union test (Berger 1982,
"Multiparameter hypothesis testing and acceptance sampling", Technometrics 24(4)), which keeps the level of
each of its parts without a correction.
"""

from collections.abc import Sequence
from math import exp, fsum, inf, log, sqrt

from attrs import frozen

from abkit.analysis.inference.relative import lift
from abkit.analysis.inference.sequential import log_likelihood_ratio
from abkit.analysis.inference.variance import at_least_pooled
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.tau import Tau
from abkit.extras import extra


@frozen
class Pair:
    """The control and a treatment, of a part of the units; each of two units or more.

    Attributes:
        control: The control's moments.
        treatment: The treatment's moments.
    """

    control: Moments
    treatment: Moments

    @property
    def difference(self) -> float:
        """The effect: treatment mean minus control mean, in the metric's unit."""
        return self.treatment.mean - self.control.mean

    @property
    def variance(self) -> float:
        """The sampling variance of the difference."""
        return at_least_pooled(self.control, self.treatment).difference

    @property
    def lift(self) -> float | None:
        """The effect relative to the control's mean; None where that would mislead."""
        return lift(self.control, self.treatment)


def standardized_contrast(part: Pair, rest: Pair) -> float:
    """The effect in a part less that in the rest, in standard errors.

    Of the two scales it is the value nearer to 0; 0 if they have different signs, as then the part reacts
    more strongly on one scale and more weakly on the other. Where a lift is undefined, only the differences
    are compared. The lifts are compared as m_t m_c' - m_t' m_c, which is 0 exactly if they are equal and
    divides by nothing; its variance is that of the first-order expansion (Fieller 1954, J. R. Stat. Soc. B
    16(2), for two ratios).

    Args:
        part: The units of one value.
        rest: All other units.
    """
    variance = part.variance + rest.variance
    if not variance > 0:
        return 0.0
    plain = (part.difference - rest.difference) / sqrt(variance)
    if part.lift is None or rest.lift is None:
        return plain
    relative = _relative_contrast(part, rest)
    return min(plain, relative, key=abs) if plain * relative > 0 else 0.0


def _relative_contrast(part: Pair, rest: Pair) -> float:
    mine, others = (at_least_pooled(of.control, of.treatment) for of in (part, rest))
    control, treatment = part.control.mean, part.treatment.mean
    base, treated = rest.control.mean, rest.treatment.mean
    variance = (
        base * base * mine.treatment
        + treated * treated * mine.control
        + control * control * others.treatment
        + treatment * treatment * others.control
    )
    return (treatment * base - treated * control) / sqrt(variance)


def evidence(statistic: float, *, tau: Tau) -> float:
    """The log of the likelihood ratio against "the part reacts like the rest", valid at every look.

    The mixture of `sequential`, for a contrast.

    Args:
        statistic: The contrast in standard errors.
        tau: The size of the contrast that is looked for, in its standard errors of now.
    """
    return log_likelihood_ratio(statistic, variance=1.0, tau=tau)


def evidence_of_any(evidences: Sequence[float], *, parts: int) -> float:
    """The log of the likelihood ratio against "all parts react alike": that of each part on average.

    An average of e-values is an e-value under any dependence (Vovk and Wang 2021, "E-values: calibration,
    combination and applications", Ann. Stat. 49(3), eq. 2), and so at every look.

    Args:
        evidences: The logs of the parts that are compared.
        parts: How many parts there are; those that are not compared yet say nothing, and count as 0.
    """
    if not evidences:
        return -inf
    return _log_sum(evidences) - log(parts)


def evidence_of_each(evidences: Sequence[float], *, parts: int) -> tuple[float, ...]:
    """The evidence that names a part, corrected for the number of parts.

    The closed test with averages (Vovk and Wang 2021, algorithm 1): for each part the smallest average
    over the sets of parts that it is in. Whatever parts it names at a level, the probability that one of
    them reacts like the rest is at most that.

    Args:
        evidences: The logs of the parts that are compared.
        parts: As for `evidence_of_any`.
    """
    smallest = [*[-inf] * (parts - len(evidences)), *sorted(evidences)]
    found = []
    for own in evidences:
        others = smallest.copy()
        others.remove(own)
        sets = ([own, *others[:size]] for size in range(len(others) + 1))
        found.append(min(_log_sum(of) - log(len(of)) for of in sets))
    return tuple(found)


def cochran(pairs: Sequence[Pair]) -> float:
    """The p-value of "all parts react alike", for one look: Cochran's Q.

    Q = sum w (d - d̄)², w = 1 / V, where d̄ is the mean weighed by w, beside the chi-square distribution of
    one degree of freedom less than there are parts (Cochran 1954, "The combination of estimates from
    different experiments", Biometrics 10(1)). On the scale of lifts the residuals are m_t - (1 + r) m_c, with
    the lift r that is common to all. The larger p-value of both scales counts.

    Args:
        pairs: The parts that can be compared.
    """
    with extra("analysis"):
        from scipy.special import chdtrc
    varying = [pair for pair in pairs if pair.variance > 0]
    if len(varying) < 2:
        return 1.0
    weights = [1 / pair.variance for pair in varying]
    mean = fsum(w * pair.difference for w, pair in zip(weights, varying, strict=True)) / fsum(
        weights
    )
    statistic = fsum(
        w * (pair.difference - mean) ** 2 for w, pair in zip(weights, varying, strict=True)
    )
    if all(pair.lift is not None for pair in varying):
        statistic = min(statistic, _cochran_of_ratios(varying))
    return float(chdtrc(len(varying) - 1, statistic))


_ROUNDS = 20
"""The weights depend on the ratio a little: after three rounds nothing changes."""


def _cochran_of_ratios(pairs: Sequence[Pair]) -> float:
    spread = [at_least_pooled(pair.control, pair.treatment) for pair in pairs]
    ratio, statistic = 1.0, inf
    for _ in range(_ROUNDS):
        weights = [1 / (of.treatment + ratio * ratio * of.control) for of in spread]
        known = list(zip(weights, pairs, strict=True))
        ratio = fsum(w * of.treatment.mean * of.control.mean for w, of in known) / fsum(
            w * of.control.mean**2 for w, of in known
        )
        statistic = fsum(w * (of.treatment.mean - ratio * of.control.mean) ** 2 for w, of in known)
    return statistic


def normal_p_value(statistic: float) -> float:
    """The two-sided p-value of a contrast in standard errors, for one look."""
    with extra("analysis"):
        from abkit.analysis.inference.student import p_value
    return p_value(statistic, freedom=inf)


def _log_sum(logs: Sequence[float]) -> float:
    """The log of a sum of exponentials."""
    largest = max(logs)
    if largest == -inf:
        return -inf
    return largest + log(fsum(exp(each - largest) for each in logs))
