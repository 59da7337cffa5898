"""abkit check: what is wrong, and what a change does, before it is deployed."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from abkit.analysis.amounts import amount
from abkit.cli.config import (
    config_option,
    configured_catalogue,
    configured_experiments,
    read_settings,
    settings_option,
    sticky_option,
)
from abkit.cli.places import FileOrUrl
from abkit.distribution import intruder
from abkit.errors import ConfigError
from abkit.experiments.checking.check import (
    notices,
    notices_of_metrics,
    problems,
    settings_problems,
    sticky_problems,
)
from abkit.experiments.checking.lock import (
    LOCK_FILE,
    amended_after_start,
    compare,
    lock_exists,
    read_lock,
    write_lock,
)

_STICKY = "as sticky_store under [tool.abkit] in pyproject.toml, or by --sticky-store"


@click.command()
@config_option
@settings_option
@sticky_option
@click.option(
    "--lock",
    default=LOCK_FILE,
    show_default=True,
    type=FileOrUrl(),
    help="Lock file with everything that affects the assignments and the analysis; commit it.",
)
@click.option("--update", is_flag=True, help="Write the lock file, to accept the changes.")
def check(
    *,
    config: str | None,
    settings: str | None,
    sticky_store: str | None,
    lock: Path | str,
    update: bool,
) -> None:
    """Check the active experiments, and compare them with the lock file.

    The exit code is 0 if there are no problems and no differences, 1 if there are any, and 2 if the module
    cannot be read. Notices, such as an end date that has passed, do not affect it.
    """
    experiments = configured_experiments(config)
    wrong = (*filter(None, [intruder()]), *problems(experiments))
    if not wrong and sticky_store is None:
        wrong = sticky_problems(experiments, where=_STICKY)
    if not wrong and settings is not None:
        wrong = settings_problems(experiments, read_settings(settings))
    for notice in notices(experiments, now=time.time()):
        click.echo(f"notice   {notice}")
    for notice in notices_of_metrics(experiments, configured_catalogue(config)):
        click.echo(f"notice   {notice}")
    for problem in wrong:
        click.echo(f"wrong    {problem}")
    if wrong:
        if update:
            click.echo(f"{lock} is not written: put that right first.")
        raise SystemExit(1)
    there = lock_exists(lock)
    if not there and not update:
        message = f"There is no {lock} yet. Write it, and commit it, with: abkit check --update"
        raise ConfigError(message)
    before = read_lock(lock) if there else {}
    for sentence in amended_after_start(before, experiments):
        click.echo(f"notice   {sentence}")
    changes = compare(before, experiments)
    for change in changes:
        click.echo(f"changed  {change}")
    if update:
        write_lock(lock, experiments, before, at=datetime.now(UTC))
        click.echo(f"{lock} holds {amount(len(experiments), 'experiment')}.")
    elif changes:
        click.echo(f"If this is meant, write it to {lock} with: abkit check --update")
        raise SystemExit(1)
    else:
        some, are = amount(len(experiments), "experiment"), "is" if len(experiments) == 1 else "are"
        click.echo(f"{some} {are} right, and as written down in {lock}.")
