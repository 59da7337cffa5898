"""What all tests share: the reference material, where it exists, a manager of their own, a Spark, an S3."""

import gc
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import hypothesis
import pytest

from abkit import ExperimentManager

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from .sinks.mariadb import MariaDBServer

# A busy machine is no reason to fail. CI has the same examples each time, so that it says something about
# the change; elsewhere each run looks for new ones. `make coverage` looks at more of them.
hypothesis.settings.register_profile(
    "abkit",
    deadline=None,
    derandomize=os.environ.get("CI") == "true",
    max_examples=int(os.environ.get("ABKIT_EXAMPLES", "40")),
)
hypothesis.settings.load_profile("abkit")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def shared_file(relative: str) -> Path:
    """A file of the reference material; skips where there is none, except in CI."""
    path = SHARED / relative
    if not path.exists():
        reason = f"the reference material has no {relative} here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


LONGEST = (
    "tests/examples/",
    "tests/analysis/test_same_numbers.py",
    "tests/analysis/engines/test_spark.py",
    "tests/analysis/engines/test_choose.py",
    "tests/analysis/store/test_spark_store.py",
    "tests/experiments/in_bulk/test_sql.py",
    "tests/analysis/query/test_where.py",
    "tests/frontend/",
    "tests/panel/",
    "tests/analysis/presentation/",
    "tests/analysis/findings/",
    "tests/cli/",
    "tests/exposure/",
    "tests/docs/",
    "tests/testing/",
)
"""Where the longest files are. They come first, so that no worker is left with one at the end."""

WITH_SPARK = LONGEST[1:7]
"""One worker runs them all: a Spark takes seconds to start, and longer to become fast."""


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Let no garbage collection look through the modules and thousands of tests, which stay to the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In workers, put the longest files first; each worker must have the same order."""
    if not hasattr(config, "workerinput"):
        return

    def place(item: pytest.Item) -> int:
        found = (n for n, start in enumerate(LONGEST) if item.nodeid.startswith(start))
        return next(found, len(LONGEST))

    items.sort(key=place)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file is run by one worker, in the order above; the files that need Spark by the same one."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class LongestFirst(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return WITH_SPARK[0] if file in WITH_SPARK else file

    config.option.loadscopereorder = False  # xdist would begin with the files of most tests
    return LongestFirst(config, log)


@pytest.fixture
def planout_vectors() -> list[dict[str, Any]]:
    vectors: list[dict[str, Any]] = json.loads(shared_file("vectors/planout.json").read_text())[
        "vectors"
    ]
    return vectors


@pytest.fixture
def manager() -> ExperimentManager:
    """A manager that raises what goes wrong."""
    return ExperimentManager(strict=True)


@pytest.fixture(scope="session")
def spark() -> Iterator[Any]:
    """A Spark session in one thread, which listens on the loopback only; skips where there is none."""
    lacks = None if shutil.which("java") or os.environ.get("JAVA_HOME") else "java"
    try:
        from pyspark.sql import SparkSession
    except ImportError:
        lacks = "pyspark"
    if lacks is not None:
        reason = f"Spark needs {lacks}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        patch.delenv("SPARK_HOME", raising=False)
        patch.setenv(
            "PYSPARK_PYTHON", sys.executable
        )  # else its workers are the first python3 of the path
        session = (
            SparkSession.builder.master("local[1]")
            .appName("abkit")
            .config("spark.driver.host", "127.0.0.1")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.memory", "1g")
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .config("spark.log.level", "OFF")
            .config("spark.sql.shuffle.partitions", "1")
            # It plans again after each stage, and each time writes the whole plan down for the listeners:
            # a third of what Spark does for few rows.
            .config("spark.sql.adaptive.enabled", "false")
            # Compiling each query takes longer than running it over few rows.
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.session.timeZone", "UTC")
            .config("spark.sql.constraintPropagation.enabled", "false")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .getOrCreate()
        )
        yield session
        session.stop()


@pytest.fixture(scope="session")
def mariadb() -> "Iterator[MariaDBServer]":
    """A MariaDB on the loopback; who uses it leaves no table in its database."""
    from .sinks.mariadb import running_mariadb

    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """Debian's Chromium; no longer than a module, because Playwright's event loop is in the way of others."""
    from .chromium import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """An imitation of S3 on the loopback, in a process of its own; skips where there is none."""
    for package in ("moto", "s3fs", "flask"):
        if importlib.util.find_spec(package) is None:
            reason = f"{package} is not installed here (pip install s3fs 'moto[server]')"
            if os.environ.get("CI") == "true":
                pytest.fail(reason)
            pytest.skip(reason)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={
            **os.environ,
            "MOTO_S3_DEFAULT_MAX_KEYS": "30",  # so that listings have several pages
            "S3_UPLOAD_PART_MIN_SIZE": "100000",  # so that small files can be put in parts
        },
    )
    endpoint = f"http://127.0.0.1:{port}"
    until = time.monotonic() + 180  # its imports take long beside others
    while server.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
            break
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    yield endpoint
    server.terminate()
    server.wait()


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of a new bucket, for this process and those that it starts."""
    import fsspec  # type: ignore[import-untyped]

    for name, value in (
        ("AWS_ENDPOINT_URL", s3_endpoint),
        ("AWS_ACCESS_KEY_ID", "k"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ):
        monkeypatch.setenv(name, value)
    fsspec.filesystem("s3").clear_instance_cache()
    bucket = f"bucket-{uuid4().hex}"
    fsspec.filesystem("s3").mkdir(bucket)
    yield f"s3://{bucket}"
    fsspec.filesystem("s3").clear_instance_cache()
