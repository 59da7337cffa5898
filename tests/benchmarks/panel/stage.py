"""A company with two hundred experiments, and what its users did: the same each time."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from abkit import AnalysisPlan, Conversion, ExperimentManager, Sum, Total, UserExperiment
from abkit.experiments.declaring.metrics import Metric

from ..analysis.showing import EXAMPLE_METRICS, VARIANT_NAMES

EXPERIMENTS = 200
ACTIONS = 30
"""So many kinds of actions there are; the metrics of an experiment are of some of them."""

LARGE = "Bench"
"""The name of the experiment whose sums are `example_sums`."""

TODAY = datetime(2026, 11, 27, tzinfo=UTC)

_FIRST = TODAY - timedelta(days=120)
_TEAMS = ("checkout", "search", "growth", "onboarding", "pricing", "mobile", "notifications")
_THINGS = (
    "banner",
    "one page form",
    "ranking",
    "trial length",
    "reminder",
    "price tag",
    "empty state",
)

_EXPOSURES = """
create table exposures as
select 'e-{name}-' || i as insert_id,
  timestamp '{first}' + to_microseconds(cast(random() * {days} * 86400e6 as bigint)) as time,
  '{name}' as experiment, '{name}' as salt, 'user' as unit_type,
  'u' || cast(i * {users} // {units} as bigint) as unit_id,
  'v' || cast(hash(i + {number} * 7919) % {variants} as bigint) as variant, unit_id as user_id,
  map {{'org': 'o'}} as groups,
  '{{"plan": "' || case when random() < 0.3 then 'paid' else 'free' end || '"}}' as properties
from range({units}) t(i)
"""

_ACTIONS = """
create table actions as
select 'a' || j as insert_id,
  timestamp '{first}' + to_microseconds(cast(random() * 120 * 86400e6 as bigint)) as time,
  'm' || cast(floor({kinds} * random() * random()) as bigint) as action,
  'u' || cast(floor(random() * {users}) as bigint) as user_id, map {{'org': 'o'}} as groups,
  '{{"price": ' || round(exp(2 + random()), 2) || '}}' as properties
from range({actions}) t(j);

insert into actions
select 'more-' || insert_id, time + interval 1 hour, 'm' || cast(substr(experiment, 12) as bigint) % {kinds},
  user_id, groups, '{{"price": 9}}'
from exposures
where variant <> 'v0' and hash(insert_id) % 200 < hash(experiment) % 7;
"""

_FILES = """
copy (select *, strftime(time, '%Y-%m-%d') as date from {kind})
to '{where}/{kind}' (format parquet, partition_by (date));
"""


def experiments(count: int = EXPERIMENTS) -> list[type[UserExperiment]]:
    """Their classes: two to eight variants, one to fifteen metrics, two weeks to three months."""
    return [_experiment(number) for number in range(count)]


def manager(count: int = EXPERIMENTS) -> ExperimentManager:
    """The experiments, registered."""
    found = ExperimentManager(strict=True)
    for experiment in experiments(count):
        found.add(experiment)
    return found


def large() -> type[UserExperiment]:
    """One of eight variants and fifteen metrics."""
    body = {"variants": dict.fromkeys(VARIANT_NAMES, 1), "metrics": EXAMPLE_METRICS}
    return type(LARGE, (UserExperiment,), body)


def write_events(
    where: Path, *, count: int = EXPERIMENTS, users: int = 40_000, actions: int = 600_000
) -> None:
    """Write the exposures and the actions into a folder, as a `FileSink` does: by date.

    Args:
        where: The folder.
        count: How many experiments.
        users: How many there are; each experiment has some of them.
        actions: What they do, beside what the experiments make them do.
    """
    import duckdb

    where.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as database:
        database.execute("set TimeZone = 'UTC'; set threads = 1; select setseed(0.5)")
        for number in range(count):
            text = _EXPOSURES.format(
                name=_name(number),
                number=number,
                first=f"{_began(number):%Y-%m-%d}",
                days=_days(number),
                variants=_variants(number),
                units=400 + 600 * (number % 5),
                users=users,
            )
            query = text.partition("as\n")[2]
            database.execute(f"insert into exposures {query}" if number else text)
        first = f"{_FIRST:%Y-%m-%d}"
        database.execute(_ACTIONS.format(first=first, kinds=ACTIONS, users=users, actions=actions))
        for kind in ("exposures", "actions"):
            database.execute(_FILES.format(kind=kind, where=where))


def _experiment(number: int) -> type[UserExperiment]:
    random = Random(number)  # noqa: S311 - the same each time
    began, days = _began(number), _days(number)
    over = began + timedelta(days=days) < TODAY
    thing = _THINGS[number % len(_THINGS)]
    body: dict[str, object] = {
        "__doc__": f"Another {thing}.",
        "hypothesis": f"Another {thing} brings more people to the end, and costs nobody anything.",
        "owner": random.choice(_TEAMS),
        "variants": {f"v{each}": 1 for each in range(_variants(number))},
        "metrics": _metrics(number, 1 + number * 7 % 15),
        "plan": AnalysisPlan(sample_size=random.choice((1_000, 2_000, 4_000))),
        "starts": began.date(),
        "rollout": 1.0 if over or number % 3 else 0.5,
    }
    if over and number % 4 == 0:
        body["winner"] = "v1"
    elif over and number % 4 == 1:
        body["enabled"] = False
    elif over:
        body["ends"] = (began + timedelta(days=days)).date()
    return type(_name(number), (UserExperiment,), body)


def _metrics(number: int, count: int) -> list[Metric]:
    found: list[Metric] = [
        Conversion(f"does {_kind(number, 0)}", action=_kind(number, 0), goal=0.02)
    ]
    for place in range(1, count):
        kind, role = _kind(number, place), "secondary"
        if place % 3 == 0:
            found.append(Sum(f"spends by {kind}", action=kind, property="price", role=role))
        elif place % 3 == 1:
            found.append(Total(f"times of {kind}", action=kind, role=role))
        else:
            found.append(Conversion(f"does {kind}", action=kind, role=role))
    return found


def _kind(number: int, place: int) -> str:
    return f"m{(number + place) % ACTIONS}"


def _name(number: int) -> str:
    return f"Experiment_{number:03d}"


def _variants(number: int) -> int:
    return 2 + (number * 5 % 7 if number % 3 == 0 else 0)


def _days(number: int) -> int:
    return 14 + number * 37 % 77


def _began(number: int) -> datetime:
    return _FIRST + timedelta(days=min(number * 53 % 100, 120 - _days(number)))


ACTIVE_EXPERIMENTS = experiments()
