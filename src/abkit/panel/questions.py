"""Which sums are wanted."""

from datetime import date

from attrs import frozen


@frozen
class Question:
    """Which sums are wanted.

    Attributes:
        experiment: Its name.
        since: Exposures count from this day on, UTC; None: from the first.
        until: Exposures and actions count up to the end of this day, UTC; None: to the last.
        by: The property whose values are segments; None: those of the plan.
    """

    experiment: str
    since: date | None = None
    until: date | None = None
    by: str | None = None
