"""How many units are not mature yet, as the database knows it."""

from collections.abc import Mapping
from types import MappingProxyType

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import integer
from abkit.analysis.query.layout import Layout
from abkit.analysis.query.maturity import MaturityQueries, latest, limited
from abkit.experiments.declaring.metrics import Metric


def immature(
    session: QuerySession,
    layout: Layout,
    *,
    exposed: int | None,
    until: int | None,
    actions: str = "actions",
    started: str | None = None,
) -> Mapping[Metric, Mapping[str, int]]:
    """By metric for which a unit's time ends, the units per variant that count though it is not over.

    The data end with their last exposure or action, or with `until` if there are later ones.

    Args:
        session: The engine, of which `measure_events` has asked what units did.
        layout: The metrics.
        exposed: The last exposure, in microseconds since 1970; None: there is none.
        until: The end of the time frame likewise; None: it is open.
        actions: The table that has each action once.
        started: A table that has what `MaturityQueries.started` asks for; None: `done` is asked.
    """
    queries = MaturityQueries(layout=layout, metrics=limited(layout))
    if not queries.metrics or exposed is None:
        return MappingProxyType({})
    end = last_moment(session, exposed=exposed, until=until, actions=actions)
    rows = session.rows("units that are not mature", queries.immature(end, started=started))
    return MappingProxyType(
        {
            metric: MappingProxyType(
                {str(row["variant"]): integer(row, f"immature_{i}") for row in rows}
            )
            for i, metric in enumerate(queries.metrics)
        }
    )


def last_moment(
    session: QuerySession, *, exposed: int, until: int | None, actions: str = "actions"
) -> int:
    """The end of the data, in microseconds since 1970: their last exposure or action, or `until`.

    Args:
        session: As for `immature`.
        exposed: The last exposure, in microseconds since 1970.
        until: The end of the time frame likewise; None: it is open.
        actions: The table that has each action once.
    """
    last = session.row_once("last action", latest(actions))
    end = exposed if last["latest"] is None else max(exposed, integer(last, "latest"))
    return end if until is None else min(end, until)
