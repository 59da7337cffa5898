"""The project's experiments and sticky store, for the commands: a module as any other."""

from typing import Any

from abkit.errors import ConfigError
from abkit.integrations.django.apps import abkit_app


def __getattr__(name: str) -> Any:
    if name not in {"ACTIVE_EXPERIMENTS", "sticky_store"}:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    app = abkit_app()
    if app.problems:
        raise ConfigError(" ".join(app.problems))
    return app.experiments if name == "ACTIVE_EXPERIMENTS" else app.configuration.sticky_store
