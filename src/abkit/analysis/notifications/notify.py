"""One look: what holds is compared with what was told, and the rest is sent."""

from collections.abc import Iterable
from datetime import UTC, datetime

from attrs import frozen

from abkit.analysis.notifications.alert_state import Run, State, advance, mark, untold
from abkit.analysis.notifications.alerts import Condition, Observed
from abkit.analysis.notifications.notifiers import Notifier
from abkit.analysis.notifications.stores import StateStore
from abkit.errors import NotificationError


@frozen(kw_only=True)
class Told:
    """What became of the notifications of one look.

    Attributes:
        sent: Each condition that was told, with the name of its destination.
        failed: Why others were not; the next look tries them again.
    """

    sent: tuple[tuple[Condition, str], ...] = ()
    failed: tuple[NotificationError, ...] = ()


def tell(
    observed: Observed,
    run: Run,
    *,
    notifiers: Iterable[Notifier],
    store: StateStore,
    now: datetime | None = None,
) -> Told:
    """Tell each destination what it was not told yet, and write down that it was.

    Each destination has a record of its own: one that is down is tried again at the next look, and
    the others hear nothing twice. The record is written when all were tried: a process that dies
    in between tells the same again at its next look, rather than never.

    Args:
        observed: What holds of the experiment.
        run: Which experiment, under which salt.
        notifiers: Whom to tell.
        store: What was told already; nobody else can tell of this run meanwhile.
        now: When this is; None: now.

    Raises:
        ConfigError: The store cannot be used.
    """
    by_name = {notifier.name: notifier for notifier in notifiers}
    moment = now or datetime.now(UTC)
    sent: list[tuple[Condition, str]] = []
    failed: list[NotificationError] = []

    def step(before: State) -> State:
        state = advance(before, observed, now=moment)
        for condition, name in untold(state, observed, by_name):
            try:
                by_name[name].send(condition.title, condition.body, kind=condition.kind)
            except NotificationError as error:
                failed.append(error)
            else:
                sent.append((condition, name))
                state = mark(state, condition.key, name)
        return state

    store.update(run, step)
    return Told(sent=tuple(sent), failed=tuple(failed))
