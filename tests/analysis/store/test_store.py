"""What a store keeps, what it reads again, and what it refuses."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from attrs import evolve, frozen
from freezegun import freeze_time

from abkit import (
    AnalysisPlan,
    Conversion,
    Distinct,
    Funnel,
    Retention,
    Sum,
    UserExperiment,
    Winsorize,
    prop,
)
from abkit.analysis import Analysis, Result, Store, Table, read_together
from abkit.analysis.store.file.event_files import EventFiles, event_files
from abkit.errors import AnalysisError, EmptyDataError
from abkit.experiments.declaring.metrics import Metric

from .arriving_events import START, Event, Everything, actions, differences, exposures, write


class Buyers(UserExperiment):
    """One that needs less than `Everything`, of the same exposures."""

    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [Conversion(action="buy", name="buyers")]


class Spenders(Buyers):
    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [Sum(action="buy", property="price", name="revenue")]
    plan = AnalysisPlan(novelty=False)


@pytest.fixture
def events(tmp_path: Path) -> Path:
    """Two weeks of events, in files of days."""
    rng, folder = random.Random(5), tmp_path / "events"  # noqa: S311
    write((each.event for each in exposures(rng, units=40)), folder / "exposures", "first")
    write((each.event for each in actions(rng, units=40)), folder / "actions", "first")
    return folder


def run(events: Path, experiment: type[UserExperiment] = Buyers, *, stored: bool = True) -> Result:
    store = events / "store.duckdb" if stored else None
    return Analysis(
        experiment, exposures=events / "exposures", actions=events / "actions", store=store
    ).run()


def check(events: Path, experiment: type[UserExperiment] = Buyers) -> Result:
    """Run it with the store, and compare it with one without."""
    found = run(events, experiment)
    assert [*differences(run(events, experiment, stored=False).to_dict(), found.to_dict())] == []
    return found


def spoil(file: Path) -> None:
    """Make a file unreadable without its being noticed: its size and its time stay."""
    status = file.stat()
    with file.open("r+b") as content:
        content.write(b"\0" * status.st_size)
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))


def files(events: Path, kind: str) -> list[Path]:
    return sorted((events / kind).rglob("*.parquet"))


def test_what_was_read_is_not_read_again(events: Path) -> None:
    before = run(events)
    for kind in ("exposures", "actions"):
        for file in files(events, kind):
            spoil(file)
    assert [*differences(before.to_dict(), run(events).to_dict())] == []
    with pytest.raises(AnalysisError):
        run(events, stored=False)


@pytest.mark.parametrize("written", ["events", "./events/../events/", "link"])
def test_events_are_the_same_however_their_path_is_written(
    events: Path, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    expected = run(events, Everything)
    for kind in ("exposures", "actions"):
        for file in files(events, kind):
            spoil(file)
    monkeypatch.chdir(events.parent)
    Path("link").symlink_to(events)
    found = evolve(run(Path(written), Everything), sources=expected.sources)
    assert [*differences(expected.to_dict(), found.to_dict())] == []


def test_the_first_day_of_another_month_is_a_day_as_others(tmp_path: Path, events: Path) -> None:
    by_month = tmp_path / "by month"
    *before, last = [day.name for day in sorted((events / "actions").iterdir())]
    shutil.copytree(events / "exposures", by_month / "exposures")
    for day in before:
        shutil.copytree(events / "actions" / day, by_month / "actions/2026/03" / day)
    run(by_month)
    read = files(by_month, "actions")
    shutil.copytree(events / "actions" / last, by_month / "actions/2026/04" / last)
    expected = run(by_month, stored=False).to_dict()
    for file in read:
        spoil(file)
    assert [*differences(expected, run(by_month).to_dict())] == []


@pytest.mark.parametrize("name", ["_part.parquet", ".part.parquet", "_old/part.parquet"])
def test_what_a_glob_names_is_data_whatever_it_is_called(events: Path, name: str) -> None:
    for file in files(events, "actions")[::2]:
        renamed = file.parent / name
        renamed.parent.mkdir(exist_ok=True)
        file.rename(renamed)
    pattern = events / "actions/**/*.parquet"
    plain, stored = (
        Analysis(Buyers, exposures=events / "exposures", actions=pattern, store=store).run()
        for store in (None, events / "store.duckdb")
    )
    assert [*differences(plain.to_dict(), stored.to_dict())] == []


def test_another_question_to_the_same_events_reads_none_again(events: Path) -> None:
    run(events, Everything)
    expected = run(events, Spenders, stored=False)
    for file in files(events, "actions"):
        spoil(file)
    assert [*differences(expected.to_dict(), run(events, Spenders).to_dict())] == []


def test_a_metric_that_needs_another_property_is_read_from_all_events(events: Path) -> None:
    check(events, Buyers)
    check(events, Spenders)
    check(events, Everything)


def test_several_experiments_are_read_together(events: Path) -> None:
    store = Store(events / "store.duckdb")
    analyses = [
        Analysis(each, exposures=events / "exposures", actions=events / "actions", store=store)
        for each in (Buyers, Spenders)
    ]
    read_together(analyses)
    expected = [run(events, each, stored=False).to_dict() for each in (Buyers, Spenders)]
    for file in files(events, "actions"):
        spoil(file)
    for analysis, result in zip(analyses, expected, strict=True):
        assert [*differences(result, analysis.run().to_dict())] == []


def exposure(unit: int, *, day: float, variant: str | None = None) -> Event:
    return {
        "insert_id": f"e{unit} {day}",
        "time": START + timedelta(days=day),
        "experiment": "everything",
        "salt": "everything",
        "unit_type": "user",
        "unit_id": f"u{unit}",
        "variant": str(unit % 2) if variant is None else variant,
        "user_id": f"u{unit}",
        "weights": '{"0":0.5,"1":0.5}',
    }


def action(name: str, unit: int, *, day: float) -> Event:
    return {
        "insert_id": f"{unit} {day}",
        "time": START + timedelta(days=day),
        "action": name,
        "user_id": f"u{unit}",
    }


def test_a_day_on_which_only_a_unit_did_something_that_is_left_out_now_is_no_day_any_more(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "events"
    write((exposure(unit, day=0.1) for unit in range(6)), folder / "exposures", "first")
    write([action("buy", 0, day=0.5), action("buy", 1, day=2.5)], folder / "actions", "first")
    before = check(folder)["buyers"].over_time
    write([exposure(1, day=0.2, variant="0")], folder / "exposures", "later")
    found = check(folder)["buyers"].over_time
    assert before is not None
    assert found is not None
    assert (len(before.ends), len(found.ends)) == (3, 1)


def test_a_clock_that_was_set_back_makes_nothing_mature(tmp_path: Path) -> None:
    class Early(Buyers):
        name = "everything"
        salt = "everything"
        variants = {"0": 0.5, "1": 0.5}
        metrics = [
            Conversion(action="buy", name="early", window=timedelta(days=2), mature_only=True)
        ]

    folder = tmp_path / "events"
    write((exposure(u, day=0.1 + u) for u in range(6)), folder / "exposures", "first")
    write((action("buy", u, day=0.5 + u) for u in range(6)), folder / "actions", "first")
    immature = []
    for day in (5.6, 3.3, 5.7):
        with freeze_time(START + timedelta(days=day)):
            immature.append(check(folder, Early)["early"].control.immature)
    assert immature[0] == immature[2]
    assert immature[0] != immature[1]


def test_a_segment_of_which_all_units_are_left_out_now_is_none_any_more(tmp_path: Path) -> None:
    class Segmented(Buyers):
        name = "everything"
        salt = "everything"
        variants = {"0": 0.5, "1": 0.5}
        metrics = [Conversion(action="buy", name="buyers")]
        plan = AnalysisPlan(segments=["country"])

    folder = tmp_path / "events"
    german, unknown = ({"properties": json.dumps({"country": each})} for each in ("de", None))
    seen = [{**exposure(u, day=0.1), **(german if u < 6 else unknown)} for u in range(12)]
    write(seen, folder / "exposures", "first")
    write((action("buy", u, day=0.5) for u in range(9)), folder / "actions", "first")
    write([action("buy", 0, day=3.5)], folder / "actions", "first")
    check(folder, Segmented)
    again = ({**exposure(u, day=0.2, variant=str(1 - u % 2)), **german} for u in range(6))
    write(again, folder / "exposures", "later")
    assert check(folder, Segmented).units == 6


def test_when_a_unit_began_stays_known_once_another_metric_of_it_is_mature(tmp_path: Path) -> None:
    class Returned(Buyers):
        name = "everything"
        salt = "everything"
        variants = {"0": 0.5, "1": 0.5}
        metrics = [
            Conversion(action="buy", name="early", window=timedelta(days=3), mature_only=True),
            Retention(start="view", returning="view", n=1, name="returned"),
        ]

    folder = tmp_path / "events"
    write((exposure(unit, day=0.1) for unit in range(8)), folder / "exposures", "first")
    write((action("buy", unit, day=0.5) for unit in range(6)), folder / "actions", "first")
    write((action("view", unit, day=2.4) for unit in range(6)), folder / "actions", "first")
    check(folder, Returned)
    for day in (3.5, 4.2, 4.3):
        write([action("view", 7, day=day)], folder / "actions", str(day))
        found = check(folder, Returned)
    assert found["returned"].control.immature == 3


def test_experiments_that_ask_the_same_are_kept_apart(tmp_path: Path) -> None:
    """Each goes on from what it knows of its own units, in its own variants."""

    class Another(Everything):
        name = "another"
        salt = "another"
        variants = {"0": 0.5, "1": 0.5}
        metrics = Everything.metrics
        plan = Everything.plan

    rng, folder = random.Random(8), tmp_path / "events"  # noqa: S311
    seen = [each.event for each in exposures(rng, units=60)]
    of_another = {"experiment": "another", "salt": "another"}
    swapped = {"0": "1", "1": "0"}
    for number, each in enumerate([*seen]):
        variant = each["variant"] if number % 3 else swapped[each["variant"]]
        seen.append({**each, **of_another, "variant": variant, "insert_id": f"another-{number}"})
    did = [each.event for each in actions(rng, units=60)]
    for name, first, last in (("a", 0, 6), ("b", 6, 9), ("c", 9, 99)):
        begin, end = (START + timedelta(days=days) for days in (first, last))
        for kind, events in (("exposures", seen), ("actions", did)):
            before = kind == "actions" and not first
            new = [e for e in events if (before or begin <= e["time"]) and e["time"] < end]
            write(new, folder / kind, name)
        for experiment in (Everything, Another):
            check(folder, experiment)


def test_what_is_read_together_is_of_one_store(events: Path) -> None:
    one, other = (
        Analysis(Buyers, exposures=events / "exposures", actions=None, store=events / f"{name}.db")
        for name in ("one", "other")
    )
    with pytest.raises(AnalysisError, match="the same exposures, actions and identities, and one"):
        read_together([one, other])


def test_files_that_others_replace_are_the_same_events(events: Path) -> None:
    check(events)
    old = files(events, "actions")
    rows = [row for file in old for row in pq.ParquetFile(file).read().to_pylist()]
    for file in old[:-1]:
        file.unlink()
    write(rows, events / "actions", "merged")
    check(events)


@frozen
class Renaming:
    """Files of which one has got another name by the time it is about to be read, or has been read."""

    files: EventFiles
    renamed: Path
    once_read: bool

    @property
    def place(self) -> str:
        return self.files.place

    @property
    def root(self) -> Path | str:
        return self.files.root

    @property
    def states(self) -> Mapping[str, str]:
        return self.files.states

    def linked(self, names: Sequence[str], folder: Path) -> Path:
        if not self.once_read:
            self._rename()
        return self.files.linked(names, folder)

    def there(self, names: Sequence[str]) -> Sequence[str]:
        found = self.files.there(names)
        if self.once_read:
            self._rename()
        return found

    def _rename(self) -> None:
        if self.renamed.exists():
            self.renamed.rename(self.renamed.with_name("merged.parquet"))


@pytest.mark.parametrize("once_read", [False, True])
@pytest.mark.parametrize("there_before", [False, True])
def test_a_file_that_another_replaces_while_files_are_read_is_read_all_the_same(
    events: Path, monkeypatch: pytest.MonkeyPatch, once_read: bool, there_before: bool
) -> None:
    expected = run(events, Everything, stored=False)
    *others, replaced = files(events, "actions")[4:-1]
    if there_before:
        run(events, Everything)
        for file in others:
            file.rename(file.with_name("moved.parquet"))
    monkeypatch.setattr(
        "abkit.analysis.store.file.arriving.event_files",
        lambda table: Renaming(event_files(table), replaced, once_read),
    )
    assert [*differences(expected.to_dict(), run(events, Everything).to_dict())] == []
    assert not replaced.exists()
    monkeypatch.undo()
    check(events, Everything)


def test_a_file_without_a_byte_is_none_yet(events: Path) -> None:
    check(events)
    day = events / "actions/date=2026-03-30"
    day.mkdir()
    for name in ("interrupted.parquet", "other.csv"):
        (day / name).touch()
    check(events)
    full = files(events, "actions")[2]
    shutil.copy(full, day / "interrupted.parquet")
    check(events)
    full.write_bytes(b"")
    check(events)


def test_events_that_are_removed_count_no_more(events: Path) -> None:
    check(events)
    shutil.rmtree(files(events, "actions")[-3].parent)
    check(events)
    shutil.rmtree(files(events, "exposures")[-1].parent)
    check(events)


def test_events_without_ids_are_read_anew_when_a_file_is_replaced(events: Path) -> None:
    for file in files(events, "actions"):
        pq.write_table(pq.ParquetFile(file).read().drop_columns(["insert_id"]), file)
    check(events)
    file = files(events, "actions")[0]
    pq.write_table(pa.concat_tables([pq.ParquetFile(file).read()] * 2), file)
    check(events)


def test_what_a_comma_means_in_csv_is_decided_by_all_files(tmp_path: Path) -> None:
    folder = tmp_path / "events"
    write((exposure(unit, day=0.1) for unit in range(6)), folder / "exposures", "first")
    (folder / "actions").mkdir()
    for day, price in enumerate(["1,5", "1,234", "2,500", "7"]):
        rows = [f"a{day}-{unit};buy;u{unit};2026-03-02 0{day}:00:00;{price}\n" for unit in range(6)]
        head = "insert_id;action;user_id;time;price\n"
        (folder / "actions" / f"{day}.csv").write_text(head + "".join(rows))
        found = run(folder, Spenders)
        assert found["revenue"].control.moments.mean == pytest.approx(
            run(folder, Spenders, stored=False)["revenue"].control.moments.mean
        )
    mean = found["revenue"].control.moments.mean
    assert mean == pytest.approx(1.5 + 1.234 + 2.5 + 7)


def test_different_actions_of_one_id_are_told_apart(events: Path) -> None:
    check(events)
    first = pq.ParquetFile(files(events, "actions")[3]).read().to_pylist()
    rng = random.Random(6)  # noqa: S311
    others = [row | {"time": row["time"] + timedelta(hours=rng.randrange(1, 9))} for row in first]
    write(others, events / "actions", "again")
    check(events, Spenders)


@pytest.mark.parametrize("column", ["properties.price", "insert_id", "action"])
def test_the_same_question_to_other_columns_is_another_one(events: Path, column: str) -> None:
    for file in files(events, "actions"):
        rows = pq.ParquetFile(file).read().to_pylist()
        for row in rows:
            row["other action"] = "buy" if row["action"] == "view" else row["action"]
            row["other price"] = 3.0
            row["other id"] = row["time"].isoformat()
        pq.write_table(pa.Table.from_pylist(rows), file)
    other = {
        "properties.price": "other price",
        "insert_id": "other id",
        "action": "other action",
    }[column]

    def found(columns: Mapping[str, str], *, stored: bool) -> dict[str, object]:
        actions = Table(events / "actions", columns)
        store = events / "store.duckdb" if stored else None
        return (
            Analysis(Spenders, exposures=events / "exposures", actions=actions, store=store)
            .run()
            .to_dict()
        )

    for columns in ({}, {column: other}, {}, {column: other}):
        assert [*differences(found(columns, stored=False), found(columns, stored=True))] == []


def asking(*metrics: Metric, **plan: Any) -> type[UserExperiment]:
    """One experiment, as it is declared now."""
    return type(
        "Changing",
        (UserExperiment,),
        {
            "name": "everything",
            "salt": "everything",
            "variants": {"0": 0.5, "1": 0.5},
            "metrics": metrics,
            "plan": AnalysisPlan(**plan),
        },
    )


MS = Sum(action="view", property="ms", name="ms")
VIEWS = Conversion(action="view", name="viewers")


def views(*, window: timedelta | None = None, delay: timedelta | None = None) -> Distinct:
    return Distinct(action="view", property="page", name="different", window=window, delay=delay)


def capped(lower: float | None = None, *, upper_percentile: float) -> Sum:
    limits = Winsorize(lower_percentile=lower, upper_percentile=upper_percentile)
    return Sum(action="buy", property="price", name="capped", winsorize=limits)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (asking(MS), asking(Sum(action="view", property="none", name="ms"))),
        (
            asking(Distinct(action="view", property="page", name="different")),
            asking(Distinct(action="view", property="ms", name="different")),
        ),
        (
            asking(Conversion(action="view", name="some", where=prop("ms") > 100)),
            asking(Conversion(action="view", name="some", where=prop("none") > 100)),
        ),
        (asking(views(window=timedelta(days=1))), asking(views(window=timedelta(days=4)))),
        (asking(views()), asking(views(delay=timedelta(days=1)))),
        (
            asking(Funnel(steps=["search", "buy"], within=timedelta(days=1), name="funnel")),
            asking(Funnel(steps=["search", "buy"], within=timedelta(days=3), name="funnel")),
        ),
        (
            asking(Funnel(steps=["view", "search", "buy"], name="funnel")),
            asking(Funnel(steps=["search", "view", "buy"], name="funnel")),
        ),
        (
            asking(Retention(start="view", returning="view", n=1, name="returned")),
            asking(Retention(start="view", returning="view", n=3, name="returned")),
        ),
        (asking(capped(upper_percentile=90)), asking(capped(upper_percentile=50))),
        (asking(capped(upper_percentile=90)), asking(capped(10, upper_percentile=90))),
        (asking(MS, cuped=timedelta(days=5)), asking(MS, cuped=timedelta(days=3))),
        (asking(MS), asking(MS, covariates=["country"])),
        (
            asking(MS, VIEWS, cuped=timedelta(days=5)),
            asking(MS, VIEWS, cuped=timedelta(days=5), covariates=[VIEWS]),
        ),
    ],
)
def test_a_question_of_the_same_form_is_another_one(
    events: Path, one: type[UserExperiment], other: type[UserExperiment]
) -> None:
    for experiment in (one, other, one, other):
        check(events, experiment)


def buy_late(events: Path) -> None:
    """Units that viewed something on an early day turn out to have bought something then."""
    early = pq.ParquetFile(files(events, "actions")[2]).read().to_pylist()
    late = [row | {"insert_id": f"late {n}", "action": "buy"} for n, row in enumerate(early)]
    write(late, events / "actions", "late")


def told_late(result: Result) -> list[str]:
    """It is told only of an experiment of which something was known."""
    return [each for each in result.warnings if "had happened" in each]


def test_what_comes_too_late_is_told(events: Path) -> None:
    check(events)
    buy_late(events)
    (told,) = told_late(check(events))
    assert "more than 3 days after they had happened. They count" in told


@pytest.mark.parametrize("moved", [False, True])
def test_what_is_known_stays_so_when_another_experiment_needs_more(
    events: Path, moved: bool
) -> None:
    check(events, Buyers)
    if moved:
        old = files(events, "actions")[1]
        old.rename(old.with_name("moved.parquet"))
    check(events, Spenders)
    buy_late(events)
    assert len(told_late(check(events, Buyers))) == 1
    assert len(told_late(check(events, Spenders))) == 1


def test_what_is_known_is_found_anew_if_events_are_gone_when_another_needs_more(
    events: Path,
) -> None:
    check(events, Buyers)
    files(events, "actions")[4].unlink()
    check(events, Spenders)
    check(events, Buyers)


def test_events_without_ids_are_read_anew_for_an_experiment_that_needs_more(events: Path) -> None:
    for file in files(events, "actions"):
        pq.write_table(pq.ParquetFile(file).read().drop_columns(["insert_id"]), file)
    check(events, Buyers)
    check(events, Spenders)
    check(events, Buyers)


def test_a_killed_run_leaves_a_store_that_the_next_one_uses(events: Path, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from tests.analysis.store.test_store import Everything, run\n"
        "print('begins', flush=True)\n"
        "run(Path(sys.argv[1]), Everything)\n"
    )
    root = Path(__file__).parents[3]
    for round_ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", program, str(events), str(root)],
            stdout=subprocess.PIPE,
            cwd=tmp_path,
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.3 * round_)
            process.kill()
    check(events, Everything)


def test_a_store_that_cannot_grow_says_so_and_goes_on_once_it_can(events: Path) -> None:
    program = (
        "import resource, sys; sys.path.insert(0, sys.argv[2])\n"
        "from pathlib import Path\n"
        "from abkit.errors import AnalysisError\n"
        "from tests.analysis.store.test_store import Everything, run\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))\n"
        "try:\n"
        "    run(Path(sys.argv[1]), Everything)\n"
        "except AnalysisError as error:\n"
        "    print(error)\n"
    )
    root = Path(__file__).parents[3]
    for _ in range(2):
        said = subprocess.run(
            [sys.executable, "-c", program, str(events), str(root)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        assert "cannot be written to (File too large): make room, or give the store another" in said
    check(events, Everything)


def test_a_store_that_another_process_has_is_refused(
    events: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(events)
    monkeypatch.setattr("abkit.analysis.store.file.engine.PATIENCE", 0.2)
    program = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(events / "store.duckdb")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with pytest.raises(AnalysisError, match="is in use by another process: wait for its end"):
            run(events)
        process.kill()
    check(events)


def test_what_is_no_store_is_refused(events: Path) -> None:
    def stored(store: object, **sources: object) -> Analysis:
        found = {"exposures": events / "exposures", "actions": events / "actions", **sources}
        return Analysis(Buyers, store=store, **found)  # type: ignore[arg-type]

    with pytest.raises(AnalysisError, match="a store in memory would keep nothing: give it a file"):
        stored(":memory:")
    (events / "link.duckdb").symlink_to("/nowhere/store.duckdb")
    with pytest.raises(AnalysisError, match="a link to a file that does not exist: remove it, or"):
        stored(events / "link.duckdb").run()
    with pytest.raises(AnalysisError, match="^/dev/null is no file: a store is one, such as store"):
        stored("/dev/null").run()
    (events / "text.duckdb").write_text("this is a text")
    with pytest.raises(AnalysisError, match="is a file of something else: give the store a file"):
        stored(events / "text.duckdb").run()
    with duckdb.connect(str(events / "other.duckdb")) as other:
        other.execute("create table orders (id integer)")
    with pytest.raises(AnalysisError, match="a database of something else: give the store a file"):
        stored(events / "other.duckdb").run()
    with duckdb.connect(str(events / "layout.duckdb")) as other:
        other.execute("create table layout (format integer); create table orders (id integer)")
    with pytest.raises(AnalysisError, match="a database of something else: give the store a file"):
        stored(events / "layout.duckdb").run()
    with duckdb.connect(str(events / "layout.duckdb")) as other:
        assert other.execute("select count(*) from orders").fetchall() == [(0,)]
    with closing(sqlite3.connect(events / "events.db")) as sqlite, sqlite:
        sqlite.execute("create table orders (id integer)")
    with pytest.raises(AnalysisError, match="is a file of something else: give the store a file"):
        stored(events / "events.db").run()
    for place in (events / "exposures" / "store.parquet", "s3://bucket/events/store.csv"):
        with pytest.raises(AnalysisError, match="would be read as a file of events by its name"):
            stored(place)
    with pytest.raises(
        AnalysisError, match=r"is a folder: a store is a file, such as .*store\.duck"
    ):
        stored(events).run()
    with pytest.raises(AnalysisError, match="is in a folder that does not exist"):
        stored(events / "nowhere" / "store.duckdb").run()
    for name in (7, ""):
        with pytest.raises(AnalysisError, match="a store is a file or its URL, such as Store"):
            stored(name)
    with pytest.raises(AnalysisError, match="late must be a length of time"):
        Store("x.duckdb", late=3)  # type: ignore[arg-type]
    frame = pl.DataFrame({"experiment": ["everything"]})
    with pytest.raises(AnalysisError, match="not the DataFrame: give the path of files"):
        stored(events / "store.duckdb", exposures=frame).run()
    with pytest.raises(AnalysisError, match="with engine=, a store is a schema of its database"):
        stored(events / "store.duckdb", engine=duckdb.connect()).run()
    (events / "empty").mkdir()
    with pytest.raises(EmptyDataError):
        stored(events / "store.duckdb", exposures=events / "empty").run()


def test_a_store_that_is_damaged_may_be_removed(events: Path) -> None:
    run(events)
    store = events / "store.duckdb"
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    with pytest.raises(AnalysisError, match="cannot be opened as a store, which may be removed"):
        run(events)
    store.unlink()
    check(events)


def test_a_store_of_which_a_block_is_damaged_says_so_if_it_is_needed(events: Path) -> None:
    expected = check(events).to_dict()
    store = events / "store.duckdb"
    whole = store.read_bytes()
    blocks = range(3 << 12, len(whole), 1 << 18)
    said = []
    for block in blocks:
        store.write_bytes(whole[:block] + b"\xff" * 512 + whole[block + 512 :])
        try:
            assert [*differences(expected, run(events).to_dict())] == []
        except AnalysisError as error:
            said.append(str(error))
    assert said
    assert all("is damaged: remove" in each or "may be removed: it is" in each for each in said)
    store.unlink()
    check(events)


def test_a_new_file_that_cannot_be_read_is_told_and_leaves_the_store_as_it_is(events: Path) -> None:
    run(events)
    bad = files(events, "actions")[0].with_name("bad.parquet")
    bad.write_bytes(b"PAR1 and no more")
    with pytest.raises(AnalysisError, match=r"bad\.parquet is not a whole Parquet file"):
        run(events)
    bad.unlink()
    table = events / "actions" / "table.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(AnalysisError, match=r"has files of several formats \(csv, parquet\)"):
        run(events)
    table.unlink()
    check(events)
