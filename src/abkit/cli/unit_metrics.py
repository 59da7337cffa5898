"""The metrics of a table of units, as the command line names them."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

from abkit.cli.config import Option
from abkit.cli.words import Word
from abkit.errors import suggestion
from abkit.experiments.declaring.metrics import Conversion, Mean, Missing

_WORD = Word(Missing)


def _missing(text: str) -> tuple[str | None, Missing]:
    """WORD, of all metrics, or METRIC=WORD; the last = divides, as names may have some.

    Raises:
        click.BadParameter: The word is none.
    """
    name, equals, word = text.rpartition("=")
    return name if equals else None, Missing(_WORD.convert(word.strip(), None, None))


missing_option: Option = click.option(
    "--missing",
    type=_missing,
    metavar="[METRIC=]WORD",
    multiple=True,
    help="What to do with units without a value: error (the default), zero (the value is 0), or drop "
    "(leave the unit out of the metric); repeatable.",
)


def unit_metrics(options: Mapping[str, Any]) -> Sequence[Conversion | Mean]:
    """The metrics of the columns that are named.

    Args:
        options: Those of the command line: `conversions`, `means` and `missing`.

    Raises:
        click.UsageError: There is none, or `--missing` names another one.
    """
    conversions, means = options["conversions"], options["means"]
    if not conversions and not means:
        message = "--units needs a metric: --conversion COL or --mean COL"
        raise click.UsageError(message)
    said: dict[str | None, Missing] = dict(options["missing"])
    for name in said:
        known = [*conversions, *means]
        if name is not None and name not in known:
            hint = suggestion(name, known) or f" The metrics are {', '.join(known)}."
            message = f"--missing names {name!r}, which is no metric of this call.{hint}"
            raise click.UsageError(message)

    def missing(name: str) -> Missing:
        return said[name] if name in said else said.get(None, Missing.ERROR)

    return [
        *(Conversion(name, missing=missing(name)) for name in conversions),
        *(Mean(name, missing=missing(name)) for name in means),
    ]


def written(metric: Conversion | Mean) -> str:
    """Such a metric as Python."""
    said = "" if metric.missing is Missing.ERROR else f", missing={metric.missing.value!r}"
    return f"{type(metric).__name__}({metric.name!r}{said})"
