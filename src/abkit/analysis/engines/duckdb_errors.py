"""What DuckDB says of files, in words that say what would be right."""

import re

from abkit.quoting import quoted

_UNLIKE = re.compile(
    r'reading file "([^"]+)": failed to cast column "([^"]+)" from type (.+?) to ([^:]+):'
)
_NO_JSON = re.compile(r'Malformed JSON at byte .*?Input: "(.*)"', re.DOTALL)
_SHOWN = 60


def explained(said: str) -> str | None:
    """What its message means; None if that is not known.

    Args:
        said: The message.
    """
    unlike = _UNLIKE.search(said)
    if unlike is not None:
        file, column, one, other = unlike.groups()
        return f"{file} has {one} in its column {column!r}, and other files {other}: write the same in all"
    no_json = _NO_JSON.search(said)
    if no_json is not None:
        return (
            f"a column that is asked for a property, such as properties, has {quoted(no_json[1], _SHOWN)!r}, "
            'which is no JSON: write objects, such as {"price": 5}, or nothing'
        )
    return None
