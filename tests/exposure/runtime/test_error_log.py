"""What goes wrong is caught, counted, and logged once per kind."""

import logging

import pytest

from abkit.exposure.runtime.error_log import ErrorLog, attempt

from ...threads import at_once


def test_what_foreign_code_raises_is_returned() -> None:
    result = attempt(int, "x")
    assert isinstance(result, ValueError)
    assert attempt(int, "5") == 5


def test_an_order_to_end_is_not_caught() -> None:
    def leave() -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        attempt(leave)


def test_each_kind_is_logged_once_and_counted_always(caplog: pytest.LogCaptureFixture) -> None:
    error_log = ErrorLog()
    for kind in ("full", "full", "dead", "full"):
        error_log.report(kind, "it is %s", kind)
    assert [record.args for record in caplog.records] == [("full",), ("dead",)]
    assert dict(error_log.counts) == {"full": 3, "dead": 1}


def test_what_others_say_is_logged_on_one_line_without_their_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ConnectionError("no way to redis://:geheim@host\nERROR forged\x1b[2J")
    ErrorLog().report("dead", "%s; %r; %d times", str(error), error, 3)
    message = caplog.records[0].getMessage()
    assert message.isprintable()
    assert "geheim" not in message
    assert "3 times" in message


def test_what_is_over_is_logged_anew_when_it_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([100.0, 200.0, 300.0])
    error_log = ErrorLog(lambda: next(times))
    with caplog.at_level(logging.INFO, "abkit"):
        error_log.resolved("dead", "works again")
        error_log.report("dead", "fails")
        error_log.resolved("dead", "works again")
        error_log.report("dead", "fails")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def test_what_comes_and_goes_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    error_log = ErrorLog(lambda: 5.0)
    with caplog.at_level(logging.INFO, "abkit"):
        for _ in range(10):
            error_log.report("dead", "fails")
            error_log.resolved("dead", "works again")
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_errors_of_many_threads_are_all_counted_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error_log = ErrorLog()

    def fail() -> None:
        for _ in range(10_000):
            error_log.report("dead", "fails")

    at_once(fail, threads=4)
    assert error_log.counts["dead"] == 40_000
    assert len(caplog.records) == 1
