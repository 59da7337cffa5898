"""The page of all experiments."""

from datetime import datetime

from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.messages import PanelRequest, PanelResponse
from abkit.panel.overview import Order, OverviewRow, chosen
from abkit.panel.pages import page
from abkit.panel.questions import Question
from abkit.panel.reading import SumsReader
from abkit.panel.source import PanelSource
from abkit.panel.states import State, state


def overview_page(
    request: PanelRequest, source: PanelSource, reader: SumsReader, *, now: datetime
) -> PanelResponse:
    """All experiments, as the query string wants them."""
    rows = [overview_row(each, source, reader, now=now) for each in source.declarations()]
    search, said = request.last("search"), request.last("order")
    states = [each for each in State if each.value in request.query.get("state", ())]
    order = next((each for each in Order if each.value == said), Order.STATE)
    return page(
        "overview.html.jinja",
        request,
        rows=chosen(rows, search=search, states=states, order=order),
        total=len(rows),
        states=[each for each in State if any(row.state is each for row in rows)],
        chosen_states=states,
        orders=list(Order),
        order=order,
        search=search,
        reading=sum(row.reading.progress is not None for row in rows),
    )


def overview_row(
    declaration: Declaration, source: PanelSource, reader: SumsReader, *, now: datetime
) -> OverviewRow:
    """What is known of an experiment, in a few words."""
    reading = reader.glance(Question(declaration.name))
    settings = source.settings(declaration.name)
    exposed = reading.glance is not None
    return OverviewRow(
        declaration=declaration,
        state=state(declaration, settings, now=now, exposed=exposed),
        reading=reading,
    )
