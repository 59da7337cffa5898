"""Quantiles of what units did, as the database knows them."""

from collections.abc import Mapping, Sequence
from math import isfinite
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from attrs import evolve

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.amounts import listed
from abkit.analysis.engines.base import Row
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.quantiles import QuantileQueries, segment_of
from abkit.analysis.query.sums import not_finite
from abkit.analysis.statistics.aggregates import Sums
from abkit.analysis.statistics.parts import Part
from abkit.analysis.statistics.quantiles import (
    Beside,
    QuantileSums,
    error_of_quantile,
    error_of_share,
    outer_shares,
)
from abkit.errors import AnalysisError
from abkit.experiments.declaring.metrics import Quantile

if TYPE_CHECKING:
    from abkit.analysis.aggregation.measured_sums import MeasuredSums

_Group: TypeAlias = tuple[str, ...]


def with_quantiles(
    session: QuerySession, measured_sums: "MeasuredSums", *, segments: Sequence[str], phased: bool
) -> "MeasuredSums":
    """The sums with the quantiles of each variant, and of each variant of a part.

    A quantile of units that were drawn with different weights is not made: it is not made of those of
    the phases, and of all units together it would tell the phases apart.

    Args:
        session: The engine, of which `measure_events` has asked what units did.
        measured_sums: What it found.
        segments: The properties that units are told apart by.
        phased: Whether there are several phases.
    """
    layout, end = measured_sums.layout, measured_sums.end
    if not layout.quantiles:
        return measured_sums
    if phased:
        return evolve(measured_sums, notes=(*measured_sums.notes, _not_over_phases(layout)))
    sums, parts = measured_sums.sums, measured_sums.parts
    sums = _attached(
        sums,
        {
            m: _of_variants(session, _queries(layout, m, None, end=end), sums)
            for m in layout.quantiles
        },
    )
    for place, name in enumerate(segments):
        sizes: dict[_Group, Sums] = {
            (variant, _key(part.value)): of
            for part in parts
            if part.property == name
            for variant, of in part.sums.items()
        }
        found = {
            metric: _found(session, _queries(layout, metric, place, end=end), sizes)
            for metric in layout.quantiles
        }
        parts = tuple(_of_part(part, found) if part.property == name else part for part in parts)
    return evolve(measured_sums, sums=sums, parts=parts)


def not_by_day(layout: Layout) -> tuple[str, ...]:
    """That quantiles are not known as of a day; nothing if there are none."""
    if not layout.quantiles:
        return ()
    names = listed([repr(metric.name) for metric in layout.quantiles])
    return (f"{names}: not kept by day; read the sums again with run(until=...).",)


def _not_over_phases(layout: Layout) -> str:
    names = listed([repr(metric.name) for metric in layout.quantiles])
    return (
        f"{names}: not compared, as the weights changed. Quantiles of the phases do not make up one of all "
        "units; analyze the time since the change with start="
    )


def _queries(
    layout: Layout, metric: Quantile, segment: int | None, *, end: int | None
) -> QuantileQueries:
    return QuantileQueries(layout=layout, metric=metric, segment=segment, end=end)


def _of_variants(
    session: QuerySession, queries: QuantileQueries, sums: Mapping[str, Sums]
) -> Mapping[str, QuantileSums]:
    sizes: dict[_Group, Sums] = {(variant,): of for variant, of in sums.items()}
    found = _found(session, queries, sizes)
    return {variant: of for (variant,), of in found.items()}


def _key(value: str | None) -> str:
    """A value of a property as the queries have it."""
    return "" if value is None else f"={value}"


def _of_part(part: Part, found: Mapping[Quantile, Mapping[_Group, QuantileSums]]) -> Part:
    own = {
        metric: {group[0]: of for group, of in of_groups.items() if segment_of(group) == part.value}
        for metric, of_groups in found.items()
    }
    return evolve(part, sums=_attached(part.sums, own))


