"""Real servers: what browsers send arrives exactly once, whatever else is sent to them."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from abkit.integrations.endpoint import PATH

from .conftest import PROJECT
from .endpoint_contract import PLUGINS, says

HERE = Path(__file__).parent
COMMON = """
import os, time
from abkit import ExperimentManager, ExposureLogger, OrgExperiment
from abkit.sinks.files import FileSink

class ShowPlugins(OrgExperiment):
    variants = ["0", "1"]

exposures = ExposureLogger(FileSink(os.environ["EVENTS"], format="jsonl"))
manager = ExperimentManager(on_event=exposures)
manager.add(ShowPlugins)
"""
FLASK = f"""{COMMON}
from flask import Flask, session
from abkit.integrations.flask import Abkit

application = Flask(__name__)
application.secret_key = "a secret of the tests"
Abkit(application, manager=manager, subjects=lambda request: {{"org": session.get("org")}})

@application.get("/sign-in/<username>/<org>/")
def sign_in(username, org):
    session["org"] = org
    return ""

@application.get("/pid/")
def worker():
    time.sleep(0.02)
    return str(os.getpid())
"""
STARLETTE = f"""{COMMON}
from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from abkit.integrations.starlette import Abkit

async def sign_in(request):
    request.session["org"] = request.path_params["org"]
    return PlainTextResponse("")

async def worker(request):
    return PlainTextResponse(str(os.getpid()))

application = Starlette(
    routes=[Route("/sign-in/{{username}}/{{org}}/", sign_in), Route("/pid/", worker)]
)
Abkit(manager=manager, subjects=lambda request: {{"org": request.session.get("org")}}).init_app(
    application
)
application.add_middleware(SessionMiddleware, secret_key="a secret of the tests")
"""
GUNICORN = ["gunicorn", "--preload", "--workers", "2", "--log-level", "error", "--bind"]
UVICORN = ["uvicorn", "--log-level", "error", "--port"]
SERVERS = {
    "Django under gunicorn": (GUNICORN, "shop.wsgi:application", ""),
    "Django under uvicorn": (UVICORN, "shop.asgi:application", ""),
    "Flask under gunicorn": (GUNICORN, "served:application", FLASK),
    "Starlette under uvicorn": (UVICORN, "served:application", STARLETTE),
}


@frozen
class Server:
    name: str
    process: subprocess.Popen[bytes]
    port: int
    events: Path

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Any:
        """The answer and its text; the server may not have begun to listen yet."""
        for _ in range(400):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
            try:
                connection.request(method, path, body, headers)
                answer = connection.getresponse()
                return answer, answer.read().decode()
            except ConnectionRefusedError:
                time.sleep(0.05)
            finally:
                connection.close()
        raise AssertionError("the server does not answer")

    def sign_in(self, org: str) -> tuple[str, str]:
        """The cookies of a session, and its CSRF token."""
        answer, token = self.ask("GET", f"/sign-in/member/{org}/")
        cookies = [each.partition(";")[0] for each in answer.headers.get_all("Set-Cookie")]
        return "; ".join(cookies), token

    def send(self, org: str, cookies: str, token: str) -> int:
        """Send a beacon; the status of the answer."""
        body = says({**PLUGINS, "unitId": org, "csrfToken": token})
        headers = {"Cookie": cookies, "Content-Type": "text/plain;charset=UTF-8"}
        status: int = self.ask("POST", PATH, body, **headers)[0].status
        return status

    def stop(self) -> Counter[str]:
        """Stop the server as an orchestrator does; how often each organization was exposed."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        lines = [
            line
            for file in self.events.glob("exposures/*/*.jsonl")
            for line in file.read_text().splitlines()
        ]
        return Counter(json.loads(line)["unit_id"] for line in lines)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, django: Path, tmp_path: Path) -> Iterator[Server]:
    command, application, source = SERVERS[request.param]
    (tmp_path / "served.py").write_text(source)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    where = f"127.0.0.1:{port}" if command is GUNICORN else str(port)
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", *command, where, application],
        cwd=tmp_path,
        env={
            **os.environ,
            "DATABASE": str(django),
            "EVENTS": str(tmp_path / "events"),
            "PYTHONPATH": str(PROJECT),
            "DJANGO_SETTINGS_MODULE": "shop.settings",
        },
    )
    yield Server(request.param, process, port, tmp_path / "events")
    process.kill()
    process.wait()


def test_each_exposure_arrives_once_from_whichever_worker(server: Server) -> None:
    orgs = [f"org-{number}" for number in range(40)]
    sessions = [server.sign_in(org) for org in orgs]
    with ThreadPoolExecutor(8) as visitors:
        statuses = [*visitors.map(lambda org, found: server.send(org, *found), orgs, sessions)]
        workers = {*visitors.map(lambda _: server.ask("GET", "/pid/")[1], range(60))}
    assert {*statuses} == {204}
    assert len(workers) == (2 if "gunicorn" in server.name else 1)
    assert server.stop() == dict.fromkeys(orgs, 1)


def test_what_is_hostile_is_refused_and_the_server_serves_on(server: Server) -> None:
    cookies, token = server.sign_in("42")
    headers = {"Cookie": cookies, "Content-Type": "text/plain"}
    assert announced(server, cookies) == 413
    assert in_pieces(server, cookies) in {400, 413, None}
    assert server.ask("POST", PATH, b"[" * 60_000, **headers)[0].status == 400
    assert server.send("43", cookies, token) == 403
    assert server.send("42", cookies, token) == 204
    assert server.stop() == {"42": 1}


def announced(server: Server, cookies: str) -> int | None:
    """Announce ten megabytes, and send the first bytes of them."""
    # Under ASGI, Django itself reads a body before it calls a view.
    size = 10_000_000 if server.name == "Django under uvicorn" else 100
    return raw(server, cookies, "Content-Length: 10000000", b"A" * size)


def in_pieces(server: Server, cookies: str) -> int | None:
    """Send ten megabytes in chunks, without announcing how many."""
    chunk = b"10000\r\n" + b"A" * 0x10000 + b"\r\n"
    return raw(server, cookies, "Transfer-Encoding: chunked", chunk * 160 + b"0\r\n\r\n")


def raw(server: Server, cookies: str, header: str, body: bytes) -> int | None:
    """The status of the answer; None if the server closes the connection while it is sent to."""
    lines = [
        f"POST {PATH} HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}",
        f"Cookie: {cookies}",
        "Content-Type: text/plain",
        header,
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        try:
            connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
            answer = connection.recv(1_000)
        except ConnectionError:
            return None
    return int(answer.split()[1]) if answer else None
