"""abkit panel: every experiment in the browser."""

import secrets
import socket
import threading
import webbrowser
from os import environ
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from abkit.cli.config import (
    config_option,
    configured_manager,
    settings_option,
    stored_events_option,
)
from abkit.cli.databases import (
    actions_option,
    engine_option,
    exposures_option,
    identities_option,
    stored_source,
)
from abkit.cli.failing import CommandError, one_line_errors
from abkit.cli.settings_changes import audit_log_option, settings_writer, user
from abkit.extras import extra
from abkit.file_systems import is_url

PORT = 8424
"""Where the panel listens, if nobody else does; else at any free port."""


@click.command()
@stored_events_option
@engine_option
@exposures_option
@actions_option
@identities_option
@config_option
@settings_option
@audit_log_option
@click.option(
    "--keep",
    metavar="DIR",
    help="Folder in which what was read is kept. Default: abkit/panel in your cache folder.",
)
@click.option(
    "--results",
    metavar="DIR",
    help="Folder of results that were stored with `abkit analyze --json`. Default: `results` in "
    "[tool.abkit] of pyproject.toml.",
)
@click.option("--port", type=click.IntRange(0, 65_535), help=f"Default: {PORT}, or any free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def panel(**options: Any) -> None:
    """Show every experiment in the browser, and answer what is asked of it.

    With --settings one can also act: roll back, roll out, ramp. It listens on this machine only. The address
    has a token: who does not know it sees nothing.
    """
    with one_line_errors():
        with extra("panel"):
            import uvicorn
        from abkit.panel import Panel
        from abkit.panel.asgi import application

        settings = options["settings"]
        manager = configured_manager(options["config"], settings)
        source = stored_source(manager, options)
        changes = None
        if settings is not None and not is_url(settings):  # What is at a URL is only read.
            changes = settings_writer(settings, options["audit_log"])
        keep = _cache() if options["keep"] is None else options["keep"]
        shown = Panel(source, changes=changes, keep=keep, results=options["results"])
        token = secrets.token_urlsafe(24)
        listening = _listening(options["port"])
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/?token={quote(token)}"
    click.echo(f"The panel: {address}")
    click.echo("Ctrl-C ends it.")
    if not options["no_browser"]:
        threading.Timer(0.5, webbrowser.open, [address]).start()
    server = uvicorn.Server(
        uvicorn.Config(
            application(shown, token=token, name=user()), log_level="warning", access_log=False
        )
    )
    try:
        server.run(sockets=[listening])
    finally:
        shown.close()


def _cache() -> Path:
    """Where programs of this user keep what can be made again."""
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "abkit" / "panel"


def _listening(port: int | None) -> socket.socket:
    """A socket on loopback.

    Raises:
        CommandError: The port that was asked for is taken.
    """
    for each in [PORT, 0] if port is None else [port]:
        try:
            return socket.create_server(("127.0.0.1", each))
        except OSError as error:
            if port is not None:
                message = (
                    f"port {port} cannot be listened at: {error.strerror}; give another --port"
                )
                raise CommandError(message) from error
    message = "no port of this machine is free"
    raise CommandError(message)
