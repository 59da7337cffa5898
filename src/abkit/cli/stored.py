"""Where a folder of stored events has its tables."""

from pathlib import Path


def stored_tables(events: str) -> dict[str, str | None]:
    """The paths of the exposures and of the actions, as keywords of an `Analysis`.

    Args:
        events: The folder that a `FileSink` wrote. It makes a folder within it with the first event of
            a kind: where there are exposures but no folder of actions, nothing was done yet.
    """
    exposures, actions = Path(events) / "exposures", Path(events) / "actions"
    nothing_done = exposures.exists() and not actions.exists()
    return {"exposures": str(exposures), "actions": None if nothing_done else str(actions)}
