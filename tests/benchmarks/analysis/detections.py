"""How long the default test needs to find a change, beside its peers: two tables."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from attrs import frozen
from rich.table import Table

from abkit.analysis.inference.sequential import (
    goal_mixture,
    goal_tau,
    sequential,
    tau_for_sample_size,
)
from abkit.analysis.inference.welch import welch
from abkit.analysis.statistics.aggregates import Moments
from abkit.experiments.declaring.tau import Tau

from ...analysis.detection import (
    DEFAULT,
    FIXED_GOAL,
    FIXED_GOAL_ALONE,
    GRID,
    GROUP_SEQUENTIAL,
    TRUE_GOAL,
    TRUE_GOAL_ALONE,
    TUNED,
    WELCH,
    Combination,
    mean_days,
)

RUNS = 2_000
TESTS = (
    DEFAULT,
    TRUE_GOAL,
    FIXED_GOAL,
    TRUE_GOAL_ALONE,
    FIXED_GOAL_ALONE,
    GROUP_SEQUENTIAL,
    WELCH,
)
ASKED: Mapping[str, tuple[float, float]] = {DEFAULT: (1.15, 1.35)}
"""The most that is accepted, on average and at worst."""


@frozen(kw_only=True)
class Detection:
    """A combination, and the mean number of days that each test needs to find its change."""

    combination: Combination
    days: Mapping[str, float]

    def beside_tuned(self, test: str) -> float:
        """The days, in those of the test that knows the change."""
        return self.days[test] / self.days[TUNED]


def detections() -> Iterable[Detection]:
    """Measure the whole grid."""
    for seed, combination in enumerate(GRID):
        days = mean_days(combination, np.random.default_rng(seed), runs=RUNS)
        yield Detection(combination=combination, days=days)


def detection_table(found: Iterable[Detection]) -> Table:
    """As a table: the averages first."""
    rows = [*found]
    table = Table(
        caption="The mean time until a change is found, in that of the sequential test whose tau is the "
        f"true change; one look a day, {RUNS:,} experiments each.\ncv: the coefficient of variation of "
        "a unit. Group sequential and Welch know the change too, have the power of 80% only, and may not "
        "go on."
    )
    for column in ("cv", "units a day", "change", "tuned, days"):
        table.add_column(column, justify="right")
    for test in TESTS:
        table.add_column(test, justify="right")
    for name, summary in (("on average", _average), ("at worst", _largest)):
        figures = [summary([row.beside_tuned(test) for row in rows]) for test in TESTS]
        limits = [ASKED[test][name == "at worst"] if test in ASKED else None for test in TESTS]
        table.add_row(
            name, "", "", "", *map(_told, figures, limits), end_section=name == "at worst"
        )
    for row in rows:
        of = row.combination
        table.add_row(
            f"{of.noise:g}",
            f"{of.per_day:,}",
            f"{of.change:.0%}",
            f"{row.days[TUNED]:.1f}",
            *(f"{row.beside_tuned(test):.2f}" for test in TESTS),
        )
    return table


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _largest(values: Sequence[float]) -> float:
    return max(values)


def _told(figure: float, limit: float | None) -> str:
    if limit is None:
        return f"{figure:.2f}"
    color = "green" if figure <= limit else "red"
    return f"[{color}]{figure:.2f}[/], asked {limit:.2f}"


def one_look_table() -> Table:
    """What a table of units that is looked at once says of a difference of so many standard errors."""
    table = Table(
        caption="p-values of a table of 64,000 units, looked at once, whose coefficient of variation is 20. "
        "It has no first look before this one:\nWelch's test is the default, and with "
        'method="sequential" tau is that with the most power at this look.'
    )
    table.add_column("test")
    errors = (2.0, 2.5, 3.0, 3.1, 4.0, 5.0)
    for each in errors:
        table.add_column(f"{each:g} standard errors", justify="right")
    pairs = [_pair(each) for each in errors]
    variance = 2 * pairs[0][0].variance / pairs[0][0].n
    size = tau_for_sample_size(variance, units=1, sample_size=1)
    goal = goal_tau(1.0, 0.1)
    table.add_row("Welch, the default", *(_p(welch(*pair).p_value) for pair in pairs))
    taus: Mapping[str, Tau] = {
        "sequential, no goal": size,
        "sequential, goal 10%": goal_mixture(goal, size),
        "sequential, tau from a goal of 10% alone": goal,
    }
    for name, tau in taus.items():
        table.add_row(name, *(_p(sequential(*pair, tau=tau).p_value) for pair in pairs))
    return table


def _pair(errors: float) -> tuple[Moments, Moments]:
    n, deviation = 32_000, 20.0
    error = deviation * (2 / n) ** 0.5
    return Moments(n, 1.0, deviation**2), Moments(n, 1.0 + errors * error, deviation**2)


def _p(value: float) -> str:
    color = "green" if value <= 0.05 else "dim"
    return f"[{color}]{value:.2g}[/]"
