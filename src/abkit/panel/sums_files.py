"""Sums on disk, so that a process that starts need not read all events again.

A file is a pickle of this package's own values. It is read only from a folder that belongs to this user
alone, and makes nothing but such values.
"""

import errno
import hashlib
import io
import logging
import os
import pickle
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from enum import Enum
from pathlib import Path
from types import MappingProxyType
from typing import Any

from attrs import has

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.distribution import __version__
from abkit.errors import ConfigError
from abkit.panel.glance import Glance, KeptGlance
from abkit.panel.questions import Question

logger: logging.Logger = logging.getLogger("abkit")

_UNFINISHED = ".unfinished"
_SUFFIXES = (".glance", ".sums", _UNFINISHED)
_OLDEST = 30 * 24 * 3600.0
"""Seconds after which a file is removed."""

_FORM = 3
"""Of what is kept: that of an older one would lack fields."""

MOST_FILES = 2_000
"""So many files are kept: those that were written last. Every question has two."""

MOST_BYTES = 2 * 2**30
"""They take no more room than this."""

LARGEST = 256 * 2**20
"""A file of more bytes is none of ours: 90 days by the hour of 15 metrics in 8 variants take about 50 MB."""

_PLACES = (
    "abkit.analysis.aggregation.",
    "abkit.analysis.declared.",
    "abkit.analysis.experiment_sums",
    "abkit.analysis.findings.",
    "abkit.analysis.outcome",
    "abkit.analysis.presentation.bars",
    "abkit.analysis.query.layout",
    "abkit.analysis.statistics.",
    "abkit.experiments.checking.",
    "abkit.experiments.declaring.",
    "abkit.panel.data_health",
    "abkit.panel.glance",
)
"""Where the classes are of which values are made: those of attrs, and enumerations. None does anything."""

_OTHERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "builtins": frozenset({"frozenset", "set", "range"}),
        "datetime": frozenset({"datetime", "date", "time", "timedelta", "timezone"}),
        "fractions": frozenset({"Fraction"}),
        "decimal": frozenset({"Decimal"}),
        "abkit.experiments.declaring.analysis_plan": frozenset({"_of_given"}),
        __name__: frozenset({"_mapping"}),
    }
)
"""What else may be made, by module."""


