"""What charts over time share: the axis of looks, the colours of the variants."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from attrs import frozen

from abkit.analysis import times
from abkit.analysis.presentation.charts.theme import DASHES, DRAWN, Size, Theme, module
from abkit.analysis.presentation.figures import drawable

Row = dict[str, object]


@frozen(kw_only=True)
class Looks:
    """The looks of one chart over time.

    Attributes:
        ends: The end of each look's day or hour.
        by_day: Whether they are days.
    """

    ends: Sequence[datetime]
    by_day: bool

    @classmethod
    def of(cls, ends: Sequence[datetime]) -> "Looks":
        """Days if all of them end at midnight, else hours."""
        return cls(ends=ends, by_day=times.daily(ends))

    def instant(self, number: int) -> float:
        """Where a look stands: milliseconds since 1970, as Vega-Lite wants them."""
        return times.place(self.ends[number], by_day=self.by_day).timestamp() * 1000

    def moment(self, when: datetime) -> float:
        """As `instant`, of any moment: within days, where the look of its day stands."""
        day = when.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return (day if self.by_day else when).timestamp() * 1000

    def axis(self, size: Size) -> Any:
        """Time, in UTC, with labels at looks only."""
        alt = module()
        shown = times.spread(len(self.ends), at_most=size.ticks)
        one_day = not self.by_day and self.ends[-1].date() == self.ends[0].date()
        labels = "%b %-d" if self.by_day else "%H:%M" if one_day else "%b %-d, %H:%M"
        return alt.X(
            "time:T",
            title=None,
            scale=alt.Scale(type="utc"),
            axis=alt.Axis(
                values=[self.instant(number) for number in shown],
                format=labels,
                grid=False,
                labelFlush=True,
            ),
        )


def labels(variants: Sequence[str]) -> Mapping[str, str]:
    """How charts call each variant: legible, and different from all others."""
    taken: dict[str, str] = {}
    for variant in variants:
        label, number = drawable(variant), 1
        while label in taken.values():
            number += 1
            label = f"{drawable(variant)} ({number})"
        taken[variant] = label
    return taken


def colours(names: Sequence[str], theme: Theme, size: Size, *, first: int = 0) -> dict[str, Any]:
    """The colour and the dashes of each variant, with one legend.

    Args:
        names: The variants' labels.
        theme: Has the colours.
        size: Has the room of the legend.
        first: The first one's place among all variants: 0 is the control's.
    """
    alt = module()
    legend = alt.Legend(columns=size.entries, labelLimit=size.width // size.entries - 45)
    places = slice(first, first + len(names))
    scales = {"color": list(theme.series[places]), "strokeDash": [*DASHES][places]}
    colour, dash = (
        {"scale": alt.Scale(domain=list(names), range=values), "legend": legend}
        for values in scales.values()
    )
    return {
        "color": alt.Color("variant:N", **colour),
        "strokeDash": alt.StrokeDash("variant:N", **dash),
    }


def drawn(treatments: Sequence[str]) -> Sequence[str]:
    """The variants beside the control for which there are colours."""
    return treatments[:DRAWN]
