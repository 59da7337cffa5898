"""What is said of experiments that touch each other, in tables and pages alike."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from abkit.analysis.amounts import amount
from abkit.analysis.findings.badges import Tone
from abkit.analysis.findings.experiment_pairs import (
    STRICT,
    EffectByArm,
    ExperimentPair,
    Interactions,
    Touch,
)
from abkit.analysis.presentation import figures
from abkit.analysis.presentation.heterogeneity import effects

SIGNS: Mapping[Touch, str] = MappingProxyType(
    {
        Touch.APART: "·",
        Touch.EXCLUSIVE: "x",
        Touch.FEW: "?",
        Touch.INDEPENDENT: "ok",
        Touch.INTERACTION: "EFF",
        Touch.DEPENDENT: "DEP",
        Touch.OVERLAP: "LAY",
    }
)
"""What stands in a cell of the matrix."""

MEANINGS: Mapping[Touch, str] = MappingProxyType(
    {
        Touch.APART: "share no units",
        Touch.EXCLUSIVE: "exclude each other by their layer",
        Touch.FEW: "share too few units, or too few of their variants, to test",
        Touch.INDEPENDENT: "share units, variants independent, no effect found to depend on the other",
        Touch.INTERACTION: "the effect of one depends on the variant of the other",
        Touch.DEPENDENT: "variants not independent of each other",
        Touch.OVERLAP: "share units, though their layer excludes it",
    }
)
"""What each sign means."""

TONES: Mapping[Touch, Tone] = MappingProxyType(
    {
        Touch.APART: Tone.PLAIN,
        Touch.EXCLUSIVE: Tone.PLAIN,
        Touch.FEW: Tone.PLAIN,
        Touch.INDEPENDENT: Tone.GOOD,
        Touch.INTERACTION: Tone.WAIT,
        Touch.DEPENDENT: Tone.BAD,
        Touch.OVERLAP: Tone.BAD,
    }
)
"""How each is coloured."""

_FOUND = (Touch.OVERLAP, Touch.DEPENDENT, Touch.INTERACTION)


def found_pairs(result: Interactions) -> list[ExperimentPair]:
    """The pairs of which something is to be said, the worst first."""
    found = [pair for pair in result.pairs if pair.touch in _FOUND]
    return sorted(found, key=lambda pair: _FOUND.index(pair.touch))


def sharing_pairs(result: Interactions) -> list[ExperimentPair]:
    """The pairs that share units, the worst first."""
    found = found_pairs(result)
    return [*found, *(pair for pair in result.pairs if pair.units and pair not in found)]


def headline(result: Interactions) -> str:
    """What was found of all pairs, in a sentence."""
    sharing = sum(pair.units > 0 for pair in result.pairs)
    if not result.pairs:
        return "There is no pair to compare: all of the experiments randomize different units."
    if not sharing:
        return f"No two of the experiments share units ({amount(len(result.pairs), 'pair')})."
    verb = "shares" if sharing == 1 else "share"
    found = len(found_pairs(result)) or "none"
    return (
        f"{amount(sharing, 'pair')} of {len(result.pairs)} {verb} units; {found} must be looked at."
    )


def sentences(pair: ExperimentPair) -> Iterator[str]:
    """What was found of a pair."""
    one, other = pair.experiments
    if pair.touch is Touch.OVERLAP:
        yield (
            f"{one} and {other} are in one layer, so no unit should be in both; "
            f"{amount(pair.units, 'unit')} are."
        )
    if pair.corrected_p is not None and pair.corrected_p <= STRICT:
        yield (
            f"The variants of {one} and {other} are not independent (corrected "
            f"{figures.p_is(pair.corrected_p)}, {amount(pair.units, 'unit')} in both): {_skewed(pair)}. "
            "A difference in one may come from the other. Look for a common salt, or a condition that "
            "looks at the other's variant."
        )
    for effect in pair.effects:
        yield from _depends(effect)


def _skewed(pair: ExperimentPair) -> str:
    """The cell that is farthest from what independence expects."""
    one, other = pair.experiments
    rows: dict[str, int] = {}
    columns: dict[str, int] = {}
    for (row, column), units in pair.table.items():
        rows[row] = rows.get(row, 0) + units
        columns[column] = columns.get(column, 0) + units
    total = sum(rows.values())

    def expected(cell: tuple[str, str]) -> float:
        return rows[cell[0]] * columns[cell[1]] / total

    most = max(
        ((row, column) for row in rows for column in columns),
        key=lambda cell: (pair.table.get(cell, 0) - expected(cell)) / expected(cell) ** 0.5,
    )
    return (
        f"{amount(pair.table.get(most, 0), 'unit')} have {one}={most[0]} and {other}={most[1]}, where "
        f"{expected(most):,.0f} are expected"
    )


def _depends(effect: EffectByArm) -> Iterator[str]:
    for test in effect.tests:
        if not test.differs:
            continue
        of = (*test.different, *test.parts)[0]
        own, rest = effects(of)
        yield (
            f"The effect of {effect.experiment}={test.variant} on {test.metric.name} depends on "
            f"{effect.by}: {own} where {effect.by}={of.value}, instead of {rest} (corrected "
            f"{figures.p_is(test.corrected_p)})."
        )


def effect_p(pair: ExperimentPair, experiment: str) -> float | None:
    """The smallest corrected p-value of the tests of an experiment's effect; None if there are none."""
    found = [
        test.corrected_p
        for effect in pair.effects
        if effect.experiment == experiment
        for test in effect.tests
        if test.parts
    ]
    return min(found, default=None)


def p(value: float | None) -> str:
    """A p-value; a dash where nothing is tested."""
    return figures.NOTHING if value is None else figures.p_value(value)


def short(units: int) -> str:
    """A number of units that fits a cell: "940", "3.4k", "12k", "1.2M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if units >= size:
            return f"{units / size:.{1 if units < 10 * size else 0}f}{letter}"
    return str(units)


def facts(result: Interactions) -> Iterator[str]:
    """How much was compared, and how."""
    yield f"{amount(len(result.experiments), 'experiment')}"
    yield f"{amount(len(result.pairs), 'pair')}"
    yield f"{amount(result.independence_tests, 'test')} of independence"
    yield f"{amount(result.effect_tests, 'test')} of effects"


COLUMNS = (
    "The columns are corrected p-values: that the variants are independent; that the effect of the first "
    "experiment is the same in all variants of the second; and the other way round. A dash: not tested, as "
    "the units, or those that did it, are too few."
)
"""What the p-values of a pair are of."""

METHOD = (
    f"Independence: chi-square within equal weights, at {STRICT:g} of all pairs together. Effects: "
    "sequential test of interaction on the metric that decides, at the level of each plan, corrected for all "
    "tests. Units that saw several variants of an experiment are left out of its pairs."
)
"""How the tests are made."""
