"""Exposures and actions that are in a database."""

import os
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import HTTPCookieProcessor, build_opener

import duckdb
import pytest
from tests.panel.asking import page, result
from tests.panel.shop import analysis_of, manager

from abkit.errors import AnalysisError
from abkit.panel import Panel, StoredSource
from abkit.panel.database_tables import DatabaseTables
from abkit.panel.questions import Question

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = Question("Checkout")


@pytest.fixture(scope="module")
def databases(shop_events: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What visitors of the shop did, in a file of DuckDB and in one of SQLite."""
    folder = tmp_path_factory.mktemp("databases")
    found = {"duckdb": folder / "shop.duckdb", "sqlite": folder / "shop.db"}
    with duckdb.connect(found["duckdb"]) as database, sqlite3.connect(found["sqlite"]) as lite:
        for name in ("exposures", "actions"):
            parts = f"'{shop_events}/{name}/*.parquet'"
            database.execute(f"create table {name} as select * from {parts}")  # noqa: S608 - our own
            as_text = "* replace (strftime(time, '%Y-%m-%d %H:%M:%S.%f') as time)"
            rows = database.execute(f"select {as_text} from {name}")  # noqa: S608 - our own
            columns = [column[0] for column in rows.description or ()]
            lite.execute(f"create table abkit_{name} ({', '.join(columns)})")
            places = ", ".join("?" * len(columns))
            lite.executemany(f"insert into abkit_{name} values ({places})", rows.fetchall())  # noqa: S608
    lite.close()
    return found


def numbers(found: dict[str, Any]) -> list[float]:
    return [
        number
        for metric in found["metrics"]
        for treatment in metric["treatments"]
        for number in (treatment["units"], treatment["mean"], treatment["comparison"]["lift"])
    ]


@pytest.mark.parametrize("kind", ["duckdb", "sqlite"])
def test_a_database_has_the_numbers_of_the_files(
    kind: str, databases: dict[str, Path], shop_events: Path
) -> None:
    names = {"sqlite": ("abkit_exposures", "abkit_actions"), "duckdb": ("exposures", "actions")}
    exposures, actions = names[kind]
    tables = DatabaseTables(
        url=f"{kind}:///{databases[kind]}", exposures=exposures, actions=actions
    )
    panel = Panel(StoredSource(manager(), tables=tables))
    shown = result(panel, "Checkout")
    assert "Nobody has been exposed yet." in page(panel, "")  # Banner: another reading, as good
    panel.close()
    expected: Any = analysis_of(shop_events).run().to_dict()
    assert numbers(shown) == pytest.approx(numbers(expected), rel=1e-9)
    assert shown["sources"]["exposures"] == exposures


def test_what_was_read_of_another_database_is_not_given(databases: dict[str, Path]) -> None:
    def version(**said: Any) -> str:
        tables = DatabaseTables(**{"exposures": "e", "actions": "a", **said})
        return StoredSource(manager(), tables=tables).version(CHECKOUT)

    one = version(url=f"sqlite:///{databases['sqlite']}")
    assert version(url=f"sqlite:///{databases['sqlite']}") == one
    assert version(url=f"duckdb:///{databases['duckdb']}") != one
    assert version(url=f"sqlite:///{databases['sqlite']}", actions="b") != one


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("sqlite:///nowhere.db", "There is no file nowhere.db"),
        ("duckdb:///nowhere.duckdb", "There is no file nowhere.duckdb"),
        ("data/events", "is no URL of a database; it should be like postgresql"),
        ("ftp://host/name", "is no URL of a database"),
    ],
)
def test_what_cannot_be_a_database_is_refused_at_once(url: str, problem: str) -> None:
    with pytest.raises(AnalysisError, match=problem):
        DatabaseTables(url=url, exposures="e", actions="a")


def test_a_database_that_does_not_answer_is_told_without_its_password() -> None:
    url = "postgresql+psycopg://ada:hunter2@127.0.0.1:1/shop"
    tables = DatabaseTables(url=url, exposures="e", actions="a")
    assert "hunter2" not in repr(tables)
    with pytest.raises(AnalysisError, match="127.0.0.1:1/shop cannot be reached") as caught:
        tables()
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "shop.duckdb").write_text("no database at all, but long enough to be read as one")
    tables = DatabaseTables(url=f"duckdb:///{tmp_path / 'shop.duckdb'}", exposures="e", actions="a")
    with pytest.raises(AnalysisError, match="cannot be opened"):
        tables()


def command(*options: str) -> list[str]:
    return [
        *(sys.executable, "-m", "abkit", "panel", "--no-browser", "--port", "0"),
        *("--config", "tests.panel.shop", *options),
    ]


def test_the_command_shows_what_a_database_has(databases: dict[str, Path], tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "ABKIT_EVENTS": "elsewhere"}
    with subprocess.Popen(
        command("--engine", f"sqlite:///{databases['sqlite']}"),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+/\?token=\S+", server.stdout.readline())
        assert found is not None
        opener = build_opener(HTTPCookieProcessor())
        opener.open(found.group(), timeout=60).read()
        address = found.group().partition("?")[0]
        html = ""
        while "3,000 units" not in html:
            with opener.open(f"{address}experiments/Checkout/", timeout=60) as answer:
                html = answer.read().decode()
            assert "cannot" not in html
        server.terminate()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--engine", "sqlite:///a.db", "--events", "b"), "give either --events or --engine"),
        (("--events", "b", "--actions", "c"), "--actions names a table of --engine URL"),
        (("--engine", "sqlite:///nowhere.db"), "There is no file nowhere.db"),
    ],
)
def test_options_that_do_not_go_together_say_so(options: tuple[str, ...], problem: str) -> None:
    done = subprocess.run(
        command(*options), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode != 0
    assert problem in done.stderr
