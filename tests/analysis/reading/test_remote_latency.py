"""Many objects of a store that answers slowly are fetched side by side."""

import asyncio
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
import pytest
from fsspec.asyn import AsyncFileSystem  # type: ignore[import-untyped]

from abkit.analysis.reading.remote import fetched

OBJECTS = 200


class Slow(AsyncFileSystem):  # type: ignore[misc]
    """Answers each request late, as s3fs, gcsfs and adlfs do, and notes how many wait at once."""

    protocol = "slow"
    cachable = False
    latency = 0.05
    waiting = 0
    most_waiting = 0

    async def _find(self, path: str, **_options: Any) -> list[str]:
        return [f"{path}/date=2024-05-17/{i}.jsonl" for i in range(OBJECTS)]

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
