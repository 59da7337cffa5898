"""Experiments that touch each other, as one JSON-ready document."""

from abkit.analysis.findings.experiment_pairs import ExperimentPair, Interactions
from abkit.analysis.presentation.export.heterogeneity import heterogeneity
from abkit.analysis.presentation.export.plain import plain

FORMAT = 1
"""Rises when a key changes its meaning or goes; new keys do not raise it."""


def to_dict(result: Interactions) -> dict[str, object]:
    """All that was found: the experiments, and every pair with its cross table and its tests."""
    return {
        "format": FORMAT,
        "experiments": [plain(of) for of in result.experiments],
        "pairs": [_pair(pair) for pair in result.pairs],
        "independence_tests": result.independence_tests,
        "effect_tests": result.effect_tests,
        "notes": list(result.notes),
        "sources": dict(result.sources),
    }


def _pair(pair: ExperimentPair) -> dict[str, object]:
    return {
        "experiments": list(pair.experiments),
        "touch": pair.touch.value,
        "units": pair.units,
        "table": [
            {"variants": list(variants), "units": units} for variants, units in pair.table.items()
        ],
        "independence": plain(pair.independence),
        "corrected_p": plain(pair.corrected_p),
        "effects": [
            {
                "experiment": effect.experiment,
                "by": effect.by,
                "differs": effect.differs,
                "tests": [heterogeneity(test) for test in effect.tests],
            }
            for effect in pair.effects
        ],
    }
