"""Each sticky store keeps what it is given, for as many processes as there are."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from abkit import DeliveryError, ExperimentManager, OrgExperiment
from abkit.events import Event
from abkit.exposure.sticky.redis_store import RedisStickyStore
from abkit.exposure.sticky.sql_store import SqlStickyStore
from abkit.exposure.sticky.store import Choice, MemoryStickyStore, StickyKey
from abkit.exposure.sticky.variants import StickyStats

from ..sinks.mariadb import MariaDBServer
from ..sinks.postgres import PostgresServer, running_server
from .programs import environment
from .redis_server import RedisServer
from .sticky_contract import KEY, StickyContract


class Kept(OrgExperiment):
    variants = ["0", "1"]
    sticky = True


class TestMemory(StickyContract):
    @pytest.fixture
    def store(self) -> MemoryStickyStore:
        return MemoryStickyStore()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder = tmp_path_factory.mktemp("redis")
    with RedisServer(folder, password="hunter2") as running:  # noqa: S106
        yield running


@pytest.fixture
def address(server: RedisServer) -> str:
    with server.client() as client:
        client.flushall()
    return f"redis://:hunter2@127.0.0.1:{server.port}/0"


class TestRedis(StickyContract):
    @pytest.fixture
    def store(self, address: str) -> RedisStickyStore:
        return RedisStickyStore(address, timeout=10)


class TestRedisByAClientThatDecodes(StickyContract):
    @pytest.fixture
    def store(self, address: str) -> RedisStickyStore:
        return RedisStickyStore(redis.Redis.from_url(address, decode_responses=True))


def test_in_redis_a_unit_is_a_key_that_a_person_can_read(address: str) -> None:
    RedisStickyStore(address).set([Choice(KEY, "new")])
    with redis.Redis.from_url(address) as client:
        assert client.keys() == [b'abkit:sticky:["Checkout","org","42"]']
        assert client.ttl('abkit:sticky:["Checkout","org","42"]') == -1


def test_in_redis_a_variant_may_be_kept_for_a_time(address: str) -> None:
    RedisStickyStore(address, keep=3600, prefix="mine:").set([Choice(KEY, "new")])
    with redis.Redis.from_url(address) as client:
        assert 3500 < client.ttl('mine:["Checkout","org","42"]') <= 3600


def test_redis_that_cannot_be_is_refused() -> None:
    with pytest.raises(DeliveryError, match="timeout must be seconds above 0"):
        RedisStickyStore("redis://localhost", timeout=0)
    with pytest.raises(DeliveryError, match="cannot use the address"):
        RedisStickyStore("localhost:6379")


class TestSqlite(StickyContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> Iterator[SqlStickyStore]:
        store = SqlStickyStore(f"sqlite:///{tmp_path / 'sticky.db'}")
        yield store
        store._engine.dispose()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with running_server() as running:
        yield running


class TestPostgres(StickyContract):
    @pytest.fixture
    def store(self, postgres: PostgresServer) -> Iterator[SqlStickyStore]:
        import sqlalchemy as sa

        store = SqlStickyStore(postgres.url)
        yield store
        store._engine.dispose()
        engine = sa.create_engine(postgres.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_sticky"))
        engine.dispose()


class TestMariaDB(StickyContract):
    @pytest.fixture
    def store(self, mariadb: MariaDBServer) -> Iterator[SqlStickyStore]:
        import sqlalchemy as sa

        store = SqlStickyStore(mariadb.url)
        yield store
        store._engine.dispose()
        engine = sa.create_engine(mariadb.url)
        with engine.begin() as connection:
            connection.execute(sa.text("DROP TABLE IF EXISTS abkit_sticky"))
        engine.dispose()


def test_an_sql_store_that_cannot_be_is_refused() -> None:
    with pytest.raises(DeliveryError, match="PostgreSQL, SQLite, MySQL or MariaDB, not in oracle"):
        SqlStickyStore("oracle://host/name")
    with pytest.raises(DeliveryError, match="the URL cannot be used"):
        SqlStickyStore("no url")


def test_a_table_that_exists_is_used_by_who_may_not_create_one(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sticky.db'}"
    SqlStickyStore(url).set([Choice(KEY, "new")])
    assert SqlStickyStore(url, create=False).get(KEY) == "new"


def _in_a_child(store: Any, key: StickyKey) -> int:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            found = store.get(KEY)
            store.set([Choice(key, "of the child")])
            status = 0 if found == "new" else 2
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_has_connections_of_its_own(address: str, tmp_path: Path) -> None:
    other = KEY._replace(unit_id="43")
    for store in (
        RedisStickyStore(address),
        SqlStickyStore(f"sqlite:///{tmp_path / 'sticky.db'}"),
    ):
        store.set([Choice(KEY, "new")])
        assert _in_a_child(store, other) == 0
        assert store.get(KEY) == "new"
        assert store.get(other) == "of the child"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_forked_child_asks_and_keeps_by_threads_of_its_own(tmp_path: Path) -> None:
    store = SqlStickyStore(f"sqlite:///{tmp_path / 'sticky.db'}")
    manager = ExperimentManager(strict=True, on_event=list[Event]().append)
    manager.use_sticky_store(store, timeout=60)
    manager.add(Kept)
    assert manager.sticky is not None
    manager.log_exposure(Kept, org=1)
    assert manager.sticky.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            manager.log_exposure(Kept, org=2)
            kept = manager.sticky.flush()
            status = (
                0 if kept and manager.sticky.stats == StickyStats(looked_up=1, written=1) else 2
            )
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.get(StickyKey("Kept", "org", "2")) == manager.get(Kept, org=2)


def test_what_was_exposed_is_kept_though_the_program_ends_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'sticky.db'}"
    program = f"""
import os
from abkit import ExperimentManager, OrgExperiment
from abkit.exposure.sticky.sql_store import SqlStickyStore

class Kept(OrgExperiment):
    variants = ["0", "1"]
    sticky = True

manager = ExperimentManager(on_event=list().append)
manager.use_sticky_store(SqlStickyStore({url!r}), timeout=60)
manager.add(Kept)
for org in range(100):
    manager.log_exposure(Kept, org=org)
"""
    for ending in ("", "os._exit(0)"):
        subprocess.run([sys.executable, "-c", program + ending], check=True, env=environment())
        store = SqlStickyStore(url)
        assert all(store.get(StickyKey("Kept", "org", str(org))) for org in range(100))
        (tmp_path / "sticky.db").unlink()