def _attached(
    sums: Mapping[str, Sums], found: Mapping[Quantile, Mapping[str, QuantileSums]]
) -> Mapping[str, Sums]:
    """The sums of each variant with its quantiles; without any value where there is none."""
    nothing = QuantileSums(values=0)
    return MappingProxyType(
        {
            variant: evolve(
                of,
                quantiles=MappingProxyType(
                    {metric: by.get(variant, nothing) for metric, by in found.items()}
                ),
            )
            for variant, of in sums.items()
        }
    )


def _found(
    session: QuerySession, queries: QuantileQueries, sizes: Mapping[_Group, Sums]
) -> Mapping[_Group, QuantileSums]:
    """The quantile of each group that has values.

    Raises:
        AnalysisError: Some values are not finite.
    """
    name, what = queries.name, queries.metric.name
    place = queries.layout.parts.index(queries.metric)
    session.define(f"{name}_rows", queries.values())
    session.define(f"{name}_values", queries.cumulated(), keep=True)
    session.define(f"{name}_found", queries.found(), keep=True)
    groups = _by_group(queries, session.rows(f"quantile {what}", f"select * from {name}_found"))  # noqa: S608
    groups = {group: row for group, row in groups.items() if group in sizes}
    for row in groups.values():
        if not (isfinite(_real(row, "lowest")) and isfinite(_real(row, "highest"))):
            raise AnalysisError(not_finite(queries.metric))
    spread = _by_group(queries, session.rows(f"spread of {what}", queries.spread()))
    errors = {
        group: error_of_share(
            units=sizes[group].units(place),
            values=_real(row, "whole") / 2,
            apart=_real(spread[group], "apart"),
            squared_apart=_real(spread[group], "squared_apart"),
        )
        for group, row in groups.items()
    }
    shares = {
        group: outer_shares(
            queries.metric.q,
            error=errors[group],
            first=_real(row, "first_middle") / _real(row, "whole"),
            last=_real(row, "last_middle") / _real(row, "whole"),
        )
        for group, row in groups.items()
    }
    if not shares:
        return {}
    outer = _by_group(queries, session.rows(f"interval of {what}", queries.levels(shares)))
    return {
        group: _quantile(
            queries.metric,
            row,
            squared_times=_real(spread[group], "squared_times"),
            error=_error(errors[group], shares[group], outer[group], _real(row, "whole")),
        )
        for group, row in groups.items()
    }


def _quantile(metric: Quantile, row: Row, *, squared_times: float, error: float) -> QuantileSums:
    whole, beside = _real(row, "whole"), _beside(row)
    below, above = (
        (_real(row, f"{side}_through") - _real(row, f"{side}_middle")) / (whole / 2)
        for side in ("below", "above")
    )
    is_below = _real(row, "below_through") >= metric.q * whole
    inside = row["below"] is not None and row["above"] is not None
    values = whole / 2
    return QuantileSums(
        values=round(values),
        value=beside.value(metric.q * whole),
        error=error if inside else 0.0,
        in_effect=values * values / squared_times,
        beyond=values * min(metric.q, 1 - metric.q),
        equal=beside.below if is_below else beside.above,
        share_of_equal=below if is_below else above,
    )


def _error(error: float, shares: tuple[float, float], row: Row, whole: float) -> float:
    low, high = (
        _beside(row, side).value(share * whole)
        for side, share in zip(("low_", "high_"), shares, strict=True)
    )
    return error_of_quantile(error=error, shares=shares, values=(low, high))


def _beside(row: Row, side: str = "") -> Beside:
    """The values beside a share; at an end, the last value on both sides."""
    present = [of for of in ("below", "above") if row[f"{side}{of}"] is not None]
    lower, upper = present[0], present[-1]
    return Beside(
        below=_real(row, f"{side}{lower}"),
        below_middle=_real(row, f"{side}{lower}_middle"),
        above=_real(row, f"{side}{upper}"),
        above_middle=_real(row, f"{side}{upper}_middle"),
    )


def _by_group(queries: QuantileQueries, rows: Sequence[Row]) -> dict[_Group, Row]:
    return {tuple(str(row[name]) for name in queries.groups): row for row in rows}


def _real(row: Row, column: str) -> float:
    """A number in an answer; a database's decimals too."""
    value = row[column]
    return 0.0 if value is None else float(value)  # type: ignore[arg-type]
