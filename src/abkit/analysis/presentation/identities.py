"""What identities did to an analysis, in words."""

from typing import TYPE_CHECKING

from abkit.analysis.amounts import amount

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome


def identities_sentence(result: "Outcome") -> str | None:
    """How many identities were read, and which visitors are one unit; None if none were given."""
    found = result.identities
    if found is None:
        return None
    linking = "none of them links" if not found.linking else f"{found.linking:,} of them link"
    if found.linking == found.read > 0:
        linking = "all of them link" if found.read > 1 else "it links"
    read = amount(found.read, "identity", "identities")
    said = f"{read} read; {linking} somebody to a {result.design.unit_type}."
    if found.merged:
        count = "count" if found.merged > 1 else "counts"
        said += (
            f" {amount(found.merged, 'visitor')} {count} as {amount(found.people, 'unit')}, as several "
            "belong to one user."
        )
    return said
