"""Made-up events of thirty days, in the folders that a `FileSink` writes: the same each time."""

from datetime import date, timedelta
from pathlib import Path

from attrs import frozen

DAYS, FIRST_EXPOSURES = 30, 10
"""Days of actions, and the day on which the first units are exposed."""

_FIRST = date(2026, 1, 1)

_EXPOSURES = """
copy (
  select substr(md5('e' || i), 1, 32) as insert_id, timestamp '{day}' + to_microseconds(
      cast(hash(i, 'second') % 86400000000 as bigint)) as time,
    'Bench' as experiment, 'Bench' as salt, 'user' as unit_type, 'user-' || (i % {units}) as unit_id,
    case when hash(i % {units}) % 2 = 0 then '0' else '1' end as variant,
    'user-' || (i % {units}) as user_id, '{{"org":"o' || (i % 100) || '"}}' as groups,
    '{{"page":"p' || (i % 7) || '"}}' as properties
  from range({first}, {last}) t(i)
) to '{path}' (format parquet, compression zstd)
"""

_ACTIONS = """
copy (
  select md5('a' || j) as insert_id,
    timestamp '{day}' + to_microseconds(cast((j - {first}) * (86400e6 / {count}) as bigint)) as time,
    {action} as action, {user} as user_id, '{{"org":"o' || (j % 100) || '"}}' as groups,
    '{{"price":' || round(exp(3 + (hash(j, 'price') % 1000) / 800.0), 2)
      || ',"ms":' || (hash(j, 'ms') % 5000) || ',"kind":"k' || (j % 5) || '"}}' as properties
  from (select j, hash(j, 'action') % 100 as drawn, hash(j, 'user') as who from range({first}, {last}) t(j))
) to '{path}' (format parquet, compression zstd)
"""

_ALL_NAMES = """case when drawn < 10 then 'purchase' when drawn < 35 then 'click'
      when drawn < 60 then 'session' when drawn < 75 then 'search'
      when drawn < 90 then 'load' when drawn < 95 then 'signup' else 'other' end"""
_ONE_NAME = """case when drawn < 90 then 'click' when drawn < 92 then 'purchase'
      when drawn < 94 then 'session' when drawn < 96 then 'search'
      when drawn < 98 then 'load' else 'signup' end"""


@frozen(kw_only=True)
class Size:
    """How many events there are, and how they are spread.

    Attributes:
        units: Units that are exposed, one in four of them twice.
        actions: Actions, one in thirteen of units that are not exposed.
        of_one_unit: So many of the actions are one unit's.
        one_name: Whether nine in ten actions have the same name.
    """

    units: int
    actions: int
    of_one_unit: int = 0
    one_name: bool = False


def make(where: Path, size: Size, *, threads: int | None = None) -> None:
    """Write `exposures` and `actions`, a file a day.

    Args:
        where: The folder.
        size: How many.
        threads: How many DuckDB works with; None: as many as the machine has processors.
    """
    import duckdb

    share = size.of_one_unit / size.actions
    user = f"'user-' || (who % {round(size.units * 13 / 12)})"
    if share:
        user = f"case when hash(j, 'huge') % 10000 < {round(share * 10_000)} then 'user-1' else {user} end"
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set preserve_insertion_order = false")
        if threads is not None:
            connection.execute(f"set threads = {threads:d}")
        exposures, exposed_days = size.units * 5 // 4, DAYS - FIRST_EXPOSURES
        for place in range(DAYS):
            day = _FIRST + timedelta(days=place)
            first, last = (size.actions * each // DAYS for each in (place, place + 1))
            connection.execute(
                _ACTIONS.format(
                    day=day,
                    first=first,
                    last=last,
                    count=last - first,
                    action=_ONE_NAME if size.one_name else _ALL_NAMES,
                    user=user,
                    path=_file(where, "actions", day),
                )
            )
            since = place - FIRST_EXPOSURES
            if since < 0:
                continue
            first, last = (exposures * each // exposed_days for each in (since, since + 1))
            connection.execute(
                _EXPOSURES.format(
                    day=day,
                    first=first,
                    last=last,
                    units=size.units,
                    path=_file(where, "exposures", day),
                )
            )


def _file(where: Path, kind: str, day: date) -> Path:
    folder = where / kind / f"date={day}"
    folder.mkdir(parents=True)
    return folder / "events.parquet"
