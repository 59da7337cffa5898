"""Files of events as Spark reads them."""

from pathlib import Path
from typing import TYPE_CHECKING

from abkit.analysis.reading.files import closed_files
from abkit.analysis.reading.listing import FORMATS
from abkit.errors import AnalysisError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


def is_path(name: str) -> bool:
    """Whether a text is a path, and no name of a table."""
    return "/" in name or _suffix(name) in FORMATS


def read_path(session: "SparkSession", path: str) -> "DataFrame":
    """What is at a path.

    Raises:
        EmptyDataError: It has no data.
        AnalysisError: It has files of several formats.
    """
    read = session.read
    format_ = format_of(path)
    if format_ == "csv":
        tabs = path.removesuffix(".gz").endswith(".tsv")
        return read.csv(
            path,
            header=True,
            sep="\t" if tabs else ",",
            quote='"',
            escape='"',
            multiLine=True,
            recursiveFileLookup=True,
        )
    if format_ == "jsonl":
        return read.json(path, primitivesAsString=True, recursiveFileLookup=True)
    return read.parquet(path)


def _suffix(path: str) -> str:
    return Path(path.lower().removesuffix(".gz")).suffix


def format_of(path: str) -> str:
    """By the ending; of a local directory by its files; else Parquet."""
    if _suffix(path) in FORMATS:
        return FORMATS[_suffix(path)]
    where = Path(path)
    if not where.exists():
        return "parquet"
    files = closed_files(where)
    if files.beside is not None:
        message = (
            f"{path} has files of Parquet and of JSON Lines, which Spark does not read together"
        )
        raise AnalysisError(message)
    return files.format
