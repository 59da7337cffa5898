"""The audit log as a file: a line of JSON for each record."""

import os
import stat
from pathlib import Path

from abkit.errors import ConfigError
from abkit.experiments.changing.audit_log import AuditRecord, AuditTrail, to_text, trail_of


class FileAuditLog:
    """Records in a file that only grows.

    Args:
        path: The file. It is made if it does not exist.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path: Path = Path(path)

    @classmethod
    def beside(cls, settings: Path) -> "FileAuditLog":
        """The log of a settings file: experiments.audit.jsonl for experiments.toml."""
        return cls(settings.with_name(f"{settings.stem}.audit.jsonl"))

    def append(self, record: AuditRecord, /) -> None:
        """As `AuditLog.append`; it waits until the record is on the disk.

        Raises:
            ConfigError: The file cannot be written.
        """
        line = to_text(record).encode() + b"\n"
        try:
            # O_RDWR: a pipe that nobody reads would never open for writing only.
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
            file = os.open(self.path, flags, 0o644)
            try:
                self._append(file, line)
            finally:
                os.close(file)
        except OSError as error:
            message = f"The audit log {self.path} cannot be written: {error.strerror}"
            raise ConfigError(message) from error

    def _append(self, file: int, line: bytes) -> None:
        status = os.fstat(file)
        if not stat.S_ISREG(status.st_mode):
            message = f"The audit log {self.path} cannot be written: it is no regular file"
            raise ConfigError(message)
        if status.st_size:
            os.lseek(file, -1, os.SEEK_END)
            if os.read(file, 1) != b"\n":  # Somebody died while writing a line; it ends here.
                line = b"\n" + line
        try:
            while line:
                line = line[os.write(file, line) :]
            os.fsync(file)
        except OSError:
            os.ftruncate(file, status.st_size)  # The disk is full: half a record is of no use.
            raise

    def read(self) -> AuditTrail:
        """As `AuditLog.read`.

        Raises:
            ConfigError: The file cannot be read.
        """
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                message = f"The audit log {self.path} cannot be read: it is no regular file"
                raise ConfigError(message)
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return AuditTrail()
        except OSError as error:
            message = f"The audit log {self.path} cannot be read: {error.strerror}"
            raise ConfigError(message) from error
        places = (f"{self.path}, line {number}" for number in range(1, len(lines) + 1))
        return trail_of((place, line) for place, line in zip(places, lines, strict=True) if line)

    def __repr__(self) -> str:
        return f"<FileAuditLog {str(self.path)!r}>"
