"""What is known of a unit, as conditions of SQL over the tables that `ClosedSums` defines."""

FRESH = "unit_id in (select unit_id from fresh_units)"
"""Whether nothing is known of a unit that holds, as SQL."""

CHANGED = "unit_id in (select unit_id from changed_units)"
"""Whether what is known of a unit does not hold any more, as SQL."""

UNCHANGED = "unit_id not in (select unit_id from changed_units)"
"""Whether what is known of a unit holds, as SQL."""
