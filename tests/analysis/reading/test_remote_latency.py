"""Many objects of a store that answers slowly are fetched side by side."""

import asyncio
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]

from abkit.analysis.reading.remote import fetched, listed_remotely

from ...forwarder import forwarding

OBJECTS = 200


class Slow(AsyncFileSystem):  # type: ignore[misc]
    """Answers each request late, as s3fs, gcsfs and adlfs do, and notes how many wait at once."""

    protocol = "slow"
    cachable = False
    latency = 0.05
    waiting = 0
    most_waiting = 0

    async def _find(self, path: str, **_options: Any) -> dict[str, dict[str, Any]]:
        return {f"{path}/date=2024-05-17/{i}.jsonl": {"type": "file"} for i in range(OBJECTS)}

    async def _isfile(self, path: str) -> bool:
        return path.endswith(".jsonl")

    async def _isdir(self, path: str) -> bool:
        return not path.endswith(".jsonl")

    async def _get_file(self, rpath: str, lpath: str, **_options: Any) -> None:
        Slow.waiting += 1
        Slow.most_waiting = max(Slow.most_waiting, Slow.waiting)
        await asyncio.sleep(self.latency)
        Slow.waiting -= 1
        Path(lpath).write_text(rpath)  # noqa: ASYNC240 - a few bytes


@pytest.fixture
def slow() -> type[Slow]:
    fsspec.register_implementation("slow", Slow, clobber=True)
    Slow.most_waiting = 0
    return Slow


def test_objects_are_fetched_side_by_side_and_none_is_mixed_up(
    slow: type[Slow], tmp_path: Path
) -> None:
    copies = fetched("slow://bucket/exposures", tmp_path, is_data=lambda parts: True)
    assert len(copies) == OBJECTS
    assert all(copy.read_text().endswith(f"/{copy.name}") for copy in copies)
    assert slow.most_waiting >= 20


def test_objects_of_a_bucket_are_listed_page_by_page_and_fetched_side_by_side(
    s3: str, s3_endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"date=2024-05-17/{number:04}.jsonl" for number in range(OBJECTS)]
    objects = {f"{s3}/exposures/{name}": name.encode() for name in names}
    fsspec.filesystem("s3").pipe(objects)
    with forwarding(s3_endpoint) as forwarder:
        monkeypatch.setenv("AWS_ENDPOINT_URL", forwarder.url)
        fsspec.filesystem("s3").clear_instance_cache()
        forwarder.latency = 0.05
        files = listed_remotely(f"{s3}/exposures", is_data=lambda parts: True)
        pages = [path for _, path in forwarder.asked if "list-type=2" in path]
        assert [*files.infos] == names
        assert len(pages) >= OBJECTS / 30
        forwarder.start_anew()
        copies = files.copied(names, tmp_path)
        assert forwarder.counted == {"GET": OBJECTS}
        assert forwarder.most >= 20
    assert [copy.read_text() for copy in copies] == names
