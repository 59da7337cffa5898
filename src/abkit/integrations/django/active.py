"""The project's experiments, for the commands: a module with ACTIVE_EXPERIMENTS as any other."""

from typing import Any

from abkit.errors import ConfigError
from abkit.integrations.django.apps import abkit_app


def __getattr__(name: str) -> Any:
    if name != "ACTIVE_EXPERIMENTS":
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    app = abkit_app()
    if app.problems:
        raise ConfigError(" ".join(app.problems))
    return app.experiments
