"""A program that ends while its panel reads."""

import sys
import time

from tests.panel.asking import asked
from tests.panel.shop import manager

from abkit.panel import Panel, StoredSource


def main() -> None:
    """Ask for an experiment of the events in a folder, and end as soon as they are being read."""
    panel = Panel(StoredSource(manager(), events=sys.argv[1]))
    while b"waiting for its turn" in (page := asked(panel, "experiments/Checkout/").body):
        time.sleep(0.05)
    assert b"<progress" in page
    sys.stdout.write("ends\n")


if __name__ == "__main__":
    main()
