"""The headings of the overview, each a link that sorts by it: pure."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from attrs import frozen

from abkit.panel.overview import LARGEST_FIRST, Order


@frozen(kw_only=True)
class Column:
    """A column of the overview that can be sorted by.

    Attributes:
        sorted: How the table is sorted by it, as aria-sort says it; empty if it is not.
        query: The query string of the page that is sorted by it, or the other way round.
    """

    sorted: str
    query: str


def columns(
    query: Mapping[str, Sequence[str]], order: Order, *, backwards: bool
) -> Mapping[str, Column]:
    """The columns by what they are sorted by.

    Args:
        query: What is asked now; the rest of it stays.
        order: What the table is sorted by now.
        backwards: Whether it is the other way round.
    """
    kept = [
        (name, value)
        for name in ("search", "state")
        for value in query.get(name, ())
        if value.strip()
    ]

    def column(each: Order) -> Column:
        turned = each is order and not backwards
        asked = [*kept, ("order", each.value), *([("backwards", "1")] if turned else [])]
        rises = (each in LARGEST_FIRST) is backwards
        found = "" if each is not order else "ascending" if rises else "descending"
        return Column(sorted=found, query=urlencode(asked))

    return {each.value: column(each) for each in Order}
