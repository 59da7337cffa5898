"""Whether the variants of two experiments are independent of each other. Pure."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from attrs import frozen

from abkit.extras import extra

CrossTable: TypeAlias = Mapping[tuple[str, str], int]
"""The units by their variant in one experiment and in another."""

FEWEST_EXPECTED = 5.0
"""A cell of fewer expected units is too small for the chi-square distribution (Cochran 1954, Biometrics
10(4))."""


@frozen(kw_only=True)
class Independence:
    """Whether the variants of two experiments are independent.

    Attributes:
        statistic: Pearson's chi-square.
        freedom: Its degrees of freedom; 0 where the units are too few.
        p_value: Of independence; 1 where the units are too few.
    """

    statistic: float
    freedom: int
    p_value: float


def independence(strata: Iterable[CrossTable]) -> Independence:
    """Pearson's chi-square test of independence (Pearson 1900, Philos. Mag. 50), within strata.

    Of each stratum, what is expected of a cell is the product of its margins. The statistics and their
    degrees of freedom are added up, so that weights which both experiments changed at the same time are not
    taken for a dependence. A stratum with a cell of fewer than `FEWEST_EXPECTED` expected units is left out.

    Args:
        strata: The units that were drawn with the same weights in both experiments, for each pair of these.

    Raises:
        MissingExtraError: scipy is not installed.
    """
    with extra("analysis"):
        from scipy.special import chdtrc
    statistic, freedom = 0.0, 0
    for table in strata:
        own, degrees = _chi_square(table)
        statistic += own
        freedom += degrees
    p_value = float(chdtrc(freedom, statistic)) if freedom else 1.0
    return Independence(statistic=statistic, freedom=freedom, p_value=p_value)


def _chi_square(table: CrossTable) -> tuple[float, int]:
    """The statistic and its degrees of freedom; nothing of a table that is too small."""
    rows: dict[str, int] = {}
    columns: dict[str, int] = {}
    for (row, column), units in table.items():
        rows[row] = rows.get(row, 0) + units
        columns[column] = columns.get(column, 0) + units
    total = sum(rows.values())
    if not total or min(rows.values()) * min(columns.values()) / total < FEWEST_EXPECTED:
        return 0.0, 0
    statistic = sum(
        (table.get((row, column), 0) - expected) ** 2 / expected
        for row, of_row in rows.items()
        for column, of_column in columns.items()
        for expected in [of_row * of_column / total]
    )
    return statistic, (len(rows) - 1) * (len(columns) - 1)
