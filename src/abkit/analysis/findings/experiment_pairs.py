"""Experiments that touch each other: what two of them have to do with one another. Pure."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from abkit.analysis.findings.heterogeneity import Heterogeneity
from abkit.analysis.inference.independence import CrossTable, Independence, independence
from abkit.errors import UnknownNameError

STRICT = 0.001
"""The level of the test of independence, of all pairs together: the table is looked at every day."""


class Touch(StrEnum):
    """What two experiments have to do with one another."""

    APART = "apart"
    """They share no units."""
    EXCLUSIVE = "exclusive"
    """They share no units, as they are in one layer."""
    OVERLAP = "overlap"
    """They share units, though they are in one layer."""
    DEPENDENT = "dependent"
    """Their variants are not independent: a comparison of one is one of the other too."""
    INTERACTION = "interaction"
    """The effect of one depends on the variant of the other."""
    INDEPENDENT = "independent"
    """They share units, and neither is found."""
    FEW = "few units"
    """They share too few units to test anything, or these have one variant."""


@frozen(kw_only=True)
class EffectByArm:
    """Whether the effect of one experiment depends on the variant of another one.

    Attributes:
        experiment: Whose effect it is.
        by: The other experiment.
        tests: For each variant beside the control, on the metric that decides; `property` is the other
            experiment, and the values are its variants.
    """

    experiment: str
    by: str
    tests: tuple[Heterogeneity, ...]

    @property
    def differs(self) -> bool:
        """Whether a test says so."""
        return any(test.differs for test in self.tests)


@frozen(kw_only=True)
class ExperimentPair:
    """Two experiments of one type of units.

    Attributes:
        experiments: Their names.
        touch: What they have to do with one another, the worst of it.
        units: How many units are in both; those that saw several variants of one are left out.
        table: These units by their two variants.
        independence: The test of independence; None where it is not tested.
        corrected_p: Its p-value, corrected for the number of pairs (Bonferroni), to compare with `STRICT`.
        effects: Whether the effect of each depends on the other.
    """

    experiments: tuple[str, str]
    touch: Touch
    units: int = 0
    table: CrossTable
    independence: Independence | None = None
    corrected_p: float | None = None
    effects: tuple[EffectByArm, ...] = ()


def independences(
    tables: Mapping[tuple[str, str], Sequence[CrossTable]],
) -> Mapping[tuple[str, str], Independence]:
    """The test of independence of each pair that has enough units for it.

    Args:
        tables: By the names of two experiments, their cross tables within strata.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    tests = {pair: independence(strata) for pair, strata in tables.items()}
    return {pair: test for pair, test in tests.items() if test.freedom}


def pair_of(
    names: tuple[str, str],
    strata: Sequence[CrossTable],
    *,
    layered: bool,
    test: Independence | None,
    tests: int,
    effects: Sequence[EffectByArm],
) -> ExperimentPair:
    """What is found of two experiments.

    Args:
        names: Their names.
        strata: Their cross tables; empty if they share no units.
        layered: Whether they exclude each other by a layer.
        test: Of independence; None where it is not made.
        tests: How many pairs are tested.
        effects: Whether the effect of each depends on the other.
    """
    table: dict[tuple[str, str], int] = {}
    for of in strata:
        for variants, units in of.items():
            table[variants] = table.get(variants, 0) + units
    corrected = None if test is None else min(1.0, tests * test.p_value)
    shared = sum(table.values())
    tested = test is not None or any(of.tests for of in effects)
    return ExperimentPair(
        experiments=names,
        touch=_touch(
            shared=bool(shared),
            layered=layered,
            dependent=corrected is not None and corrected <= STRICT,
            differs=any(of.differs for of in effects),
            tested=tested,
        ),
        units=shared,
        table=dict(sorted(table.items())),
        independence=test,
        corrected_p=corrected,
        effects=tuple(effects),
    )


def _touch(*, shared: bool, layered: bool, dependent: bool, differs: bool, tested: bool) -> Touch:
    if not shared:
        return Touch.EXCLUSIVE if layered else Touch.APART
    if layered:
        return Touch.OVERLAP
    if dependent:
        return Touch.DEPENDENT
    if differs:
        return Touch.INTERACTION
    return Touch.INDEPENDENT if tested else Touch.FEW


@frozen(kw_only=True)
class CrossedExperiment:
    """One of the experiments.

    Attributes:
        name: Its name.
        unit_type: What it randomizes.
        metric: The metric that decides; None if it declares none.
        units: The units that saw one of its variants.
        in_several: Units that saw several, which are left out.
    """

    name: str
    unit_type: str
    metric: str | None
    units: int
    in_several: int


def not_compared(
    experiments: Sequence[CrossedExperiment], failed: Mapping[str, str], *, acted: bool
) -> tuple[str, ...]:
    """What is not compared, and why, in sentences: silence would look like a finding.

    Args:
        experiments: The experiments.
        failed: By the name of an experiment, why its effects could not be measured.
        acted: Whether there are actions.
    """
    by_type: dict[str, list[str]] = {}
    for of in experiments:
        by_type.setdefault(of.unit_type, []).append(of.name)
    by_reason: dict[str, list[str]] = {}
    for name, reason in failed.items():
        by_reason.setdefault(reason, []).append(name)
    without = [of.name for of in experiments if of.metric is None]
    notes = []
    if len(by_type) > 1:
        types = "; ".join(f"{', '.join(names)} by {of}" for of, names in by_type.items())
        notes.append(f"Experiments that randomize different units are not compared: {types}.")
    if not acted:
        notes.append("No effects are compared, as there are no actions.")
    elif without:
        of_them = "has no metric, so its" if len(without) == 1 else "have no metrics, so their"
        notes.append(f"{', '.join(without)} {of_them} effects are not compared.")
    notes += [
        f"The effects of {', '.join(names)} are not compared: {reason}"
        for reason, names in by_reason.items()
    ]
    return tuple(notes)


@frozen(kw_only=True)
class Interactions:
    """What experiments have to do with one another.

    Attributes:
        experiments: The experiments.
        pairs: Each pair of experiments of one type of units.
        independence_tests: How many pairs are tested for independence.
        effect_tests: How many tests there are of an effect by the variant of another experiment.
        notes: What a reader must know.
        sources: Where the rows came from, by table.
    """

    experiments: tuple[CrossedExperiment, ...]
    pairs: tuple[ExperimentPair, ...]
    independence_tests: int
    effect_tests: int
    notes: tuple[str, ...]
    sources: Mapping[str, str]

    def __getitem__(self, names: tuple[str, str]) -> ExperimentPair:
        """What is found of two experiments, in either order.

        Raises:
            UnknownNameError: They are not among the pairs.
        """
        for pair in self.pairs:
            if set(pair.experiments) == set(names):
                return pair
        raise UnknownNameError("pair", str(names), [str(pair.experiments) for pair in self.pairs])
