"""Changes without a deploy: switch an experiment off, ramp it, conclude it, force units.

Settings are a mapping by experiment name, in a TOML or JSON file or from the application:

    [ShowPluginsExperiment]
    enabled = false
    rollout = 0.5
    winner = "1"
    forced = { "1" = ["acme"] }

They never change what a hash means: no salt, no variants, no weights.
"""

import json
import logging
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from abkit.errors import ConfigError, DeclarationError
from abkit.experiments.declaration import Declaration, check_rollout, forced_units

logger = logging.getLogger("abkit")

KEYS = ("enabled", "rollout", "winner", "forced")

Settings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By experiment name, any of the KEYS."""

NOTHING: Settings = MappingProxyType({})


class SettingsSource(Protocol):
    """Where settings come from."""

    def read(self) -> Settings | None:
        """The settings as they are now; None if they are what they were at the last call.

        Raises:
            ConfigError: They cannot be read; what was read last stays in force.
        """
        ...


class SettingsFile:
    """Settings in a TOML or a JSON file; a file that does not exist has none.

    Args:
        path: The file; its name ends with .toml or .json.

    Raises:
        ConfigError: The name ends otherwise.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        if self.path.suffix not in {".toml", ".json"}:
            message = f"A settings file is called .toml or .json, not {self.path.name!r}"
            raise ConfigError(message)
        self._stamp: _Stamp | None = None

    def read(self) -> Settings | None:
        """As `SettingsSource.read`; it costs one `stat` if the file has not changed."""
        stamp = _Stamp.of(self.path)
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        return parse(self.path)

    def __repr__(self) -> str:
        return f"SettingsFile({str(self.path)!r})"


@frozen
class _Stamp:
    """What changes when a file does."""

    modified: int
    size: int
    inode: int

    @classmethod
    def of(cls, path: Path) -> "_Stamp":
        try:
            status = path.stat()
        except FileNotFoundError:
            return cls(0, -1, 0)
        except OSError as error:
            message = f"{path} cannot be read: {error.strerror}"
            raise ConfigError(message) from error
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


class SettingsMapping:
    """Settings that the application keeps; it may change the mapping at any time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._last: Settings | None = None

    def read(self) -> Settings | None:
        """As `SettingsSource.read`."""
        now = {name: dict(keys) for name, keys in checked(self._settings, "settings").items()}
        if now == self._last:
            return None
        self._last = now
        return now

    def __repr__(self) -> str:
        return f"SettingsMapping of {len(self._settings)} experiments"


def parse(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        ConfigError: It is no settings file; the message says where it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return NOTHING
    except (OSError, UnicodeDecodeError) as error:
        message = f"{path} cannot be read: {error}"
        raise ConfigError(message) from error
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text or "{}")
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        message = f"{path} is no {path.suffix[1:].upper()}: {error}"
        raise ConfigError(message) from error
    return checked(found, str(path))


def checked(found: Any, where: str) -> Settings:
    """Settings whose form is right; whether an experiment can have them is for `apply` to say.

    Raises:
        ConfigError: The form is another one.
    """
    if not isinstance(found, Mapping):
        message = f"{where} must be a table by experiment name, not {found!r}"
        raise ConfigError(message)
    for name, keys in found.items():
        if not isinstance(keys, Mapping):
            message = f"{where}: {name} must be a table with {', '.join(KEYS)}, not {keys!r}"
            raise ConfigError(message)
        unknown = [key for key in keys if key not in KEYS]
        if unknown:
            message = (
                f"{where}: {name} has {unknown[0]!r}, which settings cannot change; "
                f"they can change {', '.join(KEYS)}"
            )
            raise ConfigError(message)
        if not isinstance(keys.get("enabled", True), bool):
            message = f"{where}: {name}: enabled must be true or false, not {keys['enabled']!r}"
            raise ConfigError(message)
    return found


def apply(declaration: Declaration, keys: Mapping[str, Any]) -> Declaration:
    """What a declaration becomes under its settings.

    Raises:
        DeclarationError: The experiment cannot have them.
    """
    changes: dict[str, Any] = {}
    if "enabled" in keys:
        changes["enabled"] = keys["enabled"]
    if "rollout" in keys:
        check_rollout(declaration, keys["rollout"])
        changes["rollout"] = float(keys["rollout"])
    if "winner" in keys:
        changes["winner"] = declaration.variant_of(keys["winner"])
    if "forced" in keys:
        forced = {
            unit_id: declaration.variant_of(variant)
            for unit_id, variant in forced_units(declaration.name, keys["forced"]).items()
        }
        changes["forced"] = MappingProxyType({**declaration.forced, **forced})
    return declaration._replace(**changes) if changes else declaration


class Watch:
    """Looks at a source at most once per interval, and keeps what was good last.

    Args:
        source: What to look at.
        interval: Seconds between two looks.
    """

    def __init__(self, source: SettingsSource, *, interval: float) -> None:
        self.source = source
        self.settings: Settings = NOTHING
        self._interval = interval
        self._next = float("-inf")
        self._complaint = ""

    def is_due(self, now: float) -> bool:
        """Whether the interval has passed; `now` is in seconds that only go forward."""
        return now >= self._next

    def look(self, now: float) -> bool:
        """Read the source; say whether the settings have changed. What is broken is logged once."""
        self._next = now + self._interval
        try:
            found = self.source.read()
        except ConfigError as error:
            self.complain(error)
            return False
        if found is None or found == self.settings:
            return False
        self.settings = found
        self._complaint = ""
        return True

    def complain(self, error: ConfigError | DeclarationError) -> None:
        """Log an error unless it was the last one logged."""
        if str(error) != self._complaint:
            self._complaint = str(error)
            logger.error("settings: %s. What was in force stays in force.", error)
