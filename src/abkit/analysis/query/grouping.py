"""How rows are grouped by unit."""


def unit_key(*, in_several: bool) -> str:
    """What tells units apart, as SQL: a text less to hash, where each is in one variant.

    Args:
        in_several: Whether a unit may be in several variants.
    """
    return "unit_id, variant" if in_several else "unit_id"


def unit_of_group(*, in_several: bool) -> str:
    """The unit and its variant, of a group by that key, as SQL.

    Args:
        in_several: Whether a unit may be in several variants.
    """
    return "unit_id, variant" if in_several else "unit_id, min(variant) as variant"
