"""`abkit power`: how many units an experiment needs, and for how long."""

import json
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve

from abkit.analysis.amounts import amount
from abkit.cli.config import config_option, configured_experiment
from abkit.cli.failing import one_line_errors
from abkit.cli.power_baselines import Measured, typed_baseline
from abkit.cli.printing import console
from abkit.cli.questions import length
from abkit.cli.words import Word, percentage, share
from abkit.cli.words import confidence as confidence_type
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import (
    OTHER_WORDS,
    Alternative,
    Correction,
    Method,
    Spending,
)

if TYPE_CHECKING:
    from abkit.analysis.findings.planning import Requirement


def _number(
    _context: click.Context, parameter: click.Parameter, value: float | None
) -> float | None:
    """Refuse what no sample size can be made of; only goals and means may be negative."""
    option = parameter.opts[0]
    if value is None or (isfinite(value) and (value > 0 or (value < 0 and option in _SIGNED))):
        return value
    wanted = "a number other than 0" if option in _SIGNED else "a number above 0"
    message = f"must be {wanted}, not {value}"
    raise click.BadParameter(message)


_SIGNED = ("--goal", "--mean")
_PLANNED = ("method", "confidence", "correction", "alternative", "looks", "spending", "cuped")
"""Options that say what a plan says."""


