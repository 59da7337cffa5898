"""Whether a unit is left out on request, as SQL."""

from collections.abc import Collection, Sequence

from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.exclusion import Exclusion


def condition(exclusion: Exclusion, column: str, *, ids: Sequence[str]) -> str:
    """Whether an exposure is of such a unit, as SQL.

    Args:
        exclusion: The units to leave out.
        column: The column of its property.
        ids: The columns of the ids by which its unit is known.
    """
    parts: list[str] = []
    if exclusion.units:
        parts += [f"{name} in ({_texts(exclusion.units)})" for name in ids]
    if exclusion.values:
        parts.append(f"{column} in ({_texts(exclusion.values)})")
    for part in exclusion.contains:
        pattern = part.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
        parts.append(f"lower({column}) like {literal(f'%{pattern}%')} escape '!'")
    return " or ".join(parts)


def _texts(values: Collection[object]) -> str:
    return ", ".join(literal(str(value)) for value in values)
