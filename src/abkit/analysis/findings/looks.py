"""One metric at each look, exactly, and computed only where somebody looks: pure."""

from collections.abc import Iterator, Mapping, Sequence

from attrs import evolve, field, frozen

from abkit.analysis.findings.arms import Arms, arms_of
from abkit.analysis.findings.comparing import Comparing
from abkit.analysis.findings.planned_looks import PlannedLook, planned_looks
from abkit.analysis.inference.comparison import Comparison
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.statistics.estimands import Estimand, waits
from abkit.analysis.statistics.standardizing import Strata
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method


@frozen(kw_only=True)
class SumsOverTime:
    """What is known at each look.

    Attributes:
        sums: Per look, the sums of each variant up to then; cumulative.
        strata: Per look, the same per phase, if units were drawn with different weights.
        over: How many of the looks are over.
    """

    sums: Sequence[Mapping[str, Sums]]
    strata: Sequence[Strata]
    over: int

    _all_units: list[int] = field(factory=list, init=False)

    def units(self, estimand: Estimand) -> Sequence[int]:
        """The units of all variants at each look of which a planned sample size is made up."""
        if waits(estimand.metric):
            return [estimand.planned(sums) for sums in self.sums]
        if not self._all_units:
            self._all_units.extend(estimand.planned(sums) for sums in self.sums)
        return self._all_units

    @property
    def phased(self) -> bool:
        """Whether there is more than one phase."""
        return any(len(phases) > 1 for phases in self.strata)


@frozen(kw_only=True)
class _Look:
    arms: Arms
    comparing: Comparing


class Looks:
    """One metric at all looks.

    Args:
        estimand: The metric.
        plan: How the test is made, with its tau.
        variants: The control, and the others.
        known: What is known at each look.

    Attributes:
        units: The units of all variants at each look.
        planned: The planned look that is made at each; None where none is.
    """

    def __init__(
        self,
        estimand: Estimand,
        plan: AnalysisPlan,
        *,
        variants: Sequence[str],
        known: SumsOverTime,
    ) -> None:
        self._estimand = estimand
        self._plan = plan
        self._variants = variants
        self._known = known
        shifts = next((of.shifts for sums in known.sums for of in sums.values()), ())
        self._nothing = Sums.none(shifts)
        self._made: dict[int, _Look] = {}
        self.units: Sequence[int] = known.units(estimand)
        self.planned: Sequence[PlannedLook | None] = planned_looks(
            self.units, plan, over=known.over
        )

    def __len__(self) -> int:
        return len(self.units)

    def arms(self, number: int) -> Arms:
        """The arms at a look."""
        return self._look(number).arms

    def control(self) -> Iterator[Moments]:
        """The control's moments at each look."""
        return (self.arms(number).control.moments for number in range(len(self)))

    def treatment(self, place: int) -> Iterator[Moments]:
        """A variant's moments at each look; `place` is that among the treatments."""
        return (self.arms(number).treatments[place].moments for number in range(len(self)))

    def comparisons(self, place: int, *, alpha: float) -> Iterator[Comparison | None]:
        """One treatment with the control at each look; None where nothing is compared."""
        at_planned = self._plan.method is Method.GROUP_SEQUENTIAL
        for number, planned in enumerate(self.planned):
            if at_planned and planned is None:
                yield None
                continue
            look = self._look(number)
            control, arm = look.arms.pairs[place]
            waits = look.comparing.waits([control, arm])
            yield None if waits else look.comparing.compare(control, arm, alpha=alpha)

    def _look(self, number: int) -> _Look:
        if number not in self._made:
            sums = self._known.sums[number]
            found = arms_of(
                {variant: sums.get(variant, self._nothing) for variant in self._variants},
                self._estimand,
                plan=self._plan,
                strata=self._known.strata[number],
            )
            comparing = Comparing.of(
                self._estimand.metric, self._plan, arms=found, seen=self.units[number]
            )
            self._made[number] = _Look(
                arms=found, comparing=evolve(comparing, look=self.planned[number])
            )
        return self._made[number]