class SumsFiles:
    """A folder of sums.

    Args:
        folder: It is made if it is not there; only this user can read it.
        version: What the sums of a question depend on beside the events: the declaration, as text. Sums of
            another version are not given.

    Raises:
        ConfigError: The folder cannot be made, or others can write to it.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, version: Callable[[Question], str]
    ) -> None:
        self.folder: Path = Path(folder)
        self._version = version
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            status = self.folder.stat()
        except OSError as error:
            message = f"The panel cannot keep its sums in {self.folder}: {error.strerror}"
            raise ConfigError(message) from error
        owned = not hasattr(os, "getuid") or status.st_uid == os.getuid()
        if not owned or (os.name == "posix" and status.st_mode & 0o022):
            message = (
                f"The panel does not read sums from {self.folder}, where others can write: "
                "give it a folder of its own"
            )
            raise ConfigError(message)
        with suppress(OSError):
            self._forget_old()

    def glance(self, question: Question) -> KeptGlance | None:
        """What the sums of a question say; None if they are not here."""
        found = self._read(self._path(question, "glance"))
        return found if isinstance(found, KeptGlance) else None

    def sums(self, question: Question) -> ExperimentSums | None:
        """The sums of a question; None if they are not here."""
        found = self._read(self._path(question, "sums"))
        return found if isinstance(found, ExperimentSums) else None

    def put(
        self, question: Question, sums: ExperimentSums, glance: Glance, *, state: str = ""
    ) -> None:
        """Keep the sums of a question; if they cannot be, the log says why, and nothing else happens.

        Args:
            question: Which sums.
            sums: What was read.
            glance: What they say.
            state: Of the events that were read; empty if it is not known.
        """
        self._write(self._path(question, "sums"), sums)
        kept = KeptGlance(made=sums.made, glance=glance, state=state)
        self._write(self._path(question, "glance"), kept)
        with suppress(OSError):
            self._forget_most()

    def still_holds(self, question: Question) -> None:
        """Keep what is here of a question as if it had been written now."""
        for kind in ("sums", "glance"):
            with suppress(OSError):
                os.utime(self._path(question, kind))

    def _forget_old(self) -> None:
        """Remove what nobody wrote for long: of experiments that are gone, or were declared otherwise."""
        for path in self.folder.iterdir():
            with suppress(OSError):
                if path.suffix in _SUFFIXES and time.time() - path.lstat().st_mtime > _OLDEST:
                    path.unlink()

    def _forget_most(self) -> None:
        """Remove what was written first, if there is too much: whoever looks can ask for any day."""
        written: list[tuple[float, int, Path]] = []
        for path in self.folder.iterdir():
            with suppress(OSError):
                if path.suffix in _SUFFIXES:
                    status = path.lstat()
                    written.append((status.st_mtime, status.st_size, path))
        room = MOST_BYTES
        for place, (_, size, path) in enumerate(sorted(written, reverse=True)):
            room -= size
            if place >= MOST_FILES or room < 0:
                with suppress(OSError):
                    path.unlink()

    def _path(self, question: Question, kind: str) -> Path:
        said = repr((__version__, _FORM, question, self._version(question)))
        return self.folder / f"{hashlib.sha256(said.encode()).hexdigest()[:32]}.{kind}"

    def _read(self, path: Path) -> object:
        try:
            return _Reader(io.BytesIO(_content(path))).load()
        except FileNotFoundError:
            return None
        except OSError as error:
            logger.warning("panel: %s cannot be read: %s", path, error.strerror)
            return None
        except Exception as error:  # noqa: BLE001 - a damaged file may raise anything: its sums are read anew
            logger.warning("panel: %s cannot be read: %s", path, type(error).__name__)
            return None

    def _write(self, path: Path, value: object) -> None:
        buffer = io.BytesIO()
        try:
            _Writer(buffer, protocol=pickle.HIGHEST_PROTOCOL).dump(value)
        except Exception as error:  # noqa: BLE001 - what an experiment declares of its own may raise anything
            logger.warning("panel: %s cannot be written: %s", path, error)
            return
        unfinished = None
        try:
            with tempfile.NamedTemporaryFile(
                dir=self.folder, suffix=_UNFINISHED, delete=False
            ) as file:
                unfinished = Path(file.name)
                file.write(buffer.getvalue())
            unfinished.replace(path)
        except OSError as error:
            logger.warning("panel: %s cannot be written: %s", path, error.strerror)
            if unfinished is not None:
                with suppress(OSError):
                    unfinished.unlink(missing_ok=True)


def _content(path: Path) -> bytes:
    """What is in a file: a regular one, of a size that sums have.

    Raises:
        OSError: It is none, or cannot be read.
    """
    # A link leads elsewhere, and a pipe that nobody writes would never open.
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file")
        if status.st_size > LARGEST:
            raise OSError(errno.EFBIG, f"it has {status.st_size:,} bytes, more than sums have")
        return file.read(LARGEST)


class _Writer(pickle.Pickler):
    def reducer_override(self, value: Any, /) -> Any:
        if isinstance(value, MappingProxyType):
            return _mapping, (dict(value),)
        return NotImplemented


class _Reader(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        # A name with a dot, or one that a module has imported, would lead to anything.
        if global_name in _OTHERS.get(module_name, ()):
            return super().find_class(module_name, global_name)
        if module_name.startswith(_PLACES) and "." not in global_name:
            found = super().find_class(module_name, global_name)
            if _is_of_values(found, module_name):
                return found
        message = f"{module_name}.{global_name} is no value of a panel"
        raise pickle.UnpicklingError(message)


def _is_of_values(found: object, module_name: str) -> bool:
    """Whether it is a class of the module whose instances are values."""
    if not isinstance(found, type) or found.__module__ != module_name:
        return False
    return has(found) or issubclass(found, Enum)


def _mapping(values: dict[Any, Any]) -> "MappingProxyType[Any, Any]":
    return MappingProxyType(values)
