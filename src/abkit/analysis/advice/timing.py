"""Whether an experiment has run long enough for its users to be those of every day: pure."""

from datetime import timedelta

from attrs import frozen

from abkit.analysis.amounts import amount
from abkit.experiments.declaring.analysis_plan import AnalysisPlan

NEARLY = timedelta(hours=1)
"""A day is over although its last exposure came so long before its end."""

MANY_WEEKS = 4
"""After so many weeks, the days of one that is not over weigh little."""


@frozen(kw_only=True)
class Timing:
    """What the time since the start says of a roll-out.

    Attributes:
        too_early: Why nothing is to be rolled out yet, in a sentence; None: it may be.
        partial_weeks: That some days of the week count more than others, in a sentence; None: they do not,
            or not by much.
    """

    too_early: str | None = None
    partial_weeks: str | None = None


UNTIMED = Timing()
"""Nothing is known of times, and nothing said."""


def timing(plan: AnalysisPlan, elapsed: timedelta | None, *, ended: bool = False) -> Timing:
    """What the time since the start says of a roll-out.

    Args:
        plan: Its least number of days.
        elapsed: From the start of the first day to the last exposure; None where there is no time.
        ended: Whether the experiment is over as declared: then waiting does not help.
    """
    if elapsed is None:
        return UNTIMED
    days = (elapsed + NEARLY) // timedelta(days=1)
    least = plan.min_days or 0
    if days < least and not ended:
        over = "none is over yet" if not days else f"{days} {'is' if days == 1 else 'are'} over"
        sentence = (
            f"Wait until {amount(least, 'day')} are over ({over}): the users of a Monday are not those "
            "of a Sunday."
        )
        return Timing(too_early=sentence)
    weeks, more = divmod(days, 7)
    if days and (not more or weeks >= MANY_WEEKS):
        return UNTIMED
    if not weeks:
        over = (
            f"Only {amount(days, 'day')} {'is' if days == 1 else 'are'} over"
            if days
            else "No day is over yet"
        )
        sentence = f"{over}: the users of the other days of the week may behave differently."
    else:
        sentence = (
            f"{days} days are {amount(weeks, 'week')} and {amount(more, 'day')}: some days of the week "
            "count once more than the others."
        )
    return Timing(partial_weeks=sentence)
