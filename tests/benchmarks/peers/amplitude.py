"""Amplitude Experiment: local evaluation; its worker posts to a client that only counts."""

import time
from concurrent.futures import wait
from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """It deduplicates what 65,536 users have seen."""
    sdk: Any = import_module("amplitude_experiment")
    local: Any = import_module("amplitude_experiment.local.evaluate_options")
    flags: Any = import_module("amplitude_experiment.evaluation.types")
    worker: Any = import_module("amplitude.worker")
    http: Any = import_module("amplitude.http_client")
    config: Any = import_module("amplitude_experiment.exposure").ExposureConfig
    counts: list[int] = []

    def post(_url: str, payload: bytes, _header: Any = None) -> Any:
        counts.append(payload.count(b'"event_type"'))
        return http.Response(http.HttpStatus.SUCCESS)

    worker.HttpClient = type("Counting", (), {"post": staticmethod(post)})
    flag = flags.EvaluationFlag.schema().load(_FLAG)

    exposing = sdk.LocalEvaluationConfig(exposure_config=config(api_key="none"))
    client = sdk.LocalEvaluationClient("none", exposing)
    client.flag_config_storage.put_flag_config(flag)

    def loop(*, exposes: bool) -> Loop:
        options, keys, user = local.EvaluateOptions(exposes), {"exp"}, sdk.User
        return lambda units: [
            client.evaluate_v2(user(user_id=unit), keys, options)["exp"].key for unit in units
        ]

    def received() -> int:
        wait(future for future in client.exposure_service.amplitude.flush() if future)
        before = -1
        while before != (before := sum(counts)):
            time.sleep(0.1)  # Batches that are under way cannot be waited for.
        return before

    return Peer(
        package="amplitude-experiment",
        statements="import amplitude_experiment",
        off=loop(exposes=False),
        on=loop(exposes=True),
        rep=loop(exposes=True),
        received=received,
    )


_FLAG = {
    "key": "exp",
    "variants": {
        variant: {"key": variant, "value": variant, "metadata": {"experimentKey": "exp-1"}}
        for variant in "01"
    },
    "segments": [
        {
            "bucket": {
                "selector": ["context", "user", "user_id"],
                "salt": "salt",
                "allocations": [
                    {
                        "range": [0, 100],
                        "distributions": [
                            {"variant": "0", "range": [0, 21_474_836]},
                            {"variant": "1", "range": [21_474_836, 42_949_673]},
                        ],
                    }
                ],
            },
            "metadata": {"segmentName": "All Other Users"},
        }
    ],
    "metadata": {"deployed": True, "evaluationMode": "local", "flagType": "experiment"},
}
