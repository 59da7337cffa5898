"""What users name and measure, and what becomes of the events: the panel shows it, or says why."""

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import duckdb
import pytest
from tests.panel.asking import asked, page, result, settled
from tests.panel.shop import FIRST, manager, repeat, write_events

from abkit import AnalysisPlan, Conversion, ExperimentManager, Sum, UserExperiment
from abkit.experiments.declaring.metrics import Metric
from abkit.panel import Panel, StoredSource
from abkit.panel.tabs import TABS

ROOT = Path(__file__).resolve().parents[2]
HTML = "<img src=x onerror=alert(1)>'\"&"
FORMULA = '=HYPERLINK("http://evil.example")'
LONG = "x" * 3_000


class Hostile(UserExperiment):
    """Names that would be HTML, a path, a formula or an end of SQL, if somebody let them."""

    name = "../%2f' drop \u202e{{ 7 * 7 }}"
    hypothesis = HTML
    owner = HTML
    variants: ClassVar[Mapping[str, float]] = {FORMULA: 1, HTML: 1, "@SUM(A1)": 1}
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion(HTML),
        Sum("-1+1", action=HTML, property="price", role="secondary"),
    ]
    plan: ClassVar[Any] = AnalysisPlan(segments=[HTML], sample_size=600)


class Degenerate(UserExperiment):
    """Nothing varies, the control's mean is 0, and one variant has one unit."""

    variants: ClassVar[Mapping[str, float]] = {"nothing": 1, "same": 1, "alone": 1}
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion("buy"),
        Sum("spent", action="buy", property="price", role="secondary"),
        Sum("refunds", action="refund", property="price", role="guardrail", direction="decrease"),
    ]
    plan: ClassVar[Any] = AnalysisPlan(
        segments=["plan"], cuped=timedelta(days=7), novelty=True, sample_size=100
    )


def written(
    folder: Path, experiment: type[UserExperiment], rows: Sequence[tuple[str, str, str]]
) -> Path:
    """Events of an experiment.

    Args:
        folder: Where they are written.
        experiment: It.
        rows: Of each unit: its variant, its properties, and what it does, which costs 10; nothing if empty.
    """
    declared = experiment.declaration
    for name in ("exposures", "actions"):
        (folder / name).mkdir(parents=True)
    with duckdb.connect() as database:
        database.execute(
            "create table seen (unit bigint, variant text, properties text, action text)"
        )
        database.executemany(
            "insert into seen values (?, ?, ?, ?)", [(i, *row) for i, row in enumerate(rows)]
        )
        database.execute(
            "create table exposures as select ? as experiment, ? as salt, 'user' as unit_type, "
            "'u' || unit as unit_id, variant, make_timestamp((? + unit * 3600) * 1000000) as time, "
            "'e' || unit as insert_id, properties from seen",
            [declared.name, declared.salt, FIRST],
        )
        database.execute(
            "create table actions as select action, 'u' || unit as user_id, "
            "make_timestamp((? + unit * 3600 + 60) * 1000000) as time, 'a' || unit as insert_id, "
            "'{\"price\": 10}' as properties from seen where action <> ''",
            [FIRST],
        )
        for name in ("exposures", "actions"):
            database.execute(f"copy {name} to '{folder}/{name}/part.parquet'")
    return folder


