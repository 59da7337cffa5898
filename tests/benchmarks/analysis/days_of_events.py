"""Events of an experiment that goes on for some time, in a folder for each day."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import duckdb
from attrs import frozen


@frozen(kw_only=True)
class Days:
    """How many events.

    Attributes:
        units: How many units are exposed, to each experiment.
        days: How long it goes on.
        before: So many days before it, actions are known too.
        experiments: How many experiments there are.
        actions_of_unit: The mean number of actions; some units do far more.
        insert_id: What makes the id of an action, as SQL.
    """

    units: int
    days: int
    before: int
    experiments: int
    actions_of_unit: int
    insert_id: str = "'a' || row_number() over ()"

    def write(self, folder: Path) -> Sequence[str]:
        """Write the events; the answer are the names of the folders of the days, in order.

        Most units come in the first days. A few do most of what is done.
        """
        folder.mkdir()
        with duckdb.connect() as database:
            database.execute(
                "set enable_progress_bar = false; set TimeZone = 'UTC'; select setseed(0.4)"
            )
            database.execute(
                f"""\
create table units as
select 'user-' || i as unit_id, hash(i) as hashed,
  case when random() < 0.85 then least(-12 * ln(1 - random() * 0.993), {self.days} - 0.01)
    else random() * {self.days} end as first,
  ['de', 'us', 'fr', 'jp'][1 + floor(random() * 4)::integer] as country,
  exp(1.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) / exp(0.72) as activity
from range({self.units}) t(i)"""  # noqa: S608 - no input
            )
            start = f"timestamptz '2026-03-01' + to_microseconds((%s * {86_400 * 10**6})::bigint)"
            ids = 'user_id, map([]::varchar[], []::varchar[]) as "groups"'
            database.execute(
                f"""\
create table exposures as
select unit_id || '-' || n as insert_id, {start % "first"} as time,
  'E' || n as experiment, 'E' || n as salt, 'user' as unit_type, unit_id,
  ((hashed >> n) % 2)::varchar as variant, unit_id as {ids},
  '{{"country":"' || country || '"}}' as properties, '{{"0":0.5,"1":0.5}}' as weights
from units, range({self.experiments}) t(n)"""  # noqa: S608 - no input
            )
            database.execute(
                f"""\
create table actions as
select {self.insert_id} as insert_id, time, action, {ids},
  case when action = 'page view'
    then '{{"page":"/' || floor(random() * 500)::integer || '","ms":' || floor(random() * 900) || '}}'
    else '{{"price":' || round(exp(random() * 4), 2) || '}}' end as properties
from (
  select {start % f"(random() * {self.days + self.before} - {self.before})"} as time, unit_id as user_id,
    case when random() < 0.05 then 'purchase' when random() < 0.2 then 'search'
      else 'page view' end as action
  from units, range((activity * {self.actions_of_unit} + random())::bigint)
)"""  # noqa: S608 - no input
            )
            for kind in ("exposures", "actions"):
                database.execute(
                    f"copy (select *, strftime(time, '%Y-%m-%d') as date from {kind} order by time) "  # noqa: S608
                    f"to '{folder / kind}' (format parquet, partition_by (date))"
                )
        return sorted(day.name for day in (folder / "actions").iterdir())


def link(source: Path, folder: Path, *, without: Collection[str] = ()) -> None:
    """Let files of events be in another folder too.

    Args:
        source: Where they are.
        folder: The other one.
        without: The names of the folders of days that are left out.
    """
    for file in source.rglob("*.parquet"):
        to = folder / file.relative_to(source)
        if file.parent.name not in without and not to.exists():
            to.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, to)
