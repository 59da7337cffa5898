"""`abkit analyze`: from stored events, or a table of units, to a verdict."""

import json
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path

import click
from attrs import frozen

from abkit.analysis.analysis import Analysis
from abkit.analysis.result import Result
from abkit.analysis.settings import Method
from abkit.analysis.units import UnitsAnalysis
from abkit.cli.config import config_option, configured_manager
from abkit.cli.failing import one_line_errors
from abkit.errors import MissingExtraError
from abkit.experiments.metrics import Conversion, Mean, Metric


@frozen(kw_only=True)
class _Test:
    method: str
    confidence: float
    control: str | None


@frozen(kw_only=True)
class _UnitColumns:
    unit: str | None
    variant: str | None
    conversions: tuple[str, ...]
    means: tuple[str, ...]


class _Collected(click.Command):
    """Gathers the options of one concept into one value, so that functions take few arguments."""

    def invoke(self, ctx: click.Context) -> object:
        options = ctx.params
        options["test"] = _Test(
            method=options.pop("method"),
            confidence=options.pop("confidence"),
            control=options.pop("control"),
        )
        options["columns"] = _UnitColumns(
            unit=options.pop("unit"),
            variant=options.pop("variant"),
            conversions=options.pop("conversions"),
            means=options.pop("means"),
        )
        return super().invoke(ctx)


@click.command(cls=_Collected)
@click.argument("name", required=False)
@click.option("--events", metavar="DIR", help="Where exposures/ and actions/ are.")
@config_option
@click.option("--units", metavar="FILE", help="A table with one row per unit, instead of events.")
@click.option("--unit", metavar="COL", help="Its column of the units' ids.")
@click.option("--variant", metavar="COL", help="Its column of the variants.")
@click.option(
    "--conversion", "conversions", metavar="COL", multiple=True, help="A column of true and false."
)
@click.option("--mean", "means", metavar="COL", multiple=True, help="A column of numbers.")
@click.option("--control", metavar="NAME", help="The variant to compare with.")
@click.option(
    "--method",
    type=click.Choice([method.value for method in Method]),
    default=Method.SEQUENTIAL.value,
    show_default=True,
    help="sequential: look as often as you like; welch: look once, when the planned size is reached.",
)
@click.option("--confidence", type=float, default=0.95, show_default=True)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write the report.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def analyze(
    name: str | None,
    events: str | None,
    config: str | None,
    units: str | None,
    html: Path | None,
    *,
    as_json: bool,
    test: _Test,
    columns: _UnitColumns,
) -> None:
    r"""Say what an experiment has found.

    Of stored events, where NAME is an experiment in the module's ACTIVE_EXPERIMENTS:

    \b
      abkit analyze ShowPluginsExperiment --events data/events --config myapp.experiments

    Of a table with one row per unit:

    \b
      abkit analyze --units cats.csv --unit userid --variant version \
          --control gate_30 --conversion retention_1 --mean sum_gamerounds
    """
    if (units is None) == (events is None):
        message = "give either --events DIR with the NAME of an experiment, or --units FILE"
        raise click.UsageError(message)
    with one_line_errors():
        if units is not None:
            result = _of_units(units, columns, test, name=name)
        else:
            result = _of_events(str(events), config, test, name=name)
        if html is not None:
            result.to_html(html)
        if as_json:
            click.echo(json.dumps(result.to_dict(), indent=2, allow_nan=False))
        else:
            _print(result)
    if html is not None:
        click.echo(f"Report: {html}", err=True)


def _of_units(units: str, columns: _UnitColumns, test: _Test, *, name: str | None) -> Result:
    if name is not None:
        message = f"NAME ({name}) goes with --events; a table of units has no experiment"
        raise click.UsageError(message)
    given = {"--unit": columns.unit, "--variant": columns.variant, "--control": test.control}
    lacking = [option for option, value in given.items() if value is None]
    if lacking:
        message = f"--units needs {', '.join(lacking)} too"
        raise click.UsageError(message)
    metrics: Sequence[Metric] = [*map(Conversion, columns.conversions), *map(Mean, columns.means)]
    if not metrics:
        message = "--units needs a metric: --conversion COL or --mean COL"
        raise click.UsageError(message)
    return UnitsAnalysis(
        units,
        unit=str(columns.unit),
        variant=str(columns.variant),
        control=str(test.control),
        metrics=metrics,
        method=test.method,
        confidence=test.confidence,
    ).run()


def _of_events(events: str, config: str | None, test: _Test, *, name: str | None) -> Result:
    if name is None:
        message = "--events needs the NAME of an experiment"
        raise click.UsageError(message)
    return Analysis(
        configured_manager(config).declaration(name),
        exposures=Path(events) / "exposures",
        actions=Path(events) / "actions",
        method=test.method,
        confidence=test.confidence,
        control=test.control,
    ).run()


def _print(result: Result) -> None:
    try:
        from rich.console import Console
    except ImportError as error:
        raise MissingExtraError("rich", "cli") from error
    from abkit.analysis.presentation.table import show

    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal in ASCII shows ? rather than fails
    show(result, Console(file=sys.stdout))
