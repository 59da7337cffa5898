"""Ratios of organizations of very unequal sizes: `python -m tests.benchmarks.analysis.unequal_units`."""

from itertools import pairwise, product

import numpy as np
from rich.console import Console
from rich.table import Table

from ...analysis.findings.unequal import Experiment, Sizes, coverage, experiments

SIZES = (
    Sizes("log-normal", 1.5),
    Sizes("log-normal", 2),
    Sizes("Pareto", 1.5),
    Sizes("Pareto", 1.2),
)
ORGANIZATIONS = (50, 200, 1_000)
SLOPES = (0.0, 0.3)
EFFECTIVE = (0, 3, 5, 8, 12, 20, 40, np.inf)
RUNS = 2_000


def main() -> None:
    """Measure, and print two tables: by sizes, and by the effective number of organizations."""
    found: dict[tuple[Sizes, int, float], list[Experiment]] = {}
    for seed, (sizes, n, slope) in enumerate(product(SIZES, ORGANIZATIONS, SLOPES)):
        random = np.random.default_rng(seed)
        found[sizes, n, slope] = [*experiments(random, sizes, n, slope=slope, runs=RUNS)]
    console = Console()
    by_sizes = Table("sizes", "organizations", "in effect, median", *(f"slope {s}" for s in SLOPES))
    for sizes, n in product(SIZES, ORGANIZATIONS):
        middle = np.median([each.effective for each in found[sizes, n, 0.0]])
        held = [f"{100 * coverage(found[sizes, n, slope]):.1f}" for slope in SLOPES]
        by_sizes.add_row(f"{sizes.family} {sizes.shape}", str(n), f"{middle:.0f}", *held)
    console.print(by_sizes)
    by_effective = Table("in effect", *(f"slope {s}: %" for s in SLOPES), "experiments")
    for least, below in pairwise(EFFECTIVE):
        of = [
            [e for (_, _, s), each in found.items() if s == slope for e in each] for slope in SLOPES
        ]
        held = [f"{100 * coverage(each, least=least, below=below):.1f}" for each in of]
        count = sum(least <= e.effective < below for each in of for e in each)
        by_effective.add_row(f"{least:g} to {below:g}", *held, f"{count:,}")
    console.print(by_effective)


if __name__ == "__main__":
    main()
