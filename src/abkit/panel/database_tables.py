"""Exposures and actions in a database, for `StoredSource(tables=...)` and Django's PANEL_TABLES."""

from collections.abc import Mapping
from typing import Any

from attrs import Factory, field, frozen

from abkit.analysis.engines.database_url import Connect, connecting
from abkit.quoting import masked


@frozen(kw_only=True)
class DatabaseTables:
    """The tables of a database; calling it gives them, each time with a connection of its own.

    Attributes:
        url: Of the database.
        exposures: The table of exposures, such as "abkit_exposures" or "analytics.exposures".
        actions: That of actions.
        identities: That of identities; None: there is none.

    Raises:
        AnalysisError: The URL cannot be used.
        MissingExtraError: A package is not installed that is needed.
    """

    url: str = field(repr=masked)
    exposures: str
    actions: str
    identities: str | None = None
    _connect: Connect = field(
        default=Factory(lambda self: connecting(self.url), takes_self=True),
        init=False,
        repr=False,
        eq=False,
    )

    def __call__(self) -> Mapping[str, Any]:
        """The tables, as keywords of `Analysis`.

        Raises:
            AnalysisError: The database cannot be reached.
        """
        return {
            "exposures": self.exposures,
            "actions": self.actions,
            "identities": self.identities,
            "engine": self._connect(),
        }
