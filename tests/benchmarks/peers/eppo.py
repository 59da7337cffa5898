"""Eppo: a Rust core; the caller's own logger takes the events, in the caller's thread."""

import json
from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """`rep` has the SDK's own AssignmentCacheLogger over a dict; without it nothing is deduplicated."""
    sdk: Any = import_module("eppo_client")
    cache: Any = import_module("eppo_client.assignment_logger").AssignmentCacheLogger
    taken: list[Any] = []
    keep = {"log_assignment": lambda self, event: taken.append(event)}
    memory: Any = type("Memory", (sdk.AssignmentLogger,), keep)

    def loop(flag: str, logger: Any) -> Loop:
        configuration = sdk.Configuration(flags_configuration=_flags().encode())
        client = sdk.init(
            sdk.ClientConfig(
                api_key="none",
                base_url="http://127.0.0.1:9",
                assignment_logger=logger,
                poll_interval_seconds=None,
                initial_configuration=configuration,
            )
        )
        return lambda units: [
            client.get_string_assignment(flag, unit, {}, "default") for unit in units
        ]

    return Peer(
        package="eppo-server-sdk",
        statements="import eppo_client",
        off=loop("silent", memory()),
        on=loop("logged", memory()),
        rep=loop("logged", cache(memory(), assignment_cache={})),
        received=lambda: len(taken),
    )


def _flags() -> str:
    """Exposures can be switched off in the flag only."""
    return json.dumps(
        {
            "createdAt": "2026-01-01T00:00:00.000Z",
            "format": "SERVER",
            "environment": {"name": "benchmark"},
            "flags": {"logged": _flag("logged", logs=True), "silent": _flag("silent", logs=False)},
        }
    )


def _flag(key: str, *, logs: bool) -> dict[str, Any]:
    halves = {"0": (0, 5_000), "1": (5_000, 10_000)}
    splits = [
        {
            "variationKey": variant,
            "shards": [{"salt": "salt", "ranges": [{"start": start, "end": end}]}],
        }
        for variant, (start, end) in halves.items()
    ]
    return {
        "key": key,
        "enabled": True,
        "variationType": "STRING",
        "variations": {variant: {"key": variant, "value": variant} for variant in halves},
        "allocations": [{"key": "all", "rules": [], "splits": splits, "doLog": logs}],
        "totalShards": 10_000,
    }
