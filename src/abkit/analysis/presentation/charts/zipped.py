"""All charts of a result as pictures in one file, made by another process.

The converter holds Python's lock for a tenth of a second and more for each chart: within a server it would
hold up every other request.
"""

import io
import json
import os
import subprocess
import sys
import threading
from base64 import b64decode
from collections.abc import Mapping
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

from abkit.analysis.presentation.charts.drawing import Drawing
from abkit.analysis.presentation.charts.theme import PAPER, Size
from abkit.analysis.presentation.charts.vega import Spec, vega_lite
from abkit.errors import AnalysisError, MissingExtraError

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

MOST_TIME = timedelta(minutes=1)
"""What takes longer is stopped: whoever waits for it has gone."""

_ONE_AT_A_TIME = threading.Lock()
"""However many ask, one other process draws."""

_CONVERTING = """
import json, sys, vl_convert
from base64 import b64encode
for line in sys.stdin:
    name, spec = json.loads(line)
    picture = vl_convert.vegalite_to_png(spec, scale=2.0)
    print(json.dumps([name, b64encode(picture).decode()]), flush=True)
"""


def zipped_pictures(result: "Outcome", *, most_time: timedelta = MOST_TIME) -> bytes:
    """The charts of a result as PNG, in a ZIP file.

    Args:
        result: The result of an analysis.
        most_time: So long it may take.

    Raises:
        AnalysisError: It took longer, others are drawn meanwhile, or it failed.
        MissingExtraError: vl-convert is not installed.
    """
    if find_spec("vl_convert") is None:
        raise MissingExtraError("vl_convert", "charts")
    specs = {
        name: vega_lite(plot, theme=PAPER, size=Size()) for name, plot in Drawing(result).named()
    }
    if not _ONE_AT_A_TIME.acquire(timeout=most_time.total_seconds()):
        message = "other charts are being drawn: ask again in a moment"
        raise AnalysisError(message)
    try:
        pictures = _converted(specs, most_time)
    finally:
        _ONE_AT_A_TIME.release()
    written = io.BytesIO()
    with ZipFile(written, "w") as file:
        for name, picture in pictures.items():
            file.writestr(f"{name}.png", picture)
    return written.getvalue()


def _converted(specs: Mapping[str, Spec], most_time: timedelta) -> Mapping[str, bytes]:
    """The picture of each chart, by its name."""
    lines = "".join(json.dumps([*each]) + "\n" for each in specs.items())
    path = os.pathsep.join(folder for folder in sys.path if folder)
    try:
        done = subprocess.run(  # noqa: S603 - our own text, by the Python that runs this
            [_python(), "-P", "-c", _CONVERTING],
            input=lines.encode(),
            capture_output=True,
            timeout=most_time.total_seconds(),
            env={**os.environ, "PYTHONPATH": path},
            check=False,
        )
    except subprocess.TimeoutExpired:
        message = (
            f"{len(specs)} charts were not drawn in {most_time.total_seconds():g} seconds: "
            "ask for fewer metrics"
        )
        raise AnalysisError(message) from None
    except OSError as error:
        message = f"charts are drawn by another Python, which cannot be started: {error}"
        raise AnalysisError(message) from error
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        message = f"the charts could not be drawn: {last[:300]}"
        raise AnalysisError(message)
    return {name: b64decode(text) for name, text in map(json.loads, done.stdout.splitlines())}


def _python() -> str:
    """The interpreter; within some servers `sys.executable` is the server."""
    if Path(sys.executable).name.startswith("python"):
        return sys.executable
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python3")
    return str(Path(sys.prefix) / folder / name)
