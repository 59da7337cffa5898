"""What an experiment, its salt, its parameter and its unit may be called."""

from keyword import iskeyword

from abkit.errors import DeclarationError

ARGUMENTS_OF_CALLS = frozenset({"default", "even_if_forced", "only", "properties"})
"""What no subject can be called: `get`, `all` and `log_exposure` have arguments of these names."""
RESERVED = frozenset(
    {
        "action",
        "clock",
        "default",
        "even_if_forced",
        "experiment",
        "on_event",
        "only",
        "overrides",
        "params",
        "properties",
        "self",
        "times",
        "variant",
    }
)
"""What no unit can be called: other arguments of what takes the subjects by keyword are called so."""


def check_names(name: str, unit_type: object, salt: object, param_name: object) -> None:
    """Refuse a name that is empty, and a unit type that cannot be a keyword argument.

    Raises:
        DeclarationError: One of them is such.
    """
    for attribute, value in (("name", name), ("salt", salt), ("param_name", param_name)):
        if not isinstance(value, str) or not value.strip():
            problem = f"`{attribute}` must be a text that is not empty, not {value!r}"
            raise DeclarationError(name or "Experiment", problem)
    is_name = isinstance(unit_type, str) and unit_type.isidentifier()
    if is_name and (iskeyword(str(unit_type)) or unit_type in RESERVED):
        problem = (
            f"`unit_type` cannot be {unit_type!r}: as a keyword argument it means something else; "
            f'call it something like "{unit_type}_unit"'
        )
        raise DeclarationError(name, problem)
    if not is_name:
        problem = (
            "`unit_type` must be the keyword under which the unit is passed, such as "
            f'"org" or "user", not {unit_type!r}; or subclass OrgExperiment, UserExperiment or '
            "VisitorExperiment"
        )
        raise DeclarationError(name, problem)
