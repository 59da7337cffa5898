"""The parts of an experiment's page."""

from attrs import frozen


@frozen(kw_only=True)
class Tab:
    """One part.

    Attributes:
        path: Its place below the experiment's; empty for the first.
        title: What it is called.
        of_result: Whether it shows a result, so that the controls belong to it.
    """

    path: str
    title: str
    of_result: bool = True

    @property
    def place(self) -> list[str]:
        """What follows the experiment's name in an address: it ends with a slash."""
        return [self.path, ""] if self.path else [""]


TABS: tuple[Tab, ...] = (
    Tab(path="", title="Summary"),
    Tab(path="analysis", title="Analysis"),
    Tab(path="over-time", title="Over time"),
    Tab(path="segments", title="Segments"),
    Tab(path="exposures", title="Exposures"),
    Tab(path="health", title="Health"),
    Tab(path="plan", title="Plan", of_result=False),
    Tab(path="history", title="History", of_result=False),
)
