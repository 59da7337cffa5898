"""The page of all experiments."""

from datetime import datetime

from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.ages import oldest
from abkit.panel.data_health import age_if_late, faults
from abkit.panel.messages import PanelRequest, PanelResponse
from abkit.panel.overview import Order, OverviewRow, chosen
from abkit.panel.pages import page
from abkit.panel.questions import Question
from abkit.panel.sorting import columns
from abkit.panel.source import PanelSource
from abkit.panel.states import ACTIVE, State, state
from abkit.panel.sums_reader import SumsReader


def overview_page(
    request: PanelRequest, source: PanelSource, reader: SumsReader, *, now: datetime
) -> PanelResponse:
    """All experiments, as the query string wants them."""
    rows = [overview_row(each, source, reader, now=now) for each in source.declarations()]
    search, said = request.last("search"), request.last("order")
    states = [each for each in State if each.value in request.query.get("state", ())]
    order = next((each for each in Order if each.value == said), Order.STATE)
    backwards = request.last("backwards") == "1"
    return page(
        "overview.html.jinja",
        request,
        rows=chosen(rows, search=search, states=states, order=order, backwards=backwards),
        total=len(rows),
        states=[each for each in State if any(row.state is each for row in rows)],
        chosen_states=states,
        orders=list(Order),
        order=order,
        backwards=backwards,
        columns=columns(request.query, order, backwards=backwards),
        search=search,
        reading=sum(row.reading.progress is not None for row in rows),
        oldest=oldest((row.reading for row in rows if row.state in ACTIVE), now),
    )


def overview_row(
    declaration: Declaration, source: PanelSource, reader: SumsReader, *, now: datetime
) -> OverviewRow:
    """What is known of an experiment, in a few words."""
    settings = source.settings(declaration.name)
    active = state(declaration, settings, now=now, exposed=True) in ACTIVE
    reading = reader.glance(Question(declaration.name), active=active)
    known = reading.glance
    found = state(declaration, settings, now=now, exposed=known is not None)
    health: tuple[str, ...] = ()
    if known is not None:
        late = age_if_late(known.data, now) if found in ACTIVE else None
        health = (*known.health, *faults(known.data, late))
    return OverviewRow(declaration=declaration, state=found, reading=reading, health=health)
