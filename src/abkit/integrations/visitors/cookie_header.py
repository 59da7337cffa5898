"""All cookies of one name: frameworks give only the first one, or only the last. Pure."""


def values_of(header: str, name: str) -> list[str]:
    """The values that a browser sends under one name, in its order.

    There are several if the hosts of one domain write cookies of the same name, each for its sub-domains or
    for itself, or if an application has changed the domain of its cookie (RFC 6265, section 5.4).

    Args:
        header: The request's `Cookie`.
        name: Of the cookie. Its values need no quotes.
    """
    pairs = (each.partition("=") for each in header.split(";"))
    return [value.strip() for key, _, value in pairs if key.strip() == name]
