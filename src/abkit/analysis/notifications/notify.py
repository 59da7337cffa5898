"""Send each alert that fires to each destination that has not been notified of it."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from abkit.analysis.notifications.alert_state import (
    AlertState,
    ExperimentRun,
    mark_notified,
    next_state,
    pending_notifications,
)
from abkit.analysis.notifications.alerts import Alert, Evaluation
from abkit.analysis.notifications.notifiers import Notifier
from abkit.analysis.notifications.stores import StateStore
from abkit.errors import NotificationError
from abkit.former_names import former_names


@frozen(kw_only=True)
class NotifyResult:
    """What became of the notifications of one evaluation.

    Attributes:
        sent: Each alert that was sent, with the name of its destination.
        failed: Why others were not sent. The next evaluation tries them again.
    """

    sent: tuple[tuple[Alert, str], ...] = ()
    failed: tuple[NotificationError, ...] = ()


def notify(
    evaluation: Evaluation,
    run: ExperimentRun,
    *,
    notifiers: Iterable[Notifier],
    store: StateStore,
    now: datetime | None = None,
) -> NotifyResult:
    """Send the alerts, each once to each destination, and store that they were sent.

    The state is kept by destination: if one is down, it is tried again at the next evaluation, and the
    others are not notified twice. The state is stored after all notifications were tried: a process that
    dies in between sends them again at its next evaluation (at least once).

    Args:
        evaluation: The alerts of the experiment, as `evaluate_alerts` gives them.
        run: Which experiment, under which salt.
        notifiers: The destinations.
        store: Where the state is kept. It is locked for this run meanwhile.
        now: When this is; None: now.

    Raises:
        ConfigError: The store cannot be used.
    """
    by_name = {notifier.name: notifier for notifier in notifiers}
    moment = now or datetime.now(UTC)
    sent: list[tuple[Alert, str]] = []
    failed: list[NotificationError] = []

    def step(before: AlertState) -> AlertState:
        state = next_state(before, evaluation, now=moment)
        for alert, name in pending_notifications(state, evaluation, by_name):
            try:
                by_name[name].send(alert.title, alert.body, kind=alert.kind)
            except NotificationError as error:
                failed.append(error)
            else:
                sent.append((alert, name))
                state = mark_notified(state, alert.key, name)
        return state

    store.update(run, step)
    return NotifyResult(sent=tuple(sent), failed=tuple(failed))


__getattr__: Callable[[str], Any] = former_names(
    globals(), {"Told": "NotifyResult", "tell": "notify"}
)
