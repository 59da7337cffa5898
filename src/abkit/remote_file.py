"""One file that a URL names, read whole, and replaced only if it is still what was read.

On S3 the replacing is one request with a condition (`If-Match`, `If-None-Match`): of two writers at the same
moment one is refused. Other file systems of fsspec have no condition in common; there the file is looked at
just before it is replaced.
"""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from attrs import frozen

from abkit.errors import AbkitError
from abkit.file_systems import (
    FileSystem,
    filesystem_of,
    is_object_store,
    is_of_this_machine,
    is_url,
)
from abkit.quoting import masked, told

_TAGS = ("ETag", "etag", "generation", "md5Hash", "content_md5", "checksum", "ino")
_MODIFIED = ("LastModified", "last_modified", "mtime", "updated", "modified", "created")
_ATTEMPTS = 5
PART = 50_000_000
"""Bytes that are put in one request; larger files are put in parts."""

_MARK = "abkit-write"
_REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


class ReplacedError(OSError):
    """Another one has replaced the file, or made it, or removed it, since it was read."""


@frozen
class Version:
    """What changes when a file does.

    Attributes:
        tag: What the file system calls its content; empty if it has no name for it.
        size: Bytes.
        modified: When it was written, as the file system says it; empty if it does not.
    """

    tag: str
    size: int
    modified: str

    @classmethod
    def of(cls, info: Mapping[str, Any]) -> "Version":
        """That of a file, by what a file system tells of it."""
        return cls(_first(info, _TAGS), int(info.get("size") or 0), _first(info, _MODIFIED))

    def __str__(self) -> str:
        return f"{self.tag}-{self.size}-{self.modified}"


