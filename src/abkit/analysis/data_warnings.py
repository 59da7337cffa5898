"""What a reader must know about the data of a result, in sentences: pure."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from abkit.analysis.aggregation.exposures import ExposedUnits
from abkit.analysis.aggregation.identities import LinkedIdentities
from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.amounts import amount, have, left_out
from abkit.analysis.declared.design import Design
from abkit.analysis.outcome import Outcome
from abkit.analysis.query.identities import MAXIMUM_USERS, MAXIMUM_VISITORS
from abkit.analysis.statistics.phases import Phase, are_same, shares
from abkit.analysis.statistics.standardizing import FEWEST
from abkit.analysis.times import duration
from abkit.experiments.checking.phases import LockedPhase
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method, Several
from abkit.experiments.declaring.identities import VISITOR
from abkit.experiments.declaring.subjects import USER

if TYPE_CHECKING:
    from abkit.analysis.inference.srm import SampleRatio


def of_exposures(exposed: ExposedUnits, result: Outcome, several: Several) -> Iterable[str]:
    """What is wrong with the exposures.

    Args:
        exposed: The units.
        result: What was found.
        several: What became of units exposed to several variants.
    """
    if exposed.incomplete:
        yield left_out(exposed.incomplete, "exposure", "unit, no variant or no time")
    yield from exposed.notes
    weights = result.sample_ratio.weights if result.design.weights or result.phases else {}
    undeclared = [c.variant for c in result.counts if weights and c.variant not in weights]
    if undeclared:
        yield (
            f"Exposures have variants that are not declared: {', '.join(undeclared)}. They are "
            "compared, but left out of the check of the arms' sizes."
        )
    repeated = sum(exposed.jumped.values()) - exposed.in_several
    jumped, units = exposed.in_several, sum(exposed.exposed.values()) - repeated
    devices = 0 if exposed.identities is None else exposed.identities.in_several
    if jumped - devices > 0.005 * units:
        yield (
            f"{jumped:,} of {units:,} units ({jumped / units:.1%}) were exposed to several "
            f"variants; {_MOVED if _are_moved_kept(result, several) else _JUMPED[several]}. "
            f"{_of_devices(devices)}."
        )


def of_windows(measured: MeasuredSums) -> Iterable[str]:
    """Of each metric that waits for a window, that no unit has got there: the data are shorter."""
    for estimand in measured.layout.estimands:
        window = measured.layout.counts_after(next(iter(estimand.places)))
        if window is not None and not any(estimand.units(of) for of in measured.sums.values()):
            yield (
                f"{estimand.metric.name!r} counts no unit yet: its window of {duration(window)} is over for "
                "none by the end of the data. Wait, or declare a shorter window."
            )


def _of_devices(units: int) -> str:
    """What to do about units in several variants, of which some are people with several visitors."""
    if not units:
        return "Find out why units change their variant"
    explained = "is a person" if units == 1 else "are people"
    return (
        f"{units:,} of these {explained} with several visitors: find out why the others change their "
        "variant"
    )


def of_identities(
    found: LinkedIdentities | None, design: Design, several: Several
) -> Iterable[str]:
    """What is wrong with the identities.

    Args:
        found: What they did; None if none were given.
        design: The experiment.
        several: What became of units exposed to several variants.
    """
    if found is None:
        return
    if found.incomplete:
        yield (
            f"{_identities(found.incomplete)} {have(found.incomplete)} not two ids of two types: "
            f"{'it is' if found.incomplete == 1 else 'they are'} left out."
        )
    if found.read and not found.linking:
        needed = (
            "a visitor and a user"
            if design.unit_type in (VISITOR, USER)
            else f"somebody and a unit of type {design.unit_type!r}"
        )
        types = "" if found.types is None else " (but of {!r} and {!r})".format(*found.types)
        yield (
            f"Of {_identities(found.read)}, none is of {needed}{types}: an action counts for the unit that "
            "it names, and for no other."
        )
    if found.in_several:
        yield (
            f"{amount(found.in_several, 'unit')} saw several variants because one person has several "
            f"visitors, such as two devices; {_JUMPED[several]}."
        )
    if found.shared:
        yield (
            f"{amount(found.shared, 'visitor')} {have(found.shared)} more than {MAXIMUM_USERS} users, as "
            f"shared computers do: the first {MAXIMUM_USERS} are linked, "
            f"{amount(found.ignored, 'further link')} {'is' if found.ignored == 1 else 'are'} ignored."
        )
    if found.crowded:
        yield (
            f"{amount(found.crowded, 'user')} {have(found.crowded)} more than {MAXIMUM_VISITORS} visitors, "
            "as ids do that stand for nobody in particular, such as 'anonymous': "
            f"{'its' if found.crowded == 1 else 'their'} {amount(found.crowd, 'link')} are ignored."
        )
    if found.swapped:
        yield (
            f"The ids of {_identities(found.swapped)} look swapped: the one of the {_other(design)} is that "
            f"of an exposed {design.unit_type}, and the one of the {design.unit_type} is not. They link "
            "nothing."
        )


def _identities(number: int) -> str:
    return amount(number, "identity", "identities")


def _other(design: Design) -> str:
    return USER if design.unit_type == VISITOR else VISITOR


def _are_moved_kept(result: Outcome, several: Several) -> bool:
    return bool(result.phases) and several is Several.EXCLUDE


_JUMPED = {
    Several.EXCLUDE: "leaving them out may bias the comparison",
    Several.FIRST: "counting them for the first one blurs the difference",
    Several.INCLUDE: "counting them for each of these blurs the difference",
}
_MOVED = (
    "those that a change of the weights moved count for the first one, which blurs the difference; "
    "leaving the others out may bias the comparison"
)


def of_phases(phases: Sequence[Phase], *, control: str) -> Iterable[str]:
    """That phases say nothing of a variant, as it or the control has too few units in them."""
    if len(phases) < 2:
        return
    for variant in (each for each in phases[0].units if each != control):
        without = [phase for phase in phases if variant not in phase.compared]
        units = sum(phase.units[control] + phase.units[variant] for phase in without)
        if units:
            of = amount(len(without), "phase")
            yield (
                f"{amount(units, 'unit')} of {of} are left out of the comparison of {variant}: while the "
                f"weights were those, it or the control had fewer than {FEWEST} units."
            )


def without_weights(phases: Sequence[Phase]) -> Iterable[str]:
    """That some units, but not all, are left out of the check of the sizes."""
    unknown = sum(sum(phase.units.values()) for phase in phases if not phase.weights)
    if unknown and any(phase.weights for phase in phases):
        yield (
            f"The exposures of {amount(unknown, 'unit')} do not tell with which weights they were drawn: "
            "they are a phase of their own, and left out of the sample ratio."
        )


def of_kept_variants(result: Outcome, locked: Sequence[LockedPhase]) -> Iterable[str]:
    """What may explain a mismatch of a sticky experiment whose weights changed.

    Args:
        result: What was found, of a sticky experiment.
        locked: Its phases, according to the lock.
    """
    weights = [shares(phase.weights) for phase in locked]
    changed = len(result.phases) > 1 or any(not are_same(weights[0], each) for each in weights)
    if result.sample_ratio.alarm and changed:
        yield (
            "The experiment is sticky and its weights changed: a unit whose earlier exposures are not in "
            "these data keeps the variant of then, but counts as drawn with later weights. That alone can "
            "be the mismatch: analyze all exposures since the start."
        )


def of_unknown_shares(ratio: "SampleRatio", *, in_code: bool) -> Iterable[str]:
    """That the sizes of the variants could not be checked."""
    if not ratio.known and in_code:
        yield (
            "The sample ratio is not tested: the weights are written in assign(), and the exposures do "
            "not carry them."
        )
    elif not ratio.known:
        total = sum(ratio.counts.values())
        shares = ", ".join(f"{v} {count / total:.1%}" for v, count in ratio.counts.items())
        yield (
            f"The designed shares of the variants are not known, and {shares} are not equal: "
            "whether units are missing is not checked. Give weights."
        )


def without_looks(measured_sums: MeasuredSums, plan: AnalysisPlan) -> Iterable[str]:
    """That segments are not compared."""
    if measured_sums.parts and plan.method is Method.GROUP_SEQUENTIAL:
        yield (
            "Segments are counted but not compared: the looks of a group sequential test are those of "
            "all units."
        )
