"""Days that somebody asks for: the last one counts, and is called by its own name."""

from datetime import UTC, date, datetime

import pytest
from tests.panel.asking import page

from abkit.panel import Panel
from abkit.panel.asked_days import asked_days, shown_frame


def on(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("since", "until", "said"),
    [
        (None, None, ""),
        (date(2026, 11, 5), None, "from 2026-11-05"),
        (None, date(2026, 11, 12), "to the end of 2026-11-12"),
        (date(2026, 11, 5), date(2026, 11, 12), "from 2026-11-05 to the end of 2026-11-12"),
    ],
)
def test_days_are_told_as_they_were_asked_for(
    since: date | None, until: date | None, said: str
) -> None:
    assert asked_days(since, until) == said


def test_a_frame_ends_with_its_last_day() -> None:
    assert shown_frame((on(5), on(13))) == "from 2026-11-05 to the end of 2026-11-12, UTC"
    assert shown_frame((None, None)) == ""


@pytest.mark.parametrize(
    ("tab", "query", "said"),
    [
        ("", "until=2026-11-12", "As of the end of 2026-11-12, UTC"),
        ("exposures/", "until=2026-11-12", "To the end of 2026-11-12, UTC"),
        ("exposures/", "until=2026-11-12", "2026-11-02 to 2026-11-12 (11 days)"),
        ("", "until=2026-11-01", "to the end of 2026-11-01 (UTC): all are of 2026-11-02"),
        (
            "",
            "since=2026-12-01&until=2026-12-05",
            "from 2026-12-01 to the end of 2026-12-05 (UTC): all are of 2026-11-02",
        ),
    ],
)
def test_no_page_calls_the_last_day_by_the_name_of_the_next(
    shop_panel: Panel, tab: str, query: str, said: str
) -> None:
    html = page(shop_panel, f"experiments/Checkout/{tab}", query)
    assert said in html
    assert "2026-11-13" not in html.partition("<table")[0]
    assert "2026-12-06" not in html
