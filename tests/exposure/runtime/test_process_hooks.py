"""What outlives a request."""

import multiprocessing
import sys

import pytest

from abkit.exposure.runtime import process_hooks


def both(sign: "process_hooks.ProcessMarker") -> tuple[int, int]:
    """What a sign is in this process, and in a child that was forked from it."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=lambda: sender.send(sign[0]))
    child.start()
    answer = receiver.recv()
    child.join()
    return int(sign[0]), int(answer)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_sign_of_this_process_is_none_of_its_children() -> None:
    assert both(process_hooks.marker_of_this_process()) == (1, 0)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_where_memory_is_not_wiped_the_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert both(process_hooks.marker_of_this_process()) == (1, 0)
