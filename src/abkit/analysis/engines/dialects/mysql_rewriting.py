"""What SQLGlot does not write for MySQL as the queries mean it."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def rewrite_for_mysql(tree: "exp.Expression") -> None:
    """Change a query of DuckDB's dialect so that SQLGlot writes it for MySQL."""
    from sqlglot import exp

    for trim in list(tree.find_all(exp.Trim)):
        if trim.expression is not None:
            _replace_trim(trim)
    for window in tree.find_all(exp.Window):
        if isinstance(window.this, exp.Identifier):
            for ordered in list(window.find_all(exp.Ordered)):
                _sort_nulls_last(ordered)


def _replace_trim(trim: "exp.Trim") -> None:
    """MySQL trims a text, DuckDB any of its characters; in the queries they are digits and the like."""
    from sqlglot import exp

    pattern = exp.Literal.string(f"^[{trim.expression.this}]+")
    trim.replace(exp.func("regexp_replace", trim.this.copy(), pattern, exp.Literal.string("")))


def _sort_nulls_last(ordered: "exp.Ordered") -> None:
    """What SQLGlot does itself, but not in a window that has a name, where it fails."""
    from sqlglot import exp

    is_null = (
        exp.case().when(exp.Is(this=ordered.this.copy(), expression=exp.null()), "1").else_("0")
    )
    ordered.set("nulls_first", True)
    order = ordered.find_ancestor(exp.Order)
    if order is not None:
        order.expressions.insert(0, exp.Ordered(this=is_null, nulls_first=True))
