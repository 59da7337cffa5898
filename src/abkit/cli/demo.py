"""abkit demo: the whole way of an experiment, on simulated organizations."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from shlex import join, quote
from typing import Any, ClassVar

import click
from attrs import evolve, frozen

from abkit.analysis.analysis import Analysis
from abkit.analysis.reading.places import is_url, within
from abkit.analysis.reading.remote import refused
from abkit.assignment._planout import WeightedChoice
from abkit.assignment.params import Params
from abkit.cli.invocation import invocation
from abkit.cli.places import FileOrUrl
from abkit.cli.printing import show_result
from abkit.errors import ConfigError
from abkit.experiments.declaring.experiment import OrgExperiment
from abkit.experiments.declaring.metrics import Conversion, Metric
from abkit.exposure.dedup.memory import MemoryDedup
from abkit.exposure.logger import ExposureLogger
from abkit.exposure.stats import Stats
from abkit.file_systems import filesystem_of
from abkit.manager import ExperimentManager
from abkit.quoting import masked
from abkit.sinks.files import FileSink

DAYS = 14
FIRST_DAY = 1_793_577_600.0  # 2026-11-02, a Monday, 00:00 UTC
ACTION = "integration link clicked"
MARKER = ".abkit-demo"


@frozen
class Org:
    """An organization that visits."""

    id: int
    slug: str


class ShowPluginsExperiment(OrgExperiment):
    """Show plugins in the Integration Directory."""

    hypothesis = "Showing plugins raises the click-through rate of integration links."
    variants: ClassVar[Mapping[str, float]] = {"0": 0.5, "1": 0.5}
    metrics: ClassVar[Sequence[Metric]] = [Conversion(ACTION, direction="increase", goal=0.05)]

    def assign(self, params: Params, org: Org) -> None:
        """Our own organization always sees plugins; all others are randomized."""
        if org.slug == "acme":
            params.variant = "1"
        else:
            params.variant = WeightedChoice(choices=["0", "1"], weights=[0.5, 0.5], unit=org.id)


ACTIVE_EXPERIMENTS = [ShowPluginsExperiment]


@frozen
class Visit:
    """One visit of somebody of an organization.

    Attributes:
        time: Seconds since the epoch.
        org: The organization.
        user: The id of the visitor.
        pages: How often the directory is shown during the visit; 0 if never.
        attention: In [0, 1): below the variant's click rate, a link is clicked.
    """

    time: float
    org: Org
    user: str
    pages: int
    attention: float


@frozen
class Traffic:
    """What is simulated.

    Attributes:
        organizations: How many there are.
        click_rate: The probability, per visit that shows the directory, of a click in the control.
        lift: The relative change of that probability where plugins are shown.
        seed: The same seed gives the same events.
    """

    organizations: int
    click_rate: float
    lift: float
    seed: int

    def visits(self) -> list[Visit]:
        """All visits, in the order of time. They do not depend on the lift."""
        chance = random.Random(self.seed)  # noqa: S311 - a simulation
        return sorted(self._unordered(chance), key=lambda visit: visit.time)

    def _unordered(self, chance: random.Random) -> Iterator[Visit]:
        for number in range(self.organizations):
            org = Org(number, "acme" if number == 0 else f"org-{number}")
            for _ in range(1 + min(int(chance.expovariate(0.6)), 12)):
                yield Visit(
                    time=FIRST_DAY + chance.random() * DAYS * 86_400,
                    org=org,
                    user=f"{number}-{chance.randrange(5)}",
                    pages=chance.choice((0, 1, 1, 2, 3)),
                    attention=chance.random(),
                )

    def clicks(self, visit: Visit, variant: str) -> bool:
        """Whether the visitor clicks, having seen this variant."""
        return visit.attention < self.click_rate * (1 + self.lift * (variant == "1"))


class Clock:
    """The simulated time, in seconds since the epoch."""

    def __init__(self) -> None:
        self.now = FIRST_DAY

    def __call__(self) -> float:
        """The time now."""
        return self.now


def simulate(traffic: Traffic, sink: FileSink) -> tuple[int, Stats]:
    """Let the organizations visit; what they do is delivered into files.

    Returns:
        How often `log_exposure` was called, and what the delivery counted.
    """
    from rich.progress import track

    clock, shown = Clock(), 0
    dedup = MemoryDedup(clock=clock)
    with ExposureLogger(sink, dedup=dedup) as exposures:
        expt_manager = ExperimentManager(on_event=exposures, strict=True, clock=clock)
        expt_manager.add(ShowPluginsExperiment)
        for visit in track(traffic.visits(), description="Organizations visit", transient=True):
            clock.now = visit.time
            org, user = visit.org, visit.user
            variant = expt_manager.get("ShowPluginsExperiment", org=org, actor=user)
            for _ in range(visit.pages):
                expt_manager.log_exposure("ShowPluginsExperiment", org=org, actor=user)
                shown += 1
            if visit.pages and traffic.clicks(visit, variant):
                clock.now += 20
                expt_manager.track(ACTION, org=org, actor=user)
    return shown, exposures.stats


@click.command()
@click.option(
    "--lift", default=0.15, show_default=True, help="Simulated effect; 0.0 is an A/A test."
)
@click.option(
    "--seed", default=2026, show_default=True, help="The same seed gives the same events."
)
@click.option(
    "--organizations",
    default=20_000,
    show_default=True,
    type=click.IntRange(min=100, max=1_000_000),
)
@click.option(
    "--events",
    default="data/events",
    show_default=True,
    metavar="DIR",
    help="Folder for the Parquet files, or a URL such as s3://bucket/demo.",
)
@click.option(
    "--html",
    default="report.html",
    show_default=True,
    type=FileOrUrl(),
    help="File for the report.",
)
def demo(*, lift: float, seed: int, organizations: int, events: str, html: Path | str) -> None:
    """Run an experiment from the declaration to the report, on simulated visits.

    20,000 organizations visit for 14 days. Each visit reads the variant, logs the exposure if it shows
    the Integration Directory, and may click. The events are delivered to Parquet files, which are
    analyzed with DuckDB.
    """
    if not -1 < lift <= 5:
        message = f"--lift must be above -1 and at most 5 (0.15 is +15%), not {lift}"
        raise ConfigError(message)
    began = time.monotonic()
    with refused(events):
        filesystem, folder = filesystem_of(events)
        _make_room(filesystem, folder, events)
        sink = FileSink(events)  # it makes the folder
        filesystem.pipe_file(f"{folder}/{MARKER}", b"")
    traffic = Traffic(organizations=organizations, click_rate=0.12, lift=lift, seed=seed)
    shown, stats = simulate(traffic, sink)
    result = Analysis(
        ShowPluginsExperiment,
        exposures=within(events, "exposures"),
        actions=within(events, "actions"),
    ).run()
    units = result.units
    click.echo(
        f"The directory was shown, and log_exposure called, {shown:,} times;\n"
        f"{stats.delivered:,} events were delivered: an exposure per organization and day, and clicks;\n"
        f"{units:,} organizations were exposed.\n"
    )
    settings = Path("." if is_url(events) else events).parent / "experiments.toml"
    called = invocation(config=__name__, settings=str(settings))
    result = evolve(result, invocation=called)
    show_result(result)
    result.to_html(html)
    program, where = join(called.program), quote(str(events))
    click.echo(
        f"\nReport: {html}    Events: {events}    ({time.monotonic() - began:.0f} s)\n"
        "Look again, or in the browser:\n"
        f"  {program} analyze ShowPluginsExperiment --config {__name__} --events {where}\n"
        f"  {program} panel --config {__name__} --events {where}"
    )


def _make_room(filesystem: Any, folder: str, events: str) -> None:
    """Remove what an earlier demo left; refuse a folder that is somebody else's.

    Args:
        filesystem: Of fsspec.
        folder: The path in it.
        events: How it was given.

    Raises:
        ConfigError: The folder has files that no demo has written.
    """
    if not filesystem.exists(folder) or not filesystem.find(folder):
        return
    if not filesystem.exists(f"{folder}/{MARKER}"):
        message = f"{masked(events)} has files of its own; name another folder with --events"
        raise ConfigError(message)
    for kind in ("exposures", "actions"):
        if filesystem.exists(f"{folder}/{kind}"):
            filesystem.rm(f"{folder}/{kind}", recursive=True)
