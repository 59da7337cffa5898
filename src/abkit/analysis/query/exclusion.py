"""Whether a unit is left out on request, as SQL."""

from collections.abc import Collection

from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.exclusion import Exclusion


def condition(exclusion: Exclusion, column: str) -> str:
    """Whether an exposure is of such a unit, as SQL.

    Args:
        exclusion: The units to leave out.
        column: The column of its property.
    """
    parts: list[str] = []
    if exclusion.units:
        parts.append(f"unit_id in ({_texts(exclusion.units)})")
    if exclusion.values:
        parts.append(f"{column} in ({_texts(exclusion.values)})")
    for part in exclusion.contains:
        pattern = part.lower().replace("!", "!!").replace("%", "!%").replace("_", "!_")
        parts.append(f"lower({column}) like {literal(f'%{pattern}%')} escape '!'")
    return " or ".join(parts)


def _texts(values: Collection[object]) -> str:
    return ", ".join(literal(str(value)) for value in values)
