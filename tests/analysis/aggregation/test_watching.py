"""How much of a query is done, told while it runs."""

from collections.abc import Sequence
from threading import Event

from attrs import field, frozen

from abkit.analysis.aggregation.session import QuerySession
from abkit.analysis.engines.base import Row
from abkit.analysis.engines.local import DuckDB


@frozen
class Told:
    """Somebody who wants to know how much is done."""

    steps: list[str] = field(factory=list)
    shares: list[float] = field(factory=list)
    enough: Event = field(factory=Event)

    def __call__(self, what: str, step: int, of: int) -> None:
        self.steps.append(f"{step} of {of}: {what}")

    def within(self, share: float) -> None:
        self.shares.append(share)
        if len(self.shares) == 2:
            self.enough.set()


class Patient(DuckDB):
    """An engine whose queries take as long as somebody wants to be told of them."""

    def __init__(self, told: Told) -> None:
        super().__init__(threads=1)
        self._told = told
        self._shares = iter([None, 0.25, 0.5])

    def share_done(self) -> float | None:
        return next(self._shares, None)

    def rows(self, query: str) -> Sequence[Row]:
        assert self._told.enough.wait(60)
        return super().rows(query)


def test_how_much_of_a_query_is_done_is_told_while_it_runs() -> None:
    told = Told()
    with Patient(told) as engine:
        session = QuerySession(engine, progress=told, steps=2)
        assert session.row("all", "select 42 as answer")["answer"] == 42
    assert told.steps == ["1 of 2: all"]
    assert told.shares == [0.25, 0.5]


def test_an_engine_without_a_query_does_not_know() -> None:
    with DuckDB(threads=1) as engine:
        assert engine.share_done() is None
    assert engine.share_done() is None


def test_whether_actions_were_stored_twice_is_a_step() -> None:
    told = Told()
    with DuckDB(threads=1) as engine:
        session = QuerySession(engine, progress=told, steps=2)
        session.define("twice", "select 1 as id union all select 1 as id", keep=True)
        assert session.repeats("stored twice", "twice", "id")
    assert told.steps == ["1 of 2: twice", "2 of 2: stored twice"]
