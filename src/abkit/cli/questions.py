"""The options of `abkit analyze`: what is to be otherwise than planned, and which events count."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from attrs import frozen

from abkit.analysis.declared.arguments import length_of, utc
from abkit.cli.words import Word, confidence
from abkit.errors import OutsideFrameError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import (
    OTHER_WORDS,
    Alternative,
    Correction,
    Method,
    Several,
    Spending,
    Step,
)
from abkit.experiments.declaring.exclusion import BOTS, Exclusion

Command = TypeVar("Command", bound=Callable[..., Any])


def length(text: str) -> timedelta:
    """A length of time: 7d, 24h, 2w; a number alone is days.

    Raises:
        click.BadParameter: It is none.
    """
    said = text.strip()
    found = length_of(f"{said}d" if said[-1:].isdigit() else said)
    if not found:
        message = f"{text!r} is not a length of time such as 7d, 24h or 2w"
        raise click.BadParameter(message)
    return found


def moment(text: str) -> datetime:
    """A date or a time in ISO 8601; without a zone it is UTC.

    Raises:
        click.BadParameter: It is none.
    """
    try:
        return utc(datetime.fromisoformat(text))
    except ValueError:
        message = f"{text!r} is not a date such as 2026-11-02, or a time in ISO 8601"
        raise click.BadParameter(message) from None


def pair(text: str) -> tuple[str, str]:
    """NAME=VALUE; the last = divides, as names may have some.

    Raises:
        click.BadParameter: It is none.
    """
    name, equals, value = text.rpartition("=")
    if not (name and equals and value):
        message = f"{text!r} must be NAME=VALUE"
        raise click.BadParameter(message)
    return name, value


_DESIGN = [
    click.option(
        "--method",
        type=Word(Method, OTHER_WORDS[Method]),
        help="sequential (the default for events): look as often as you like; welch (the default for a "
        "table of units): look once, at the planned size; "
        "bayesian: the chance to beat the control; group-sequential: a few planned looks.",
    ),
    click.option(
        "--confidence", type=confidence, metavar="SHARE", help="Default: as planned, or 0.95."
    ),
    click.option("--control", metavar="NAME", help="Variant to compare with."),
    click.option("--correction", type=Word(Correction), help="Default: bonferroni."),
    click.option("--alternative", type=Word(Alternative), help="Default: two-sided."),
    click.option(
        "--sample-size", type=int, metavar="N", help="Planned number of units in all variants."
    ),
    click.option(
        "--min-days",
        type=int,
        metavar="N",
        help="Minimum number of days before a rollout is recommended.",
    ),
    click.option("--spending", type=Word(Spending), help="Spending function of group-sequential."),
    click.option("--looks", type=int, metavar="N", help="Planned looks of group-sequential."),
    click.option(
        "--tau",
        "taus",
        type=pair,
        multiple=True,
        metavar="METRIC=NUMBER",
        help="Difference that the sequential test looks for. Default: computed from the goal and the "
        "first look.",
    ),
]

_EVENTS = [
    click.option(
        "--several",
        type=Word(Several),
        help="What to do with units in several variants. Default: exclude.",
    ),
    click.option(
        "--from", "start", type=moment, metavar="TIME", help="Use exposures from this time on."
    ),
    click.option(
        "--until", type=moment, metavar="TIME", help="Use exposures and actions before this time."
    ),
    click.option(
        "--period",
        type=length,
        metavar="LENGTH",
        help="Length of the time range, such as 7d, 24h or 2w, until now or --until.",
    ),
    click.option(
        "--window",
        type=length,
        metavar="LENGTH",
        help="Use actions up to this long after the exposure.",
    ),
    click.option(
        "--novelty/--no-novelty",
        default=None,
        help="Show the effect by days since exposure, or not. Default: show it.",
    ),
    click.option(
        "--cuped",
        type=length,
        metavar="DAYS",
        help="Reduce variance with the actions of this many days before the exposure.",
    ),
    click.option(
        "--assignments",
        metavar="PATH",
        help="All assignments, stored like exposures, to compare with the exposures.",
    ),
    click.option(
        "--identities",
        metavar="PATH",
        help="Which ids belong together. Default: identities/ of the folder of --events, if it is there.",
    ),
    click.option("--over-time", type=Word(Step), help="Compute results for each day or hour."),
    click.option(
        "--segment",
        "segments",
        multiple=True,
        metavar="PROPERTY",
        help="Compute results for each value of a property; repeatable.",
    ),
    click.option(
        "--exclude",
        "excluded",
        multiple=True,
        metavar="FILE",
        type=click.Path(path_type=Path, dir_okay=False, exists=True),
        help="Exclude these units: a file with one id per line.",
    ),
    click.option(
        "--exclude-where",
        "excluded_where",
        type=pair,
        multiple=True,
        metavar="PROPERTY=VALUE",
        help="Exclude units with this property in an exposure.",
    ),
    click.option(
        "--exclude-bots", is_flag=True, help="Exclude units whose user_agent is that of a bot."
    ),
]


def design_options(command: Command) -> Command:
    """How the test is made."""
    return _with(_DESIGN, command)


def event_options(command: Command) -> Command:
    """Which exposures and actions count."""
    return _with(_EVENTS, command)


def _with(options: list[Callable[[Any], Any]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


@frozen(kw_only=True)
class Asked:
    """What was asked on the command line.

    Attributes:
        plan: What is to be otherwise than in the plan: keywords of `AnalysisPlan`.
        run: The control and the time frame: keywords of `Analysis.run`.
        sources: Further tables: keywords of `Analysis`.
    """

    plan: Mapping[str, Any]
    run: Mapping[str, Any]
    sources: Mapping[str, Any]

    @property
    def imports(self) -> list[str]:
        """What the representations of the values need, as lines of Python."""
        values = [*self.plan.values(), *self.run.values()]
        lines = ["import datetime"] if any(isinstance(v, timedelta | date) for v in values) else []
        names = ["AnalysisPlan"] if self.plan else []
        if "exclude" in self.plan:
            names.append("Exclusion")
        return [*lines, f"from abkit.analysis import {', '.join(names)}"] if names else lines

    @property
    def analysis_plan(self) -> AnalysisPlan | None:
        """What is to be otherwise; None: nothing.

        Raises:
            AnalysisError: It does not go together.
        """
        return AnalysisPlan(**self.plan) if self.plan else None


def asked(options: Mapping[str, Any], *, now: datetime) -> Asked:
    """What was said; what was not said stays as it was planned.

    Args:
        options: Those of the command line.
        now: Where a period ends, unless it is said until when.

    Raises:
        click.UsageError: A tau is no number, or it is said twice where the time frame begins.
    """
    plan = {name: options[name] for name in _PLANNED if options[name] is not None}
    if options["taus"]:
        plan["taus"] = numbers(options["taus"], option="--tau")
    if options["segments"]:
        plan["segments"] = tuple(options["segments"])
    exclusions = [
        *(Exclusion(name=file.stem, units=_ids(file)) for file in options["excluded"]),
        *(
            Exclusion(name=f"{prop} = {value}", property=prop, values=(value,))
            for prop, value in options["excluded_where"]
        ),
        *([BOTS] if options["exclude_bots"] else []),
    ]
    if exclusions:
        plan["exclude"] = tuple(exclusions)
    run = {
        name: options[name] for name in ("control", "start", "until") if options[name] is not None
    }
    if options["period"] is not None:
        if "start" in run:
            message = "give either --from or --period: each says where the time frame begins"
            raise click.UsageError(message)
        run["start"] = run.get("until", now) - options["period"]
    sources = {name: options[name] for name in _SOURCES if options[name] is not None}
    return Asked(plan=plan, run=run, sources=sources)


_SOURCES = ("assignments", "identities")
"""Options that name further tables."""

_PLANNED = (
    "method",
    "confidence",
    "correction",
    "alternative",
    "sample_size",
    "min_days",
    "looks",
    "spending",
    "cuped",
    "window",
    "over_time",
    "several",
    "novelty",
)
"""Options that say what a plan does."""


def instead(options: Mapping[str, Any], error: OutsideFrameError) -> str:
    """What is to be typed for a time frame in which there are exposures."""
    until = error.last.date() + timedelta(days=1)
    if options["period"] is None:
        return f"--from {error.first.date()} --until {until}"
    hours = options["period"] / timedelta(hours=1)
    length = f"{hours:g}h" if hours % 24 else f"{hours / 24:g}d"
    return f"--period {length} --until {until}"


def _ids(file: Path) -> tuple[str, ...]:
    lines = file.read_text(encoding="utf-8-sig").splitlines()
    return tuple(line.strip() for line in lines if line.strip())


def numbers(pairs: Iterable[tuple[str, str]], *, option: str) -> dict[str, float]:
    """The numbers of some pairs of a name and a number.

    Args:
        pairs: As `pair` reads them.
        option: What they were given by.

    Raises:
        click.UsageError: One is no number.
    """
    found = {}
    for name, text in pairs:
        try:
            found[name] = float(text)
        except ValueError:
            message = f"{option} {name}={text}: {text!r} is no number"
            raise click.UsageError(message) from None
    return found
