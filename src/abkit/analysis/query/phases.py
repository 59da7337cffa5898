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


def one_variant_in_each(phases: Sequence[Texts]) -> str:
    """1 for a group of exposures that has one variant in each phase, else 0, as SQL."""
    number = number_of(phases)
    of_phase = [f"case when {number} = {i} then variant end" for i in range(len(phases))]
    several = " or ".join(f"min({each}) <> max({each})" for each in of_phase)
    return f"case when {several} then 0 else 1 end"


def _is_among(texts: Texts) -> str:
    known = ", ".join(literal(text) for text in texts if text is not None)
    conditions = [f"weights in ({known})"] if known else []
    conditions += ["weights is null"] if None in texts else []
    return " or ".join(conditions)
