"""Changes without a deploy: switch an experiment off, ramp it, conclude it, force units, freeze it.

Settings are a mapping by experiment name, in a TOML or JSON file or from the application:

    [ShowPluginsExperiment]
    enabled = false
    rollout = 0.5
    winner = "1"
    forced = { "1" = ["acme"] }
    frozen = true

They never change what a hash means: no salt, no variants, no weights.
"""

import json
import logging
import os
import stat
import threading
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

from attrs import frozen

from abkit.errors import AbkitError, ConfigError
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.declared_class import check_frozen, check_rollout, forced_units
from abkit.quoting import told

logger: logging.Logger = logging.getLogger("abkit")

FORMATS = frozenset({".toml", ".json"})
"""What the name of a settings file ends with."""

KEYS = ("enabled", "rollout", "winner", "forced", "frozen")

Settings: TypeAlias = Mapping[str, Mapping[str, Any]]
"""By experiment name, any of the KEYS."""

NOTHING: Settings = MappingProxyType({})

_MOST_COMPLAINTS = 20


class SettingsSource(Protocol):
    """Where settings come from.

    It is read in a thread of its own, one call at a time, so that no request waits for it; only a strict
    manager, as under pytest, reads it within a request.
    """

    def read(self) -> Settings | None:
        """The settings as they are now; None if they are what they were at the last call.

        Whatever it raises, what was read last stays in force; a `ConfigError` is what it should raise where
        they cannot be read.
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
        self.path: Path = Path(path)
        if self.path.suffix not in FORMATS:
            message = f"A settings file is called .toml or .json, not {self.path.name!r}"
            raise ConfigError(message)
        self._stamp: _Stamp | None = None
        self._broken: ConfigError | None = None

    def read(self) -> Settings | None:
        """As `SettingsSource.read`; it costs one `stat` if the file has not changed.

        Raises:
            ConfigError: It cannot be read, as it is now.
        """
        stamp = _Stamp.of(self.path)
        if stamp == self._stamp:
            if self._broken is not None:
                raise self._broken.with_traceback(None)
            return None
        self._stamp, self._broken = stamp, None
        try:
            return parse(self.path)
        except ConfigError as error:
            self._broken = error
            raise

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
        if not stat.S_ISREG(status.st_mode):  # Reading a pipe or a device may never end.
            message = f"{path} cannot be read: it is no regular file"
            raise ConfigError(message)
        return cls(status.st_mtime_ns, status.st_size, status.st_ino)


class SettingsMapping:
    """Settings that the application keeps; it may change the mapping at any time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def read(self) -> Settings:
        """As `SettingsSource.read`; whoever reads it has to compare.

        Raises:
            ConfigError: Its form is another one.
        """
        return checked(self._settings, "settings")

    def __repr__(self) -> str:
        return f"SettingsMapping of {len(self._settings)} experiments"


