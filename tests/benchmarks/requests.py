"""The requests: what `get` and `log_exposure` cost, beside the peers in the same process."""

from collections.abc import Mapping

from attrs import evolve, frozen

from .candidate import Candidate, Peer
from .experiments import (
    AmplitudeBucketing,
    Declared,
    InLayer,
    OwnCode,
    Twice,
    exposing,
    reading,
    recalling,
    verifying,
)
from .ratio import ratios
from .row import Row

_LAYER = "get, in a layer of 10,000 slots"
_STICKY = "get, sticky, known to keep its variant"
_VISITOR = "get of a visitor, the cookie verified"


@frozen
class _Line:
    what: str
    abkit: Twice
    target: float | None
    peers: Mapping[str, Candidate]

    @property
    def candidates(self) -> dict[tuple[str, str], Candidate]:
        """All of them, by line and name."""
        own = {"id": self.abkit.by_id, "object": self.abkit.by_object}
        return {(self.what, name): candidate for name, candidate in {**own, **self.peers}.items()}


def request_rows(peers: Mapping[str, Peer]) -> list[Row]:
    """Measure everybody in interleaved rounds.

    Args:
        peers: By package.
    """
    lines = _lines(peers)
    figures = ratios({name: one for line in lines for name, one in line.candidates.items()})
    rows = {
        line.what: Row(
            what=line.what,
            by_id=figures[line.what, "id"],
            by_object=figures[line.what, "object"],
            target=line.target,
            peers={package: figures[line.what, package] for package in line.peers},
        )
        for line in lines
    }
    plain = rows[lines[0].what].by_id.median
    rows[_LAYER] = evolve(rows[_LAYER], target=plain + 1)
    rows[_STICKY] = evolve(rows[_STICKY], target=plain + 0.5)
    rows[_VISITOR] = evolve(rows[_VISITOR], target=plain * 2)
    return [*rows.values()]


def _lines(peers: Mapping[str, Peer]) -> list[_Line]:
    off = {name: Candidate(peer.off) for name, peer in peers.items()}
    on = {name: Candidate(peer.on, peer.received) for name, peer in peers.items()}
    rep = {
        name: Candidate(peer.rep, peer.received, seen_before=True) for name, peer in peers.items()
    }
    weighted = {
        name: Candidate(peer.weighted) for name, peer in peers.items() if peer.weighted is not None
    }
    return [
        _Line("get, every unit new", reading(Declared), 1.8, off),
        _Line('get, bucketing="amplitude"', reading(AmplitudeBucketing), 1.0, {}),
        _Line("get, own assign(), WeightedChoice", reading(OwnCode), 3.5, weighted),
        _Line(_LAYER, reading(InLayer), None, {}),
        _Line(_STICKY, recalling(), None, {}),
        _Line(_VISITOR, verifying(), None, {}),
        _Line("get + log_exposure, unit seen before", exposing(seen_before=True), 2.5, rep),
        _Line("get + log_exposure, every unit new", exposing(seen_before=False), 4.5, on),
        _Line(
            "the same until it is in the sink",
            exposing(seen_before=False, delivers=True),
            None,
            {},
        ),
    ]
