"""What a node of a PlanOut script is: `{"op": name, argument: code, ...}`.

A place in a script is written as in Python, such as `script.seq[0].value`.
"""

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from abkit.errors import DeclarationError

Node: TypeAlias = Mapping[str, Any]


def is_node(code: Any) -> bool:
    """Whether code is an operator with its arguments, rather than a value."""
    return isinstance(code, Mapping) and "op" in code


def check_arguments(
    node: Node, place: str, needed: Collection[str], *, also: Collection[str] | None = ()
) -> None:
    """Refuse a node that lacks an argument, or has one that its operator does not know.

    Args:
        node: The node.
        place: Where it is.
        needed: What it must have.
        also: What it may have besides; None: anything.

    Raises:
        DeclarationError: So it is.
    """
    known = [*needed, *(also or ())]
    for name in needed:
        if name not in node:
            raise DeclarationError(place, f"{node['op']} needs the argument `{name}`")
    for name in node:
        if not isinstance(name, str):
            raise DeclarationError(place, f"an argument's name must be text, not {name!r}")
        # PlanOut itself writes a `salt` into whatever a variable is set to.
        if also is not None and name not in {"op", "salt", *known}:
            takes = ", ".join(f"`{argument}`" for argument in known)
            raise DeclarationError(
                place, f"{node['op']} has no argument `{name}`; it takes {takes}"
            )


def list_in(node: Node, place: str, argument: str) -> list[Any] | tuple[Any, ...]:
    """An argument that must be a list in the script itself.

    Raises:
        DeclarationError: It is none.
    """
    codes = node[argument]
    if not isinstance(codes, list | tuple):
        raise DeclarationError(f"{place}.{argument}", f"must be a list, not {codes!r}")
    return codes


def variable_in(node: Node, place: str) -> str:
    """The variable that is got or set.

    Raises:
        DeclarationError: It is no name.
    """
    name = node["var"]
    if not isinstance(name, str) or not name:
        raise DeclarationError(f"{place}.var", f"must be a variable's name, not {name!r}")
    return name
