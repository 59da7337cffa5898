"""Real servers and task queues, set up as the README says: all is served, all is delivered."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from .redis_server import RedisServer
from .servers import Queue, Server, queues, serve, servers, work

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.mark.parametrize("server", servers(), ids=lambda server: server.name)
def test_a_server_serves_all_and_delivers_all(server: Server, tmp_path: Path) -> None:
    if shutil.which(server.command[0]) is None:
        pytest.skip("there is no uWSGI here (pip install uwsgi, which needs a C compiler)")
    outcome = serve(server, tmp_path)
    log = (tmp_path / "log").read_text()
    assert (outcome.served, outcome.delivered) == (outcome.asked, outcome.asked), log


@pytest.mark.parametrize("queue", queues(), ids=lambda queue: queue.name)
def test_workers_deliver_what_all_their_tasks_have_exposed(
    queue: Queue, redis_server: RedisServer, tmp_path: Path
) -> None:
    outcome = work(queue, redis_server, tmp_path)
    log = (tmp_path / "log").read_text()
    assert (outcome.served, outcome.delivered) == (outcome.asked, outcome.asked), log
