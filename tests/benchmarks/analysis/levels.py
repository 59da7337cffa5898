"""How often the default test finds a difference that is not there: a table."""

from collections.abc import Iterable, Sequence
from math import sqrt

import numpy as np
from attrs import frozen
from rich.table import Table

from ...analysis.scenarios import SCENARIOS, Judged, Scenario

GOALS: Sequence[float | None] = (None, 0.1, 1.0)
LEVEL = 0.05


@frozen(kw_only=True)
class Level:
    """A scenario, and what was found in it.

    Attributes:
        scenario: What was looked at.
        judged: What was found, for each of `GOALS`.
    """

    scenario: Scenario
    judged: Judged


def levels() -> Iterable[Level]:
    """Measure all of them."""
    for seed, scenario in enumerate(SCENARIOS):
        random = np.random.default_rng(seed)
        yield Level(
            scenario=scenario, judged=scenario.judged(random, runs=scenario.runs, goals=GOALS)
        )


def level_table(rows: Iterable[Level]) -> Table:
    """As a table."""
    table = Table(
        caption="Experiments without a difference in which the default (sequential) test finds one at "
        "any look, %; in brackets, 95% of what\nthe simulation leaves open. At most 5 are accepted. The "
        "larger of two counts: each look by its own tau, and all by that of the last.\nThe first look is "
        "at 100 units of the smaller arm. Compared: the looks at which the gates allow it.",
    )
    table.add_column("what is measured", min_width=40)
    for column in ("split", "experiments", "compared, %", "no goal", "goal 10%", "goal 100%"):
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        runs = row.scenario.runs
        shares = map(max, row.judged.day_by_day, row.judged.over_time)
        table.add_row(
            row.scenario.name,
            row.scenario.split,
            f"{runs:,}",
            f"{100 * row.judged.compared:.0f}",
            *(_told(share, runs) for share in shares),
        )
    return table


def _told(share: float, runs: int) -> str:
    low, high = wilson(share, runs)
    told = f"{100 * share:.1f} ({100 * low:.1f}-{100 * high:.1f})"
    return f"[red]{told}[/]" if low > LEVEL else told


def wilson(share: float, runs: int, *, z: float = 1.96) -> tuple[float, float]:
    """The interval of a share: Wilson (1927), J. Am. Stat. Assoc. 22(158)."""
    center = (share + z * z / (2 * runs)) / (1 + z * z / runs)
    reach = z * sqrt(share * (1 - share) / runs + z * z / (4 * runs * runs)) / (1 + z * z / runs)
    return max(0.0, center - reach), center + reach
