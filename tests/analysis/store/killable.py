"""Analyses that can be killed: a process that has imported everything forks for each.

Each line of its standard input has, between tabs, the URL of the events, where S3 is, and how many bytes are
put in one request. For each it writes the number of the process, and then its exit code.
"""

import os
import sys

import duckdb  # noqa: F401 - what an analysis imports
import s3fs  # type: ignore[import-untyped]  # noqa: F401 - the same

from abkit import Conversion, UserExperiment, remote_file
from abkit.analysis import Analysis


class Buyers(UserExperiment):
    name = "everything"
    salt = "everything"
    variants = {"0": 0.5, "1": 0.5}
    metrics = [Conversion(action="buy", name="buyers")]


def main() -> None:
    for line in sys.stdin:
        events, endpoint, part = line.rstrip("\n").split("\t")
        child = os.fork()
        if child == 0:
            os.environ["AWS_ENDPOINT_URL"] = endpoint
            remote_file.PART = int(part)
            Analysis(
                Buyers,
                exposures=f"{events}/exposures",
                actions=f"{events}/actions",
                store=f"{events}/store.duckdb",
            ).run()
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
