"""The file systems of fsspec: which one a URL means, and what can be expected of it."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from abkit.extras import extra

FileSystem: TypeAlias = Any
"""Of fsspec or of pyarrow; neither tells its types."""

REQUESTS_AT_ONCE = 50
"""Connections to S3: botocore's own limit of 10 makes many small objects five times as slow."""

_OBJECT_STORES = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "adl", "az", "oci", "oss", "r2"}
)
_S3 = frozenset({"s3", "s3a"})


def is_url(place: object) -> bool:
    """Whether a place is a URL such as "s3://bucket/events", not a path of this machine."""
    return isinstance(place, str) and "://" in place


def filesystem_of(url: str) -> tuple[FileSystem, str]:
    """The file system of a URL, and the path in it.

    Raises:
        ImportError, ValueError: There is none.
        MissingExtraError: fsspec is not installed.
    """
    with extra("files"):
        from fsspec.core import url_to_fs  # type: ignore[import-untyped]
    protocol = url.partition("://")[0]
    options = _options_of_s3(protocol) if protocol in _S3 and "::" not in url else {}
    filesystem, path = url_to_fs(url, **options)
    return filesystem, str(path)


def protocols(filesystem: FileSystem) -> frozenset[str]:
    """The names of the file system: fsspec has one or several, pyarrow one."""
    names: str | Sequence[str] = filesystem.protocol
    return frozenset({names} if isinstance(names, str) else names)


def is_object_store(filesystem: FileSystem) -> bool:
    """Whether what is put there appears complete; elsewhere it is moved into its place."""
    return not _OBJECT_STORES.isdisjoint(protocols(filesystem))


def is_of_this_machine(filesystem: FileSystem) -> bool:
    """Whether its paths are those of this machine."""
    return "local" in protocols(filesystem)


def _options_of_s3(protocol: str) -> Mapping[str, Any]:
    """More connections than botocore has by itself, unless fsspec is configured otherwise."""
    from fsspec.config import conf  # type: ignore[import-untyped]

    configured = conf.get(protocol, {}).get("config_kwargs", {})
    return {"config_kwargs": {"max_pool_connections": REQUESTS_AT_ONCE, **configured}}


def names_a_filesystem(url: str) -> bool:
    """Whether a URL is one of files, not of a database or a server; False if fsspec is not installed."""
    try:
        from fsspec.registry import known_implementations, registry  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        return False
    protocol = url.rpartition("::")[2].partition("://")[0]
    return protocol in known_implementations or protocol in registry
