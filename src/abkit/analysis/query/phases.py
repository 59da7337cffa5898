"""Which phase an exposure and a unit belong to: by the weights that the exposure tells."""

from collections.abc import Collection, Sequence

from abkit.analysis.reading.quoting import literal

MAXIMUM_PHASES = 50
"""More different weights are not phases of an experiment, but weights of each unit."""

Texts = Collection[str | None]
"""What exposures of one phase have in the column `weights`; None stands for null."""


def number_of(phases: Sequence[Texts]) -> str:
    """The number of an exposure's phase, as SQL over the column `weights`."""
    cases = "".join(f" when {_is_among(texts)} then {i}" for i, texts in enumerate(phases[:-1]))
    return f"case{cases} else {len(phases) - 1} end"


def number_of_first(phases: Sequence[Texts]) -> str:
    """The number of the phase of the earliest exposure of a group, as SQL over `time` and `weights`.

    Of two numbers in one the first decides: so one pass tells what stands beside the minimum of another
    column, in any dialect. Of exposures at one moment it is the smallest number.
    """
    earliest = f"min(time * {len(phases)} + {number_of(phases)})"
    return f"{earliest} - min(time) * {len(phases)}"


def _is_among(texts: Texts) -> str:
    known = ", ".join(literal(text) for text in texts if text is not None)
    conditions = [f"weights in ({known})"] if known else []
    conditions += ["weights is null"] if None in texts else []
    return " or ".join(conditions)
