"""Stored exposures of several experiments in, what they have to do with one another out."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.crossings import (
    SharedUnits,
    find_shared_units,
    measure_by_arms,
)
from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.aggregation.phases import locked_weights
from abkit.analysis.aggregation.session import Progress, QuerySession, silent
from abkit.analysis.declared.design import Declared, Design
from abkit.analysis.declared.history import readable_history
from abkit.analysis.declared.planned import planned
from abkit.analysis.engines.choose import opened
from abkit.analysis.engines.scoped import Scoped
from abkit.analysis.findings.experiment_pairs import (
    CrossedExperiment,
    EffectByArm,
    Interactions,
    independences,
    not_compared,
    pair_of,
)
from abkit.analysis.findings.interactions import heterogeneity
from abkit.analysis.findings.metric_result import MINIMUM_UNITS
from abkit.analysis.findings.tau import Arrivals
from abkit.analysis.query.crossings import CrossedUnitQueries
from abkit.analysis.query.events import EventQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.phases import WeightsSince
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.reading.sources import Source, Table, table
from abkit.errors import AbkitError, AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.remote_file import write_text

if TYPE_CHECKING:
    from abkit.experiments.declaring.experiment import Experiment

_DAY = timedelta(days=1) // timedelta(microseconds=1)
_STEPS = 7
"""About how many questions are asked of each experiment."""

_Name = str
_Pair = tuple[int, int]


@frozen(kw_only=True)
class InteractionsResult(Interactions):
    """What experiments have to do with one another, which shows itself."""

    def to_text(self, *, width: int | None = 100) -> str:
        """As plain text, `width` characters wide; None: as wide as it needs."""
        from abkit.analysis.presentation.terminal.interactions import to_text

        return to_text(self, width=width)

    def to_html(self, path: str | Path) -> Path:
        """Write one HTML file that needs nothing else, to a path or a URL; the answer is the path."""
        from abkit.analysis.presentation.report.interactions import render

        return write_text(path, render(self))

    def to_dict(self) -> dict[str, object]:
        """All of it as JSON-ready values."""
        from abkit.analysis.presentation.export.interactions import to_dict

        return to_dict(self)


@frozen
class InteractionsAnalysis:
    """The analysis of experiments that share units.

    Attributes:
        experiments: The classes of the experiments, or a `Design` of each.
        exposures: As for `Analysis`.
        actions: As for `Analysis`; None: nothing was done yet, or only independence is of interest.
        identities: As for `Analysis`.
        engine: As for `Analysis`.
    """

    experiments: "Sequence[type[Experiment] | Declared | Design]"
    exposures: Source = field(kw_only=True)
    actions: Source | None = field(kw_only=True, default=None)
    identities: Source | None = field(kw_only=True, default=None)
    engine: object = field(kw_only=True, default=None)

    def run(self, progress: Progress = silent) -> InteractionsResult:
        """Compute the result.

        The variants of a pair are tested for independence, and the effect of each experiment, on the metric
        that decides, for being the same in all variants of the other one. This test is the sequential one,
        whatever the plan's method.

        Args:
            progress: As for `Analysis.run`.

        Raises:
            MissingColumnError: The exposures lack a column.
            AnalysisError: There are not two experiments, or two of one name.
            MissingExtraError: A package is not installed that is needed.
        """
        designs = [Design.of(each) for each in self.experiments]
        names = [design.name for design in designs]
        if len(names) < 2 or len(set(names)) < len(names):
            given = f"there is {', '.join(names)}" if names else "there is none"
            message = f"Interactions need two experiments or more, each once; {given}"
            raise AnalysisError(message)
        sources = {"exposures": table(self.exposures)}
        if self.actions is not None:
            sources["actions"] = table(self.actions)
        if self.identities is not None:
            sources["identities"] = table(self.identities)
        queries = [UnitQueries(design=each, locked=_locked(each)) for each in designs]
        failed: dict[_Name, str] = {}
        measured: dict[int, _Measured] = {}
        with opened(self.engine) as engine:
            session = QuerySession(engine, progress=progress, steps=_STEPS)
            shared = find_shared_units(
                session, queries, sources["exposures"], identities=sources.get("identities")
            )
            for number, design in enumerate(designs):
                others = _sharing(number, shared)
                if not others or not design.metrics or self.actions is None:
                    continue
                scoped = QuerySession(Scoped(engine, str(number)), progress=progress, steps=_STEPS)
                try:
                    plan = _plan(self.experiments[number])
                    measured[number] = _measured(scoped, design, plan, others, designs, sources)
                except AbkitError as error:
                    failed[design.name] = str(error)
        return _judged(self.experiments, designs, shared, measured, failed=failed, sources=sources)


def _locked(design: Design) -> Sequence[WeightsSince]:
    """The weights of the lock, for exposures that tell none; none where it cannot be read."""
    history, _ = readable_history(design.name)
    return locked_weights(history.phases)


def _plan(experiment: object) -> AnalysisPlan:
    """The plan of an experiment, by the sequential test and without CUPED."""
    said = planned(experiment) or AnalysisPlan()
    return AnalysisPlan(method=Method.SEQUENTIAL).over(evolve(said, cuped=None, covariates=()))


def _measured(
    session: QuerySession,
    design: Design,
    plan: AnalysisPlan,
    others: Sequence[int],
    designs: Sequence[Design],
    sources: Mapping[str, Table],
) -> "_Measured":
    """What the units of one experiment did, by their variants in others."""
    layout = Layout.of_events((design.deciding,), cuped=False, window=plan.window)
    exposed, sums = measure_by_arms(
        session,
        CrossedUnitQueries(
            design=design,
            exclusions=plan.exclude,
            others=others,
            locked=_locked(design),
        ),
        EventQueries(layout=layout, unit_type=design.unit_type),
        names=[designs[other].name for other in others],
        tables=sources,
        length=_DAY,
    )
    return _Measured(design=design, plan=plan, exposed=exposed, sums=sums)


@frozen(kw_only=True)
class _Measured:
    """What the units of one experiment did, by their variants in others."""

    design: Design
    plan: AnalysisPlan
    exposed: ExposedUnits
    sums: MeasuredSums

    @property
    def tests(self) -> int:
        """How many tests there are: for each variant beside the control, one by each other experiment."""
        others = {part.property for part in self.sums.parts if part.value is not None}
        return (len(self.sums.sums) - 1) * len(others)

    def effects(self, together: int) -> dict[_Name, EffectByArm]:
        """By other experiment, whether the effect depends on it; corrected for so many tests."""
        parts = [part for part in self.sums.parts if part.value is not None]
        tests = heterogeneity(
            parts,
            self.sums.layout.estimands,
            self.design,
            self.plan,
            units=0,
            first_look=Arrivals.of(self.exposed.by_period).at_first_look(self.design.control),
            families=together,
        )
        name = self.design.name
        return {
            other: EffectByArm(
                experiment=name, by=other, tests=tuple(t for t in tests if t.property == other)
            )
            for other in dict.fromkeys(test.property for test in tests)
        }


def _sharing(number: int, shared: SharedUnits) -> list[int]:
    """The experiments that share enough units with one to compare anything."""
    return [
        one if other == number else other
        for (one, other), strata in shared.tables.items()
        if number in (one, other) and sum(sum(of.values()) for of in strata) >= 2 * MINIMUM_UNITS
    ]


def _judged(
    experiments: Sequence[object],
    designs: Sequence[Design],
    shared: SharedUnits,
    measured: Mapping[int, _Measured],
    *,
    failed: Mapping[_Name, str],
    sources: Mapping[str, Table],
) -> InteractionsResult:
    names = [design.name for design in designs]
    tests = independences(
        {(names[one], names[other]): of for (one, other), of in shared.tables.items()}
    )
    together = sum(of.tests for of in measured.values())
    effects = {names[number]: of.effects(together) for number, of in measured.items()}
    layers = [_layer(each) for each in experiments]
    pairs = []
    for one, other in combinations(range(len(designs)), 2):
        if designs[one].unit_type != designs[other].unit_type:
            continue
        pair = names[one], names[other]
        both = [effects.get(name, {}).get(by) for name, by in (pair, pair[::-1])]
        pairs.append(
            pair_of(
                pair,
                shared.tables.get((one, other), ()),
                layered=layers[one] is not None and layers[one] == layers[other],
                test=tests.get(pair),
                tests=len(tests),
                effects=[of for of in both if of is not None],
            )
        )
    crossed = tuple(
        CrossedExperiment(
            name=design.name,
            unit_type=design.unit_type,
            metric=design.deciding.name if design.metrics else None,
            units=shared.units.get(number, 0),
            in_several=shared.in_several.get(number, 0),
        )
        for number, design in enumerate(designs)
    )
    return InteractionsResult(
        experiments=crossed,
        pairs=tuple(pairs),
        independence_tests=len(tests),
        effect_tests=together,
        notes=not_compared(crossed, failed, acted="actions" in sources),
        sources={name: source.label for name, source in sources.items()},
    )


def _layer(experiment: object) -> str | None:
    """The name of the layer that excludes an experiment from others; None if it is in none."""
    declared = getattr(experiment, "declaration", None) or experiment
    layer = getattr(declared, "layer", None)
    return None if layer is None else layer.name
