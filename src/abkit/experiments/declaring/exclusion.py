"""Who is left out on request: testers, bots."""

from collections.abc import Collection

from attrs import field, frozen

from abkit.errors import AnalysisError


@frozen(kw_only=True)
class Exclusion:
    """Units that are left out on request, and counted.

    A unit is left out if it is one of `units`, or if any of its exposures has the property with one of
    the values, or with a text that contains one of `contains` (in capitals or not).

    Attributes:
        name: How reports call them, such as "testers".
        units: Their ids.
        property: A property of the exposure, such as "user_agent".
        values: Values of it.
        contains: Parts of it.
    """

    name: str
    units: Collection[object] = field(default=())
    property: str | None = None
    values: Collection[object] = field(default=())
    contains: Collection[str] = field(default=())

    def __attrs_post_init__(self) -> None:
        for what in ("units", "values", "contains"):
            if isinstance(getattr(self, what), str):
                message = f"exclusion {self.name!r}: `{what}` must be a list, not one text"
                raise AnalysisError(message)
        if (self.property is None) != (not self.values and not self.contains):
            message = f"exclusion {self.name!r}: a property goes with values or contains"
            raise AnalysisError(message)
        if not self.units and self.property is None:
            message = f"exclusion {self.name!r} excludes nobody: give it units or a property"
            raise AnalysisError(message)


BOTS = Exclusion(
    name="bots",
    property="user_agent",
    contains=("bot", "crawl", "spider", "slurp", "headless", "preview", "curl/", "python-requests"),
)
"""Visitors whose exposures say in their property "user_agent" that they are programs."""
