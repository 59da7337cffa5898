"""Real servers and task queues that run one application, and what has arrived when they have ended."""

import http.client
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow.parquet
import pytest
from attrs import frozen

from .programs import environment
from .redis_server import RedisServer, free_port
from .webhook import Destination

REQUESTS = 300
CLIENTS = 6
PATIENCE = 60.0

PROGRAMS = {
    "application.py": """
import os
from pathlib import Path
from urllib.parse import parse_qs
from abkit import ExperimentManager, ExposureLogger, UserExperiment
from webhook import WebhookSink

class Buttons(UserExperiment):
    variants = ["old", "new"]

manager = ExperimentManager(on_event=lambda event: None)
manager.add(Buttons)
if "DESTINATION" in os.environ:
    manager.on_event = ExposureLogger(WebhookSink(os.environ["DESTINATION"]))

def show(query):
    user = parse_qs(query)["user"][0]
    manager.log_exposure(Buttons, user=user)
    return manager.get(Buttons, user=user).encode()

def application(environ, start_response):
    body = show(environ["QUERY_STRING"])
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

async def asgi(scope, receive, send):
    assert scope["type"] == "http"
    body = show(scope["query_string"].decode())
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})

Path(f"ready-{os.getpid()}").touch()
""",
    "gunicorn.conf.py": """
from pathlib import Path

def post_worker_init(worker):  # Before that, a worker may miss the signal that ends it.
    Path(f"ready-{worker.pid}").touch()
""",
    "manage.py": """
import sys
from django.conf import settings
from django.core.management import execute_from_command_line
from django.http import HttpResponse
from django.urls import path

settings.configure(DEBUG=True, ROOT_URLCONF=__name__, SECRET_KEY="x", ALLOWED_HOSTS=["*"])

def view(request):
    import application
    return HttpResponse(application.show(request.META["QUERY_STRING"]))

urlpatterns = [path("", view)]
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
""",
    "tasks.py": """
import os
from abkit import ExposureLogger, UserExperiment, expt_manager
from abkit.sinks.files import FileSink
from celery import Celery
from redis import Redis

class Buttons(UserExperiment):
    variants = ["old", "new"]

expt_manager.add(Buttons)
expt_manager.on_event = lambda event: None
if "EVENTS" in os.environ:
    expt_manager.on_event = ExposureLogger(FileSink(os.environ["EVENTS"]))
app = Celery("tasks", broker=os.environ["BROKER"])
done = Redis.from_url(os.environ["BROKER"])

@app.task
def show(number):
    expt_manager.log_exposure(Buttons, user=f"u{number}")
    done.incr("done")

def show_in_job(number):  # A job's result must not be a task of Celery.
    show(number)
""",
    "work.py": """
import os
import tasks  # As RQ advises: what jobs need is loaded before the work horses are forked.
from redis import Redis
from rq import Worker

Worker(["default"], connection=Redis.from_url(os.environ["BROKER"])).work(logging_level="ERROR")
""",
}


@frozen
class Outcome:
    """How it went.

    Attributes:
        asked: How many requests, or tasks, there were.
        served: How many of them were served.
        delivered: How many of their exposures have arrived.
        seconds: What the server took to end, from the signal on.
    """

    asked: int
    served: int
    delivered: int
    seconds: float


@frozen
class Server:
    """A server and its command line, in which `{port}` stands for the port.

    Attributes:
        name: Of the server.
        command: Its command line.
        ends_by: The signal that ends it.
        in_group: Whether all its processes get the signal, as by Ctrl-C.
        processes: How many say that they are ready, by a file.
    """

    name: str
    command: tuple[str, ...]
    ends_by: signal.Signals = signal.SIGTERM
    in_group: bool = False
    processes: int = 1


def servers() -> list[Server]:
    """Those that are tried; uWSGI may not be installed."""
    python = (sys.executable, "-W", "ignore")
    gunicorn = [*python, "-m", "gunicorn", "application:application", "--bind", "127.0.0.1:{port}"]
    gunicorn += ["--workers", "2", "--timeout", "10", "--log-level", "critical"]
    kinds = ["sync", "gthread", "gevent"]
    if importlib.util.find_spec("gunicorn.workers.geventlet"):  # Later ones have none.
        kinds.append("eventlet")
    found = [
        Server(
            f"gunicorn -k {kind}{preload}",
            (*gunicorn, "-k", kind, *preload.split()),
            processes=3 if preload else 2,
        )
        for kind in kinds
        for preload in ("", " --preload")
    ]
    uvicorn = (*python, "-m", "uvicorn", "application:asgi", "--log-level", "error")
    found += [
        Server(f"uvicorn --workers {count}", (*uvicorn, "--port", "{port}", "--workers", count))
        for count in ("1", "2")
    ]
    runserver = (*python, "manage.py", "runserver", "--skip-checks", "{port}")
    found.append(Server("Django's runserver", runserver, signal.SIGINT, in_group=True))
    beside = Path(sys.executable).with_name("uwsgi")
    uwsgi = [str(beside) if beside.exists() else "uwsgi", "--http-socket", "127.0.0.1:{port}"]
    uwsgi += ["--master", "--processes", "2", "--disable-logging"]
    uwsgi += ["--virtualenv", sys.prefix, "--module", "application"]
    # With --die-on-term a worker that is in a request when it ends runs none of Python's exit handlers.
    uwsgi += ["--hook-master-start", "unix_signal:15 gracefully_kill_them_all"]
    found += [
        Server(f"uwsgi{more}", (*uwsgi, *more.split()), processes=2 if "lazy" in more else 1)
        for more in ("", " --threads 2", " --lazy-apps", " --threads 2 --lazy-apps")
    ]
    return found


