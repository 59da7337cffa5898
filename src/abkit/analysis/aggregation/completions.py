"""Completions of funnels, returns, and what differs, as the database knows them.

A funnel that counts each completion takes one after the other: of ways that overlap, the one that ends
first counts, then the first that begins after its end. Which ones these are depends on all before; they
are found in rounds, each of which doubles how many ways after a known one are known.
"""

from functools import partial

from attrs import frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import integer
from abkit.analysis.query import completions, distinct
from abkit.analysis.query.completions import Counted
from abkit.analysis.query.distinct import KnownValues
from abkit.analysis.query.layout import Layout
from abkit.experiments.declaring.metrics import (
    ActiveDays,
    Counting,
    Derived,
    Distinct,
    Funnel,
    Retention,
)


@frozen
class Known:
    """What is known of a metric that is completed: what it need not be asked for again.

    Attributes:
        source: The table of what units did that may complete it.
        values: The values that it tells apart; None: each counts.
    """

    source: str = "done"
    values: KnownValues | None = None


_NOTHING = Known()


def define_completed(
    session: QuerySession, place: int, part: Derived, layout: Layout, *, known: Known = _NOTHING
) -> None:
    """Find out when each unit completed a metric: afterwards there is a table `completed_` of its place.

    Args:
        session: The engine.
        place: The place of the metric among `Layout.derived`.
        part: The metric.
        layout: Which rows count as one of its actions.
        known: What is known of it.
    """
    source = known.source
    completed, counted = f"completed_{place}", partial(layout.counted, part)
    match part:
        case Retention():
            session.define(completed, completions.returns(part, counted, source=source))
        case Funnel():
            _define_ways(session, place, part, counted, source=source)
        case Distinct():
            value = distinct.text(layout.text(part))
            firsts = distinct.firsts(part, counted, value=value, source=source, known=known.values)
            session.define(completed, firsts, keep=known.values is not None)
        case ActiveDays():
            session.define(
                completed, distinct.firsts(part, counted, value=distinct.day(), source=source)
            )


def _define_ways(
    session: QuerySession, place: int, part: Funnel, counted: Counted, *, source: str
) -> None:
    completed = f"completed_{place}"
    steps, ways = f"steps_{place}", f"ways_{place}"
    session.define(steps, completions.steps(part, counted, source=source), keep=True)
    session.define(ways, completions.ways(part, source=steps))
    if part.counting is Counting.UNIQUE:
        session.define(completed, completions.first_way(source=ways))
        return
    numbered = f"numbered_{place}"
    session.define(numbered, completions.numbered(source=ways), keep=True)
    row = session.row(f"overlapping ways of {part.name}", completions.longest(source=numbered))
    rounds = 0 if row["ways"] is None else (integer(row, "ways") - 1).bit_length()
    if not rounds:
        session.define(completed, completions.each_way(source=numbered))
        return
    chosen = f"chosen_{place}_0"
    session.define(chosen, completions.following(source=numbered), keep=True)
    for number in range(1, rounds + 1):
        query = completions.further(source=chosen)
        chosen = f"chosen_{place}_{number}"
        session.define(chosen, query, keep=True)
    session.define(completed, completions.chosen_ways(source=chosen))
