"""abkit typescript: the front end's side of the experiments, from the classes."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from abkit.cli.config import config_option, configured_experiments, configured_manager
from abkit.frontend.folder import Drift, Drifted, drifted, write
from abkit.frontend.typescript import typescript_files

_DIFF_LINES = 20


@click.command()
@config_option
@click.option(
    "--out",
    metavar="FOLDER",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files, such as static/app/experiments; commit them.",
)
@click.option(
    "--without-react",
    is_flag=True,
    help="Write only the files that need no framework, for Vue, Svelte or a plain page.",
)
@click.option("--check", is_flag=True, help="Write nothing; show the differences.")
def typescript(*, config: str | None, out: Path, without_react: bool, check: bool) -> None:
    """Write the active experiments as TypeScript, with the React code that uses them.

    With --check, the exit code is 0 if the files are up to date, 1 if one differs, is missing or
    is no longer generated, and 2 if the module or a file cannot be read.
    """
    configured_manager(config)  # refuses what cannot be registered, such as two of one name
    experiments = configured_experiments(config)
    texts = typescript_files(experiments, react=not without_react)
    if not check:
        for path in write(out, texts):
            click.echo(f"wrote    {path}")
    found = drifted(out, texts)
    for each in found:
        for line in _lines(each):
            click.echo(line)
    if check and found:
        arguments = [
            *([] if config is None else ["--config", config]),
            *("--out", str(out)),
            *(["--without-react"] if without_react else []),
        ]
        click.echo(f"If this is meant, write it with: abkit typescript {shlex.join(arguments)}")
        raise SystemExit(1)
    count = "1 experiment" if len(experiments) == 1 else f"{len(experiments)} experiments"
    click.echo(f"{out} holds {count}, as declared.")


def _lines(each: Drifted) -> Iterator[str]:
    """What is wrong with a file, and the beginning of how it differs."""
    what = "is generated no longer; delete it" if each.drift is Drift.STALE else ""
    yield f"{each.drift:<8} {each.path} {what}".rstrip()
    yield from each.diff[:_DIFF_LINES]
    if len(each.diff) > _DIFF_LINES:
        yield f"... and {len(each.diff) - _DIFF_LINES} more lines"
