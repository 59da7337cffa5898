"""Whether an effect changes with the days since a unit's first exposure: pure.

People try what is new because it is new, and dislike what is new because it is not what they knew; both
pass (Hohnhold, O'Brien and Tang 2015, "Focusing on the long-term: it's good for users and business", KDD;
Sadeghi, Gupta, Gramatovici, Lu, Ai and Zhang 2022, "Novelty and primacy: a long-term estimator for online
experiments", Technometrics 64(4)). Such a change goes with the age of a unit in the experiment, not with
the calendar: so each unit's days are counted from its own first exposure, and only units count for a day
for which it is over.

The test compares, between the arms, which share of all that units did in a time after their exposure falls
into its later part. If the lift is the same on all days, whatever the days are like, the shares are equal:
what both arms do more of at first, or at weekends, does not matter. A unit's days are one observation, a
pair of sums: so it does not matter either how much they depend on each other. The share is a ratio of two
means, whose variance is that of the delta method (Deng, Knoblich and Lu 2018, KDD).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time
from enum import StrEnum
from functools import partial
from types import MappingProxyType
from typing import TypeAlias

from attrs import evolve, frozen

from abkit.analysis.findings.arms import arms_of
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.findings.tau import Arrivals, FirstLook
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.days import ACTIVE, BOTH, DAY, EARLY, LATE, DailySums
from abkit.analysis.statistics.deferred import Deferred
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.standardizing import Strata, pooled
from abkit.errors import UnknownNameError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Correction, Method
from abkit.experiments.declaring.metrics import Metric, Ratio, Total

NewUnits: TypeAlias = Mapping[tuple[datetime, str, int], int]
"""Units by the start of the period of their first exposure, variant, and number of their phase."""


class Trend(StrEnum):
    """How an effect changes with the days since exposure."""

    WEARS_OFF = "wears off"
    """It tends to 0: people have tried the new, or have got used to it."""
    GROWS = "grows"
    """It is larger later: people learn to use it, or it adds up."""
    REVERSES = "reverses"
    """It is surely there later, with the other sign."""


@frozen(kw_only=True)
class EffectByDay:
    """One variant beside the control, by days since exposure.

    Attributes:
        variant: The variant, as text.
        days: For each day from 0, the comparison of the units for which it is over; None where the gates
            are not passed. They are computed when somebody looks at them. Each is at its own confidence: of
            many days, one may miss.
        early: The comparison of the first part of the time, per unit; None with `share`.
        late: The same of its later part.
        share: The test: the comparison of the share that falls into the later part; its alpha is
            corrected for the number of variants. None where the gates are not passed.
        corrected_p: The p-value of the test after that correction.
        trend: What the test says; None if it says nothing, which is no proof that nothing changes.
        missing: What the gates of the test still wait for.
    """

    variant: str
    days: Sequence[Comparison | None]
    early: Comparison | None = None
    late: Comparison | None = None
    share: Comparison | None = None
    corrected_p: float | None = None
    trend: Trend | None = None
    missing: tuple[str, ...] = ()


@frozen(kw_only=True)
class Novelty:
    """A metric's effect by days since each unit's first exposure.

    Attributes:
        metric: The metric. Its values of days are plain ones: without CUPED, limits or a logarithm; of a
            conversion, whether the unit did it on that day.
        length: How many days after exposure the test compares the parts of; of units that have them behind
            them.
        treatments: The variants beside the control.
    """

    metric: Metric
    length: int
    treatments: tuple[EffectByDay, ...]

    def __getitem__(self, variant: str) -> EffectByDay:
        """The effect of a variant.

        Raises:
            UnknownNameError: There is no such variant beside the control.
        """
        for treatment in self.treatments:
            if treatment.variant == variant:
                return treatment
        raise UnknownNameError("variant", variant, [*self])

    def __iter__(self) -> Iterator[str]:
        """The names of the variants beside the control."""
        return (treatment.variant for treatment in self.treatments)


def novelty(
    metrics: Sequence[MetricResult],
    plan: AnalysisPlan,
    daily: Sequence[DailySums],
    *,
    new_units: NewUnits,
) -> tuple[Novelty, ...]:
    """The effect of each variant by days since exposure, and whether it changes.

    The test is Welch's where the plan is, and makes one look; else the sequential one, which holds at every
    look, whatever the method of the plan: neither chances nor planned looks were made for it. It is
    two-sided, at the plan's confidence, and corrected for the number of variants (Bonferroni).

    Args:
        metrics: What was found for the metrics, which says how the variants are ordered.
        plan: How the experiment is judged.
        daily: The sums of the metrics that are shown by day.
        new_units: When the units came.

    Raises:
        AnalysisError: A sum is not finite.
        MissingExtraError: scipy is not installed.
    """
    results = {found.metric: found for found in metrics}
    by_day = all(start.time() == time() for start, _, _ in new_units)
    arrivals = Arrivals.of(new_units) if by_day else None
    return tuple(
        _Days(
            daily=each,
            variants=(results[each.metric].control.variant, *results[each.metric]),
            plan=_plan_of_days(plan),
            new_units=new_units,
            arrivals=arrivals,
        ).judged()
        for each in daily
    )


def _plan_of_days(plan: AnalysisPlan) -> AnalysisPlan:
    welch = plan.method is Method.WELCH
    return AnalysisPlan(
        method=Method.WELCH if welch else Method.SEQUENTIAL,
        confidence=plan.confidence,
        correction=Correction.BONFERRONI,
        sample_size=plan.sample_size,
    )


@frozen(kw_only=True)
class _Days:
    """The days of one metric, to be judged.

    Attributes:
        daily: The sums.
        variants: The control, and the others in their order.
        plan: How the tests are made.
        new_units: When the units came.
        arrivals: The same by day; None where it is known by the hour.
    """

    daily: DailySums
    variants: tuple[str, ...]
    plan: AnalysisPlan
    new_units: NewUnits
    arrivals: Arrivals | None

    def judged(self) -> Novelty:
        """What they say."""
        length, halves = self.daily.length, self.daily.halves
        plain = Estimand(metric=self.daily.metric, places={self.daily.metric: 0}, negative=1)
        days = Deferred(
            len(self.daily.days),
            lambda: (
                self._compared(strata, plain, days=day)
                for day, strata in enumerate(self.daily.days, start=1)
            ),
        )
        parts = [self._compared(halves, part, days=length) for part in (_EARLY, _LATE, _SHARE)]
        treatments = [
            self._of_variant(
                variant,
                Deferred(None, partial(_shown, days, place)),
                *(of[place] for of in parts),
            )
            for place, variant in enumerate(self.variants[1:])
        ]
        return Novelty(metric=self.daily.metric, length=length, treatments=tuple(treatments))

    def _of_variant(
        self,
        variant: str,
        days: Sequence[Comparison | None],
        early: "_Compared",
        late: "_Compared",
        share: "_Compared",
    ) -> EffectByDay:
        found = EffectByDay(
            variant=variant,
            days=days,
            missing=tuple(dict.fromkeys((*early.missing, *late.missing, *share.missing))),
        )
        if early.comparison is None or late.comparison is None or share.comparison is None:
            return found
        test = share.comparison
        return evolve(
            found,
            early=early.comparison,
            late=late.comparison,
            share=test,
            corrected_p=min(1.0, test.p_value * (self.plan.level / test.alpha)),
            trend=_trend(early.comparison, late.comparison) if test.significant else None,
        )

    def _compared(self, strata: Strata, estimand: Estimand, *, days: int) -> list["_Compared"]:
        """Each variant beside the control.

        Args:
            strata: Of each phase, the sums by variant.
            estimand: What of these sums.
            days: How many days the units have behind them.
        """
        sums = {variant: _of_all_phases(strata, variant) for variant in self.variants}
        found = arms_of(sums, estimand, plan=self.plan, strata=strata)
        comparing = Comparing.of(
            estimand.metric,
            self.plan,
            arms=found,
            seen=sum(self.new_units.values()),
            first_look=self._first_look(sums, days),
        )
        alpha = self.plan.alpha(len(found.pairs))
        compared = []
        for pair in found.pairs:
            missing = comparing.lacking(pair)
            comparison = None if missing else comparing.compare(*pair, alpha=alpha)
            compared.append(_Compared(comparison, missing))
        return compared

    def _first_look(self, sums: Mapping[str, Sums], days: int) -> FirstLook:
        """The shares of the units with so many days behind them that had them by the first look at these."""
        came = self._came(self.daily.end - (days + 1) * DAY)
        known = {variant: of[-1] for variant, of in came.so_far.items() if of}

        def part(variant: str) -> float:
            """Of all units, those that came on days that are counted as a whole."""
            return min(1.0, known[variant] / sums[variant].n) if sums[variant].n else 1.0

        control = self.variants[0]
        return {
            variant: (of_control * part(control), of_variant * part(variant))
            for variant, (of_control, of_variant) in came.at_first_look(control).items()
            if variant in sums
        }

    def _came(self, last: datetime) -> Arrivals:
        """The units of the days, or hours, that begin up to a moment."""
        if self.arrivals is not None:
            return self.arrivals.until(last.date())
        return Arrivals.of({key: units for key, units in self.new_units.items() if key[0] <= last})


@frozen
class _Compared:
    """A comparison, or what it waits for."""

    comparison: Comparison | None
    missing: tuple[str, ...]


def _shown(days: Sequence[Sequence[_Compared]], place: int) -> Sequence[Comparison | None]:
    """The comparisons of a variant, up to the last day on which there is one."""
    found = [day[place].comparison for day in days]
    while found and found[-1] is None:
        found.pop()
    return found


def _of_all_phases(strata: Strata, variant: str) -> Sums:
    if any(variant in phase for phase in strata):
        return pooled(strata, variant)
    return Sums.none(next(of.shifts for phase in strata for of in phase.values()))


def _trend(early: Comparison, late: Comparison) -> Trend:
    """What a change of the lift is called."""
    before, after = early.lift or 0.0, late.lift or 0.0
    if before * after < 0 and late.significant:
        return Trend.REVERSES
    return Trend.WEARS_OFF if abs(after) < abs(before) else Trend.GROWS


def _part(name: str, place: int) -> Estimand:
    """The sum of a part of the days."""
    metric = Total(name)
    return Estimand(metric=metric, places=MappingProxyType({metric: place}))


_EARLY, _LATE, _BOTH = _part("first days", EARLY), _part("later days", LATE), _part("days", BOTH)
_RATIO = Ratio("share of later days", numerator=_LATE.metric, denominator=_BOTH.metric)
_SHARE = Estimand(
    metric=_RATIO,
    places=MappingProxyType({_LATE.metric: LATE, _BOTH.metric: BOTH}),
    divided=ACTIVE,
)
