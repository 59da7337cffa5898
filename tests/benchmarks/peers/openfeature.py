"""OpenFeature: the SDK with its InMemoryProvider; the flag hashes as PlanOut does, a hook exposes."""

from hashlib import sha1
from importlib import import_module
from typing import Any

from ..candidate import Loop, Peer


def peer() -> Peer:
    """The hook is called in the caller's thread; nothing is deduplicated."""
    api: Any = import_module("openfeature.api")
    context: Any = import_module("openfeature.evaluation_context").EvaluationContext
    details: Any = import_module("openfeature.flag_evaluation").FlagResolutionDetails
    memory: Any = import_module("openfeature.provider.in_memory_provider")
    hook: Any = import_module("openfeature.hook").Hook
    exposed: list[Any] = []

    def split(flag: Any, context: Any) -> Any:
        digest = sha1(f"exp.var.{context.targeting_key}".encode()).hexdigest()  # noqa: S324 - PlanOut's
        variant = "01"[int(digest[:15], 16) % 2]
        return details(value=variant, variant=variant)

    def after(_self: Any, hook_context: Any, details: Any, hints: Any) -> None:
        exposed.append((hook_context.evaluation_context.targeting_key, details.variant))

    flag = memory.InMemoryFlag("0", {"0": "0", "1": "1"}, context_evaluator=split)

    def loop(domain: str) -> Loop:
        api.set_provider(memory.InMemoryProvider({"flag": flag}), domain)
        client = api.get_client(domain)
        if domain == "exposing":
            client.add_hooks([type("Expose", (hook,), {"after": after})()])
        return lambda units: [
            client.get_string_value("flag", "default", context(targeting_key=unit))
            for unit in units
        ]

    exposing = loop("exposing")
    return Peer(
        package="openfeature-sdk",
        statements="from openfeature import api",
        off=loop("silent"),
        on=exposing,
        rep=exposing,
        received=lambda: len(exposed),
    )
