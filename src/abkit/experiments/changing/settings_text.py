"""The text of a settings file with one experiment changed; the rest, and its comments, stay."""

import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from abkit.errors import ConfigError
from abkit.extras import extra

if TYPE_CHECKING:
    from tomlkit.items import Item


def json_with(text: str, name: str, keys: Mapping[str, Any]) -> str:
    """A JSON file's text with the settings of one experiment replaced; it stays indented as it is."""
    content = json.loads(text or "{}")
    content = (
        {**content, name: keys}
        if keys
        else {each: content[each] for each in content if each != name}
    )
    indented = re.search(r"\n([ \t]+)\S", text)
    indent = indented[1] if indented else "  "
    return json.dumps(content, indent=indent, ensure_ascii=False) + "\n"


def toml_with(text: str, name: str, keys: Mapping[str, Any]) -> str:
    """A TOML file's text with the table of one experiment changed.

    Raises:
        ConfigError: The table is written in a way that cannot be changed.
        MissingExtraError: tomlkit is not installed.
    """
    with extra("cli"):
        import tomlkit
    from tomlkit.exceptions import TOMLKitError

    newline = "\r\n" if "\r\n" in text and "\n" not in text.replace("\r\n", "") else "\n"
    text = text.replace("\r\n", "\n")
    if text and not text.endswith("\n"):
        text += "\n"
    try:
        content = tomlkit.parse(text)
        table: Any = content.setdefault(name, tomlkit.table())
        _change(table, keys)
        if not keys and "#" not in table.as_string():
            del content[name]
        changed = tomlkit.dumps(content)
    except (TOMLKitError, LookupError) as error:  # It does not take every table that is in pieces.
        message = (
            f"The settings of {name} are written in a way that cannot be changed without changing more: "
            f"write them as one table, [{name}], and try again"
        )
        raise ConfigError(message) from error
    return changed.replace("\n", newline)


def _change(table: Any, keys: Mapping[str, Any]) -> None:
    # What stands after a table's last key is mostly about the next table: it stays there.
    after = _taken_from_end(table)
    present = table.unwrap()
    for key, value in keys.items():
        if key not in present or repr(present[key]) != repr(
            value
        ):  # 1, 1.0 and true are not the same
            after = [*_taken_from_end(table.get(key)), *after]
            table[key] = _item(value)
    for key in present:
        if key not in keys:
            after = [*_taken_from_end(table[key]), *after]
            del table[key]
    for item in after:
        table.value.body.append((None, item))


def _taken_from_end(table: Any) -> "list[Item]":
    """The blank lines and comments at the end of a table, which lose their place there."""
    from tomlkit.items import Comment, Table, Whitespace

    taken: list[Item] = []
    if isinstance(table, Table):
        body = table.value.body
        while body and isinstance(body[-1][1], Comment | Whitespace):
            taken.insert(0, body.pop()[1])
    return taken


def _item(value: Any) -> "Item":
    import tomlkit

    item: Item = tomlkit.item(value)
    if isinstance(value, Mapping):
        item = tomlkit.inline_table()
        item.update(value)
    return item
