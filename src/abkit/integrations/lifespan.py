"""The end of a server's life: what has been logged is delivered."""

from abkit.manager import ExperimentManager


def flush(manager: ExperimentManager) -> None:
    """Deliver what a manager's `on_event` still holds, if it is an ExposureLogger or has its `flush`.

    It is for servers that end without running what Python runs at its exit. It blocks, for ten seconds at
    most; the logger takes events afterwards as before.
    """
    own_flush = getattr(manager.on_event, "flush", None)
    if own_flush is not None:
        own_flush()
