"""What is known of the tables of a store in a schema: when each was made, and what is valid."""

import secrets
from time import time_ns

from attrs import frozen

_DIGITS = 14
"""Hexadecimal ones, of a moment."""


@frozen
class State:
    """What was valid from a moment on.

    Attributes:
        subject: Of what, such as "actions"; or a digest of an experiment's name.
        question: What is asked, a digest; or nothing.
        number: 1 for the first.
        token: What its tables are named by.
        moment: When it became valid, in microseconds since 1970.
    """

    subject: str
    question: str
    number: int
    token: str
    moment: int


@frozen
class Made:
    """A table that was made.

    Attributes:
        name: Its name.
        token: What it belongs to.
        moment: When, in microseconds since 1970.
    """

    name: str
    token: str
    moment: int


def moment() -> int:
    """Now, in microseconds since 1970."""
    return time_ns() // 1000


def new_token() -> str:
    """What names tables that nobody else can make; it has when that was."""
    return f"{moment():0{_DIGITS}x}{secrets.token_hex(5)}"


def moment_of(token: str) -> int:
    """When a token was new, in microseconds since 1970."""
    return int(token[:_DIGITS], 16)
