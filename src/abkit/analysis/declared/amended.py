"""What was changed in how an experiment is judged, according to the lock beside its project."""

from pathlib import Path

from abkit.errors import ConfigError
from abkit.experiments.checking.lock import LOCK_FILE, read_lock
from abkit.experiments.checking.registration import Amendment, amendments
from abkit.pyproject import tool_table


def amended(name: str) -> tuple[Amendment, ...]:
    """The changes of how an experiment is judged, the oldest first; none where there is no lock.

    The lock is `experiments.lock.json` in the folder of the nearest pyproject.toml, or in the current one.

    Args:
        name: The experiment's name.

    Raises:
        ConfigError: The lock cannot be read.
    """
    project = tool_table().path
    path = (Path.cwd() if project is None else project.parent) / LOCK_FILE
    if not path.is_file():
        return ()
    try:
        return amendments(read_lock(path).get(name, {}).get("judged", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        message = (
            f"{path} cannot be read ({error}); restore it, or delete it and "
            "write it anew: abkit check --update"
        )
        raise ConfigError(message) from None
