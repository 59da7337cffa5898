"""A browser in the process of an ASGI application."""

import asyncio
from typing import Any

import httpx
from starlette.applications import Starlette


class Client:
    """A browser with cookies, in the process of the application."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._cookies = httpx.Cookies()

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return asyncio.run(self._request(method, path, **options))

    def get(self, path: str) -> httpx.Response:
        return self.request("GET", path)

    def set_cookie(self, name: str, value: str) -> None:
        """Set a cookie in the place of all of that name."""
        for each in [each for each in self._cookies.jar if each.name == name]:
            self._cookies.jar.clear(each.domain, each.path, each.name)
        self._cookies.set(name, value, domain="testserver.local")

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self._app),
            base_url="http://testserver",
            cookies=self._cookies,
        ) as client:
            answer = await client.request(method, path, **options)
            self._cookies = client.cookies
            return answer
