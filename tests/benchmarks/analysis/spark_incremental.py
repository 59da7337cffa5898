"""What a run on Spark moves: without a store, the first one with it, and the one of the next day.

`python -m tests.benchmarks.analysis.spark_incremental`: a master and two workers on this machine, each
with one core. Spark counts the bytes and the processor time of each task.
"""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from attrs import frozen
from rich.console import Console
from rich.table import Table

from abkit.analysis import Analysis, Design, Store

from .days_of_events import Days, link
from .incremental import METRICS, PLAN

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVENTS = Days(
    units=int(os.environ.get("ABKIT_BENCH_UNITS", "200000")),
    days=14,
    before=7,
    experiments=1,
    actions_of_unit=15,
    insert_id="uuid()::varchar",
)
WORKERS, MEMORY = 2, "1200m"


@frozen(kw_only=True)
class Moved:
    """What the tasks of a run did.

    Attributes:
        cpu: Seconds of processor time.
        read: Bytes of files that were read.
        shuffled: Bytes that were written for other tasks.
        written: Bytes of tables that were written.
        tasks: How many there were.
    """

    cpu: float
    read: int
    shuffled: int
    written: int
    tasks: int


def main() -> None:
    """Measure it and print a table."""
    with TemporaryDirectory() as where, _cluster(Path(where)) as master:
        folder = Path(where)
        *_, last = EVENTS.write(folder / "all")
        link(folder / "all", folder / "events", without={last})
        with _session(master, folder) as session:
            session.sql("create schema analytics_abkit")
            found = {"from nothing, all but the last day": _run(session, folder, stored=False)}
            found["the first run with a store"] = _run(session, folder, stored=True)
            link(folder / "all", folder / "events")
            found["from nothing, all days"] = _run(session, folder, stored=False)
            found["the last day with the store"] = _run(session, folder, stored=True)
        Console(width=120).print(_table(found, _actions(folder / "all")))


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    """The URL of a master on the loopback, which has its workers."""
    import pyspark

    home = Path(pyspark.__file__).parent
    started = []
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_DAEMON_MEMORY": "256m",
    }
    spark_class = [str(home / "bin" / "spark-class")]
    roles = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"
    master = "spark://127.0.0.1:17077"
    options = [["--host", "127.0.0.1", "--port", "17077", "--webui-port", "18077"]]
    options += [["--host", "127.0.0.1", "--cores", "1", "--memory", MEMORY, master]] * WORKERS
    try:
        for number, each in enumerate(options):
            started.append(
                subprocess.Popen(
                    [*spark_class, roles[number > 0], *each],
                    env=environment,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            if number == 0:
                _wait_for("http://127.0.0.1:18077/json/")
        yield master
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def _wait_for(url: str) -> None:
    until = monotonic() + 60
    while monotonic() < until:
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310
        except OSError:
            sleep(0.2)
        else:
            return


@contextmanager
def _session(master: str, folder: Path) -> "Iterator[SparkSession]":
    from pyspark.sql import SparkSession

    options = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "2g",
        "spark.executor.memory": "1g",
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        # Of what is read in ranges, Hadoop counts no bytes.
        "spark.hadoop.parquet.hadoop.vectored.io.enabled": "false",
        "spark.ui.port": "14040",
        "spark.ui.retainedStages": "100000",
        "spark.ui.retainedJobs": "100000",
        "spark.ui.retainedTasks": "1000000",
        "spark.ui.showConsoleProgress": "false",
    }
    builder = SparkSession.builder.master(master).appName("abkit")
    for name, value in options.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _run(session: "SparkSession", folder: Path, *, stored: bool) -> Moved:
    before = _moved(session)
    Analysis(
        Design(name="E0", salt="E0", unit_type="user", control="0", metrics=METRICS),
        exposures=folder / "events" / "exposures",
        actions=folder / "events" / "actions",
        plan=PLAN,
        engine=session,
        store=Store(schema="analytics_abkit") if stored else None,
    ).run()
    after = _moved(session)
    return Moved(
        cpu=after.cpu - before.cpu,
        read=after.read - before.read,
        shuffled=after.shuffled - before.shuffled,
        written=after.written - before.written,
        tasks=after.tasks - before.tasks,
    )


def _moved(session: "SparkSession") -> Moved:
    """What the tasks of all stages have done so far."""
    sleep(3)  # until what the listeners have heard is told
    stages = stages_of(session)
    return Moved(
        cpu=sum(stage["executorCpuTime"] for stage in stages) / 1e9,
        read=sum(stage["inputBytes"] for stage in stages),
        shuffled=sum(stage["shuffleWriteBytes"] for stage in stages),
        written=sum(stage["outputBytes"] for stage in stages),
        tasks=sum(stage["numCompleteTasks"] for stage in stages),
    )


def stages_of(session: "SparkSession") -> list[Mapping[str, Any]]:
    """The stages that are complete, as Spark's REST interface tells them."""
    context = session.sparkContext
    url = f"{context.uiWebUrl}/api/v1/applications/{context.applicationId}/stages?status=complete"
    with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310
        found: list[Mapping[str, Any]] = json.load(answer)
    return found


def _actions(folder: Path) -> int:
    import pyarrow.dataset

    return int(pyarrow.dataset.dataset(folder / "actions", format="parquet").count_rows())


def _table(found: Mapping[str, Moved], actions: int) -> Table:
    title = f"Spark, {WORKERS} workers: {EVENTS.units:,} units, {actions:,} actions"
    table = Table(title=title)
    for column in ("", "CPU, s", "read, MB", "shuffled, MB", "written, MB", "tasks"):
        table.add_column(column, justify="left" if not column else "right")
    for what, moved in found.items():
        sizes = (f"{size / 1e6:,.1f}" for size in (moved.read, moved.shuffled, moved.written))
        table.add_row(what, f"{moved.cpu:.1f}", *sizes, str(moved.tasks))
    return table


if __name__ == "__main__":
    main()
