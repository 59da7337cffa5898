"""Conditions on subqueries, as Spark joins them without comparing each row with each."""

from typing import Any


def join_by_hash(tree: Any) -> None:
    """Let `not in` of a subquery be false where a value is null, as no id of a unit is.

    Else a null anywhere makes it null everywhere, which Spark looks for by comparing each with each.

    Args:
        tree: A query, as SQLGlot has it, which is changed.
    """
    from sqlglot import exp

    for found in list(tree.find_all(exp.In)):
        is_negated = isinstance(found.find_ancestor(exp.Not, exp.Select), exp.Not)
        if is_negated and found.args.get("query") is not None:
            found.replace(exp.Coalesce(this=found.copy(), expressions=[exp.false()]))
