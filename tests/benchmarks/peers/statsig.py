"""Statsig (the SDK with the Rust core): its config comes from a data store, its events go to the loopback."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """It says how many events are in each request; they are counted, not read."""
    sdk: Any = import_module("statsig_python_core")
    store: Any = import_module("statsig_python_core.data_store")
    counts: list[int] = []
    port = _destination(counts)
    address = f"http://127.0.0.1:{port}"

    def config(_self: Any, key: str) -> Any:
        specs = json.dumps(_specs()) if "config_specs" in key else None
        return store.DataStoreResponse(result=specs, time=_specs()["time"])

    options = sdk.StatsigOptions(
        specs_url=f"{address}/specs",
        log_event_url=f"{address}/events",
        specs_sync_interval_ms=3_600_000,
        data_store=type("Store", (store.DataStore,), {"get": config})(),
        enable_id_lists=False,
        disable_country_lookup=True,
        fallback_to_statsig_api=False,
        output_log_level="none",
        # Reports on errors would go to Statsig; so everything goes to the loopback.
        proxy_config=sdk.ProxyConfig("127.0.0.1", port, None, "http"),
    )
    statsig = sdk.Statsig("secret-none", options)
    statsig.initialize().wait()
    silent = sdk.ExperimentEvaluationOptions(disable_exposure_logging=True)
    user = sdk.StatsigUser

    def received() -> int:
        statsig.flush_events().wait()
        return sum(counts)

    def loop(*options: Any) -> Loop:
        return lambda units: [
            statsig.get_experiment(user(unit), "exp", *options).get_string("variant", "default")
            for unit in units
        ]

    return Peer(
        package="statsig-python-core",
        statements="import statsig_python_core",
        off=loop(silent),
        on=loop(),
        rep=loop(),
        received=received,
    )


def _destination(counts: list[int]) -> int:
    """The port of a server that takes whatever is posted to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            counts.append(int(self.headers.get("statsig-event-count", 0)))
            content = b'{"success": true}'
            self.send_response(202)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def _specs() -> dict[str, Any]:
    half = {
        "type": "user_bucket",
        "targetValue": 500,
        "operator": "lt",
        "field": None,
        "additionalValues": {"salt": "salt"},
        "idType": "userID",
    }
    everybody = {**half, "type": "public", "targetValue": None, "operator": None}
    return {
        "has_updates": True,
        "time": 1_700_000_000_000,
        "feature_gates": {},
        "layer_configs": {},
        "experiment_to_layer": {},
        "condition_map": {"half": half, "everybody": everybody},
        "dynamic_configs": {
            "exp": {
                "type": "dynamic_config",
                "entity": "experiment",
                "salt": "salt",
                "enabled": True,
                "isActive": True,
                "idType": "userID",
                "explicitParameters": ["variant"],
                "hasSharedParams": False,
                "defaultValue": {"variant": "default"},
                "rules": [_rule("0", "half"), _rule("1", "everybody")],
            }
        },
    }


def _rule(variant: str, condition: str) -> dict[str, Any]:
    return {
        "name": variant,
        "id": variant,
        "groupName": variant,
        "salt": f"salt{variant}",
        "idType": "userID",
        "passPercentage": 100,
        "conditions": [condition],
        "returnValue": {"variant": variant},
        "isExperimentGroup": True,
    }
