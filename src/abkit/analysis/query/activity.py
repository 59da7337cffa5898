"""When units did something for the first time: who would have been exposed, had there been an experiment."""

from attrs import frozen

from abkit.analysis.query.actions import ActionQueries
from abkit.analysis.query.layout import Layout
from abkit.analysis.reading.columns import Column


@frozen(kw_only=True)
class ActivityQueries:
    """The queries of who did anything, over the table `actions`.

    Attributes:
        unit_type: What is to be randomized, such as "org" or "user".
    """

    unit_type: str

    def columns(self, *, own_unit: bool) -> list[Column]:
        """What is needed of the table of actions; as for `ActionQueries.columns`."""
        nothing = Layout.of_events((), cuped=False)
        return ActionQueries(layout=nothing, unit_type=self.unit_type).columns(own_unit=own_unit)

    def latest(self) -> str:
        """When the last of them was. Columns: latest, in microseconds since 1970; null if there are none."""
        return "select max(time) as latest from actions where unit_id is not null"

    def first(self, start: int) -> str:
        """When each unit did its first action from some moment on. Columns: unit_id, time.

        Args:
            start: In microseconds since 1970.
        """
        return f"""\
select unit_id, min(time) as time
from actions
where unit_id is not null and time >= {int(start)}
group by unit_id"""  # noqa: S608 - a number