class RemoteFile:
    """A file that a URL names.

    Whatever its methods raise is an OSError that names the file, without a password: a FileNotFoundError if
    it or what it should be in is not there, a PermissionError if the credentials do not suffice, a
    `ReplacedError`; or a MissingExtraError.

    Args:
        url: Such as "s3://bucket/experiments.toml".

    Attributes:
        url: The URL.
        label: How messages call it.

    Raises:
        OSError: There is no file system for it.
        MissingExtraError: fsspec, or the package for such URLs, is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url: str = url
        self.label: str = masked(url)
        self._filesystem: FileSystem
        with as_os_errors(self.label):
            self._filesystem, self._path = filesystem_of(url)

    def version(self) -> Version | None:
        """What it is now; None if there is no such file."""
        with as_os_errors(self.label):
            self._filesystem.invalidate_cache()
            try:
                info = self._filesystem.info(self._path)
            except FileNotFoundError:
                return None
            if info.get("type") == "directory":
                message = f"{self.label} is a folder, not a file"
                raise IsADirectoryError(message)
            return Version.of(info)

    def check_bucket(self) -> None:
        """Refuse a place where no file can be put, before much is done for it.

        Raises:
            FileNotFoundError: There is no such bucket.
        """
        bucket = self._path.partition("/")[0]
        with as_os_errors(self.label):
            if is_object_store(self._filesystem) and not self._filesystem.exists(bucket):
                message = f"there is no bucket {bucket}"
                raise FileNotFoundError(message)

    def fetch(self, target: Path) -> Version | None:
        """Copy it to a file of this machine; None if there is no such file."""
        for _ in range(_ATTEMPTS):
            version = self.version()
            if version is None:
                return None
            with as_os_errors(self.label), suppress(FileNotFoundError):
                self._filesystem.get_file(self._path, str(target))
                if self.version() == version:
                    return version
        message = f"{self.label} changes all the time, so that it cannot be read"
        raise OSError(message)

    def read(self) -> tuple[bytes, Version] | None:
        """What is in it, and which version that is; None if there is no such file."""
        with tempfile.TemporaryDirectory(prefix="abkit-") as scratch:
            copy = Path(scratch) / "copy"
            version = self.fetch(copy)
            return None if version is None else (copy.read_bytes(), version)

    def put(self, source: Path, *, over: Version | None) -> None:
        """Replace it in one step by a file of this machine.

        Args:
            source: The file.
            over: The version that is replaced; None: there is none yet.

        Raises:
            ReplacedError: It is another one now; it stays as it is.
        """
        if self.version() != over:
            raise ReplacedError(self._replaced())
        with as_os_errors(self.label):
            if hasattr(self._filesystem, "call_s3"):
                condition = {"IfNoneMatch": "*"} if over is None else {"IfMatch": over.tag}
                self._put_into_s3(source, condition)
            else:
                self._put(source)

    def write(self, content: bytes, *, over: Version | None) -> None:
        """As `put`, of what is in memory."""
        with _as_file(content) as source:
            self.put(source, over=over)

    def overwrite(self, content: bytes) -> None:
        """Put this content there, whatever there is."""
        with _as_file(content) as source, as_os_errors(self.label):
            self._put(source)

    def _put(self, source: Path) -> None:
        if is_object_store(self._filesystem):
            self._filesystem.put_file(str(source), self._path)
            self._filesystem.invalidate_cache()
            return
        folder, _, name = self._path.rpartition("/")
        aside = f"{folder}/.{name}.{uuid4().hex}.new"
        with suppress(FileExistsError, NotImplementedError):
            self._filesystem.makedirs(folder, exist_ok=True)
        try:
            self._filesystem.put_file(str(source), aside)
            self._filesystem.mv(aside, self._path)
        except Exception:
            with suppress(Exception):
                self._filesystem.rm_file(aside)
            raise

    def _put_into_s3(self, source: Path, condition: Mapping[str, str]) -> None:
        bucket, key, _ = self._filesystem.split_path(self._path)
        place, mark = {"Bucket": bucket, "Key": key}, uuid4().hex
        marked = {**place, "Metadata": {_MARK: mark}}
        try:
            if source.stat().st_size <= PART:
                body = source.read_bytes()
                self._filesystem.call_s3("put_object", Body=body, **marked, **condition)
            else:
                self._put_parts_into_s3(source, place, marked, condition)
        except Exception as error:
            # A request that is repeated, as its answer was lost, is refused because of itself.
            if not _is_refused(error):
                raise
            if not self._was_written_with(mark, place):
                raise ReplacedError(self._replaced()) from error
        finally:
            self._filesystem.invalidate_cache()

    def _put_parts_into_s3(
        self,
        source: Path,
        place: Mapping[str, str],
        marked: Mapping[str, Any],
        condition: Mapping[str, str],
    ) -> None:
        call = self._filesystem.call_s3
        upload = {**place, "UploadId": call("create_multipart_upload", **marked)["UploadId"]}
        try:
            parts: list[dict[str, Any]] = []
            with source.open("rb") as file:
                while body := file.read(PART):
                    number = len(parts) + 1
                    answer = call("upload_part", PartNumber=number, Body=body, **upload)
                    parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            call(
                "complete_multipart_upload", MultipartUpload={"Parts": parts}, **upload, **condition
            )
        except BaseException:
            with suppress(Exception):
                call("abort_multipart_upload", **upload)
            raise

    def _was_written_with(self, mark: str, place: Mapping[str, str]) -> bool:
        try:
            there = self._filesystem.call_s3("head_object", **place)
        except FileNotFoundError:
            return False
        return bool(there.get("Metadata", {}).get(_MARK) == mark)

    def _replaced(self) -> str:
        return f"{self.label} was replaced by another process meanwhile, so nothing was written"

    def __repr__(self) -> str:
        return f"<RemoteFile {self.label}>"


def path_of(url: str) -> Path | None:
    """The path of a URL such as file:///srv/store.duckdb; None if it is not of this machine.

    Raises:
        OSError: There is no file system for it.
        MissingExtraError: fsspec is not installed.
    """
    with as_os_errors(masked(url)):
        filesystem, path = filesystem_of(url)
        return Path(path) if is_of_this_machine(filesystem) else None


@contextmanager
def _as_file(content: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="abkit-") as scratch:
        source = Path(scratch) / "content"
        source.write_bytes(content)
        yield source


@contextmanager
def as_os_errors(label: str, *, doing: str = "read or written") -> Iterator[None]:
    """Let what a file system raises be an OSError that names the file; our own errors stay what they are.

    Args:
        label: How messages call the file, or what it is in.
        doing: What may not be done with it, or cannot.
    """
    try:
        yield
    except (AbkitError, ReplacedError, IsADirectoryError):
        raise
    except FileNotFoundError as error:
        message = f"{label} does not exist: {_said(error)}"
        raise FileNotFoundError(message) from error
    except PermissionError as error:
        message = f"{label} may not be {doing} with these credentials: {_said(error)}"
        raise PermissionError(message) from error
    except Exception as error:
        # Every file system has errors of its own.
        if isinstance(error, OSError) and str(error).startswith(label):
            raise
        message = f"{label} cannot be {doing}: {_said(error)}"
        raise OSError(message) from error


def _said(error: Exception) -> str:
    return told(str(error)) or type(error).__name__


def _is_refused(error: Exception) -> bool:
    """Whether S3 says that the condition of a request does not hold."""
    response = getattr(error.__cause__ or error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    return isinstance(error, FileExistsError) or code in _REFUSED


def _first(info: Mapping[str, Any], names: tuple[str, ...]) -> str:
    found = next((info[name] for name in names if info.get(name) not in (None, "")), "")
    return str(found)


def write_text(place: str | Path, text: str) -> Path:
    """Write a text, in UTF-8, to a path or a URL; the answer is the path, which of a URL only names it.

    Raises:
        OSError: It cannot be written.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    content = text.encode("utf-8", errors="replace")
    if isinstance(place, str) and is_url(place):
        RemoteFile(place).overwrite(content)
    else:
        Path(place).write_bytes(content)
    return Path(place)
