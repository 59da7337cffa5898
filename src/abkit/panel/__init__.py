"""The panel: every experiment, its result under any question, as pages within the application.

It knows no framework: an integration turns its request into a `PanelRequest`, asks `Panel.respond`, and
sends the `PanelResponse`.
"""

from abkit.panel.database_tables import DatabaseTables
from abkit.panel.messages import PanelRequest, PanelResponse, Viewer
from abkit.panel.panel import Panel
from abkit.panel.source import PanelSource, StoredSource

__all__ = [
    "DatabaseTables",
    "Panel",
    "PanelRequest",
    "PanelResponse",
    "PanelSource",
    "StoredSource",
    "Viewer",
]
