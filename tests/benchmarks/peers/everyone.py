"""All peers; one that is not installed or does not run is told with the reason."""

from collections.abc import Mapping
from importlib import import_module

from attrs import frozen

from ..candidate import Peer

PACKAGES: Mapping[str, str] = {
    "planout": "PlanOut",
    "eppo": "eppo-server-sdk",
    "growthbook": "growthbook",
    "openfeature": "openfeature-sdk",
    "statsig": "statsig-python-core",
    "amplitude": "amplitude-experiment",
    "posthog": "posthog",
    "launchdarkly": "launchdarkly-server-sdk",
}
"""Modules of this package, and what they need from PyPI."""


@frozen
class Everyone:
    """The peers that run, and why the others do not, by package."""

    peers: Mapping[str, Peer]
    absent: Mapping[str, str]


def everyone() -> Everyone:
    """Set up all peers."""
    peers: dict[str, Peer] = {}
    absent: dict[str, str] = {}
    for module, package in PACKAGES.items():
        try:
            peer = import_module(f"{__package__}.{module}").peer()
            _try(peer)
            peers[package] = peer
        except ImportError as error:
            absent[package] = f"is not installed: {error}"
        except Exception as error:  # noqa: BLE001 - a release of theirs must not end the benchmark
            absent[package] = f"does not run: {error!r}"
    return Everyone(peers, absent)


def _try(peer: Peer) -> None:
    """A few units, whom the benchmark does not use."""
    units = [f"tried-{number}" for number in range(100)]
    for loop in (peer.off, peer.on, peer.rep):
        variants = set(loop(units))
        if len(variants) != 2:
            raise ValueError(f"it gives the variants {variants}, not two")
