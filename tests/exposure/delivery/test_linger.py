"""How long to wait for a batch to fill."""

from abkit.exposure.delivery.linger import Linger


def test_an_event_waits_for_others_until_it_is_old() -> None:
    linger = Linger(1.0)
    assert linger.wait(1, enough=10, now=5.0) == 1.0
    assert linger.wait(2, enough=10, now=5.75) == 0.25
    assert linger.wait(2, enough=10, now=6.5) == 0.0


def test_enough_events_do_not_wait() -> None:
    assert Linger(1.0).wait(10, enough=10, now=5.0) == 0.0


def test_what_is_left_behind_by_a_batch_waits_from_then_on() -> None:
    linger = Linger(1.0)
    linger.wait(15, enough=10, now=5.0)
    linger.restart(5.5)
    assert linger.wait(5, enough=10, now=6.0) == 0.5


def test_after_a_pause_an_event_waits_for_others_again() -> None:
    linger = Linger(1.0)
    linger.restart(5.0)
    linger.wait(0, enough=10, now=5.5)
    assert linger.wait(1, enough=10, now=50.0) == 1.0


def test_there_is_no_point_in_waiting_when_nothing_comes_for_long() -> None:
    linger = Linger(1.0, idle=60.0)
    assert linger.wait(0, enough=10, now=5.0) == 60.0
    assert linger.wait(0, enough=10, now=64.0) == 1.0
    assert linger.wait(0, enough=10, now=65.0) is None


def test_an_event_makes_waiting_worth_while_again() -> None:
    linger = Linger(1.0, idle=60.0)
    linger.wait(0, enough=10, now=5.0)
    linger.wait(1, enough=10, now=64.0)
    assert linger.wait(0, enough=10, now=65.0) == 60.0
