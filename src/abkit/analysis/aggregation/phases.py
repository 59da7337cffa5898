"""In which phases exposures were drawn, as the database and the lock know it."""

from collections.abc import Callable, Mapping, Sequence

from abkit.analysis.aggregation.session import QuerySession, instant, microseconds
from abkit.analysis.amounts import amount
from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.phases import MAXIMUM_PHASES, Texts, WeightsSince
from abkit.analysis.query.units import UnitQueries
from abkit.analysis.statistics.phases import Phase, Told, phases_of, weights_in
from abkit.assignment.weights import weights_text
from abkit.experiments.checking.phases import LockedPhase


def find_phases(
    session: QuerySession,
    queries: UnitQueries,
    profile: Sequence[Row],
    designed: Callable[[], Mapping[str, float]],
) -> tuple[tuple[tuple[Phase, tuple[str | None, ...]], ...], tuple[str, ...]]:
    """The phases, each with the texts that tell its weights; and what is to be said of them."""
    told = [row for row in profile if row.get("least_weights") is not None]
    texts = {str(row[column]) for row in told for column in ("least_weights", "most_weights")}
    if len(texts) > 1 or (texts and _total(profile, "weighed") < _total(profile, "in_frame")):
        rows = session.rows("weights of the exposures", queries.weights())
        found = [
            Told(
                None if row["weights"] is None else str(row["weights"]),
                instant(integer(row, "first")),
            )
            for row in rows
        ]
        if len(found) > MAXIMUM_PHASES and any(weights_in(one.text) for one in found):
            return (), (_TOO_MANY,)
        found = found[:MAXIMUM_PHASES]
    else:
        found = [Told(next(iter(texts), None))]
    return phases_of(found, designed), ()


def locked_weights(phases: Sequence[LockedPhase]) -> tuple[WeightsSince, ...]:
    """The weights that the lock holds, for exposures that tell none; empty if they never changed."""
    found: list[WeightsSince] = []
    for phase in phases:
        text = weights_text([*phase.weights], [*phase.weights.values()]) if phase.weights else None
        if not found or found[-1].text != text:
            found.append(WeightsSince(microseconds(phase.at), text))
    return tuple(found) if len(found) > 1 else ()


def kept_from_before(
    session: QuerySession, queries: UnitQueries, phases: Sequence[Texts]
) -> tuple[str, ...]:
    """That units of a sticky experiment count for weights that they were not drawn with."""
    if not phases:
        return ()
    row = session.row("units drawn before", queries.drawn_before(phases))
    units = integer(row, "units")
    if not units:
        return ()
    verb = "was" if units == 1 else "were"
    said = (
        f"{amount(units, 'unit')} {verb} exposed before the start of this analysis, under other weights, and "
        "kept the variant of then, as the experiment is sticky. Counted as if they had been drawn with "
        "later weights, they bias the sample ratio and the comparison: analyze without a start."
    )
    return (said,)


_TOO_MANY = (
    f"The exposures tell more than {MAXIMUM_PHASES} different weights, so units are not compared within "
    "those of the same weights, and the sample ratio is that of the declared ones."
)


def _total(profile: Sequence[Row], column: str) -> int:
    return sum(integer(row, column) for row in profile)
