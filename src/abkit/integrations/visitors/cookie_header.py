"""All cookies of one name: frameworks give only the first one, or only the last. Pure."""

from collections.abc import Iterator


def other_values(header: str, name: str, *, than: str) -> Iterator[str]:
    """The values that a browser sends under one name beside the one that is known, in its order.

    There are some if the hosts of one domain write cookies of the same name, each for its sub-domains or
    for itself, or if an application has changed the domain of its cookie (RFC 6265, section 5.4). Nothing
    is read before the first one is asked for.

    Args:
        header: The request's `Cookie`.
        name: Of the cookie. Its values need no quotes.
        than: The value that is known.
    """
    for each in header.split(";"):
        key, _, value = each.partition("=")
        if key.strip() == name and (found := value.strip()) != than:
            yield found
