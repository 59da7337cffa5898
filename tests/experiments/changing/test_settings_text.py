"""One experiment's settings change; the rest of the file, and its comments, stay."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abkit.errors import ConfigError
from abkit.experiments.changing.settings_text import json_with, toml_with

COMMENTED = """\
# all of them
[Buttons] # Ada's
# since Monday
enabled = true # really
winner = 'new'
forced = { new = ["acme"] }

# about Colours
[Colours]
rollout = 1 # everybody
"""

SHAPES = [
    COMMENTED,
    "",
    "# only a comment",
    "[Colours]\nrollout = 1 # no newline",
    "Buttons.enabled = true\nButtons.rollout = 0.5 # x\n[Colours]\nrollout = 1\n",
    "Buttons = { enabled = true, rollout = 0.5 }\n[Colours]\nrollout = 1\n",
    '[Buttons]\nenabled = true\n[Buttons.forced]\nnew = ["x"]\n\n# Colours\n[Colours]\nrollout = 1\n',
    '[Buttons.forced]\nnew = ["x"]\n[Colours]\nrollout = 1\n',
    '["Buttons"]\nforced.new = ["x"]\n\n\n[Colours]\n',
    "[ Buttons ]\n\tenabled = true\n\t[Colours]\n\trollout = 1\n",
    'Colours.rollout = 1\n["Größe \\" ] ["]\nwinner = """\n[Buttons]\n"""\n',
]
KEYS: list[Mapping[str, Any]] = [
    {"enabled": False, "rollout": 0.25, "winner": "new"},
    {"enabled": True, "forced": {"new": ["x", 7], "old": []}},
    {"forced": {"new": ["acme"]}},
    {"winner": 1},
    {"winner": True},
    {"winner": 'quote " \\ \n and "" é'},
]


@pytest.mark.parametrize("text", SHAPES)
@pytest.mark.parametrize("keys", KEYS)
def test_a_table_says_what_is_wanted_and_the_others_what_they_said(
    text: str, keys: Mapping[str, Any]
) -> None:
    changed = toml_with(text, "Buttons", keys)
    assert tomllib.loads(changed) == {**tomllib.loads(text), "Buttons": keys}
    assert [*_lines_of_comments(text)] == [*_lines_of_comments(changed)]


def test_comments_stay_where_they_are() -> None:
    assert (
        toml_with(COMMENTED, "Buttons", {"enabled": False, "winner": "new", "rollout": 0.5})
        == """\
# all of them
[Buttons] # Ada's
# since Monday
enabled = false # really
winner = 'new'
rollout = 0.5

# about Colours
[Colours]
rollout = 1 # everybody
"""
    )


def test_a_comment_after_a_removed_table_belongs_to_the_next_one() -> None:
    text = (
        '[Buttons]\nenabled = true\n[Buttons.forced]\nnew = ["x"]\n\n# about Colours\n[Colours]\n'
    )
    expected = "[Buttons]\nenabled = true\n\n# about Colours\n[Colours]\n"
    assert toml_with(text, "Buttons", {"enabled": True}) == expected


def test_a_table_that_is_empty_goes_unless_somebody_commented_it() -> None:
    assert toml_with("[Buttons]\nenabled = true\n", "Buttons", {}) == ""
    kept = toml_with("[Buttons]\n# mine\nenabled = true\n", "Buttons", {})
    assert kept == "[Buttons]\n# mine\n"
    assert toml_with("# nothing\n", "Buttons", {}) == "# nothing\n"


def test_line_ends_of_windows_stay() -> None:
    changed = toml_with(COMMENTED.replace("\n", "\r\n"), "Buttons", {"rollout": 0.5})
    assert changed.count("\n") == changed.count("\r\n") > 5
    assert tomllib.loads(changed)["Buttons"] == {"rollout": 0.5}


def test_a_table_in_pieces_is_changed_or_refused_with_advice() -> None:
    """Which of them depends on the version of tomlkit."""
    text = '[Buttons.forced]\nnew = ["x"]\n[Colours]\nrollout = 1\n[Buttons]\nenabled = true\n'
    changed = "[Colours]\nrollout = 1\n[Buttons]\nrollout = 0.5\n"
    refused = ""
    try:
        changed = toml_with(text, "Buttons", {"rollout": 0.5})
    except ConfigError as error:
        refused = str(error)
    assert not refused or "write them as one table, [Buttons], and try again" in refused
    assert tomllib.loads(changed) == {"Buttons": {"rollout": 0.5}, "Colours": {"rollout": 1}}


@pytest.mark.parametrize("indent", ["  ", "    ", "\t"])
def test_json_stays_indented_as_it_is(indent: str) -> None:
    text = json.dumps({"Colours": {"rollout": 1}}, indent=indent)
    changed = json_with(text, "Buttons", {"winner": "é"})
    wanted = {"Colours": {"rollout": 1}, "Buttons": {"winner": "é"}}
    assert changed == json.dumps(wanted, indent=indent, ensure_ascii=False) + "\n"
    assert json.loads(json_with(changed, "Buttons", {})) == {"Colours": {"rollout": 1}}


def test_an_empty_file_is_json_without_settings() -> None:
    assert json.loads(json_with("", "Buttons", {"rollout": 1.0})) == {"Buttons": {"rollout": 1.0}}


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]))
variants = st.one_of(texts, st.integers(-(2**40), 2**40), st.booleans())
changes = st.fixed_dictionaries(
    {},
    optional={
        "enabled": st.booleans(),
        "rollout": st.floats(0, 1),
        "winner": variants,
        "forced": st.dictionaries(texts, st.lists(texts, max_size=3), max_size=2),
        "frozen": st.booleans(),
    },
)


@given(st.lists(st.tuples(names, changes), max_size=6))
def test_after_any_changes_the_file_says_what_a_dict_would(
    made: list[tuple[str, dict[str, Any]]],
) -> None:
    toml, in_json, expected = COMMENTED, "", tomllib.loads(COMMENTED)
    wanted: dict[str, Any] = {}
    for name, keys in made:
        toml, in_json = toml_with(toml, name, keys), json_with(in_json, name, keys)
        expected[name] = wanted[name] = keys
    assert _told(tomllib.loads(toml)) == _told(expected)
    assert _told(json.loads(in_json or "{}")) == _told(wanted)


def _told(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: keys for name, keys in settings.items() if keys}


def _lines_of_comments(text: str) -> Iterator[str]:
    return (line for line in text.splitlines() if line.startswith("#"))
