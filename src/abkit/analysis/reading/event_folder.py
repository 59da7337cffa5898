"""Where a folder of stored events has its tables."""

from collections.abc import Mapping
from pathlib import Path

from abkit.analysis.reading import remote
from abkit.analysis.reading.places import is_url, within
from abkit.errors import AnalysisError


def stored_tables(events: str) -> dict[str, str | None]:
    """The places of the exposures, the actions and any identities, as keywords of an `Analysis`.

    Args:
        events: The folder, or its URL, that a `FileSink` wrote. It makes a folder within it with the first
            event of a kind: where there are exposures but no folder of actions, nothing was done yet;
            where there is none of identities, nobody was identified.

    Raises:
        AnalysisError: A URL cannot be read.
        MissingExtraError: fsspec is not installed, for a URL.
    """
    exposures, actions = within(events, "exposures"), within(events, "actions")
    nothing_done = not exists(actions) and exists(exposures)
    tables = {"exposures": exposures, "actions": None if nothing_done else actions}
    identities = within(events, "identities")
    return {**tables, "identities": identities} if exists(identities) else tables


def required_actions(events: str, tables: Mapping[str, str | None]) -> str:
    """The place of the actions, of a command that measures metrics.

    Args:
        events: The folder or its URL, for the message.
        tables: As `stored_tables` gives them.

    Raises:
        AnalysisError: There are none.
    """
    actions = tables["actions"]
    if actions is None:
        message = f"{events} has no actions: no metric can be measured"
        raise AnalysisError(message)
    return actions


def exists(place: str) -> bool:
    """Whether there is a file or a folder, or what a URL names."""
    return remote.exists(place) if is_url(place) else Path(place).exists()
