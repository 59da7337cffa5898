"""Where exposures and clicks go: into Parquet files, which `abkit analyze` reads."""

from django.conf import settings

from abkit import ExposureLogger
from abkit.sinks.files import FileSink

exposures = ExposureLogger(FileSink(settings.BASE_DIR / "data" / "events"))
