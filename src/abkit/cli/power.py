"""`abkit power`: how many units an experiment needs, and for how long."""

import json
from math import ceil, isfinite

import click
from attrs import asdict, frozen

from abkit.analysis.amounts import amount
from abkit.cli.words import confidence as confidence_type
from abkit.cli.words import percentage, share
from abkit.extras import extra


@frozen(kw_only=True)
class Needed:
    """What an experiment needs to find a change.

    Attributes:
        per_arm: Units of each variant.
        units: Units of all variants.
        days: Whole days until then; None if it is not known how many units come.
        difference: The change that is looked for, in the metric's unit.
    """

    per_arm: int
    units: int
    days: int | None
    difference: float


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


@click.command()
@click.option(
    "--rate",
    type=percentage,
    metavar="SHARE",
    callback=_number,
    help="The conversion rate so far, such as 0.1 for 10%.",
)
@click.option(
    "--mean", type=float, callback=_number, help="The mean per unit so far, of any other metric."
)
@click.option("--sd", type=float, callback=_number, help="Its standard deviation between units.")
@click.option(
    "--goal",
    type=percentage,
    metavar="SHARE",
    callback=_number,
    required=True,
    help="The smallest relative change worth finding: 0.05 is 5% more, -0.05 is 5% less.",
)
@click.option(
    "--confidence", type=confidence_type, metavar="SHARE", default=0.95, show_default=True
)
@click.option(
    "--power",
    type=share,
    metavar="SHARE",
    default=0.8,
    show_default=True,
    help="The chance to find the change if it is there.",
)
@click.option(
    "--variants",
    type=click.IntRange(2, 50),
    default=2,
    show_default=True,
    help="How many, with the control; each gets the same share.",
)
@click.option(
    "--units-per-day",
    type=float,
    callback=_number,
    help="How many new units are exposed a day, of all.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the numbers as JSON.")
def power(
    *,
    rate: float | None,
    mean: float | None,
    sd: float | None,
    goal: float,
    confidence: float,
    power: float,
    variants: int,
    units_per_day: float | None,
    as_json: bool,
) -> None:
    """How many units, and days, an experiment needs to find a change.

    Before the experiment: give --rate, or --mean and --sd, as they are without it. The answer is for
    a two-sided test of one look (Welch's), each variant being compared with the control; the sum of
    all units is the sample_size of an analysis.
    """
    needed = _needed(
        _baseline(rate, mean, sd),
        goal=goal,
        confidence=confidence,
        power=power,
        variants=variants,
        per_day=units_per_day,
    )
    if as_json:
        click.echo(json.dumps(asdict(needed), indent=2))
        return
    click.echo(f"{needed.per_arm:,} units per variant, {needed.units:,} of all {variants} variants")
    if needed.days is not None:
        click.echo(f"{amount(needed.days, 'day')} at {units_per_day:,.0f} units a day")
    click.echo(
        f"to find {goal:+.4g} relative ({needed.difference:+.4g}) with power {power * 100:.4g}% at "
        f"{confidence * 100:.4g}% confidence, looking once."
    )


def _baseline(
    rate: float | None, mean: float | None, sd: float | None
) -> tuple[float, float | None]:
    """The mean and, of a metric that is no rate, the standard deviation."""
    if rate is not None and mean is None and sd is None:
        return rate, None
    if rate is None and mean is not None and sd is not None:
        return mean, sd
    raise click.UsageError("Give either --rate, or --mean and --sd.")


def _needed(
    baseline: tuple[float, float | None],
    *,
    goal: float,
    confidence: float,
    power: float,
    variants: int,
    per_day: float | None,
) -> Needed:
    """Of two arms of equal size, at a level that all treatments share (Bonferroni).

    Raises:
        AnalysisError: A number cannot be used.
        MissingExtraError: scipy is not installed.
    """
    with extra("analysis"):
        from abkit.analysis.inference.power import (
            conversion_effect,
            duration,
            mean_effect,
            sample_size,
        )
    from abkit.analysis.statistics.aggregates import Moments
    from abkit.experiments.declaring.analysis_plan import AnalysisPlan

    mean, sd = baseline
    effect = (
        conversion_effect(mean, change=goal)
        if sd is None
        else mean_effect(Moments(2, mean, sd * sd), change=goal)
    )
    alpha = AnalysisPlan(confidence=confidence).alpha(variants - 1)
    per_arm = ceil(sample_size(effect, alpha=alpha, power=power) / 2)
    units = per_arm * variants
    return Needed(
        per_arm=per_arm,
        units=units,
        days=None if per_day is None else duration(units, per_day=per_day),
        difference=effect.difference,
    )