def serve(server: Server, directory: Path, *, with_abkit: bool = True) -> Outcome:
    """Ask the server, end it, and look what has arrived."""
    port = free_port()
    command = [part.replace("{port}", str(port)) for part in server.command]
    with Destination() as destination:
        more = {"DESTINATION": destination.address} if with_abkit else {}
        with _running(command, directory, more) as process:
            _wait(lambda: _listens(port), process)
            _wait(lambda: len(list(directory.glob("ready-*"))) >= server.processes, process)
            clients = range(CLIENTS)
            with ThreadPoolExecutor(CLIENTS) as pool:
                served = sum(pool.map(lambda client: _ask(port, client), clients))
            seconds = _end(process, server.ends_by, in_group=server.in_group)
        return Outcome(REQUESTS, served, len(destination.units), seconds)


@frozen
class Queue:
    """A pool of workers that takes tasks from a queue.

    Attributes:
        name: Of the pool.
        command: Its command line.
        tasks: How many tasks it gets.
    """

    name: str
    command: tuple[str, ...]
    tasks: int = REQUESTS


def queues() -> list[Queue]:
    """Celery's pools and RQ's."""
    celery = [sys.executable, "-W", "ignore", "-m", "celery", "-q", "-A", "tasks", "worker"]
    celery += ["-c", "2", "--loglevel", "CRITICAL", "--without-gossip", "--without-mingle"]
    pools = ["prefork", "prefork --max-tasks-per-child 100", "threads", "gevent"]
    found = [Queue(f"Celery, -P {pool}", (*celery, "-P", *pool.split())) for pool in pools]
    found.append(Queue("RQ", (sys.executable, "-W", "ignore", "work.py"), tasks=10))
    return found


def work(
    queue: Queue, redis_server: RedisServer, directory: Path, *, with_abkit: bool = True
) -> Outcome:
    """Give the workers tasks, end them warmly, and look what has arrived."""
    from celery import Celery
    from kombu.exceptions import VersionMismatch
    from rq import Queue as Jobs

    events = directory / "events"
    more = {"BROKER": redis_server.address, **({"EVENTS": str(events)} if with_abkit else {})}
    with redis_server.client() as client:
        client.flushall()
        with Celery(broker=redis_server.address) as app:
            jobs = Jobs(connection=client)
            for number in range(queue.tasks):
                if queue.name == "RQ":
                    jobs.enqueue("tasks.show_in_job", number)
                    continue
                try:
                    app.send_task("tasks.show", (number,))
                except VersionMismatch as error:  # abkit goes along with an older redis.
                    pytest.skip(str(error))

        def done() -> int:
            return int(client.get("done") or 0)

        with _running(queue.command, directory, more) as process:
            _wait(lambda: done() >= queue.tasks, process)
            seconds = _end(process, signal.SIGTERM)
        served = done()
    units = {
        unit
        for path in events.glob("**/*.parquet")
        for unit in pyarrow.parquet.ParquetFile(path).read(["unit_id"])["unit_id"].to_pylist()
    }
    return Outcome(queue.tasks, served, len(units), seconds)


@contextmanager
def _running(
    command: list[str] | tuple[str, ...], directory: Path, more: dict[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """The programs, in a session of their own, of which nothing is left in the end."""
    for name, content in PROGRAMS.items():
        (directory / name).write_text(content)
    variables = environment()
    variables["PYTHONPATH"] += f"{os.pathsep}{directory}"
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command,
            cwd=directory,
            env={**variables, **more},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while not is_so() and time.monotonic() < end and process.poll() is None:
        time.sleep(0.02)


def _end(process: subprocess.Popen[bytes], by: signal.Signals, *, in_group: bool = False) -> float:
    start = time.monotonic()
    with suppress(ProcessLookupError):
        if in_group:
            os.killpg(process.pid, by)
        else:
            process.send_signal(by)
    process.wait(timeout=PATIENCE)
    return time.monotonic() - start


def _listens(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/?user=u0")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _ask(port: int, client: int) -> int:
    """Ask as one of the clients, which divide the users among them; how many requests were served."""
    served = 0
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    for user in range(client, REQUESTS, CLIENTS):
        for _ in range(3):  # A server may close a connection that it has kept open.
            try:
                connection.request("GET", f"/?user=u{user}")
                answer = connection.getresponse()
                answer.read()
            except (ConnectionError, http.client.HTTPException):
                connection.close()
                continue
            served += answer.status == 200
            break
    connection.close()
    return served
