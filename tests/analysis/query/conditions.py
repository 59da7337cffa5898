"""Conditions, told by plain Python."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from abkit.experiments.declaring.conditions import (
    AllOf,
    Among,
    AnyOf,
    Condition,
    IsNull,
    Not,
    Within,
)


def found(of: Any, path: Sequence[str]) -> Any:
    """The value of a property; None where it is missing."""
    for name in path:
        of = of.get(name) if isinstance(of, dict) else None
    return None if of == "" else of


def is_number(value: object) -> float | None:
    """The number that a value is, or that its text is."""
    if isinstance(value, bool | dict | list) or value is None:
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except ValueError:
        return None


def is_text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def is_true(value: object) -> bool | None:
    text = (is_text(value) or "").strip().lower()
    if text in ("1", "1.0", "t", "true", "y", "yes"):
        return True
    return False if text in ("0", "0.0", "f", "false", "n", "no") else None


def equal(value: object, to: object) -> bool:
    if isinstance(to, bool):
        return is_true(value) is to
    return is_text(value) == to if isinstance(to, str) else is_number(value) == to


def holds(condition: Condition, of: Mapping[str, Any]) -> bool:
    """Whether it holds, naively."""
    match condition:
        case Not(inner):
            return not holds(inner, of)
        case AllOf(parts):
            return all(holds(part, of) for part in parts)
        case AnyOf(parts):
            return any(holds(part, of) for part in parts)
        case IsNull(path):
            return found(of, path) is None
        case Among(path, values):
            return any(equal(found(of, path), value) for value in values)
        case Within(path, bound, limit):
            value: Any = (is_text if isinstance(limit, str) else is_number)(found(of, path))
            if value is None:
                return False
            compared = {"<": value < limit, "<=": value <= limit, ">": value > limit}
            return bool(compared.get(bound.value, value >= limit))
        case _:
            raise AssertionError(condition)
