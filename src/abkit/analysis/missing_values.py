"""What a result says of units without a value in a table of units: pure."""

from collections.abc import Iterable, Sequence

from attrs import evolve

from abkit.analysis.aggregation.missing import MissingValues
from abkit.analysis.amounts import amount, have
from abkit.analysis.findings.metric_result import Arm, MetricResult
from abkit.analysis.inference.independence import independence
from abkit.experiments.declaring.metrics import Missing

ALPHA = 0.01
"""The p-value below which values are missing more often in one variant than in another."""

_BECAME = {
    (Missing.ZERO, True): "it counts as 0",
    (Missing.ZERO, False): "they count as 0",
    (Missing.DROP, True): "it is left out of this metric",
    (Missing.DROP, False): "they are left out of this metric",
}
"""What became of one unit, or of several."""


def with_missing_values(found: MetricResult, counted: Sequence[MissingValues]) -> MetricResult:
    """A result that says how many units of each arm have no value."""
    for missing in counted:
        if missing.metric == found.metric:
            return evolve(
                found,
                control=_told(found.control, missing),
                treatments=tuple(evolve(t, arm=_told(t.arm, missing)) for t in found.treatments),
            )
    return found


def of_missing_values(counted: Iterable[MissingValues]) -> Iterable[str]:
    """What a reader must know of the units without a value, in sentences."""
    for missing in counted:
        lacking, units = sum(missing.without.values()), sum(missing.units.values())
        if not lacking:
            continue
        by = "; ".join(f"{v}: {missing.without[v]:,} of {of:,}" for v, of in missing.units.items())
        became = _BECAME[missing.metric.missing, lacking == 1]
        yield (
            f"{lacking:,} of {amount(units, 'unit')} {have(lacking)} no {missing.metric.name!r}: {became}. "
            f"By variant: {by}."
        )
        if missing.metric.missing is Missing.DROP:
            yield from _unequally(missing)


def _told(arm: Arm, missing: MissingValues) -> Arm:
    return evolve(arm, without_value=missing.without.get(arm.variant, 0))


def _unequally(missing: MissingValues) -> Iterable[str]:
    """That values are missing more often in some variant (Pearson's chi-square test), and what that does."""
    table = {
        (variant, kind): of
        for variant, units in missing.units.items()
        for kind, of in (
            ("without", missing.without[variant]),
            ("with", units - missing.without[variant]),
        )
    }
    found = independence([table])
    if found.p_value >= ALPHA:
        return
    shares = ", ".join(f"{v} {missing.without[v] / of:.2%}" for v, of in missing.units.items())
    yield (
        f"{missing.metric.name!r} is missing more often in one variant than in another ({shares}; "
        f"p = {found.p_value:.2g}). So the units that are left are not alike any more, and their difference "
        "is biased: find out why values are missing. If a missing one means 0, use missing='zero'."
    )
