"""What is known of the days of an experiment that are closed: their sums."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

from attrs import asdict, evolve, field, frozen

from abkit.analysis.engines.base import Row, integer
from abkit.analysis.query.sums import Group, SumQueries

Shifts: TypeAlias = Mapping[Group, Sequence[float]]

Limit: TypeAlias = tuple[float | None, float | None]
"""A lower and an upper limit."""

AT_ONCE = -1
"""The period of rows that tell no periods apart."""

_CANCELS = 1e4
"""What is taken away may be so many times what is left: twelve digits of that are right then."""


@frozen(kw_only=True)
class Answer:
    """The rows of `SumQueries.changes` of closed periods.

    Attributes:
        by: What the units are told apart by, as of `SumQueries`.
        shifts: What was taken from each measure, as of `SumQueries`.
        rows: The rows; of parts of the units, all periods in one.
        parts: Of which values of the first column of `by` they are; None: they are no parts.
    """

    by: tuple[str, ...]
    shifts: Shifts
    rows: Sequence[Row] = ()
    parts: tuple[str | None, ...] | None = None

    def fits(self, queries: SumQueries, parts: Collection[str | None] | None) -> bool:
        """Whether it answers what is asked, around whatever shifts."""
        if parts is None or self.parts is None:
            return self.by == queries.by and parts is self.parts
        return self.by == queries.by and {*parts} == {*self.parts}


@frozen(kw_only=True)
class ClosedDays:
    """The sums of closed days.

    Attributes:
        since: The first moment that is not closed, in microseconds since 1970.
        batch: The last batch of actions that is in them.
        limits: The lower and the upper limit of each part that has some, in the order of the layout's.
        reach: The states of units are kept in which one of these has a value beyond these limits.
        beyond: How many of these states there were when `reach` was chosen.
        answers: The sums, around no shifts, and around each that was asked for.
        days: The query of the days since exposure that are kept too; None: none are.
        over: These days ended until this moment, in microseconds since 1970: not after `since`, nor after the
            end of the data.
        lacks: Whether some action lacks a property whose values metrics tell apart.
    """

    since: int
    over: int
    batch: int
    limits: Sequence[Limit]
    reach: Sequence[Limit] = ()
    beyond: int = 0
    answers: Sequence[Answer] = field(default=())
    days: str | None = None
    lacks: bool = False

    def to_json(self) -> str:
        """As a text."""
        answers = [
            {**asdict(answer, recurse=False), "shifts": [[*pair] for pair in answer.shifts.items()]}
            for answer in self.answers
        ]
        return json.dumps({**asdict(self, recurse=False), "answers": answers})

    @classmethod
    def from_json(cls, text: str) -> "ClosedDays":
        """What `to_json` wrote."""
        read = json.loads(text)
        answers = [
            Answer(
                by=tuple(each["by"]),
                shifts={tuple(group): shifts for group, shifts in each["shifts"]},
                rows=each["rows"],
                parts=None if each["parts"] is None else tuple(each["parts"]),
            )
            for each in read["answers"]
        ]
        both = {name: [(low, high) for low, high in read[name]] for name in ("limits", "reach")}
        return cls(**{**read, **both, "answers": answers})

    def around(
        self, queries: SumQueries, parts: Collection[str | None] | None = None
    ) -> Answer | None:
        """The sums around the shifts of queries, or around others that are not 0 either.

        Args:
            queries: The queries.
            parts: The values of the first column of `by` that are asked for; None: it tells no parts.

        Returns:
            None if they are not known.
        """
        fitting = [answer for answer in self.answers if answer.fits(queries, parts)]
        exact = [answer for answer in fitting if dict(answer.shifts) == dict(queries.shifts)]
        near = [answer for answer in fitting if answer.shifts and queries.shifts]
        return next(iter([*exact, *near]), None)


def at_once(queries: SumQueries, rows: Iterable[Row]) -> Sequence[Row]:
    """Rows of several periods as those of one, without a count of states: it would be of other ones."""
    of_one = [
        {**{name: value for name, value in row.items() if name != "states"}, "period": AT_ONCE}
        for row in rows
    ]
    return with_rows(Answer(by=queries.by, shifts=queries.shifts), queries, of_one).rows


def with_rows(
    answer: Answer, queries: SumQueries, rows: Iterable[Row], *, times: int = 1
) -> Answer:
    """The sums with others, or without them; not those of which nothing is left.

    Args:
        answer: The sums.
        queries: What tells the groups.
        rows: The others.
        times: 1 to add them, -1 to take them away.
    """
    found = {_key(queries, row): dict(row) for row in answer.rows}
    for row in rows:
        sums = found.setdefault(_key(queries, row), {})
        for name, value in row.items():
            if name == "period" or name in queries.by:
                sums[name] = value
            else:
                sums[name] = _number(sums.get(name)) + times * _number(value)
    # A period in which nobody did anything is no period of the experiment.
    left = (sums for sums in found.values() if sums.get("states") != 0)
    return evolve(answer, rows=tuple(left))


def cancels(before: Answer, after: Answer, queries: SumQueries) -> bool:
    """Whether so much was taken away from sums of squares that digits of what is left are wrong at some look.

    Of whole numbers none are.
    """
    places = range(queries.layout.size)
    left = {_key(queries, row): row for row in after.rows}
    had: dict[tuple[object, int], float] = {}
    has: dict[tuple[object, int], float] = {}
    for row in sorted(before.rows, key=lambda row: integer(row, "period")):
        key = _key(queries, row)
        if key not in left:
            continue
        for i in places:
            at, name = (queries.group(row), i), f"p{i}_{i}"
            was, now = _number(row[name]), _number(left[key][name])
            had[at] = had.get(at, 0.0) + abs(was)
            has[at] = has.get(at, 0.0) + now
            if not _are_whole(had[at], has[at]) and had[at] > _CANCELS * abs(has[at]):
                return True
    return False


def _are_whole(*values: float) -> bool:
    return all(float(value).is_integer() and abs(value) < 2**53 for value in values)


def _key(queries: SumQueries, row: Row) -> tuple[object, ...]:
    return row["period"], *queries.group(row)


def _number(value: object) -> float:
    """A number in an answer; whole ones stay so."""
    if isinstance(value, int | float):
        return value
    return 0 if value is None else float(value)  # type: ignore[arg-type]
