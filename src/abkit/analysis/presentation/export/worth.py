"""What a change is worth, as JSON-ready values and as cells."""

from typing import TYPE_CHECKING

from abkit.analysis.presentation.export.plain import finite, plain

if TYPE_CHECKING:
    from abkit.analysis.advice.worth import Choice, Worth


def worth_document(found: "Worth") -> dict[str, object]:
    """What the change is worth."""
    stated = found.stated
    return {
        "metric": found.metric.name,
        "choices": [plain(choice) for choice in found.choices],
        "prior": {
            "mean": finite(stated.prior.mean),
            "deviation": finite(stated.prior.deviation),
            "source": stated.source.value,
            "experiments": stated.experiments,
            "same_metric": stated.same_metric,
            "unreadable": stated.unreadable,
        },
        "daily": plain(found.daily),
    }


def worth_cells(choice: "Choice") -> dict[str, float | None]:
    """The columns of one variant, in the metric that decides."""
    shrunk, day = choice.shrunk_interval, choice.per_day_interval
    return {
        "shrunk_lift": choice.shrunk_lift,
        "shrunk_lift_low": None if shrunk is None else shrunk.low,
        "shrunk_lift_high": None if shrunk is None else shrunk.high,
        "per_day": choice.per_day,
        "per_day_low": None if day is None else day.low,
        "per_day_high": None if day is None else day.high,
        "expected_loss": choice.expected_loss,
    }
