"""What the database knows of an experiment: sums per variant, of parts of the units, and over time."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from attrs import evolve, field, frozen

from abkit.analysis.query.layout import Layout
from abkit.analysis.query.sums import Limits
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.estimands import Estimand
from abkit.analysis.statistics.parts import Part
from abkit.analysis.statistics.phases import Phase
from abkit.analysis.statistics.standardizing import Strata
from abkit.experiments.declaring.metrics import Metric


@frozen(kw_only=True)
class MeasuredSums:
    """What the database knows of an experiment.

    Attributes:
        sums: By variant.
        layout: What the sums are of.
        parts: The sums of parts of the units.
        looks: The ends of the periods, and the cumulative sums by variant up to each of them.
        limits: The lower and upper limit of each metric that has some.
        notes: What was noticed, in sentences.
        absences: Those of the notes that tell what actions lack.
        immature: By metric for which a unit's time ends, the units per variant whose time is not over.
        phases: The phases, which differ in their weights; empty if nothing is known of them.
        strata: The sums of each phase by variant; empty if there is one.
        strata_of_looks: The same up to the end of each period.
        adjusted: Whether CUPED adjusts by what the units did before, as far as that is known.
        beside: Whether other covariates adjust too, as far as there are some.
        end: The last moment of the data, in microseconds since 1970, where some metric waits for a window.
        valueless: Actions that count for some metric of a property, and lack it; None: nobody has counted.
    """

    sums: Mapping[str, Sums]
    layout: Layout
    parts: tuple[Part, ...] = ()
    looks: tuple[tuple[datetime, Mapping[str, Sums]], ...] = ()
    limits: Limits = field(factory=lambda: MappingProxyType({}))
    notes: tuple[str, ...] = ()
    absences: tuple[str, ...] = ()
    immature: Mapping[Metric, Mapping[str, int]] = field(factory=lambda: MappingProxyType({}))
    phases: tuple[Phase, ...] = ()
    strata: Strata = ()
    strata_of_looks: tuple[Strata, ...] = ()
    adjusted: bool = True
    beside: bool = True
    end: int | None = None
    valueless: int | None = None

    def up_to(self, count: int) -> "MeasuredSums":
        """The sums at the end of one of the periods.

        Args:
            count: How many periods are over then, from 1. What is not kept by period is left out: the parts,
                and how many units are not mature yet.
        """
        strata = self.strata_of_looks[:count]
        return evolve(
            self,
            sums=self.looks[count - 1][1],
            looks=self.looks[:count],
            parts=(),
            immature=MappingProxyType({}),
            strata=strata[-1] if strata else (),
            strata_of_looks=strata,
        )

    def without_cuped(self) -> "MeasuredSums":
        """The same, not adjusted by what the units did before."""
        return evolve(self, adjusted=False)

    def without_covariates(self) -> "MeasuredSums":
        """The same, each metric adjusted by its own past only."""
        return evolve(self, beside=False)

    @property
    def estimands(self) -> tuple[Estimand, ...]:
        """What the metrics are, in terms of the sums."""
        found = self.layout.estimands
        if not self.adjusted:
            found = tuple(estimand.without_past for estimand in found)
        if not self.beside:
            found = tuple(estimand.without_covariates for estimand in found)
        return found
