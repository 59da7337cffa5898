"""A shop with experiments in every state, and what its visitors did: the same each time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ClassVar

import duckdb
from attrs import frozen

from abkit import AnalysisPlan, Conversion, ExperimentManager, Sum, Total, UserExperiment
from abkit.experiments.declaring.metrics import Metric

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""The time of the pictures."""


class CheckoutPage(UserExperiment):
    """Four ways to pay."""

    hypothesis = "Fewer pages between the basket and the payment bring more people to the end."
    owner = "checkout team"
    variants: ClassVar[Mapping[str, float]] = {
        "four pages": 1,
        "one page": 1,
        "one page, express payment first": 1,
        "guest checkout without an account": 1,
    }
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion("purchase", direction="increase", goal=0.05),
        Sum("revenue", action="purchase", property="price", role="secondary"),
        Total("purchases per visitor", action="purchase", role="secondary"),
        Conversion("support asked", direction="decrease", role="guardrail", margin=0.10),
    ]
    plan: ClassVar[AnalysisPlan] = AnalysisPlan(
        sample_size=24_000, segments=["plan"], over_time="day"
    )
    starts: ClassVar[date] = date(2026, 11, 2)


class DeliveryDate(UserExperiment):
    """The day of delivery beside the price."""

    hypothesis = "Who knows when it comes decides sooner."
    owner = "product pages"
    variants: ClassVar[Mapping[str, float]] = {"without": 1, "with": 1}
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion("put into the basket", direction="increase", goal=0.04)
    ]
    plan: ClassVar[AnalysisPlan] = AnalysisPlan(sample_size=12_000)
    starts: ClassVar[date] = date(2026, 11, 9)
    rollout = 0.5


class SearchRanking(UserExperiment):
    """What was bought together stands first."""

    hypothesis = "Results by what was bought together are clicked more often."
    owner = "search"
    variants: ClassVar[Mapping[str, float]] = {"by words": 1, "bought together": 1}
    metrics: ClassVar[Sequence[Metric]] = [
        Conversion("result clicked", direction="increase", goal=0.03)
    ]
    plan: ClassVar[AnalysisPlan] = AnalysisPlan(sample_size=10_000)
    starts: ClassVar[date] = date(2026, 10, 12)
    winner = "bought together"


class TrialLength(UserExperiment):
    """Thirty days to try it instead of fourteen."""

    hypothesis = "A longer trial makes more subscriptions."
    owner = "growth"
    variants: ClassVar[Mapping[str, float]] = {"14 days": 1, "30 days": 1}
    metrics: ClassVar[Sequence[Metric]] = [Conversion("subscription", direction="increase")]
    plan: ClassVar[AnalysisPlan] = AnalysisPlan(sample_size=8_000)
    starts: ClassVar[date] = date(2026, 10, 26)


class WelcomeMail(UserExperiment):
    """A letter on the second day."""

    hypothesis = "A letter on the second day brings people back."
    owner = "growth"
    variants: ClassVar[Mapping[str, float]] = {"none": 1, "second day": 1}
    metrics: ClassVar[Sequence[Metric]] = [Conversion("came back", direction="increase")]
    starts: ClassVar[date] = date(2026, 12, 1)


@frozen
class Traffic:
    """What the visitors of an experiment did.

    Attributes:
        experiment: The experiment.
        units: How many there are.
        days: How many days they came on, from the experiment's start on.
        action: What they did.
        rates: Which share of each variant's did it, in the order of the variants.
    """

    experiment: type[UserExperiment]
    units: int
    days: int
    action: str
    rates: Sequence[float]


TRAFFIC = (
    Traffic(CheckoutPage, 18_400, 21, "purchase", (0.300, 0.318, 0.352, 0.306)),
    Traffic(CheckoutPage, 18_400, 21, "support asked", (0.050, 0.049, 0.046, 0.055)),
    Traffic(DeliveryDate, 4_300, 14, "put into the basket", (0.22, 0.234)),
    Traffic(SearchRanking, 9_800, 21, "result clicked", (0.41, 0.452)),
    Traffic(TrialLength, 6_200, 24, "subscription", (0.19, 0.160)),
)

EXPERIMENTS = (CheckoutPage, DeliveryDate, SearchRanking, TrialLength, WelcomeMail)


def manager(settings: Path) -> ExperimentManager:
    """The experiments, registered, under a settings file."""
    found = ExperimentManager(strict=True)
    for experiment in EXPERIMENTS:
        found.add(experiment)
    found.use_settings(settings)
    return found


def write_events(folder: Path) -> None:
    """Store what the visitors did."""
    for name in ("exposures", "actions"):
        (folder / name).mkdir(parents=True)
    with duckdb.connect() as database:
        exposed: set[str] = set()
        for number, each in enumerate(TRAFFIC):
            _visit(database, each)
            if each.experiment.__name__ not in exposed:
                exposed.add(each.experiment.__name__)
                database.execute(_EXPOSURES.format(to=folder / f"exposures/{number}.parquet"))
            action = _ACTIONS.format(action=each.action, to=folder / f"actions/{number}.parquet")
            database.execute(action)


_VISITS = """
create or replace table visits as
select '{name}' as experiment, '{salt}' as salt, '{name}-' || i as unit_id,
  [{variants}][1 + i % {count}] as variant,
  cast({first} + hash(i) % ({days} * 86400) as bigint) as first,
  case when hash(i + 7) % 3 = 0 then 'paid' else 'free' end as plan,
  hash(i * 31 + {seed}) % 10000 / 10000.0 as luck,
  [{rates}][1 + i % {count}] as rate
from range({units}) as t(i)
"""

_EXPOSURES = """
copy (select experiment, salt, 'user' as unit_type, unit_id, variant, make_timestamp(first * 1000000) as time,
  'e-' || unit_id as insert_id, '{{"plan": "' || plan || '"}}' as properties
from visits) to '{to}'
"""

_ACTIONS = """
copy (select '{action}' as action, unit_id as user_id,
  make_timestamp((first + 60 + cast(hash(unit_id) % 7200 as bigint)) * 1000000) as time,
  '{action}-' || unit_id as insert_id,
  '{{"price": ' || (12 + hash(unit_id || 'price') % 60) || '}}' as properties
from visits where luck < rate) to '{to}'
"""


def _visit(database: duckdb.DuckDBPyConnection, traffic: Traffic) -> None:
    declared = traffic.experiment.declaration
    assert declared.starts is not None
    text = _VISITS.format(
        name=declared.name,
        salt=declared.salt,
        variants=", ".join(f"'{each}'" for each in declared.weights),
        count=len(declared.weights),
        first=int(declared.starts),
        days=traffic.days,
        rates=", ".join(map(str, traffic.rates)),
        units=traffic.units,
        seed=len(traffic.action),
    )
    database.execute(text)