def panel_of(experiment: type[UserExperiment], events: Path) -> Panel:
    found = ExperimentManager(strict=True)
    found.add(experiment)
    return Panel(StoredSource(found, events=str(events)))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    names = [str(variant) for variant in Hostile.declaration.weights]
    rows = [
        (
            str(names[i % 3]),
            json.dumps({HTML: [HTML, LONG, "\u0000'; drop table seen; --"][i // 3 % 3]}),
            HTML if i % 7 < 3 else "",
        )
        for i in range(300)
    ]
    events = written(tmp_path_factory.mktemp("hostile") / "events", Hostile, rows)
    panel = panel_of(Hostile, events)
    yield panel
    panel.close()


@pytest.fixture(scope="module")
def degenerate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    rows = [
        *[("nothing", '{"plan": "a"}', "")] * 40,
        *[("same", '{"plan": "b"}', "buy")] * 40,
        ("alone", "{}", "buy"),
    ]
    events = written(tmp_path_factory.mktemp("degenerate") / "events", Degenerate, rows)
    panel = panel_of(Degenerate, events)
    yield panel
    panel.close()


PLACE = "experiments/..~2F%2f' drop \u202e{{ 7 * 7 }}/"


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.path or "summary")
def test_no_name_and_no_value_is_html(hostile: Panel, tab: Any) -> None:
    html = page(hostile, PLACE + "/".join(tab.place))
    assert "<img src=x" not in html
    assert "onerror=alert(1)>'" not in html
    assert "{{ 7 * 7 }}" in html  # nor a template
    if tab.path == "segments":
        assert f">{LONG[:100]}…<" in html
        assert LONG[:120] not in re.sub('href="[^"]*"', "", html)


def test_what_is_asked_of_such_names_is_answered(hostile: Panel) -> None:
    shown = page(hostile, PLACE, f"by={quote(HTML)}&segment={quote(HTML)}")
    assert "Only units with &lt;img src=x onerror=alert(1)&gt;" in shown
    assert "<img src=x" not in shown
    of_one = result(hostile, PLACE.split("/")[1], f"variant={quote(HTML)}&metric=-1%2B1")
    assert [t["variant"] for t in of_one["metrics"][1]["treatments"]] == [HTML]


def test_a_spreadsheet_takes_no_name_for_a_formula_and_numbers_stay_numbers(hostile: Panel) -> None:
    rows = list(csv.DictReader(io.StringIO(settled(hostile, PLACE + "result.csv").body.decode())))
    assert {row["variant"] for row in rows} == {f"'{FORMULA}", HTML, "'@SUM(A1)"}
    assert {row["metric"] for row in rows} == {HTML, "'-1+1"}
    for row in rows:
        for column in ("mean", "difference", "difference_low", "lift"):
            assert not row[column] or float(row[column]) < 1e9  # also below 0


def test_the_page_that_is_taken_away_has_no_such_html_either(hostile: Panel) -> None:
    report = settled(hostile, PLACE + "report.html")
    assert report.status is HTTPStatus.OK
    assert b"<img src=x" not in report.body
    name = report.headers["Content-Disposition"]
    assert name.isascii()
    assert not set(' /"\n{') & set(name.partition("''")[2])


@pytest.mark.parametrize("tab", TABS, ids=lambda tab: tab.path or "summary")
@pytest.mark.parametrize("method", ["", "welch", "bayesian", "group-sequential"])
def test_where_nothing_varies_every_part_is_shown(degenerate: Panel, tab: Any, method: str) -> None:
    html = page(
        degenerate, "experiments/Degenerate/" + "/".join(tab.place), f"method={method}&by=plan"
    )
    shown = html.partition("<main")[2].casefold()
    for word in (">nan<", "nan%", ">inf<", "inf%", "infinity", '="nan', '="inf'):
        assert word not in shown


@pytest.mark.parametrize("method", ["", "welch", "bayesian", "group-sequential"])
def test_where_nothing_varies_the_files_are_valid(degenerate: Panel, method: str) -> None:
    place, query = "experiments/Degenerate/", f"method={method}"

    def refuse(literal: str) -> None:
        raise AssertionError(literal)

    body = settled(degenerate, place + "result.json", query).body
    assert json.loads(body, parse_constant=refuse)["metrics"]
    rows = list(
        csv.DictReader(io.StringIO(settled(degenerate, place + "result.csv", query).body.decode()))
    )
    assert len(rows) == 9
    assert not any(value == "nan" for row in rows for value in row.values())
    assert settled(degenerate, place + "report.html", query).status is HTTPStatus.OK


def test_events_that_vanish_leave_what_was_read_with_its_age_until_they_are_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abkit.panel.data_state.AT_ONCE", 0.0)  # so much later it is here
    events = write_events(tmp_path / "events", units=600)
    now = [datetime.now(UTC)]
    panel = Panel(StoredSource(manager(), events=str(events)), clock=lambda: now[0])
    before = result(panel, "Checkout")
    events.rename(tmp_path / "elsewhere")
    now[0] += timedelta(minutes=7, seconds=30)
    html = page(panel, "experiments/Checkout/")
    assert "Read 7 minutes ago" in html
    assert "The events could not be read again, and what is shown is older" in html
    assert "Recommendation" in html
    assert result(panel, "Checkout")["metrics"] == before["metrics"]
    (tmp_path / "elsewhere").rename(events)
    now[0] = datetime.now(UTC) + timedelta(minutes=14)
    html = page(panel, "experiments/Checkout/", "anew=1")
    assert "could not be read again" not in html
    panel.close()


def test_a_query_that_takes_long_shows_what_was_known_and_ends_when_the_panel_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("abkit.panel.data_state.AT_ONCE", 0.0)  # so much later it is here
    events = write_events(tmp_path / "events", units=600)
    now = [datetime.now(UTC)]
    panel = Panel(StoredSource(manager(), events=str(events)), clock=lambda: now[0])
    page(panel, "experiments/Checkout/")
    repeat(events)
    now[0] += timedelta(minutes=6, seconds=30)
    html = asked(panel, "experiments/Checkout/").body.decode()
    assert "What is shown is older" in html
    assert "Read 6 minutes ago" in html
    assert "<progress" in html
    assert "Recommendation" in html
    panel.close()
    assert "<progress" not in asked(panel, "experiments/Checkout/").body.decode()


def test_a_program_ends_though_a_query_of_its_panel_runs(tmp_path: Path) -> None:
    events = write_events(tmp_path / "events", units=600)
    repeat(events)
    command = [sys.executable, "-m", "tests.panel.reading_program", str(events)]
    ended = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ends\n", "")
