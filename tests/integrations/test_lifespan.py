"""What has been logged is delivered before an ASGI server stops."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette

from abkit import ExperimentManager, ExposureLogger
from abkit.integrations.django.asgi import flushed_at_shutdown
from abkit.integrations.lifespan import flush
from abkit.integrations.starlette import Abkit
from abkit.sinks.base import BatchLimits
from abkit.sinks.memory import MemorySink

from .declared import ShowPlugins

SLOW = BatchLimits(count=1_000, age=3_600.0)


async def live(application: Any) -> list[MutableMapping[str, Any]]:
    """Start and stop an application, as servers do; what it says to that."""
    heard = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
    said: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return next(heard)

    async def send(message: MutableMapping[str, Any]) -> None:
        said.append(message)

    await application({"type": "lifespan", "state": {}}, receive, send)
    return said


@pytest.fixture
def sink() -> MemorySink:
    return MemorySink()


@pytest.fixture
def manager(sink: MemorySink) -> ExperimentManager:
    logger = ExposureLogger(sink, limits=SLOW)
    manager = ExperimentManager(on_event=logger, strict=True)
    manager.add(ShowPlugins)
    manager.log_exposure(ShowPlugins, org=1)
    return manager


def test_django(manager: ExperimentManager, sink: MemorySink) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "from within"})

    wrapped = flushed_at_shutdown(application, manager=manager)
    said = [message["type"] for message in asyncio.run(live(wrapped))]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(sink.exposures) == 1


def test_django_serves_all_else_itself() -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        said.append(scope["type"])

    async def visit() -> None:
        async def nothing(*_: Any) -> Any: ...

        await flushed_at_shutdown(application)({"type": "http"}, nothing, nothing)

    said: list[str] = []
    asyncio.run(visit())
    assert said == ["http"]


def test_starlette_after_the_applications_own_lifespan(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[dict[str, str]]:
        yield {"own": "state"}
        manager.log_exposure(ShowPlugins, org=2)

    app = Starlette(lifespan=own)
    Abkit(manager=manager).init_app(app)
    said = [message["type"] for message in asyncio.run(live(app))]
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert len(sink.exposures) == 2


def test_starlette_whose_own_lifespan_fails(manager: ExperimentManager, sink: MemorySink) -> None:
    @asynccontextmanager
    async def own(app: Starlette) -> AsyncIterator[Any]:
        yield 1 / int(app.debug)

    app = Starlette(lifespan=own)
    Abkit(manager=manager).init_app(app)
    with pytest.raises(ZeroDivisionError):
        asyncio.run(live(app))
    assert len(sink.exposures) == 1


def test_a_logger_that_the_application_has_closed_is_no_problem(
    manager: ExperimentManager, sink: MemorySink
) -> None:
    logger: Any = manager.on_event
    logger.close()
    flush(manager)
    assert len(sink.exposures) == 1


def test_a_callable_that_cannot_be_flushed_is_no_problem() -> None:
    flush(ExperimentManager())
    flush(ExperimentManager(on_event=print))
