"""Where the events go: into files, if the tests say where."""

import os

from abkit import ExposureLogger
from abkit.sinks.files import FileSink
from abkit.sinks.memory import MemorySink

folder = os.environ.get("EVENTS")
exposures = ExposureLogger(FileSink(folder, format="jsonl") if folder else MemorySink())
