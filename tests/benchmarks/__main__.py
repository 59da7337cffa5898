"""What abkit costs and finds, beside its peers: `make bench`, or `python -m tests.benchmarks`.

It fails on nothing: the targets that were missed are printed last.
"""

import logging
import os
import platform
import sys
import warnings
from importlib.metadata import version
from time import perf_counter

from rich.console import Console

from .analysis.detections import detection_table, detections, one_look_table
from .analysis.hour_files import hour_file_rows, hour_file_table
from .analysis.incremental import incremental_rows
from .analysis.levels import level_table, levels
from .analysis.process_files import process_file_rows
from .analysis.rows import analysis_rows, analysis_table
from .analysis.showing import showing_rows, showing_table
from .bulk import bulk_rows
from .delivery import delivery_outcomes
from .imports import import_rows
from .large.rows import large_rows, large_table
from .many import many_rows
from .panel.rows import panel_rows, panel_table
from .peers.everyone import everyone
from .requests import request_rows
from .servers import server_rows
from .tables import cost_table, delivery_table, server_table
from .targets import targets_of, targets_told

WIDTH = 145
"""Columns; in a narrower terminal the lines are broken, but nothing is cut off."""


def main() -> None:
    """Measure everything and print the tables."""
    # Some peers warn at each call, or tell each event that they drop.
    warnings.simplefilter("ignore")
    logging.disable()
    start = perf_counter()
    console = Console()
    console.width = max(console.width, WIDTH)
    others = everyone()
    console.print(
        f"Python {platform.python_version()}, {os.cpu_count()} cores; "
        + ", ".join(f"{package} {version(package)}" for package in others.peers)
    )
    for package, why in others.absent.items():
        console.print(f"{package} {why}", markup=False)
    costs = [
        *request_rows(others.peers),
        *many_rows(),
        *bulk_rows(),
        *import_rows(others.peers),
        *process_file_rows(),
        *incremental_rows(),
    ]
    console.print(cost_table(costs))
    console.print(delivery_table(delivery_outcomes()))
    console.print(server_table(server_rows()))
    console.print(analysis_table(analyzed := [*analysis_rows()]))
    console.print(hour_file_table(hour_file_rows()))
    console.print(large_table(large_rows()))
    console.print(showing_table(shown := [*showing_rows()]))
    console.print(panel_table(answered := [*panel_rows()]))
    for table in (level_table(levels()), detection_table(detections()), one_look_table()):
        console.print(table)
    console.print(f"This took {perf_counter() - start:.0f} s.")
    console.print(targets_told(targets_of(costs, analyzed, shown, answered)))
    sys.stdout.flush()
    os._exit(0)  # The peers' exit handlers would wait for servers that are not there.


if __name__ == "__main__":
    main()
