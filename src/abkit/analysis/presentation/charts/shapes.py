"""The shapes of points: variants differ in them as well as in their colours, for those who see grey."""

from collections.abc import Sequence
from typing import TypeAlias

Shape: TypeAlias = tuple[tuple[float, float], ...]
"""The corners, from -1 to 1 on both axes; none: a circle."""

CIRCLE: Shape = ()

SHAPES: Sequence[Shape] = (
    ((-1, -0.4), (1, -0.4), (1, 0.4), (-1, 0.4)),
    CIRCLE,
    ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    ((0, -1.1), (1.1, 0.9), (-1.1, 0.9)),
    ((0, -1.3), (1.2, 0), (0, 1.3), (-1.2, 0)),
    ((0, 1.1), (-1.1, -0.9), (1.1, -0.9)),
    ((-1, -1), (1, -1), (-1, 1), (1, 1)),
    ((1.1, 0), (-0.9, 1.1), (-0.9, -1.1)),
    ((-1.1, 0), (0.9, -1.1), (0.9, 1.1)),
)
"""Of all variants, the control's first."""


def outline(shape: Shape, x: float, y: float, *, half: float) -> str:
    """A shape around a place, as a path of SVG; a circle has none.

    Args:
        shape: The shape.
        x: The place from the left.
        y: The place from the top.
        half: Half of the width of a circle of the same area.
    """
    corners = "L".join(f"{x + half * dx:.1f} {y + half * dy:.1f}" for dx, dy in shape)
    return f"M{corners}z" if corners else ""


def in_vega(shape: Shape) -> str:
    """A shape in Vega's words."""
    return "M" + "L".join(f"{x},{y}" for x, y in shape) + "Z" if shape else "circle"
