"""PostHog: local evaluation; its consumer posts to a function that only counts."""

from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """`get_feature_flag` is deprecated, but faster than `evaluate_flags`, and can be silent."""
    sdk: Any = import_module("posthog")
    consumer: Any = import_module("posthog.consumer")
    counts: list[int] = []

    def post(*_args: Any, batch: Any, **_named: Any) -> None:
        counts.append(len(batch))

    consumer.batch_post = post
    client = sdk.Posthog("none", host="http://127.0.0.1:9")
    client.feature_flags = [_FLAG]

    def received() -> int:
        client.flush()
        return sum(counts)

    def loop(*, exposes: bool) -> Loop:
        return lambda units: [
            client.get_feature_flag(
                "exp", unit, only_evaluate_locally=True, send_feature_flag_events=exposes
            )
            for unit in units
        ]

    return Peer(
        package="posthog",
        statements="import posthog",
        off=loop(exposes=False),
        on=loop(exposes=True),
        rep=loop(exposes=True),
        received=received,
    )


_FLAG = {
    "id": 1,
    "key": "exp",
    "active": True,
    "filters": {
        "groups": [{"properties": [], "rollout_percentage": 100}],
        "multivariate": {
            "variants": [{"key": variant, "rollout_percentage": 50} for variant in "01"]
        },
    },
}
