"""How a test asks a panel."""

import json
import time
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from abkit.panel import Panel, PanelRequest, PanelResponse

PATIENCE = 60.0


def asked(panel: Panel, path: str, query: str = "", *, method: str = "GET") -> PanelResponse:
    """What the panel answers now."""
    values = parse_qs(query, keep_blank_values=True)
    return panel.respond(PanelRequest(method=method, path=path, query=values, root="/ab/"))


def settled(panel: Panel, path: str, query: str = "") -> PanelResponse:
    """What it answers when nothing is being read any more."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = asked(panel, path, query)
        if answer.status is not HTTPStatus.SERVICE_UNAVAILABLE and not refreshes(answer):
            return answer
        time.sleep(0.05)
    raise TimeoutError(path)


def refreshes(answer: PanelResponse) -> bool:
    """Whether something is still being read."""
    return answer.content_type.startswith("text/html") and b" data-refresh=" in answer.body


def page(panel: Panel, path: str, query: str = "") -> str:
    """The page, when nothing is being read any more."""
    answer = settled(panel, path, query)
    assert answer.status is HTTPStatus.OK, answer.body.decode()
    return answer.body.decode()


def result(panel: Panel, name: str, query: str = "") -> dict[str, Any]:
    """The result that is shown, as it is taken away."""
    answer = settled(panel, f"experiments/{name}/result.json", query)
    assert answer.status is HTTPStatus.OK, answer.body.decode()
    found: dict[str, Any] = json.loads(answer.body)
    return found
