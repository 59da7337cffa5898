"""The shutdown of a server: logged events are delivered."""

from abkit.manager import ExperimentManager


def flush(manager: ExperimentManager) -> None:
    """Deliver the queued events of a manager's `on_event`, if it is an ExposureLogger or has a `flush`.

    It is for servers that end without running Python's exit handlers. It blocks for ten seconds at
    most. The logger accepts events afterwards as before.
    """
    own_flush = getattr(manager.on_event, "flush", None)
    if own_flush is not None:
        own_flush()
