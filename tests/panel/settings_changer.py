"""A panel in a process of its own, in which somebody changes the settings again and again."""

import sys
from http import HTTPStatus
from pathlib import Path

from tests.panel.test_acting import Acting


def main() -> None:
    """Change the rollout of `Checkout` so often; who comes second looks again, and tries again."""
    folder, who, changes, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    acting = Acting(folder, folder / "nothing", who=who)
    for number in range(changes):
        share = str(first + number)
        while True:
            form = acting.form({"act": "ramp", "share": share}, why=share)
            status = acting.send(form).status
            if status is HTTPStatus.SEE_OTHER:
                break
            assert status is HTTPStatus.CONFLICT
    acting.panel.close()


if __name__ == "__main__":
    main()
