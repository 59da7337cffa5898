"""The subjects of a request, as the command line describes them: `--set org.slug=acme`."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import extract_tb
from typing import Any, NamedTuple

import click

from abkit.cli.config import Option
from abkit.cli.failing import CommandError
from abkit.errors import AbkitError, SubjectMismatchError
from abkit.experiments.declaring.subjects import also_called

_PYTHONS = {"True": True, "False": False, "None": None}


class Setting(NamedTuple):
    """What `--set` says of a subject.

    Attributes:
        path: The subject and its attributes; that of a method ends with "()".
        value: Its value.
    """

    path: tuple[str, ...]
    value: Any


def _setting(text: str) -> Setting:
    """SUBJECT.ATTRIBUTE=VALUE; the first = divides, as values may have some.

    Raises:
        click.BadParameter: It is none.
    """
    dotted, equals, value = text.partition("=")
    path = tuple(dotted.strip().split("."))
    *inner, last = path
    if not equals or not all(part.isidentifier() for part in (*inner, last.removesuffix("()"))):
        message = f"{text!r} must be SUBJECT.ATTRIBUTE=VALUE, such as org.slug=acme"
        raise click.BadParameter(message)
    return Setting(path, value_of(value))


def value_of(text: str) -> Any:
    """What a text means: true, false, null, a number or a list as JSON has them; else the text itself."""
    if text in _PYTHONS:
        return _PYTHONS[text]
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return text


def unit_of(text: str) -> str | int:
    """The id that a text means: a whole number is one, as most ids are; "42" in its quotes is a text."""
    value = value_of(text)
    if type(value) is int and str(value) == text:
        return value
    return value if isinstance(value, str) and value else text


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN is no number that anybody means: it stays a text.


set_option: Option = click.option(
    "--set",
    "settings_of_subjects",
    metavar="SUBJECT.ATTRIBUTE=VALUE",
    type=_setting,
    multiple=True,
    help="A value that assign() reads, such as org.slug=acme or actor.email=ann@example.com; repeatable. "
    'true, false, null, numbers and lists are read as JSON, and all other values as text, as is "42" in '
    "quotes. A name that ends with () is a method: actor.is_beta()=true.",
)
"""Describe the unit, and other subjects."""


class Described:
    """A subject, or what is in one, with the attributes that were set."""

    def __init__(self, path: str, attributes: Mapping[str, Any]) -> None:
        self.__dict__.update(attributes)
        self._path = path

    def __repr__(self) -> str:
        return f"<{self._path}>"


def subjects_by(
    settings: Sequence[Setting], unit_type: str
) -> Callable[[str | int], dict[str, Any]]:
    """A function from a unit's id to the subjects of its request.

    Args:
        settings: What was set. What is set of the actor is the user's, where users are randomized and no
            other actor is named.
        unit_type: What is randomized.

    Raises:
        click.UsageError: The settings contradict each other, or name the unit's id.
    """
    tree: dict[str, Any] = {}
    for setting in settings:
        _put(tree, setting)
    other = also_called(unit_type)
    if other is not None and isinstance(tree.get(other), dict) and "id" not in tree[other]:
        tree[unit_type] = {**tree.pop(other), **tree.get(unit_type, {})}
    of_unit = tree.pop(unit_type, {})
    if not isinstance(of_unit, dict) or "id" in of_unit:
        message = f"the {unit_type} is the unit, whose id is not --set: set its attributes, {unit_type}.NAME="
        raise click.UsageError(message)
    others = {kind: _described(kind, what) for kind, what in tree.items()}
    attributes = {name: _described(f"{unit_type}.{name}", what) for name, what in of_unit.items()}

    def subjects(unit_id: str | int) -> dict[str, Any]:
        unit = Described(unit_type, {**attributes, "id": unit_id}) if attributes else unit_id
        return {unit_type: unit, **others}

    return subjects


class _Value(NamedTuple):
    value: Any


def _put(tree: dict[str, Any], setting: Setting) -> None:
    *inner, last = setting.path
    for part in inner:
        found: Any = tree.setdefault(part, {})
        if not isinstance(found, dict):
            message = f"--set gives {part} a value and attributes: {'.'.join(setting.path)}"
            raise click.UsageError(message)
        tree = found
    name, value = last.removesuffix("()"), setting.value
    if name in tree:
        message = f"--set gives {'.'.join((*inner, name))} twice"
        raise click.UsageError(message)
    tree[name] = _Value(value if name == last else lambda *_, **__: value)


def _described(path: str, what: Any) -> Any:
    if isinstance(what, _Value):
        return what.value
    return Described(
        path, {name: _described(f"{path}.{name}", each) for name, each in what.items()}
    )


@contextmanager
def told(experiment: str) -> Iterator[None]:
    """Turn what an experiment's own code raises into one line that says what to pass.

    Raises:
        CommandError: The code has raised something.
    """
    try:
        yield
    except SubjectMismatchError as error:
        message = f"{experiment}: {error.hook}() asks for {_wanted(error.asked)}"
        raise CommandError(message) from error
    except (AbkitError, click.ClickException):
        raise
    except Exception as error:  # the user's code, which may raise anything
        if isinstance(error, AttributeError) and isinstance(error.obj, Described):
            asked = f"{error.obj._path}.{error.name}"
            raise CommandError(f"{experiment}: its code asks for {_wanted(asked)}") from error
        frame = extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}, line {frame.lineno}"
        message = f"{experiment}: its code raised {type(error).__name__}: {error} ({place})"
        raise CommandError(message) from error


def _wanted(asked: str) -> str:
    return f"{asked}: pass --set {asked}=VALUE, or, if it is a method, --set '{asked}()=VALUE'"
