"""`abkit watch`: what the active experiments have to say, once; for cron."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from shlex import quote

import click
from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.analysis.analysis import Analysis, read_together
from abkit.analysis.notifications.alert_state import (
    ExperimentRun,
    next_state,
    pending_notifications,
)
from abkit.analysis.notifications.alerts import Alert, Evaluation, evaluate_alerts
from abkit.analysis.notifications.notifiers import AppriseNotifier
from abkit.analysis.notifications.notify import notify
from abkit.analysis.notifications.remote_state import RemoteStore
from abkit.analysis.notifications.rules import AlertRules, Schedule
from abkit.analysis.notifications.sql_store import SqlStore
from abkit.analysis.notifications.stores import FileStore, StateStore
from abkit.analysis.presentation.figures import legible
from abkit.analysis.reading.event_folder import stored_tables
from abkit.analysis.result import Result
from abkit.analysis.store.place import Store
from abkit.cli.config import (
    config_option,
    configured_experiments,
    configured_manager,
    required_events,
    settings_option,
    stored_events_option,
)
from abkit.cli.failing import one_line_errors
from abkit.cli.store import kept_option, shared_store
from abkit.cli.words import confidence as confidence_type
from abkit.errors import AbkitError, EmptyDataError
from abkit.events import variant_text
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.declaration import Declaration
from abkit.experiments.declaring.experiment import control_of
from abkit.file_systems import is_url, names_a_filesystem
from abkit.quoting import masked

NOTIFY_VARIABLE = "ABKIT_NOTIFY"
STATE_VARIABLE = "ABKIT_STATE"

_DEFAULTS = AlertRules()


@frozen(kw_only=True)
class _Watch:
    """How each experiment is looked at.

    Attributes:
        events: The folder of the events.
        config: The module of the experiments, as it was given.
        confidence: Of the tests; None: as planned.
        rules: When something is worth a notification.
        notifiers: The destinations of the alerts.
        store: What was told already; None only where nothing is sent.
        now: The time.
        dry_run: Whether the messages are printed instead of sent.
        kept: Where what was read is kept; None: for this run only.
    """

    events: str
    config: str | None
    confidence: float | None
    rules: AlertRules
    notifiers: Sequence[AppriseNotifier]
    store: StateStore | None
    now: datetime
    dry_run: bool
    kept: Path | str | None

    def analysis(self, declaration: Declaration, store: Store | None) -> Analysis:
        stored = stored_tables(self.events)
        plan = None if self.confidence is None else AnalysisPlan(confidence=self.confidence)
        return Analysis(declaration, **stored, plan=plan, store=store)

    def result(self, analysis: Analysis) -> Result:
        sums = analysis.gather()
        if sums.plan.method is Method.WELCH and sums.plan.sample_size is None:
            # One look of no planned size: this is one of every morning's.
            return sums.result(method=Method.SEQUENTIAL)
        return sums.result()

    def command(self, name: str) -> str:
        """What shows the same numbers."""
        config = "" if self.config is None else f" --config {quote(self.config)}"
        return f"abkit analyze {quote(name)} --events {quote(masked(self.events))}{config}"


class _Collected(click.Command):
    """Gathers the options into one value, so that functions take few arguments."""

    def invoke(self, ctx: click.Context) -> object:
        options = ctx.params
        urls, state = options.pop("urls"), options.pop("state")
        with one_line_errors():
            events = required_events(options.pop("events"))
            rules = AlertRules(
                **{
                    name: options.pop(name)
                    for name in ("long_running", "overdue", "minimum_days", "minimum_units")
                }
            )
            notifiers = [AppriseNotifier(url) for url in urls]
            store = None if state is None else _store(state)
        options["how"] = _Watch(
            rules=rules,
            notifiers=notifiers,
            store=store,
            config=options["config"],
            events=events,
            **{name: options.pop(name) for name in ("confidence", "now", "dry_run", "kept")},
        )
        return super().invoke(ctx)


def _store(state: str) -> StateStore:
    if not is_url(state):
        return FileStore(state)
    return RemoteStore(state) if names_a_filesystem(state) else SqlStore(state)


def _time(_ctx: click.Context, _option: click.Parameter, value: str | None) -> datetime:
    if value is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        message = f"must be a date or a time such as 2026-11-22T06:00, not {value!r}"
        raise click.BadParameter(message) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


@click.command(cls=_Collected)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@stored_events_option
@config_option
@settings_option
@click.option(
    "--notify",
    "urls",
    metavar="URL",
    multiple=True,
    envvar=NOTIFY_VARIABLE,
    help=f"Destination: an Apprise URL; repeatable. Default: ${NOTIFY_VARIABLE}, several "
    "with spaces between. They are secrets, and others can see the arguments of a command.",
)
@click.option(
    "--state",
    metavar="FILE",
    envvar=STATE_VARIABLE,
    help="Where the state of the alerts is stored: a file, its URL, or the URL of a database. "
    f"Default: ${STATE_VARIABLE}.",
)
@kept_option
@click.option("--dry-run", is_flag=True, help="Print the messages, but send and write nothing.")
@click.option("--quiet", "-q", is_flag=True, help="Print only errors.")
@click.option(
    "--confidence",
    type=confidence_type,
    metavar="SHARE",
    help="Default: that of the plan, or 0.95.",
)
@click.option(
    "--long-running",
    metavar="DAYS",
    type=float,
    default=_DEFAULTS.long_running,
    show_default=True,
    help="Alert if an experiment without a declared end has run for this long.",
)
@click.option(
    "--overdue",
    metavar="DAYS",
    type=float,
    default=_DEFAULTS.overdue,
    show_default=True,
    help="Alert if an experiment is not concluded this long after its declared end.",
)
@click.option(
    "--min-days",
    "minimum_days",
    metavar="DAYS",
    type=float,
    default=_DEFAULTS.minimum_days,
    show_default=True,
    help="Send no alerts about results until this many days after the first exposures.",
)
@click.option(
    "--min-units",
    "minimum_units",
    metavar="UNITS",
    type=int,
    default=_DEFAULTS.minimum_units,
    show_default=True,
    help="Send no alerts about results below this many units.",
)
@click.option("--now", metavar="TIME", callback=_time, help="Run as if this were the current time.")
def watch(
    names: tuple[str, ...],
    config: str | None,
    settings: str | None,
    *,
    quiet: bool,
    how: _Watch,
) -> None:
    """Analyze the active experiments, or those given as NAME, and send notifications; for cron.

    Each alert is sent once, when its condition begins: the start, the end reached, long-running, a sample
    ratio mismatch, units not alike, significance of the primary metric, a violated guardrail. The exit
    code is 1 if an experiment could not be analyzed, or a message could not be sent; the next run tries
    again.
    """
    if not how.dry_run and not how.notifiers:
        message = f"no destination: pass --notify URL, set {NOTIFY_VARIABLE}, or use --dry-run"
        raise click.UsageError(message)
    if not how.dry_run and how.store is None:
        message = "where is it written down what was told? Pass --state FILE, or use --dry-run"
        raise click.UsageError(message)
    with one_line_errors():
        manager = configured_manager(config, settings)
        classes = {each.name: each for each in configured_experiments(config)}
        declarations = [
            manager.declaration(name)._replace(control=control_of(classes[name]))
            for name in dict.fromkeys(names or manager)
        ]
    analyzed = [each for each in declarations if _is_watched(each) and each.metrics]
    failed = False
    with one_line_errors(), shared_store(how.kept, experiments=len(analyzed)) as store:
        if store is not None:
            with suppress(AbkitError, OSError):  # Each says so itself.
                read_together([how.analysis(each, store) for each in analyzed])
        for declaration in declarations:
            looked = _look(declaration, how, store)
            for line in () if quiet else looked.lines:
                click.echo(line)
            for problem in looked.problems:
                click.echo(f"{legible(declaration.name)}: FAILED: {_one_line(problem)}", err=True)
                failed = True
    if failed:
        raise click.exceptions.Exit(1)


@frozen
class _Looked:
    """What is printed of one experiment."""

    lines: Sequence[str] = ()
    problems: Sequence[AbkitError | OSError] = ()


def _is_watched(declaration: Declaration) -> bool:
    return declaration.enabled and declaration.winner is None


def _look(declaration: Declaration, how: _Watch, store: Store | None) -> _Looked:
    """Analyze one experiment, and send its alerts; if it fails, the others are still analyzed."""
    name = legible(declaration.name)
    if not _is_watched(declaration):
        winner = declaration.winner
        state = "switched off" if winner is None else f"concluded: {legible(variant_text(winner))}"
        return _Looked([f"{name}: {state}; not watched"])
    result, note, problems = None, "", list[AbkitError | OSError]()
    if not declaration.metrics:
        note = "no metrics, only its dates are watched"
    else:
        try:
            result = how.result(how.analysis(declaration, store))
            note = amount(result.units, "unit")
        except EmptyDataError:
            note = "no exposures yet"
        except (AbkitError, OSError) as error:
            note = "not analyzed, only its dates are watched"
            problems.append(error)
    evaluation = evaluate_alerts(
        Schedule.of(declaration),
        result,
        now=how.now,
        rules=how.rules,
        analyze=how.command(declaration.name),
    )
    run = ExperimentRun(experiment=declaration.name, salt=declaration.salt)
    try:
        lines = _told(evaluation, run, how, problems)
    except (AbkitError, OSError) as error:
        problems.append(error)
        lines = ["nothing sent"]
    return _Looked([f"{name}: {note}; {lines[0]}", *lines[1:]], problems)


def _told(
    evaluation: Evaluation, run: ExperimentRun, how: _Watch, problems: list[AbkitError | OSError]
) -> list[str]:
    """Send what is new, or print it; the first line sums it up."""
    if how.dry_run or how.store is None:
        return _would_tell(evaluation, run, how)
    told = notify(evaluation, run, notifiers=how.notifiers, store=how.store, now=how.now)
    problems.extend(told.failed)
    if not told.sent:
        return ["nothing new"]
    kinds = dict.fromkeys(alert.kind for alert, _ in told.sent)
    names = dict.fromkeys(name for _, name in told.sent)
    return [f"sent {', '.join(kinds)} to {', '.join(names)}"]


def _would_tell(evaluation: Evaluation, run: ExperimentRun, how: _Watch) -> list[str]:
    before = {} if how.store is None else how.store.read(run)
    state = next_state(before, evaluation, now=how.now)
    names = [notifier.name for notifier in how.notifiers] or ["no destination (set --notify)"]
    audience: dict[Alert, list[str]] = {}
    for alert, name in pending_notifications(state, evaluation, names):
        audience.setdefault(alert, []).append(name)
    if not audience:
        return ["nothing new"]
    lines = [f"would send {', '.join(alert.kind for alert in audience)}"]
    for alert, told in audience.items():
        lines += ["", f"  To {', '.join(told)}: {alert.title}"]
        lines += [f"    {line}" for line in alert.body.splitlines()]
    return [*lines, ""]


def _one_line(problem: Exception) -> str:
    return legible(" ".join(str(problem).split()))
