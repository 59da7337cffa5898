"""Amplitude's HTTP V2 API as its documentation describes it, on the loopback."""

import json
from collections import deque
from collections.abc import Callable
from typing import Any

from .loopback import Loopback, Reply, Request, reply

KEY = "an api key"
REFUSED_IDS = {
    "anonymous", "nil", "none", "null", "n/a", "na", "undefined", "unknown", "", '""',
    "00000000-0000-0000-0000-000000000000", "{}", "lmy47d", "0", "-1",
}  # fmt: skip
Event = dict[str, Any]
Problems = dict[str, dict[str, list[int]]]


def texts(value: object) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(text for item in value.values() for text in texts(item))]
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    return [value] if isinstance(value, str) else []


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max((depth(item) for item in inner), default=0)


class FakeAmplitude(Loopback):
    """Keeps what it ingests.

    Attributes:
        faults: Taken one for each request, before anything else: a reply, a function of the events that
            gives a reply or None, or None.
        always: Asked for each request: a reply, or None.
    """

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.ingested: list[Event] = []
        self.ignored = 0
        self.faults: deque[Reply | Callable[[list[Event]], Reply | None] | None] = deque()
        self.always: Callable[[list[Event]], Reply | None] = lambda events: None
        self._seen: set[tuple[str, str]] = set()

    def named(self, *names: str) -> list[Event]:
        return [event for event in self.ingested if event["event_type"] in names]

    def people(self) -> list[str]:
        """Who each event is counted to: a device is the first user whose id comes with that of the device."""
        users: dict[str, str] = {}
        for event in self.ingested:
            if "device_id" in event and "user_id" in event:
                users.setdefault(event["device_id"], event["user_id"])
        devices = [event.get("device_id", "") for event in self.ingested]
        return [
            event["user_id"] if "user_id" in event else users.get(device, device)
            for event, device in zip(self.ingested, devices, strict=True)
        ]

    def _respond(self, request: Request) -> Reply:
        body = json.loads(request.body)
        fault = self.faults.popleft() if self.faults else None
        if callable(fault):
            fault = fault(body["events"])
        return fault or self.always(body["events"]) or self._ingest(request, body)

    def _ingest(self, request: Request, body: dict[str, Any]) -> Reply:
        if request.path != "/2/httpapi":
            return reply(400, {"code": 400, "error": "Invalid request path"})
        events = body["events"]
        if len(request.body) >= 1_000_000 or len(events) >= 2_000:
            return reply(413, {"code": 413, "error": "Payload too large"})
        if body.get("api_key") != KEY:
            return reply(400, {"code": 400, "error": "Invalid API key"})
        problems: Problems = {}
        for index, event in enumerate(events):
            for kind, name in self._problems(event, body.get("options", {})):
                # Only the first event of each field is named.
                problems.setdefault(kind, {}).setdefault(name, [index])
        if problems:
            error = "Invalid field values on some events"
            return reply(400, {"code": 400, "error": error, **problems})
        for event in events:
            self.keep(event)
        return reply(200, {"code": 200, "events_ingested": len(events)})

    def _problems(self, event: Event, options: dict[str, int]) -> list[tuple[str, str]]:
        missing = "events_with_missing_fields"
        invalid = "events_with_invalid_fields"
        found = []
        if not event.get("event_type"):
            found.append((missing, "event_type"))
        ids = {name: event[name] for name in ("user_id", "device_id") if name in event}
        if not ids:
            found.append((missing, "user_id"))
        for name, value in ids.items():
            if value in REFUSED_IDS:
                found.append((invalid, name))
            elif len(value) < options.get("min_id_length", 5):
                found.append(("events_with_invalid_id_lengths", name))
        time = event.get("time")
        if type(time) is not int or not 10**11 < time < 10**14:
            found.append((invalid, "time"))
        if any(len(text) > 1_024 for text in texts(event)) or depth(event) > 40:
            found.append((invalid, "event_properties"))
        if len(event.get("groups", {})) > 5:
            found.append((invalid, "groups"))
        if event.get("event_type") == "$exposure" and "flag_key" not in event["event_properties"]:
            found.append((invalid, "flag_key"))
        return found

    def keep(self, event: Event) -> None:
        device = event.get("device_id") or f"of {event['user_id']}"
        if (device, event["insert_id"]) in self._seen:
            self.ignored += 1
            return
        self._seen.add((device, event["insert_id"]))
        self.ingested.append(event)
