"""What abkit is installed as, and whether another package has put its files where abkit's should be.

The package index has an unrelated package called `abkit`, with the same import name and the same command.
Where both are installed, the later one replaces files of the earlier, and removing one removes them.
"""

import sys
from pathlib import Path

__version__ = "0.1.0"

DISTRIBUTION = "abkit-sdk"
"""What `pip` calls abkit."""

_OTHER = "abkit"
_ROOT = Path(__file__).with_name("__init__.py")


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def replaced() -> bool:
    """Whether the package `abkit` that was imported is another one than this."""
    return not hasattr(sys.modules["abkit"], "expt_manager")


def intruder() -> str:
    """What is wrong if another package's files are where ours should be; empty if nothing is."""
    ours, other = not replaced(), _other()
    if ours and not other:
        return ""
    if ours:
        found = f"{other} is installed beside {DISTRIBUTION}, in the same folder {_ROOT.parent}."
    elif other:
        found = f"{_ROOT} is of another package, {other}, and not of {DISTRIBUTION}."
    else:
        found = (
            f"{_ROOT} is not that of {DISTRIBUTION}; another package has replaced or removed it."
        )
    return (
        f"{found} Only one of them can be here. Remove both (pip uninstall {_OTHER} {DISTRIBUTION}), and "
        f"install {DISTRIBUTION} again."
    )


def _other() -> str:
    """The distribution that is called as our import is, and its version, if its files lie among ours."""
    from importlib.metadata import PackageNotFoundError, distribution  # takes a third of the import

    try:
        found = distribution(_OTHER)
    except PackageNotFoundError:
        return ""
    among_ours = Path(str(found.locate_file("abkit/__init__.py"))) == _ROOT
    brings = any(file.as_posix() == "abkit/__init__.py" for file in found.files or ())
    return f"{_OTHER} {found.version}" if among_ours and brings else ""
