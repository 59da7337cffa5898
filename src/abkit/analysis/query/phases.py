"""Which phase an exposure and a unit belong to: by the weights that the exposure tells, or the lock."""

from collections.abc import Collection, Sequence

from attrs import frozen

from abkit.analysis.reading.quoting import literal

MAXIMUM_PHASES = 50
"""More different weights are not phases of an experiment, but weights of each unit."""

Texts = Collection[str | None]
"""The weights of the exposures of one phase, as `weights_told` gives them; None stands for null."""


@frozen
class WeightsSince:
    """The weights that the lock holds from a moment on.

    Attributes:
        since: Microseconds since 1970; the first of several also hold before.
        text: As in the column `weights`; None if they are not known.
    """

    since: int
    text: str | None


def weights_told(locked: Sequence[WeightsSince]) -> str:
    """The text of an exposure's weights, as SQL over the columns `time` and `weights`.

    It is what the exposure tells; if that is nothing, what the lock holds for its time.

    Args:
        locked: The oldest first; empty: only what exposures tell counts.
    """
    if not locked:
        return "weights"
    *earlier, last = locked
    cases = "".join(
        f" when time < {after.since} then {_text(of)}"
        for of, after in zip(earlier, locked[1:], strict=True)
    )
    if not cases:
        return f"coalesce(weights, {_text(last)})"
    return f"coalesce(weights, case{cases} else {_text(last)} end)"


def number_of(phases: Sequence[Texts], weights: str = "weights") -> str:
    """The number of an exposure's phase, as SQL over `weights`, the text of its weights as SQL."""
    cases = "".join(
        f" when {_is_among(texts, weights)} then {i}" for i, texts in enumerate(phases[:-1])
    )
    return f"case{cases} else {len(phases) - 1} end"


def number_of_first(phases: Sequence[Texts], weights: str = "weights") -> str:
    """The number of the phase of the earliest exposure of a group, as SQL over `time` and `weights`.

    Of two numbers in one the first decides: so one pass tells what stands beside the minimum of another
    column, in any dialect. Of exposures at one moment it is the smallest number.
    """
    earliest = f"min(time * {len(phases)} + {number_of(phases, weights)})"
    return f"{earliest} - min(time) * {len(phases)}"


def one_variant_in_each(phases: Sequence[Texts], weights: str = "weights") -> str:
    """1 for a group of exposures that has one variant in each phase, else 0, as SQL."""
    number = number_of(phases, weights)
    of_phase = [f"case when {number} = {i} then variant end" for i in range(len(phases))]
    several = " or ".join(f"min({each}) <> max({each})" for each in of_phase)
    return f"case when {several} then 0 else 1 end"


def exposed_with_others(phases: Sequence[Texts], weights: str) -> str:
    """Whether an exposure has other weights than those of its unit's `phase`, as SQL; not if it has none."""
    if len(phases) == 1:
        return f"not ({_is_among(phases[0], weights)})"
    return " or ".join(
        f"(phase = {number} and not ({_is_among(texts, weights)}))"
        for number, texts in enumerate(phases)
    )


def _is_among(texts: Texts, weights: str) -> str:
    known = ", ".join(literal(text) for text in texts if text is not None)
    conditions = [f"{weights} in ({known})"] if known else []
    conditions += [f"{weights} is null"] if None in texts else []
    return " or ".join(conditions)


def _text(of: WeightsSince) -> str:
    return "null" if of.text is None else literal(of.text)
