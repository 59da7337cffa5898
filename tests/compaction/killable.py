"""Runs that can be killed: a process that has imported everything forks for each run.

Each line of its standard input is a folder and, after a tab, the seconds after which the run is killed, or
nothing. For each it writes the exit code.
"""

import os
import signal
import sys
import time

from stored import AT_ONCE  # type: ignore[import-not-found]  # a program of its own: tests are no package


def main() -> None:
    import duckdb  # noqa: F401 - what a run imports

    for line in sys.stdin:
        folder, _, seconds = line.rstrip("\n").partition("\t")
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            AT_ONCE.run(folder)
            os._exit(0)
        if seconds:
            time.sleep(max(0.0, began + float(seconds) - time.monotonic()))
            os.kill(child, signal.SIGKILL)  # if it has ended, it waits to be asked how
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
