"""LaunchDarkly: the flag is in the feature store; its shipped processor posts to a pool that only counts."""

from importlib import import_module
from types import SimpleNamespace
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """An exposure is the "feature" event of a tracked flag; nothing is deduplicated."""
    sdk: Any = import_module("ldclient")
    store: Any = import_module("ldclient.feature_store").InMemoryFeatureStore
    kinds: Any = import_module("ldclient.versioned_data_kind")
    processor: Any = import_module("ldclient.impl.events.event_processor").DefaultEventProcessor
    counts: list[int] = []
    processors: list[Any] = []

    def post(*_args: Any, body: str, **_named: Any) -> Any:
        counts.append(body.count('"kind":"feature"'))
        return SimpleNamespace(status=202, headers={}, getheader=lambda name: None)

    def shipped(config: Any, *_args: Any) -> Any:
        processors.append(processor(config, http=SimpleNamespace(request=post)))
        return processors[-1]

    def loop(**options: Any) -> Loop:
        flags = store()
        flags.init({kinds.FEATURES: {"exp": _FLAG}, kinds.SEGMENTS: {}})
        config = sdk.Config(
            "none", feature_store=flags, use_ldd=True, diagnostic_opt_out=True, **options
        )
        client, context = sdk.LDClient(config), sdk.Context.create
        return lambda units: [client.variation("exp", context(unit), "default") for unit in units]

    def received() -> int:
        for shipped in processors:
            shipped._wait_until_inactive()  # A flush is dropped where the inbox is full.
            shipped.flush()
            shipped._wait_until_inactive()
        return sum(counts)

    exposing = loop(event_processor_class=shipped)
    return Peer(
        package="launchdarkly-server-sdk",
        statements="import ldclient",
        off=loop(send_events=False),
        on=exposing,
        rep=exposing,
        received=received,
    )


_FLAG = {
    "key": "exp",
    "version": 1,
    "on": True,
    "salt": "salt",
    "variations": ["0", "1"],
    "offVariation": 0,
    "trackEvents": True,
    "fallthrough": {
        "rollout": {"variations": [{"variation": index, "weight": 50_000} for index in (0, 1)]}
    },
}
