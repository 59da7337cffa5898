"""Who reacts differently: whether the effect is the same in all values of a property. Pure.

A segment beside the others says nothing of that: of two segments with the same effect, one is often
significant and the other not. The test here is of the difference between the effects (Gelman and Stern
2006, "The difference between significant and not significant is not itself statistically significant",
The American Statistician 60(4)).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from math import exp, inf, sqrt
from operator import add

from attrs import frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.findings.arms import Arms, arms_of
from abkit.analysis.findings.evaluate import in_order
from abkit.analysis.findings.heterogeneity import Heterogeneity, PartEffect
from abkit.analysis.findings.metric_result import Arm, missing
from abkit.analysis.findings.tau import FirstLook, variance_at_first_look
from abkit.analysis.inference.interaction import (
    Pair,
    cochran,
    evidence,
    evidence_of_any,
    evidence_of_each,
    normal_p_value,
    standardized_contrast,
)
from abkit.analysis.inference.sequential import tau_for_sample_size
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand, waits
from abkit.analysis.statistics.parts import Part
from abkit.analysis.statistics.standardizing import Strata
from abkit.errors import TooFewVariantsError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.metrics import Metric, Role
from abkit.extras import extra


def heterogeneity(
    parts: Sequence[Part],
    estimands: Sequence[Estimand],
    design: Design,
    plan: AnalysisPlan,
    *,
    units: int,
    first_look: FirstLook | None = None,
    waiting: Mapping[Metric, FirstLook] | None = None,
    families: int | None = None,
) -> tuple[Heterogeneity, ...]:
    """Test, for each property and variant, whether the metric that decides reacts alike in all values.

    So is each guardrail. Each metric is read alone. A plan by Welch's test has one look, so its test is
    Cochran's Q, once a planned size is reached. Any other plan may be looked at often, so its test is
    sequential.

    Args:
        parts: The segments, of one or several properties.
        estimands: The metrics; they are not adjusted by CUPED.
        design: What was planned.
        plan: How it is judged: its method and its confidence.
        units: The units of the whole experiment.
        first_look: As for `evaluate`.
        waiting: As for `evaluate`.
        families: How many tests are read together, each of one property and variant; None: those of
            these parts.

    Raises:
        AnalysisError: A sum is not finite.
        MissingExtraError: scipy is not installed.
    """
    by_property: dict[str, list[Part]] = {}
    for part in parts:
        by_property.setdefault(part.property, []).append(part)
    counted = {
        prop: sum(_units(part.sums) for part in members) for prop, members in by_property.items()
    }
    one_look = plan.method is Method.WELCH
    size = (plan.sample_size or 0) if one_look else 0
    found: list[Heterogeneity] = []
    for estimand in estimands:
        if estimand.metric != design.deciding and estimand.metric.role is not Role.GUARDRAIL:
            continue
        plain = estimand.unadjusted
        first = (waiting or {}).get(estimand.metric, first_look)
        tests = [
            _Test(variant, members, plain, design, plan, first)
            for members in by_property.values()
            if len(members) > 1
            for variant in _compared(members, plain, design, plan)
        ]
        together = max(1, families or len(tests))
        begun = (_counted(by_property, estimand) if waits(estimand.metric) else units) >= size
        found += [
            test.result(together, left_out=max(0, units - counted[test.property]), begun=begun)
            for test in tests
        ]
    return tuple(found)


@frozen
class _Beside:
    """One value beside the rest."""

    value: str | None
    part: tuple[Arm, Arm]
    rest: tuple[Arm, Arm]

    @property
    def ready(self) -> bool:
        """Whether both pass the gates of a comparison."""
        return not missing(self.part) and not missing(self.rest)


def _compared(
    members: Sequence[Part], estimand: Estimand, design: Design, plan: AnalysisPlan
) -> dict[str, list[_Beside]]:
    """By variant, each value that has units of it, beside the rest."""
    found: dict[str, list[_Beside]] = {}
    for number, member in enumerate(members):
        rest = [*members[:number], *members[number + 1 :]]
        try:
            own = _arms(in_order(member.sums, design), member.strata, estimand, plan)
            others = _arms(
                in_order(_added([of.sums for of in rest]), design),
                [_added(phase) for phase in zip(*(of.strata for of in rest), strict=False)],
                estimand,
                plan,
            )
        except TooFewVariantsError:
            continue
        beside = {pair[1].variant: pair for pair in others.pairs}
        for pair in own.pairs:
            if (variant := pair[1].variant) in beside:
                found.setdefault(variant, []).append(_Beside(member.value, pair, beside[variant]))
    return found


def _arms(sums: Mapping[str, Sums], strata: Strata, estimand: Estimand, plan: AnalysisPlan) -> Arms:
    return arms_of(sums, estimand, plan=plan, strata=strata)


def _added(parts: Sequence[Mapping[str, Sums]]) -> dict[str, Sums]:
    """The sums of several parts together, by variant."""
    variants = dict.fromkeys(variant for part in parts for variant in part)
    return {v: reduce(add, (part[v] for part in parts if v in part)) for v in variants}


def _counted(parts: Mapping[str, Sequence[Part]], estimand: Estimand) -> int:
    """The units that count for a metric that waits: those of the property that tells most."""
    return max(
        (sum(estimand.planned(part.sums) for part in of) for of in parts.values()), default=0
    )


def _units(sums: Mapping[str, Sums]) -> int:
    return sum(of.n for of in sums.values())


@frozen
class _Found:
    """A test: its p-value, the values that are compared, and the p-value of each, corrected for them."""

    p_value: float
    values: Sequence[_Beside]
    each: Sequence[float]


@frozen
class _Test:
    """One property and variant."""

    variant: str
    members: Sequence[Part]
    estimand: Estimand
    design: Design
    plan: AnalysisPlan
    first_look: FirstLook | None

    @property
    def property(self) -> str:
        """The property of the members."""
        return self.members[0].property

    def result(self, together: int, *, left_out: int, begun: bool) -> Heterogeneity:
        """What is found, corrected for so many tests; nothing before they begin."""
        found = self._made(self.members) if begun else _Found(1.0, (), ())
        corrected = min(1.0, together * found.p_value)
        compared = [of.value for of in found.values]
        return Heterogeneity(
            metric=self.estimand.metric,
            property=self.property,
            variant=self.variant,
            method="cochran" if self.plan.method is Method.WELCH else "sequential",
            p_value=found.p_value,
            corrected_p=corrected,
            differs=corrected <= self.plan.level,
            different=tuple(self._different(found, together)),
            parts=tuple(
                _effect(of, min(1.0, together * own))
                for of, own in zip(found.values, found.each, strict=True)
            ),
            waiting=tuple(of.value for of in self.members if of.value not in compared),
            left_out=left_out,
        )

    def _different(self, found: _Found, together: int) -> Iterator[PartEffect]:
        """The value with the most evidence; then that of the others, compared without it; and so on.

        Else the largest value would be named too, only because the different one is in its rest. Of two,
        the smaller one is named.
        """
        members, level = self.members, self.plan.level / together
        while found.p_value <= level:
            two = len(found.values) == 2  # which differ from each other
            own, best = min(
                zip(found.each, found.values, strict=True),
                key=lambda of: (0.0 if two else of[0], _size(of[1])),
            )
            if own > level:
                return
            yield _effect(best, together * own)
            members = [of for of in members if of.value != best.value]
            if len(members) < 2:
                return
            found = self._made(members)

    def _made(self, members: Sequence[Part]) -> _Found:
        """The test of some of the members."""
        values = _compared(members, self.estimand, self.design, self.plan).get(self.variant, [])
        ready = [of for of in values if of.ready]
        one_look = self.plan.method is Method.WELCH
        p_value, each = self._once(ready) if one_look else self._at_every_look(ready, len(members))
        return _Found(p_value, ready, each)

    def _at_every_look(self, ready: Sequence[_Beside], parts: int) -> tuple[float, Sequence[float]]:
        logs = list(self._evidences(ready))
        if not logs:
            return 1.0, ()
        anywhere = evidence_of_any(logs, parts=parts)
        return _p_value(anywhere), tuple(map(_p_value, evidence_of_each(logs, parts=parts)))

    def _evidences(self, ready: Sequence[_Beside]) -> Iterator[float]:
        for of in ready:
            part, rest = _pair(of.part), _pair(of.rest)
            now = part.variance + rest.variance
            if not now > 0:
                yield -inf
                continue
            first = sum(
                variance_at_first_look(pair, self.first_look) for pair in (of.part, of.rest)
            )
            size = sqrt(first / now)
            if self.first_look is None:
                size = tau_for_sample_size(1.0, units=1, sample_size=1, alpha=self.plan.level)
            yield evidence(standardized_contrast(part, rest), tau=size)

    def _once(self, ready: Sequence[_Beside]) -> tuple[float, Sequence[float]]:
        if len(ready) < 2:
            return 1.0, (1.0,) * len(ready)
        with extra("analysis"):
            from abkit.analysis.inference.correction import holm
        alone = [
            normal_p_value(standardized_contrast(_pair(of.part), _pair(of.rest))) for of in ready
        ]
        return cochran([_pair(of.part) for of in ready]), holm(alone)


def _p_value(evidence: float) -> float:
    return exp(-max(0.0, evidence))


def _size(of: _Beside) -> int:
    return sum(arm.moments.n for arm in of.part)


def _pair(arms: tuple[Arm, Arm]) -> Pair:
    control, treatment = arms
    return Pair(control.moments, treatment.moments)


def _effect(of: _Beside, corrected_p: float) -> PartEffect:
    part, rest = _pair(of.part), _pair(of.rest)
    return PartEffect(
        value=of.value,
        units=part.control.n + part.treatment.n,
        difference=part.difference,
        lift=part.lift,
        rest=rest.difference,
        rest_lift=rest.lift,
        corrected_p=corrected_p,
    )