@click.command()
@click.argument("name", required=False)
@config_option
@click.option(
    "--from-events",
    metavar="DIR",
    help="Compute the metrics of NAME from the events in this folder or URL.",
)
@click.option(
    "--days",
    type=click.IntRange(min=1),
    default=28,
    show_default=True,
    help="Use this many of the last days of the events.",
)
@click.option("--metric", metavar="METRIC", help="Metric of NAME. Default: the one that decides.")
@click.option(
    "--rate",
    type=percentage,
    metavar="SHARE",
    callback=_number,
    help="Current conversion rate, such as 0.1 for 10%.",
)
@click.option(
    "--mean", type=float, callback=_number, help="Current mean per unit, for any other metric."
)
@click.option("--sd", type=float, callback=_number, help="Standard deviation between units.")
@click.option(
    "--goal",
    type=percentage,
    metavar="SHARE",
    callback=_number,
    help="Smallest relative change worth detecting: 0.05 is 5% more, -0.05 is 5% less. "
    "Default: the goal of the metric.",
)
@click.option(
    "--method",
    type=Word(Method, OTHER_WORDS[Method]),
    help="Default: as NAME plans it, or without NAME welch, which allows one look.",
)
@click.option(
    "--confidence", type=confidence_type, metavar="SHARE", help="Default: as planned, or 0.95."
)
@click.option("--correction", type=Word(Correction), help="Default: as planned, or bonferroni.")
@click.option("--alternative", type=Word(Alternative), help="Default: as planned, or two-sided.")
@click.option("--looks", type=int, metavar="N", help="Planned looks of group-sequential.")
@click.option("--spending", type=Word(Spending), help="Spending function of group-sequential.")
@click.option(
    "--cuped",
    type=length,
    metavar="DAYS",
    help="With --from-events: reduce variance with the actions of this many days before.",
)
@click.option(
    "--power",
    type=share,
    metavar="SHARE",
    default=0.8,
    show_default=True,
    help="Probability of detecting the change if it exists.",
)
@click.option(
    "--variants",
    type=click.IntRange(2, 50),
    help="Number of variants, including the control, with equal shares. Default: as NAME declares, or 2.",
)
@click.option(
    "--units-per-day",
    "--per-day",
    type=float,
    callback=_number,
    help="New units exposed per day, in all variants together. Default: from the events.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def power(**options: Any) -> None:
    """Calculate how many units and days an experiment needs to detect a change.

    For an experiment in the module's ACTIVE_EXPERIMENTS, this uses its plan, and its metrics from stored
    events, or from --rate (or --mean and --sd):

    \b
      abkit power ShowPluginsExperiment --from-events data/events
      abkit power ShowPluginsExperiment --rate 0.1 --units-per-day 2000

    Without an experiment, pass --rate, or --mean and --sd, and --goal. The total number of units is the
    sample_size of a plan.
    """  # noqa: D301 - click's mark of a paragraph that is not wrapped
    if options["name"] is None:
        _of_numbers(options)
    else:
        with one_line_errors():
            _of_experiment(options)


def _of_numbers(options: Mapping[str, Any]) -> None:
    for option in ("from_events", "metric", "cuped"):
        if options[option] is not None:
            message = f"--{option.replace('_', '-')} goes with the NAME of an experiment"
            raise click.UsageError(message)
    baseline, metric = typed_baseline(options)
    if options["goal"] is None:
        raise click.UsageError("Missing option '--goal'.")
    from abkit.analysis.declared.design import Design
    from abkit.analysis.findings.planning import requirement

    count = options["variants"] or 2
    with one_line_errors():
        design = Design(
            name="the experiment",
            control="0",
            weights={str(variant): 1.0 for variant in range(count)},
            metrics=(metric,),
        )
        plan = _plan(options, None)
        found = requirement(
            metric,
            baseline,
            design=design,
            plan=plan,
            goal=options["goal"],
            power=options["power"],
            per_day=options["units_per_day"],
        )
    per_arm = found.per_arm["0"]
    if options["as_json"]:
        from abkit.analysis.presentation.export.requirements import further

        numbers = {
            "per_arm": per_arm,
            "units": found.units,
            "days": found.days,
            "difference": found.difference,
        }
        click.echo(json.dumps(numbers | further(found), indent=2))
        return
    if plan.method is not Method.WELCH:
        _show([found], plan, options)
        return
    click.echo(f"{per_arm:,} units per variant, {found.units:,} of all {count} variants")
    if found.days is not None:
        click.echo(f"{amount(found.days, 'day')} at {options['units_per_day']:,.0f} units a day")
    click.echo(
        f"to find {found.goal:+.4g} relative ({found.difference:+.4g}) with power "
        f"{options['power'] * 100:.4g}% at {plan.confidence * 100:.4g}% confidence, looking once."
    )


def _of_experiment(options: Mapping[str, Any]) -> None:
    """Compute and print what an experiment needs.

    Raises:
        AbkitError: It is not declared, its events cannot be read, or a number cannot be used.
    """
    from abkit.analysis.declared.design import Design
    from abkit.analysis.declared.design_weights import designed_weights
    from abkit.analysis.declared.planned import planned

    experiment = configured_experiment(options["config"], options["name"])
    design = Design.of(experiment)
    if not design.metrics:
        message = f"{design.name} declares no metrics: there is nothing to find"
        raise click.UsageError(message)
    design = evolve(design, weights=designed_weights(experiment, design))
    if options["variants"] is not None:
        others = [str(n) for n in range(1, options["variants"])]
        weights = dict.fromkeys([design.control, *others], 1.0)
        design = evolve(design, weights=weights)
    plan = _plan(options, planned(experiment))
    plan.check(design.metrics)
    measured = Measured.of(options, design, plan)
    found = measured.requirements(options, design, plan)
    if options["as_json"]:
        from abkit.analysis.presentation.export.requirements import document

        click.echo(json.dumps(document(design.name, found, plan, options["power"]), indent=2))
        return
    for line in measured.source(design):
        click.echo(line)
    _show(found, plan, options)
    for name in measured.without_goal:
        click.echo(f"{name} declares no goal: give --goal, or declare one.")


def _plan(options: Mapping[str, Any], planned: AnalysisPlan | None) -> AnalysisPlan:
    """The plan, and what is to be otherwise.

    Raises:
        AnalysisError: It does not go together.
    """
    from abkit.analysis.findings.planning import UNKNOWN_SIZE

    said = {name: options[name] for name in _PLANNED if options[name] is not None}
    usual = Method.WELCH if options["name"] is None else Method.SEQUENTIAL
    said.setdefault("method", usual if planned is None else planned.method)
    if said["method"] == Method.GROUP_SEQUENTIAL:
        # Its looks are shares of a size that may be still to be found out.
        said["sample_size"] = (planned and planned.sample_size) or UNKNOWN_SIZE
    plan = AnalysisPlan(**said)
    return plan if planned is None else plan.over(planned)


def _show(found: "Sequence[Requirement]", plan: AnalysisPlan, options: Mapping[str, Any]) -> None:
    where = console()
    from abkit.analysis.presentation.terminal.requirements import show_requirements

    show_requirements(found, plan, where, power=options["power"])
