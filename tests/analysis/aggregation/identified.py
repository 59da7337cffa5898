"""Whose actions are whose, by plain Python, from the rules of the docs alone."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

CAP = 10


@dataclass(frozen=True)
class Log:
    """What was stored; times are seconds.

    Attributes:
        exposures: Unit, variant, time.
        actions: The subjects by their types, and the time.
        identities: Two pairs of type and id, and the time.
    """

    exposures: Sequence[tuple[str, str, int]]
    actions: Sequence[tuple[Mapping[str, str], int]]
    identities: Sequence[tuple[str | None, str | None, str | None, str | None, int | None]]

    def rows(self, unit_type: str) -> dict[str, list[dict[str, Any]]]:
        """As records of three tables; every third action was delivered twice."""
        exposures = [
            {
                "experiment": "Exp",
                "salt": "s",
                "unit_type": unit_type,
                "unit_id": unit,
                "variant": variant,
                "time": float(time),
            }
            for unit, variant, time in self.exposures
        ]
        actions = [
            {
                "insert_id": f"a{number}",
                "action": "buy",
                "user_id": subjects.get("user"),
                "groups": json.dumps({k: v for k, v in subjects.items() if k != "user"}),
                "time": float(time),
            }
            for number, (subjects, time) in enumerate(self.actions)
        ]
        names = ("from_type", "from_id", "to_type", "to_id")
        identities = [
            {**dict(zip(names, ids, strict=True)), "time": None if time is None else float(time)}
            for *ids, time in self.identities
        ]
        return {
            "exposures": exposures,
            "actions": actions + actions[::3],
            "identities": identities,
        }


COLUMNS = {
    "exposures": ("experiment", "salt", "unit_type", "unit_id", "variant", "time"),
    "actions": ("insert_id", "action", "user_id", "groups", "time"),
    "identities": ("from_type", "from_id", "to_type", "to_id", "time"),
}


def frames(rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, Any]:
    """The tables for DuckDB."""
    import polars as pl

    return {
        name: pl.DataFrame(
            of, schema={c: pl.Float64 if c == "time" else pl.String for c in COLUMNS[name]}
        )
        for name, of in rows.items()
    }


def in_sqlite(
    connection: sqlite3.Connection, rows: Mapping[str, Sequence[Mapping[str, Any]]]
) -> dict[str, Any]:
    """The tables for SQLite, under their names."""
    for name, of in rows.items():
        columns = COLUMNS[name]
        connection.execute(f"create table {name} ({', '.join(columns)})")
        marks = ", ".join(f":{column}" for column in columns)
        connection.executemany(f"insert into {name} values ({marks})", of)  # noqa: S608
    return {name: name for name in rows}


Expected = dict[tuple[str, str], tuple[int, int]]
"""The first exposure and the number of actions, by unit and variant."""


def expected(log: Log, unit_type: str, several: str) -> Expected:
    """What each unit is, and did."""
    links, users_of = _linked(log)
    names = _people(users_of) if unit_type == "visitor" else {}
    seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for unit, variant, time in log.exposures:
        seen[names.get(unit, unit)].append((time, variant))
    did: dict[str, list[int]] = defaultdict(list)
    for subjects, time in log.actions:
        for unit in _units(subjects, unit_type, links, users_of):
            did[unit].append(time)
    found: Expected = {}
    for unit, exposures in seen.items():
        variants = {variant for _, variant in exposures}
        if len(variants) > 1 and several == "exclude":
            continue
        first = min(exposures)
        chosen = variants if several == "include" else {first[1]}
        for variant in chosen:
            since = min(t for t, v in exposures if v == variant or several != "include")
            found[unit, variant] = since, sum(time >= since for time in did[unit])
    return found


def _linked(log: Log) -> tuple[dict[tuple[str, str, str], set[str]], dict[str, list[str]]]:
    """The ids of a type by another type and id; and the users of each visitor that link."""
    links: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    since: dict[tuple[str, str], float] = {}
    for one, one_id, other, other_id, time in log.identities:
        if not (one and one_id and other and other_id) or one == other:
            continue
        links[one, one_id, other].add(other_id)
        links[other, other_id, one].add(one_id)
        if {one, other} == {"visitor", "user"}:
            pair = (one_id, other_id) if one == "visitor" else (other_id, one_id)
            when = float("inf") if time is None else time
            since[pair] = min(when, since.get(pair, when))
    users_of: dict[str, list[str]] = defaultdict(list)
    for visitor, user in sorted(since, key=lambda pair: (since[pair], pair[1])):
        users_of[visitor].append(user)
    return links, {visitor: users[:CAP] for visitor, users in users_of.items()}


def _people(users_of: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """The name of the unit of each visitor that has a user."""
    visitors: dict[str, list[str]] = defaultdict(list)
    for visitor, users in users_of.items():
        visitors[users[0]].append(visitor)
    return {visitor: min(of) for of in visitors.values() for visitor in of}


def _units(
    subjects: Mapping[str, str],
    unit_type: str,
    links: Mapping[tuple[str, str, str], set[str]],
    users_of: Mapping[str, Sequence[str]],
) -> set[str]:
    """The units that an action counts for."""
    names = _people(users_of)
    if unit_type in subjects:
        named = subjects[unit_type]
        return {names.get(named, named) if unit_type == "visitor" else named}
    if unit_type == "visitor":
        user = subjects.get("user")
        return {names[visitor] for visitor, users in users_of.items() if user in users}
    if unit_type == "user":
        return set(users_of.get(subjects.get("visitor", ""), ()))
    reached: set[str] = set()
    for kind, of in subjects.items():
        reached |= links.get((kind, of, unit_type), set())
    for user in users_of.get(subjects.get("visitor", ""), ()):
        reached |= links.get(("user", user, unit_type), set())
    return reached
