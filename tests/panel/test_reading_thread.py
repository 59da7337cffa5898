"""One thing after the other, the lines in turn."""

import threading
from collections.abc import Callable

import pytest

from abkit.panel.reading_thread import MOST_OF_VIEWER, MOST_WAITING, ReadingThread, Urgency


class Order:
    """Work that waits until it may begin, and tells in which order it was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.go = threading.Event()
        self.begun = threading.Event()

    def first(self) -> None:
        self.begun.set()
        assert self.go.wait(60)

    def work(self, name: str) -> Callable[[], None]:
        return lambda: self.done.append(name)


@pytest.fixture
def order() -> Order:
    return Order()


@pytest.fixture
def thread(order: Order) -> ReadingThread:
    """It does something that ends when `order.go` is set."""
    found = ReadingThread()
    assert found.submit(order.first, "crawler") is not None
    assert order.begun.wait(60)
    return found


def test_who_asks_for_much_holds_nobody_up(thread: ReadingThread, order: Order) -> None:
    for number in range(4):
        thread.submit(order.work(f"crawler {number}"), "crawler")
    thread.submit(order.work("ada"), "ada")
    thread.submit(order.work("overview"), None)
    order.go.set()
    assert thread.wait(60)
    assert order.done == [
        *("ada", "overview"),
        *("crawler 0", "crawler 1", "crawler 2", "crawler 3"),
    ]


def test_those_who_ask_for_much_take_turns(thread: ReadingThread, order: Order) -> None:
    for number in range(2):
        thread.submit(order.work(f"ada {number}"), "ada")
        thread.submit(order.work(f"grace {number}"), "grace")
    order.go.set()
    assert thread.wait(60)
    assert order.done == ["ada 0", "grace 0", "ada 1", "grace 1"]


def test_one_viewer_fills_only_a_share_of_the_room(thread: ReadingThread, order: Order) -> None:
    taken = [thread.submit(order.work("?"), "crawler") for _ in range(MOST_OF_VIEWER + 1)]
    assert taken[-2] is not None
    assert taken[-1] is None
    assert thread.submit(order.work("?"), "ada") is not None
    thread.close()
    order.go.set()


def test_many_viewers_leave_the_room_of_the_overview(thread: ReadingThread, order: Order) -> None:
    taken = [thread.submit(order.work("?"), f"viewer {i}") for i in range(MOST_WAITING + 1)]
    assert taken[-2] is not None
    assert taken[-1] is None
    overview = [thread.submit(order.work("?"), None) for _ in range(MOST_WAITING + 1)]
    assert overview[-2] is not None
    assert overview[-1] is None
    thread.close()
    order.go.set()


def test_what_waits_is_left_out_when_it_is_closed(thread: ReadingThread, order: Order) -> None:
    waiting = thread.submit(order.work("late"), "ada")
    assert waiting is not None
    thread.close()
    assert waiting.done.is_set()  # nobody waits for it
    assert thread.submit(order.work("later"), "ada") is None
    order.go.set()
    assert thread.wait(60)
    assert order.done == []


def test_the_thread_ends_when_there_is_nothing_to_do_and_starts_again(order: Order) -> None:
    thread = ReadingThread()
    for name in ("one", "two"):
        assert thread.submit(order.work(name), None) is not None
        assert thread.wait(60)
    assert order.done == ["one", "two"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_what_fails_ends_nothing_else(order: Order) -> None:
    ending: list[threading.Thread] = []

    def fails() -> None:
        ending.append(threading.current_thread())
        raise KeyboardInterrupt

    thread = ReadingThread()
    failed = thread.submit(fails, None)
    assert failed is not None
    assert failed.done.wait(60)
    ending[0].join(60)
    assert thread.wait(60)
    thread.submit(order.work("next"), None)
    assert thread.wait(60)
    assert order.done == ["next"]


def test_the_most_urgent_of_a_line_is_next_and_among_them_who_came_first(
    thread: ReadingThread, order: Order
) -> None:
    for name, urgency in (
        ("known", Urgency.AGAIN),
        ("new", Urgency.NEW),
        ("newer", Urgency.NEW),
        ("past", Urgency.NEW_OF_PAST),
    ):
        thread.submit(order.work(name), None, urgency)
    order.go.set()
    assert thread.wait(60)
    assert order.done == ["new", "newer", "past", "known"]


def test_what_is_hurried_moves_up_once_and_never_down(thread: ReadingThread, order: Order) -> None:
    works = {name: thread.submit(order.work(name), None) for name in ("one", "two", "three")}
    for name in ("three", "two", "three"):  # A page asks again and again.
        hurried = works[name]
        assert hurried is not None
        thread.hurry(hurried, Urgency.PERSON)
        thread.hurry(hurried, Urgency.AGAIN)
    order.go.set()
    assert thread.wait(60)
    assert order.done == ["three", "two", "one"]
