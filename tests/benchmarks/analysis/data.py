"""Made-up events and units, as Parquet files: the same each time."""

from pathlib import Path

_EVENTS = """
create table units as
select i, case when hash(i) % 2 = 0 then '0' else '1' end as variant,
  timestamp '2026-01-15' + to_microseconds(cast(random() * 21 * 86400e6 as bigint)) as first
from range({units}) t(i);

create table exposures as
select 'e' || i || '-' || k as insert_id,
  first + to_microseconds(cast(k * random() * 86400e6 as bigint)) as time,
  'Bench' as experiment, 'Bench' as salt, 'user' as unit_type, 'user-' || i as unit_id,
  case when random() < 0.001 then '0' else variant end as variant, 'user-' || i as user_id,
  map {{'org': 'o' || (i % 100)}} as groups, '{{"page": "p' || (i % 7) || '"}}' as properties
from units, range(2) r(k)
where k = 0 or random() < 0.6667;

create table actions as
select md5(j::varchar) as insert_id,
  timestamp '2026-01-01' + to_microseconds(cast(random() * 42 * 86400e6 as bigint)) as time,
  case when random() < 0.4 then 'purchase' when random() < 0.7 then 'click' else 'session' end as action,
  'user-' || cast(floor(random() * {units} * 1.08) as bigint) as user_id,
  map {{'org': 'o' || (j % 100)}} as groups,
  '{{"price": ' || round(exp(3 + random() * 1.2), 2) || ', "kind": "k' || (j % 5) || '"}}' as properties
from range({actions}) t(j);

copy (select * replace ('visitor' as unit_type, 'v-' || unit_id as unit_id) from exposures)
  to '{where}/visitors.parquet' (format parquet);
copy (
  select 'i' || i as insert_id, timestamp '2026-01-15' + to_microseconds(i) as time,
    'visitor' as from_type, 'v-user-' || i as from_id,
    'user' as to_type, 'user-' || case when i % 20 = 0 then i + 1 else i end as to_id
  from range({identities}) t(i)
) to '{where}/identities.parquet' (format parquet);
copy exposures to '{where}/exposures.parquet' (format parquet);
copy actions to '{where}/actions.parquet' (format parquet);
copy (
  select 'l' || j as insert_id, time, 'load' as action, user_id, groups,
    '{{"ms": ' || exp(5 + 1.5 * random()) || '}}' as properties
  from (select row_number() over () as j, * from actions)
) to '{where}/loads.parquet' (format parquet);
copy (select * exclude insert_id from actions) to '{where}/unnamed.parquet' (format parquet);
"""

_UNITS = """
copy (
  select i as id, case when hash(i) % 2 = 0 then '0' else '1' end as variant,
    random() < 0.1 as bought, exp(3 + random()) * (random() < 0.1)::int as revenue,
    floor(random() * 5) as orders, 1 + floor(random() * 9) as sessions
  from range({rows}) t(i)
) to '{where}/units.parquet' (format parquet);
"""


def make(where: Path, units: int, actions: int, rows: int, identities: int) -> None:
    """Write exposures.parquet, actions.parquet, unnamed.parquet (without insert ids), units.parquet.

    And loads.parquet, as many actions of one name, with times that are all different.

    And visitors.parquet, exposures of the same units as visitors, with identities.parquet: one in twenty
    visitors is a second one of some user.

    Args:
        where: The folder.
        units: Units that are exposed, five times in three.
        actions: Actions, some of other units.
        rows: Rows of the table of units.
        identities: Visitors that are linked to a user.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'; set threads = 1")
        connection.execute("select setseed(0.5)")
        connection.execute(
            _EVENTS.format(where=where, units=units, actions=actions, identities=identities)
        )
        connection.execute(_UNITS.format(where=where, rows=rows))
