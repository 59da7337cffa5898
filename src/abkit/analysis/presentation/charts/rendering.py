"""Pictures of charts without a browser, by vl-convert."""

from pathlib import Path
from typing import Any

from abkit.errors import AnalysisError
from abkit.extras import extra

_SCALE = 2.0
"""Pixels of a PNG for each of the chart's: sharp on good screens."""


def write(chart: Any, path: Path) -> Path:
    """Write an Altair chart as .png or .svg; the answer is the path.

    Raises:
        AnalysisError: The path ends otherwise.
        MissingExtraError: vl-convert is not installed.
    """
    match path.suffix:
        case ".png":
            path.write_bytes(_converter().vegalite_to_png(_spec(chart), scale=_SCALE))
        case ".svg":
            path.write_text(_converter().vegalite_to_svg(_spec(chart)), encoding="utf-8")
        case _:
            message = f"charts are written as png or svg, not as {path.suffix.lstrip('.')!r}"
            raise AnalysisError(message)
    return path


def _spec(chart: Any) -> Any:
    return chart.to_dict(validate=False)


def _converter() -> Any:
    with extra("charts"):
        import vl_convert
    return vl_convert
