"""Who reacts differently, in sentences: for tables and reports alike."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from abkit.analysis.amounts import amount
from abkit.analysis.findings.heterogeneity import Heterogeneity, PartEffect
from abkit.analysis.findings.metric_result import MetricResult
from abkit.analysis.presentation import figures

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

_NAMED = 3
"""So many values of a property are named; JSON has all of them."""


def reactions(result: "Outcome") -> tuple[str, ...]:
    """Which segments react differently, or that none does; empty if there are no segments.

    What comes first is the answer; then what it does not hold for.
    """
    tests = result.heterogeneity
    if not tests:
        return ()
    return (*_answers(tests), *_not_tested(tests))


def different_segments(found: MetricResult, variant: str, result: "Outcome") -> tuple[str, ...]:
    """The segments that react differently to a variant, such as "plan=team".

    Args:
        found: What was found for the metric.
        variant: The variant beside the control.
        result: The result that it is a part of.
    """
    return tuple(
        _named(test.property, of.value)
        for test in result.heterogeneity
        if test.metric.name == found.metric.name and test.variant == variant
        for of in test.different
    )


def _answers(tests: Sequence[Heterogeneity]) -> Iterator[str]:
    several = len({test.variant for test in tests}) > 1
    metrics = {test.metric.name for test in tests}
    found = [test for test in tests if test.differs]
    for test in found:
        about = [test.metric.name] if len(metrics) > 1 else []
        about += [f"variant {test.variant}"] if several else []
        yield _answer(test, ", ".join(about))
    compared = [test for test in tests if len(test.parts) > 1]
    if not compared:
        yield "Whether a segment reacts differently is not tested yet: too few units in each of them."
    elif not found:
        smallest = min(test.corrected_p for test in compared)
        yield (
            f"No segment reacts differently (tests of interaction: the smallest corrected "
            f"{figures.p_is(smallest)})."
        )


def _answer(test: Heterogeneity, about: str) -> str:
    proof = f"test of interaction: corrected {figures.p_is(test.corrected_p)}"
    said = f"{about}; {proof}" if about else proof
    if not test.different:
        each = ", ".join(f"{_value(of)} {_effect(of.lift, of.difference)}" for of in test.parts)
        return (
            f"The values of {test.property} do not react alike, though none of them can be named as the "
            f"different one: {each} ({said})."
        )
    named = test.different[:_NAMED]
    sentences = "; ".join(_instead(test, of) for of in named)
    more = len(test.different) - len(named)
    rest = f"; and {more} more" if more else ""
    return f"{sentences}{rest} ({said})."


def effects(of: PartEffect) -> tuple[str, str]:
    """The effect in a part, and that in the rest: lifts where both have one, else differences."""
    if of.lift is None or of.rest_lift is None:
        return _effect(None, of.difference), _effect(None, of.rest)
    return _effect(of.lift, of.difference), _effect(of.rest_lift, of.rest)


def _instead(test: Heterogeneity, of: PartEffect) -> str:
    own, rest = effects(of)
    return f"{_named(test.property, of.value)} reacts differently: {own} instead of {rest}"


def _not_tested(tests: Sequence[Heterogeneity]) -> Iterator[str]:
    waiting = list(
        dict.fromkeys(_named(test.property, value) for test in tests for value in test.waiting)
    )
    if waiting and any(len(test.parts) > 1 for test in tests):
        names = ", ".join(waiting[:_NAMED])
        more = f" and {len(waiting) - _NAMED} more" if len(waiting) > _NAMED else ""
        yield f"Not tested yet, as they have too few units: {names}{more}."
    left_out = {test.property: test.left_out for test in tests if test.left_out}
    for prop, units in left_out.items():
        yield f"{amount(units, 'unit')} of rarer values of {prop} are in no segment, and not tested."


def _effect(lift: float | None, difference: float) -> str:
    return f"{figures.signed(difference)} abs." if lift is None else figures.change(lift)


def _named(prop: str, value: str | None) -> str:
    return f"(no {prop})" if value is None else f"{prop}={value}"


def _value(of: PartEffect) -> str:
    return "(none)" if of.value is None else of.value
