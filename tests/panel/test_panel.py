"""The pages, as an integration asks for them."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote

import duckdb
import pytest
from tests.panel.asking import asked, page, result, settled
from tests.panel.shop import Checkout, analysis_of, manager, write_events

from abkit import AnalysisPlan, Conversion, ExperimentManager, UserExperiment
from abkit.experiments.checking.lock_file import LOCK_FILE, read_lock, write_lock
from abkit.experiments.declaring.metrics import Metric
from abkit.panel import Panel, StoredSource


def test_the_overview_has_every_experiment_with_its_state_and_its_result(shop_panel: Panel) -> None:
    html = page(shop_panel, "")
    assert 'href="/ab/experiments/Checkout/"' in html
    assert ">running<" in html
    assert ">draft<" in html
    assert "3,000" in html
    assert "50%" in html  # of the planned 6,000
    assert "Nobody has been exposed yet." in html
    assert "has no exposure of" not in html
    assert "checkout &lt;team&gt;" in html


def test_the_overview_is_searched_filtered_and_sorted(shop_panel: Panel) -> None:
    assert "Banner" not in page(shop_panel, "", "search=TEAM")
    assert "No experiment is like that." in page(shop_panel, "", "search=nothing+of+it")
    drafts = page(shop_panel, "", "state=draft")
    assert "/experiments/Banner/" in drafts
    assert "/experiments/Checkout/" not in drafts
    by_name = page(shop_panel, "", "order=name")
    assert by_name.index("/experiments/Banner/") < by_name.index("/experiments/Checkout/")


@pytest.mark.parametrize(
    ("query", "run", "plan"),
    [
        ("", {}, None),
        ("control=express", {"control": "express"}, None),
        ("confidence=0.9", {}, AnalysisPlan(confidence=0.9)),
        ("method=bayesian", {}, AnalysisPlan(method="bayesian")),
        ("method=welch&confidence=0.99", {}, AnalysisPlan(method="welch", confidence=0.99)),
        ("method=group-sequential", {}, AnalysisPlan(method="group-sequential")),
        ("since=2026-11-10", {"start": date(2026, 11, 10)}, None),
        ("days=7", {"start": date(2026, 11, 16)}, None),
        (
            "since=2026-11-05&until=2026-11-12",
            {"start": date(2026, 11, 5), "until": date(2026, 11, 13)},
            None,
        ),
        ("until=2026-11-12", {"until": date(2026, 11, 13)}, None),
    ],
)
def test_what_a_control_shows_is_what_python_finds(
    shop_panel: Panel, shop_events: Path, query: str, run: dict[str, Any], plan: AnalysisPlan | None
) -> None:
    shown = result(shop_panel, "Checkout", query)
    found = analysis_of(shop_events, plan).run(**run).to_dict()
    for one, other in zip(shown["metrics"], _list(found["metrics"]), strict=True):
        assert _numbers(one) == pytest.approx(_numbers(other), rel=1e-9, abs=1e-12)


def _list(value: object) -> list[Any]:
    assert isinstance(value, list)
    return value


def _numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [float(value)] if isinstance(value, int | float) else []


def test_only_one_variant_is_shown_beside_the_control(shop_panel: Panel) -> None:
    shown = result(shop_panel, "Checkout", "variant=express")
    assert [t["variant"] for t in shown["metrics"][0]["treatments"]] == ["express"]
    everything = result(shop_panel, "Checkout")
    ours = next(t for t in everything["metrics"][0]["treatments"] if t["variant"] == "express")
    assert shown["metrics"][0]["treatments"] == [ours]  # nothing is corrected otherwise
    assert "is not compared: there are one_page, express" in page_problem(
        shop_panel, "variant=four_pages"
    )


def page_problem(panel: Panel, query: str) -> str:
    return page(panel, "experiments/Checkout/", query).replace("&#39;", "'")


def test_a_segment_is_shown_alone_and_says_what_that_means(
    shop_panel: Panel, shop_events: Path
) -> None:
    html = page(shop_panel, "experiments/Checkout/analysis/", "by=plan&segment=paid")
    assert "Only units with plan = paid" in html
    shown = result(shop_panel, "Checkout", "by=plan&segment=paid")
    found = analysis_of(shop_events).run()
    paid = next(each for each in found.segments if each.value == "paid")
    assert shown["metrics"][0]["control"]["units"] == paid.metrics[0].control.moments.n
    assert "No unit has plan = gold." in page(
        shop_panel, "experiments/Checkout/", "by=plan&segment=gold"
    )


def test_another_property_is_read_when_it_is_asked_for(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/segments/", "by=country")
    assert "DE" in html
    assert "FR" in html
    assert (
        "no exposure"
        in page(shop_panel, "experiments/Checkout/segments/", "by=shoesize").casefold()
    )


def test_metrics_are_chosen_and_the_deciding_one_stays(shop_panel: Panel) -> None:
    shown = result(shop_panel, "Checkout", "metric=revenue")
    assert [each["metric"] for each in shown["metrics"]] == ["purchase", "revenue"]
    assert "There is no metric &#39;joy&#39;." in page(
        shop_panel, "experiments/Checkout/", "metric=joy"
    )


@pytest.mark.parametrize(
    ("tab", "has"),
    [
        ("", "Recommendation"),
        ("analysis/", "interval of the lift"),
        ("over-time/", "Results over time"),
        ("segments/", "Segments"),
        ("exposures/", "Cumulative exposures"),
        ("health/", "Sample ratio"),
        ("plan/", "share of units that do &#39;purchase&#39;"),
    ],
)
def test_each_part_has_its_page(shop_panel: Panel, tab: str, has: str) -> None:
    html = page(shop_panel, f"experiments/Checkout/{tab}")
    assert has in html
    assert html.count('aria-current="page"') == 1


def test_the_parts_keep_what_is_asked(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/", "confidence=0.8&control=express")
    assert "/ab/experiments/Checkout/analysis/?control=express&amp;confidence=0.8" in html
    assert "/ab/experiments/Checkout/result.csv?control=express&amp;confidence=0.8" in html
    assert "Not as planned" in html


def test_what_is_asked_wrongly_is_said_and_the_rest_is_shown(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/", "confidence=<b>&days=7")
    assert "confidence must be a share such as 0.95" in html
    assert "&lt;b&gt;" in html
    assert "<b>&" not in html
    assert "Recommendation" in html
    problem = page_problem(shop_panel, "control=nobody")
    assert "nobody" in problem
    assert "Recommendation" not in problem


@pytest.mark.parametrize(
    "path",
    [
        "experiments/Nothing/",
        "experiments/Checkout/nothing/",
        "experiments/Checkout/analysis/more/",
        "experiments/../static/panel.css",
        "static/../panel.py",
        "static/panel.py",
        "experiments/%3Cscript%3E/",
        "nothing",
        "/",
    ],
)
def test_there_is_no_other_page(shop_panel: Panel, path: str) -> None:
    answer = asked(shop_panel, path)
    assert answer.status is HTTPStatus.NOT_FOUND
    assert b"There is no such page." in answer.body


@pytest.mark.parametrize("name", ["a/b", "..", "a~2Fb", "a\\b", "<b>'\"&", "50%", "result.csv"])
def test_an_experiment_of_any_name_has_its_page(tmp_path: Path, name: str) -> None:
    class Named(UserExperiment):
        variants: ClassVar[Mapping[str, float]] = {"off": 1, "on": 1}
        metrics: ClassVar[Sequence[Metric]] = [Conversion("purchase")]

    found = ExperimentManager()
    found.add(type("Named", (Named,), {"name": name}))
    panel = Panel(StoredSource(found, events=str(tmp_path)))
    overview = page(panel, "")
    (address,) = re.findall(r'href="/ab/(experiments/[^"]+)"', overview)
    path = unquote(address)  # as hosts do
    assert path.count("/") == 2
    assert path.split("/")[1].strip(".")
    for tab in ("", "plan/"):
        html = page(panel, path + tab)
        assert "<h1>" in html
        assert "<b>" not in html
    panel.close()


def test_what_cannot_be_written_in_utf_8_is_shown_without_it(tmp_path: Path) -> None:
    class Torn(UserExperiment):
        owner = "\udc80"
        variants: ClassVar[Mapping[str, float]] = {"off": 1, "on": 1}
        metrics: ClassVar[Sequence[Metric]] = [Conversion("purchase")]

    found = ExperimentManager()
    found.add(Torn)
    panel = Panel(StoredSource(found, events=str(tmp_path)))
    assert "Torn" in page(panel, "")
    panel.close()


def test_the_page_of_segments_shows_them_opened(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/segments/")
    assert re.search(r'<details class="panel" open>\s*<summary><h2>Segments', html)


def test_a_property_with_a_value_per_unit_is_no_segment_and_says_so(tmp_path: Path) -> None:
    events = write_events(tmp_path / "shop", units=60)
    with duckdb.connect() as database:
        of = f"'{events}/exposures/part.parquet'"
        database.execute(f"create table exposures as select * from {of}")  # noqa: S608 - our own
        session = """'{"plan": "free", "session": "' || unit_id || '"}' as properties"""
        database.execute(f"copy (select * replace ({session}) from exposures) to {of}")  # noqa: S608 - our own
    panel = Panel(StoredSource(manager(), events=str(events)))
    html = page(panel, "experiments/Checkout/segments/", "by=session")
    panel.close()
    assert "No value of session has units in the control and in another variant" in html


def test_an_address_without_its_last_slash_leads_to_the_page(shop_panel: Panel) -> None:
    answer = asked(shop_panel, "experiments/Checkout")
    assert answer.status is HTTPStatus.SEE_OTHER
    assert answer.headers["Location"] == "/ab/experiments/Checkout/"
    answer = asked(shop_panel, "experiments/Checkout", "method=welch&metric=a%26b&metric=%C3%A9")
    with_what_is_asked = "/ab/experiments/Checkout/?method=welch&metric=a%26b&metric=%C3%A9"
    assert answer.headers["Location"] == with_what_is_asked
    assert asked(shop_panel, "experiments/Nothing").status is HTTPStatus.NOT_FOUND


def test_a_page_can_be_looked_at_only(shop_panel: Panel) -> None:
    assert asked(shop_panel, "", method="POST").status is HTTPStatus.METHOD_NOT_ALLOWED


def test_every_answer_forbids_what_it_does_not_need(shop_panel: Panel) -> None:
    for path in (
        "",
        "experiments/Checkout/",
        "static/panel.js",
        "nothing",
        "experiments/Checkout/result.csv",
    ):
        headers = settled(shop_panel, path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY"


def test_the_files_are_those_of_the_result(shop_panel: Panel) -> None:
    csv = settled(shop_panel, "experiments/Checkout/result.csv")
    assert csv.body.startswith(b"experiment,")
    assert csv.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Checkout-result.csv"
    assert b"<!DOCTYPE html>" in settled(shop_panel, "experiments/Checkout/report.html").body
    assert b"select" in settled(shop_panel, "experiments/Checkout/queries.sql").body
    assert settled(shop_panel, "experiments/Banner/result.json").status is HTTPStatus.CONFLICT


def test_events_that_vanish_leave_what_was_read(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events", units=900)
    panel = Panel(StoredSource(manager(), events=str(events)))
    before = result(panel, "Checkout")
    (events / "exposures" / "part.parquet").unlink()
    (events / "exposures").rmdir()
    panel._reader._known.clear()  # as if it had been long ago
    html = page(panel, "experiments/Checkout/")
    assert "could not be read again" in html
    assert "Recommendation" in html
    assert result(panel, "Checkout")["metrics"] == before["metrics"]
    panel.close()


def test_the_plan_tells_how_long_it_takes_and_what_the_lock_has(
    shop_events: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    panel = Panel(StoredSource(manager(), events=str(shop_events)))
    assert "abkit check --update" in page(panel, "experiments/Checkout/plan/")

    class Before(Checkout):
        name = "Checkout"
        salt = "Checkout"
        variants: ClassVar[Mapping[str, float]] = {"four_pages": 2, "one_page": 1, "express": 1}
        metrics: ClassVar[Sequence[Metric]] = [Conversion("purchase", goal=0.02)]

    lock = tmp_path / LOCK_FILE
    write_lock(lock, [Before], at=datetime(2026, 10, 30, tzinfo=UTC))
    write_lock(lock, [Checkout], read_lock(lock), at=datetime(2026, 11, 6, 14, tzinfo=UTC))
    for query in ("", "since=2026-11-05"):  # the day is that of the experiment, whatever is asked
        html = page(panel, "experiments/Checkout/plan/", query)
        assert "before it began" in html
        assert "The goal of &#39;purchase&#39; was changed from 0.02 to 0.05." in html
        assert "The weights were changed from four_pages 50.0%" in html
        assert ">after the start</span> 5</span>" in html
        assert "of the planned 6,000" in html
    lock.write_text("{")
    assert "is no lock of experiments" in page(panel, "experiments/Checkout/plan/")
    panel.close()


def test_health_tells_how_complete_the_data_are(shop_panel: Panel) -> None:
    html = page(shop_panel, "experiments/Checkout/health/")
    assert "New units on a usual day" in html
    assert "Newest exposure" in html


def test_controls_say_that_they_offer_little_while_nothing_is_read(shop_panel: Panel) -> None:
    unread = Panel(StoredSource(manager(), events="nothing"))
    assert "data-unread" in page(unread, "experiments/Checkout/")
    unread.close()
    assert "data-unread" not in page(shop_panel, "experiments/Checkout/")


def test_what_is_left_out_of_a_large_page_is_a_link_away(
    shop_panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abkit.panel.drawn_metrics.MOST_POINTS", 50)
    monkeypatch.setattr("abkit.panel.drawn_metrics.MOST_PAIRS", 1)
    html = page(shop_panel, "experiments/Checkout/over-time/")
    assert "revenue over time" not in html
    assert "?metric=purchase&amp;metric=revenue" in html
    both = page(shop_panel, "experiments/Checkout/over-time/", "metric=purchase&metric=revenue")
    assert "revenue over time" in both
    pairs = page(shop_panel, "experiments/Checkout/analysis/")
    assert "Every two variants are shown for purchase only" in pairs
