"""Modules at their former places: importing one warns, and gives the module where it is now."""

import sys
import warnings
from collections.abc import Mapping
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import MappingProxyType, ModuleType

_EXPERIMENTS = {
    "declaring": (
        "declaration experiment expressions layer metric_fields metrics names script segments share "
        "spelling subjects"
    ),
    "deciding": (
        "answer decision drawing explanation gates hooks in_code registry run settings sticky"
    ),
    "in_bulk": "columns dialects sql",
    "checking": "check lock tracing",
}
_EXPOSURE = {
    "naming": "insert_ids",
    "redis_client": "runtime.redis_client",
    "redis_dedup": "dedup.redis",
    "sharing": "dedup.shared",
    "sticky.keeper": "sticky.variants",
    "sticky.lookup": "sticky.store_reader",
    "sticky.place": "sticky.store_url",
    "sticky.recent": "sticky.cache",
    "sticky.writing": "sticky.store_writer",
    "transport": "delivery",
    "transport.batching": "delivery.batch",
    "transport.bell": "runtime.wakeup",
    "transport.courier": "delivery.worker",
    "transport.dispatch": "delivery.batch_sender",
    "transport.incidents": "runtime.error_log",
    "transport.lifecycle": "runtime.process_hooks",
    "transport.losses": "delivery.drop_reports",
    "transport.mailbox": "delivery.event_queue",
    "transport.outcomes": "delivery.send_result",
    "transport.patience": "delivery.linger",
    "transport.retry": "runtime.backoff",
}
_NOTIFICATIONS = {
    "conditions": "alerts",
    "onsets": "alert_state",
    "telling": "notify",
    "transport": "notifiers",
}
MOVED: Mapping[str, str] = MappingProxyType(
    {
        **{
            f"abkit.experiments.{module}": f"abkit.experiments.{room}.{module}"
            for room, modules in _EXPERIMENTS.items()
            for module in modules.split()
        },
        "abkit.analysis.aggregates": "abkit.analysis.statistics.aggregates",
        "abkit.analysis.arguments": "abkit.analysis.declared.arguments",
        "abkit.analysis.assembling": "abkit.analysis.assemble",
        "abkit.analysis.designed": "abkit.analysis.declared.design_weights",
        "abkit.analysis.estimands": "abkit.analysis.statistics.estimands",
        "abkit.analysis.findings.remaining": "abkit.analysis.advice.remaining",
        "abkit.analysis.findings.verdict": "abkit.analysis.advice.verdict",
        "abkit.analysis.phases": "abkit.analysis.statistics.phases",
        "abkit.analysis.plan": "abkit.analysis.declared.design",
        "abkit.analysis.settings": "abkit.experiments.declaring.analysis_plan",
        "abkit.analysis.standardizing": "abkit.analysis.statistics.standardizing",
        **{
            f"abkit.{package}.{former}": f"abkit.{package}.{now}"
            for package, modules in (
                ("exposure", _EXPOSURE),
                ("analysis.notifications", _NOTIFICATIONS),
            )
            for former, now in modules.items()
        },
        "abkit.experiments.bulk": "abkit.experiments.in_bulk.assign",
        "abkit.experiments.explaining": "abkit.experiments.deciding.explain",
        "abkit.experiments.weighing": "abkit.experiments.deciding.weights_drawn_with",
    }
)
"""By the former name of a module, its name now. A name stays here for one minor version."""


class FormerModules:
    """Finds modules under their former names.

    To be asked first: beside a former package, Python would find its modules by their files a second time.
    """

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """As `importlib.abc.MetaPathFinder.find_spec`."""
        # importlib.abc, whose base classes the type asks for, takes long to import.
        return ModuleSpec(name, self) if name in MOVED else None  # type: ignore[arg-type]

    def create_module(self, _spec: ModuleSpec) -> ModuleType | None:
        """As `importlib.abc.Loader.create_module`."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Put the module that is meant in the place of the one that was made."""
        former = module.__name__
        now = MOVED[former]
        warnings.warn(
            f"{former} is now {now}; the former name ends with abkit 0.2",
            DeprecationWarning,
            stacklevel=2,
        )
        sys.modules[former] = import_module(now)