def parse(path: Path) -> Settings:
    """Read a settings file.

    Raises:
        ConfigError: It is no settings file; the message says where it is wrong.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return NOTHING
    except OSError as error:
        message = f"{path} cannot be read: {error}"
        raise ConfigError(message) from error
    return parse_content(content, path)


def parse_content(content: bytes, path: PurePath, *, label: str | None = None) -> Settings:
    """What a settings file with this content says.

    Args:
        content: The bytes of the file.
        path: The file: its suffix is the format.
        label: How errors call it; None: as its path.

    Raises:
        ConfigError: It is no settings file; the message says where it is wrong.
    """
    where = label or str(path)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"{where} cannot be read: {error}"
        raise ConfigError(message) from error
    if text.startswith("\ufeff"):  # Neither format may; their parsers only find a statement wrong.
        message = f"{where} begins with a byte order mark: save it as UTF-8 without one"
        raise ConfigError(message)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text or "{}")
    except ValueError as error:  # Of both formats, and of numbers with thousands of digits.
        message = f"{where} is no {path.suffix[1:].upper()}: {error}"
        raise ConfigError(message) from error
    except RecursionError:
        message = f"{where} cannot be read: it is nested too deeply"
        raise ConfigError(message) from None
    return checked(found, where)


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
        for key in ("enabled", "frozen"):
            if not isinstance(keys.get(key, True), bool):
                message = f"{where}: {name}: {key} must be true or false, not {keys[key]!r}"
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
    if "frozen" in keys:
        check_frozen(declaration, keys["frozen"])
        changes["frozen"] = keys["frozen"]
    if "winner" in keys:
        changes["winner"] = declaration.variant_of(keys["winner"])
    if "forced" in keys:
        forced = {
            unit_id: declaration.variant_of(variant)
            for unit_id, variant in forced_units(declaration.name, keys["forced"]).items()
        }
        changes["forced"] = MappingProxyType({**declaration.forced, **forced})
    return declaration._replace(**changes) if changes else declaration


def _copied(settings: Settings) -> Settings:
    """The settings with nothing in them that somebody else may change."""
    return {
        name: {
            key: _units_copied(value) if key == "forced" else value for key, value in keys.items()
        }
        for name, keys in settings.items()
    }


def _units_copied(forced: Any) -> Any:
    if not isinstance(forced, Mapping):
        return forced
    return {
        variant: tuple(units) if isinstance(units, list | tuple | set | frozenset) else units
        for variant, units in forced.items()
    }


class Watch:
    """Looks at a source at most once per interval, and keeps what was good last.

    Args:
        source: What to look at.
        interval: Seconds between two looks.
        in_background: Whether looking may take long, so that nobody should wait for it.
        failed: Is told of each error; it may raise it.
    """

    def __init__(
        self,
        source: SettingsSource,
        *,
        interval: float,
        in_background: bool,
        failed: Callable[[Exception], object],
    ) -> None:
        self.source = source
        self.settings: Settings = NOTHING
        self.in_background = in_background
        self._interval = interval
        self._next = float("-inf")
        self._failed = failed
        self._complaints: set[str] = set()
        self._unreadable = False
        self._turn, self._pid = threading.Lock(), os.getpid()

    def is_due(self, now: float) -> bool:
        """Whether the interval has passed; `now` is in seconds that only go forward."""
        return now >= self._next

    def begin(self, now: float) -> bool:
        """Whether it is the caller's turn to look, and to call `end`: nobody else does at the moment."""
        if self._pid != os.getpid():  # A thread of the parent process was looking, maybe.
            self._turn, self._pid = threading.Lock(), os.getpid()
        if not self._turn.acquire(blocking=False):
            return False
        self._next = now + self._interval
        return True

    def end(self) -> None:
        """Let others look."""
        self._turn.release()

    def look(self) -> bool:
        """Read the source; say whether the settings have changed."""
        try:
            read = self.source.read()
            found = None if read is None else _copied(checked(read, "settings"))
            changed = found is not None and found != self.settings
        except Exception as error:  # noqa: BLE001 - what others have written must not reach a request
            self._unreadable = True
            self.complain(error)
            return False
        if self._unreadable:
            self._unreadable = False
            self._complaints.clear()
            logger.info("settings: they can be read again")
        if not changed or found is None:
            return False
        self.settings = found
        self._complaints.clear()
        return True

    def complain(self, error: Exception) -> None:
        """Log an error, once until the settings can be read again or have changed."""
        # Errors of our own say the same as long as nothing changes; others may say the time, or a port.
        text = told(str(error)) if isinstance(error, AbkitError) else told(error)
        kind = text if isinstance(error, AbkitError) else type(error).__name__
        if kind not in self._complaints and len(self._complaints) < _MOST_COMPLAINTS:
            self._complaints.add(kind)
            logger.error("settings: %s. What was in force stays in force.", text)
        self._failed(error)
