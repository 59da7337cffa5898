"""How files of events are called that are still written to, by whoever writes and whoever reads them.

`_<unique>.jsonl.open` has whole lines of JSON, but for the last one, which may be half a line. When it is
closed, `<unique>.parquet` or `<unique>.jsonl` takes its place. Other programs that read folders of Parquet
skip names that begin with an underscore.
"""

_BEGINS = "_"
_ENDS = ".jsonl.open"


def open_name(unique: str) -> str:
    """What a file is called as long as it is written to."""
    return f"{_BEGINS}{unique}{_ENDS}"


def is_open(name: str) -> bool:
    """Whether a file may still be written to, by its name without its folder."""
    return name.startswith(_BEGINS) and name.endswith(_ENDS) and len(name) > len(_BEGINS + _ENDS)


def closed_names(name: str) -> tuple[str, ...]:
    """What a file may be called when it is closed, by what it is called before."""
    unique = name.removeprefix(_BEGINS).removesuffix(_ENDS)
    return f"{unique}.parquet", f"{unique}.jsonl"
