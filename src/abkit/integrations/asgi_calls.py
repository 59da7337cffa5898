"""The application's functions under ASGI: they may be coroutine functions; others run in the thread pool."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from abkit.extras import extra

with extra("starlette"):
    from starlette.concurrency import run_in_threadpool
    from starlette.requests import HTTPConnection


async def call(function: Callable[[Any], Any], request: HTTPConnection) -> Any:
    """What a function gives for a request."""
    if is_async(function):
        return await function(request)
    return await run_in_threadpool(function, request)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether a function, or another object that can be called, must be awaited."""
    called = getattr(function, "__call__", None)  # noqa: B004 - it may be an object with an async one
    return iscoroutinefunction(function) or iscoroutinefunction(called)
