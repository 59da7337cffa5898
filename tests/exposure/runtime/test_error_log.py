"""What goes wrong is caught, counted, and logged once per kind."""

import logging

import pytest

from abkit.exposure.runtime.error_log import Incidents, attempt


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
    incidents = Incidents()
    for kind in ("full", "full", "dead", "full"):
        incidents.report(kind, "it is %s", kind)
    assert [record.args for record in caplog.records] == [("full",), ("dead",)]
    assert dict(incidents.counts) == {"full": 3, "dead": 1}


def test_what_others_say_is_logged_on_one_line_without_their_secrets(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ConnectionError("no way to redis://:geheim@host\nERROR forged\x1b[2J")
    Incidents().report("dead", "%s; %r; %d times", str(error), error, 3)
    message = caplog.records[0].getMessage()
    assert message.isprintable()
    assert "geheim" not in message
    assert "3 times" in message


def test_what_is_over_is_logged_anew_when_it_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    times = iter([100.0, 200.0, 300.0])
    incidents = Incidents(lambda: next(times))
    with caplog.at_level(logging.INFO, "abkit"):
        incidents.over("dead", "works again")
        incidents.report("dead", "fails")
        incidents.over("dead", "works again")
        incidents.report("dead", "fails")
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO", "WARNING"]


def test_what_comes_and_goes_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    incidents = Incidents(lambda: 5.0)
    with caplog.at_level(logging.INFO, "abkit"):
        for _ in range(10):
            incidents.report("dead", "fails")
            incidents.over("dead", "works again")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
