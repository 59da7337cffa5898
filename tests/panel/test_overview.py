"""Rows of the overview: their order, and what they say."""

from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest
from attrs import evolve
from tests.panel.asking import page, settled
from tests.panel.shop import Checkout, analysis_of, manager

from abkit import ExperimentManager
from abkit.panel import Panel, PanelRequest, StoredSource
from abkit.panel.glance import Glance, Outlook
from abkit.panel.overview import NOBODY, Order, OverviewRow, chosen
from abkit.panel.reading import Reading
from abkit.panel.sorting import columns
from abkit.panel.states import State


def row(
    name: str, *, units: int | None = None, lift: float | None = None, first: int = 0
) -> OverviewRow:
    outlook = None
    if lift is not None:
        outlook = Outlook(
            metric="m", variant="v", lift="", interval="", value=lift, bar=None, badges=()
        )
    began = datetime(2026, 11, first, tzinfo=UTC) if first else None
    known = None if units is None else Glance(units=units, outlook=outlook, first=began)
    return OverviewRow(
        declaration=Checkout.declaration._replace(name=name, owner=""),
        state=State.RUNNING,
        reading=Reading(glance=known),
    )


ROWS = [
    row("b", units=10, lift=-0.1, first=3),
    row("a", units=10, lift=0.2, first=5),
    row("c", units=30, first=4),
    row("d"),
]


def names(order: Order, *, backwards: bool = False) -> str:
    found = chosen(ROWS, search="", states=(), order=order, backwards=backwards)
    return "".join(each.declaration.name for each in found)


@pytest.mark.parametrize(
    ("order", "forwards", "backwards"),
    [
        (Order.NAME, "abcd", "dcba"),
        (Order.UNITS, "cabd", "abcd"),  # among equals by name, and the unknown last
        (Order.LIFT, "abcd", "bacd"),
        (Order.START, "acbd", "bcad"),
        (Order.STATE, "abcd", "abcd"),
    ],
)
def test_rows_stand_in_the_order_that_is_wanted(
    order: Order, forwards: str, backwards: str
) -> None:
    assert names(order) == forwards
    assert names(order, backwards=True) == backwards


def test_a_heading_sorts_by_its_column_and_then_the_other_way_round() -> None:
    query = {"search": ["pay"], "state": ["running", "off"], "order": ["units"], "token": ["x"]}
    found = columns(query, Order.UNITS, backwards=False)
    assert found["name"].sorted == ""
    assert found["name"].query == "search=pay&state=running&state=off&order=name"
    assert found["units"].sorted == "descending"
    assert found["units"].query.endswith("order=units&backwards=1")
    turned = columns(query, Order.UNITS, backwards=True)["units"]
    assert turned.sorted == "ascending"
    assert turned.query.endswith("order=units")


def test_the_page_says_by_what_it_is_sorted(shop_panel: Panel) -> None:
    html = page(shop_panel, "", "order=name&backwards=1")
    assert html.index("/experiments/Checkout/") < html.index("/experiments/Banner/")
    assert html.count("aria-sort=") == 1
    assert 'aria-sort="descending"><a href="/ab/?order=name"' in html


def test_of_an_experiment_that_runs_without_anybody_it_is_said_what_there_is_instead(
    shop_events: Path, tmp_path: Path
) -> None:
    class Running(Checkout):
        """Nobody comes."""

    found = ExperimentManager()
    found.add(Running)
    panel = Panel(StoredSource(found, events=str(shop_events)))
    for path in ("", "experiments/Running/"):
        html = page(panel, path)
        assert NOBODY in html
        assert "has no exposure of &#39;Running&#39;; it has those of Checkout" in html
    panel.close()
    panel = Panel(StoredSource(found, events=str(tmp_path / "nothing")))
    assert NOBODY not in page(panel, "")  # that the events are not there is another thing
    panel.close()


def test_dates_that_were_declared_stand_in_the_row() -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC).timestamp()
    dated = evolve(row("a"), declaration=Checkout.declaration._replace(ends=ends))
    assert dated.dates == "ends 2026-12-01"
    assert row("a").dates == ""


def test_an_experiment_that_runs_without_new_exposures_is_late(shop_events: Path) -> None:
    newest = analysis_of(shop_events).gather().exposed.latest
    assert newest is not None
    source = StoredSource(manager(), events=str(shop_events))
    panel = Panel(source, clock=lambda: newest + timedelta(days=4))
    settled(panel, "")
    html = page(panel, "")
    assert 'href="/ab/experiments/Checkout/health/">newest exposure 4 days old</a>' in html
    health = page(panel, "experiments/Checkout/health/")
    assert "The newest exposure is 4 days old, though the experiment runs" in health
    panel.close()


def test_two_hundred_experiments_have_a_row_each(tmp_path: Path) -> None:
    found = ExperimentManager()
    for number in range(200):
        found.add(type(f"Many{number}", (Checkout,), {"name": f"Many{number}"}))
    panel = Panel(StoredSource(found, events=str(tmp_path / "nothing")))
    answer = panel.respond(PanelRequest(path=""))
    panel.close()
    assert answer.status is HTTPStatus.OK
    assert answer.body.count(b'<th scope="row">') == 200
