"""A panel of a shop's experiments, over events that were stored once."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.panel.asking import settled
from tests.panel.shop import manager, write_events

from abkit.panel import Panel, StoredSource


@pytest.fixture(scope="session")
def shop_events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_events(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def shop_panel(shop_events: Path) -> Iterator[Panel]:
    """It has read what the overview shows."""
    panel = Panel(StoredSource(manager(), events=str(shop_events)))
    settled(panel, "")
    yield panel
    panel.close()
