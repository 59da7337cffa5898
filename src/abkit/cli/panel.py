"""abkit panel: every experiment in the browser."""

import secrets
import socket
import threading
import webbrowser
from os import environ
from pathlib import Path
from urllib.parse import quote

import click

from abkit.cli.config import (
    config_option,
    configured_manager,
    required_events,
    settings_option,
    stored_events_option,
)
from abkit.cli.failing import CommandError, one_line_errors
from abkit.cli.settings_changes import audit_log_option, settings_writer, user
from abkit.extras import extra

PORT = 8424
"""Where the panel listens, if nobody else does; else at any free port."""


@click.command()
@stored_events_option
@config_option
@settings_option
@audit_log_option
@click.option(
    "--keep",
    metavar="DIR",
    help="Folder in which what was read is kept. Default: abkit/panel in your cache folder.",
)
@click.option("--port", type=click.IntRange(0, 65_535), help=f"Default: {PORT}, or any free one.")
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
def panel(
    events: str | None,
    config: str | None,
    *,
    settings: str | None,
    audit_log: str | None,
    keep: str | None,
    port: int | None,
    no_browser: bool,
) -> None:
    """Show every experiment in the browser, and answer what is asked of it.

    With --settings one can also act: roll back, roll out, ramp. It listens on this machine only. The address
    has a token: who does not know it sees nothing.
    """
    with one_line_errors():
        with extra("panel"):
            import uvicorn
        from abkit.panel import Panel, StoredSource
        from abkit.panel.asgi import application

        manager = configured_manager(config, settings)
        source = StoredSource(manager, events=required_events(events))
        changes = None if settings is None else settings_writer(settings, audit_log)
        shown = Panel(source, changes=changes, keep=_cache() if keep is None else keep)
        token = secrets.token_urlsafe(24)
        listening = _listening(port)
    address = f"http://127.0.0.1:{listening.getsockname()[1]}/?token={quote(token)}"
    click.echo(f"The panel: {address}")
    click.echo("Ctrl-C ends it.")
    if not no_browser:
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
