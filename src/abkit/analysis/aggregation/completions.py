"""Completions of funnels and returns, as the database knows them.

A funnel that counts each completion takes one after the other: of ways that overlap, the one that ends
first counts, then the first that begins after its end. Which ones these are depends on all before; they
are found in rounds, each of which doubles how many ways after a known one are known.
"""

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import integer
from abkit.analysis.query import completions
from abkit.analysis.query.completions import Counted
from abkit.experiments.declaring.metrics import Counting, Funnel, Retention


def define_completed(
    session: QuerySession, place: int, part: Funnel | Retention, counted: Counted
) -> None:
    """Find out when each unit completed a metric: afterwards there is a table `completed_` of its place.

    Args:
        session: The engine, which has the table `done`.
        place: The place of the metric among `Layout.derived`.
        part: The metric.
        counted: Which rows of `done` count as one of its actions.
    """
    completed = f"completed_{place}"
    if isinstance(part, Retention):
        session.define(completed, completions.returns(part, counted))
        return
    steps, ways = f"steps_{place}", f"ways_{place}"
    session.define(steps, completions.steps(part, counted), keep=True)
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
