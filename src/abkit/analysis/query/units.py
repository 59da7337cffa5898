"""Who takes part: from exposures to units, each with its variant and its first exposure."""

from collections.abc import Collection, Sequence

from attrs import frozen

from abkit.analysis.declared.design import Design
from abkit.analysis.query.covariates import number_columns, number_of_unit
from abkit.analysis.query.exclusion import condition
from abkit.analysis.query.periods import period
from abkit.analysis.query.phases import (
    MAXIMUM_PHASES,
    Texts,
    WeightsSince,
    exposed_with_others,
    number_of,
    number_of_first,
    one_variant_in_each,
    weights_told,
)
from abkit.analysis.reading.columns import Column, Kind
from abkit.analysis.reading.quoting import literal
from abkit.experiments.declaring.analysis_words import Several
from abkit.experiments.declaring.exclusion import Exclusion

MAXIMUM_VARIANTS = 50
"""More variants are taken for a mistake, such as naming the column of the users."""

RECORDED_ID = "recorded_id"
"""The column of a unit's id as it was recorded; only where visitors of one person are one unit."""

OF_EXPOSURES = (
    Column(name="experiment", kind=Kind.TEXT, source="experiment", required=True),
    Column(name="salt", kind=Kind.TEXT, source="salt"),
    Column(name="unit_type", kind=Kind.TEXT, source="unit_type"),
    Column(name="unit_id", kind=Kind.TEXT, source="unit_id", required=True),
    Column(name="variant", kind=Kind.TEXT, source="variant", required=True),
    Column(name="time", kind=Kind.INSTANT, source="time", required=True),
    Column(name="weights", kind=Kind.TEXT, source="weights"),
)
"""The columns of exposures that every analysis needs."""


@frozen(kw_only=True)
class UnitQueries:
    """The queries of who takes part, over a table `exposures`.

    Attributes:
        design: What was planned.
        several: What becomes of units exposed to several variants.
        start: Exposures count from this microsecond since 1970 on; None: from the first.
        until: And before this one; None: all.
        segments: Properties of the first exposure that units are told apart by.
        numbers: Properties of it that may be numbers, by which metrics are adjusted.
        exclusions: Units left out on request.
        present: The columns that the table of exposures really has.
        phases: The texts of `weights` of each phase, if there are several: units are told apart by them.
        locked: The weights that the lock holds, for exposures that tell none; empty if they never changed.
    """

    design: Design
    several: Several = Several.EXCLUDE
    start: int | None = None
    until: int | None = None
    segments: Sequence[str] = ()
    numbers: Sequence[str] = ()
    exclusions: Sequence[Exclusion] = ()
    present: Collection[str] = ("salt", "unit_type")
    phases: Sequence[Texts] = ()
    locked: Sequence[WeightsSince] = ()

    def columns(self) -> list[Column]:
        """What is needed of the table of exposures."""
        return [
            *OF_EXPOSURES,
            Column(name="insert_id", kind=Kind.TEXT, source="insert_id"),
            *(
                Column(
                    name=f"segment_{i}",
                    kind=Kind.TEXT,
                    source="properties",
                    key=key,
                    elsewhere=(key,),
                )
                for i, key in enumerate(self.segments)
            ),
            *number_columns(self.numbers),
            *(
                Column(
                    name=f"property_{i}",
                    kind=Kind.TEXT,
                    source="properties",
                    key=e.property,
                    elsewhere=(e.property,),
                )
                for i, e in enumerate(self.exclusions)
                if e.property is not None
            ),
        ]

    def profile(self) -> str:
        """What is in the table of exposures; a row for each variant of the experiment, and others.

        Columns: variant (null for rows of other experiments, salts or unit types, and for incomplete
        ones), total_rows, of_experiment, exposures (of this salt and unit type), incomplete (those of
        them without a unit, a variant or a time; they are left out), in_frame (the others within the
        time frame), latest (the last time of these); weighed, least_weights and most_weights (how many of
        them have weights, and the smallest and the largest of their texts; only where the table has that
        column, or the lock holds several); with_segment_0, ... and with_property_0, ... (those
        of them that have the property of a segment or of an exclusion).
        """
        ours, usable = self._ours(), self.usable()
        asked = [f"segment_{i}" for i in range(len(self.segments))]
        asked += [f"property_{i}" for i, e in enumerate(self.exclusions) if e.property is not None]
        having = "".join(
            f",\n  sum(case when {usable} and {name} is not null then 1 else 0 end) as with_{name}"
            for name in asked
        )
        weights = ""
        if "weights" in self.present or self.locked:
            told = self.weights_text
            weights = f""",
  sum(case when {usable} and {told} is not null then 1 else 0 end) as weighed,
  min(case when {usable} then {told} end) as least_weights,
  max(case when {usable} then {told} end) as most_weights"""
        variant = f"case when {usable} then variant end"
        return f"""\
select
  {variant} as variant,
  count(*) as total_rows,
  sum(case when experiment = {literal(self.design.name)} then 1 else 0 end) as of_experiment,
  sum(case when {ours} then 1 else 0 end) as exposures,
  sum(case when {ours} and not ({_COMPLETE}) then 1 else 0 end) as incomplete,
  sum(case when {usable} then 1 else 0 end) as in_frame,
  max(case when {usable} then time end) as latest{weights}{having}
from exposures
group by {variant}
limit {MAXIMUM_VARIANTS + 2}"""  # noqa: S608 - literals are quoted

    def identified(self) -> str:
        """The insert ids of the exposures of this randomization. Columns: insert_id."""
        return f"select insert_id from exposures where {self._ours()}"  # noqa: S608 - literals are quoted

    def stored_again(self) -> str:
        """How many rows are copies: what was delivered twice, or is in two files, has one insert_id.

        Units are the same with and without copies; it is the counts of `profile` that have them.

        Columns: variant, as in `profile`; incomplete and in_frame, the copies that `profile` counts there.
        """
        usable = self.usable()
        return f"""\
select variant,
  cast(sum(incomplete * (stored - 1)) as bigint) as incomplete,
  cast(sum(in_frame * (stored - 1)) as bigint) as in_frame
from (
  select insert_id, variant, incomplete, in_frame, count(*) as stored
  from (
    select insert_id,
      case when {usable} then variant end as variant,
      case when {_COMPLETE} then 0 else 1 end as incomplete,
      case when {usable} then 1 else 0 end as in_frame
    from exposures
    where {self._ours()} and insert_id is not null
  ) as told
  group by insert_id, variant, incomplete, in_frame
  having count(*) > 1
) as copies
group by variant"""  # noqa: S608 - literals are quoted

    def extent(self) -> str:
        """When the exposures of the experiment are, whatever the time frame.

        Columns: first_time, last_time.
        """
        return f"""\
select min(time) as first_time, max(time) as last_time
from exposures
where {self._ours()} and {_COMPLETE}"""  # noqa: S608 - literals are quoted

    def weights(self) -> str:
        """The texts of the weights, in the order of their first exposures. Columns: weights, first."""
        return f"""\
select weights, min(time) as first
from (
  select {self.weights_text} as weights, time
  from exposures
  where {self.usable()}
) as told
group by weights
order by first, weights
limit {MAXIMUM_PHASES + 1}"""  # noqa: S608 - literals are quoted

    def as_written(self) -> list[Column]:
        """What is needed of the table of exposures to see which properties it has."""
        return [
            Column(name="experiment", kind=Kind.TEXT, source="experiment", required=True),
            Column(name="properties", kind=Kind.TEXT, source="properties"),
        ]

    def some_properties(self) -> str:
        """Properties of some exposures of the experiment, over `exposures_as_written`; for messages."""
        return f"""\
select properties
from exposures_as_written
where experiment = {literal(self.design.name)} and properties is not null
limit 100"""  # noqa: S608 - literals are quoted

    def found(self) -> str:
        """The experiments, salts and unit types that the exposures have; for messages."""
        return """\
select distinct experiment, salt, unit_type
from exposures
order by experiment, salt, unit_type
limit 10"""

    def seen(self) -> str:
        """Every unit once.

        Columns: unit_id, variant and last_variant (the smallest and the largest of those that it saw),
        first_exposure, exposures, excluded_0, ... (1 or 0); and, if there are several phases, phase (the
        number of that of the first exposure) and moved (1 if it saw one variant in each phase, else 0).
        """
        ids = ["unit_id", *([RECORDED_ID] if RECORDED_ID in self.present else [])]
        excluded = "".join(
            f",\n  max(case when {condition(e, f'property_{i}', ids=ids)} then 1 else 0 end) as excluded_{i}"
            for i, e in enumerate(self.exclusions)
        )
        moved = ""
        if self.phases:
            moved = f",\n  {one_variant_in_each(self.phases, self.weights_text)} as moved"
        return f"""\
select
  unit_id,
  min(variant) as variant,
  max(variant) as last_variant,
  min(time) as first_exposure,
  count(*) as exposures{excluded}{self._first_phase()}{moved}
from exposures
where {self.usable()}
group by unit_id"""  # noqa: S608 - literals are quoted

    def excluded(self) -> str:
        """How many units each exclusion leaves out; a unit counts for the first that it fulfils.

        Columns: excluded_0, ...
        """
        counts = []
        for i in range(len(self.exclusions)):
            earlier = "".join(f" and excluded_{j} = 0" for j in range(i))
            counts.append(
                f"sum(case when excluded_{i} = 1{earlier} then 1 else 0 end) as excluded_{i}"
            )
        return f"select {', '.join(counts)} from seen"  # noqa: S608 - columns are our own

    def counts(self) -> str:
        """How many units saw which variants, of those that are not left out.

        Columns: variant and last_variant (as in `seen`), units.
        """
        return f"""\
select variant, last_variant, count(*) as units
from seen{self.not_excluded(" where ")}
group by variant, last_variant"""  # noqa: S608 - columns are our own

    def jumpers(self) -> str:
        """Units that saw several variants: each is in the row of every variant that it saw.

        Columns: variant, units.
        """
        return f"""\
select e.variant as variant, count(distinct e.unit_id) as units
from exposures e
join (
  select unit_id from seen where variant <> last_variant{self.not_excluded(" and ")}
) as jumped on jumped.unit_id = e.unit_id
where {self.usable("e.")}
group by e.variant"""  # noqa: S608 - literals are quoted

    def units(self, *, jumpers: bool) -> str:
        """Who takes part.

        Columns: unit_id, variant, first_exposure, segment_0, ..., number_0, ...; phase, if there are several.

        Args:
            jumpers: Whether there are units that saw several variants.
        """
        phase = ", phase" if self.phases else ""
        of_unit = ", u.phase as phase" if self.phases else ""
        alone = f"""\
select unit_id, variant, first_exposure{phase}
from seen
where variant = last_variant{self.not_excluded(" and ")}"""  # noqa: S608 - columns are our own
        taking_part = alone
        if jumpers and (self.phases or self.several is not Several.EXCLUDE):
            taking_part = f"{alone}\nunion all\n{self._jumped()}"
        if not self.segments:
            return taking_part
        values = "".join(
            f",\n  min(e.segment_{i}) as segment_{i}" for i in range(len(self.segments))
        )
        values += number_of_unit(self.numbers, of="e.")
        return f"""\
select u.unit_id as unit_id, u.variant as variant, u.first_exposure as first_exposure{of_unit}{values}
from (
{taking_part}
) as u
join exposures e
  on e.unit_id = u.unit_id and e.time = u.first_exposure and e.variant = u.variant
where {self.usable("e.")}
group by u.unit_id, u.variant, u.first_exposure{", u.phase" if self.phases else ""}"""  # noqa: S608 - literals are quoted

    def by_period(self, length: int) -> str:
        """How many units were first exposed in each period.

        Columns: period, variant, units; phase, if there are several.

        Args:
            length: Of a period, in microseconds.
        """
        group = "variant, phase" if self.phases else "variant"
        return f"""\
select {period("first_exposure", length)} as period, {group}, count(*) as units
from units
group by {period("first_exposure", length)}, {group}
order by period, {group}"""  # noqa: S608 - columns are our own

    def drawn_before(self, phases: Sequence[Texts]) -> str:
        """How many units were exposed before the time frame, with other weights than those of their phase.

        Columns: units.

        Args:
            phases: As the attribute; also if there is one only.
        """
        other = exposed_with_others(phases, self.weights_text)
        phase = ", u.phase as phase" if self.phases else ""
        return f"""\
select count(distinct unit_id) as units
from (
  select e.unit_id as unit_id, e.time as time, e.weights as weights{phase}
  from exposures e
  join units u on u.unit_id = e.unit_id
  where {self._ours("e.")} and e.time < {self.start}
) as earlier
where {other}"""  # noqa: S608 - literals are quoted

    def _jumped(self) -> str:
        """Units that saw several variants, as `several` says."""
        moved = " and moved = 1" if self.several is Several.EXCLUDE else ""
        theirs = f"""\
  from exposures e
  join (
    select unit_id from seen where variant <> last_variant{moved}{self.not_excluded(" and ")}
  ) as jumped on jumped.unit_id = e.unit_id
  where {self.usable("e.")}"""  # noqa: S608 - literals are quoted
        if self.several is Several.INCLUDE:
            return f"""\
select unit_id, variant, min(time) as first_exposure{self._first_phase()}
from (
  select e.unit_id as unit_id, e.variant as variant, e.time as time, e.weights as weights
{theirs}
) as theirs
group by unit_id, variant"""  # noqa: S608 - columns are our own
        number = number_of(self.phases, self.weights_text) if self.phases else ""
        phase = f", {number} as phase" if self.phases else ""
        return f"""\
select unit_id, variant, time as first_exposure{phase}
from (
  select e.unit_id as unit_id, e.variant as variant, e.time as time, e.weights as weights,
    row_number() over (partition by e.unit_id order by e.time, e.variant) as place
{theirs}
) as theirs
where place = 1"""  # noqa: S608 - columns are our own

    @property
    def weights_text(self) -> str:
        """The text of an exposure's weights, as SQL."""
        return weights_told(self.locked)

    def _first_phase(self) -> str:
        if not self.phases:
            return ""
        return f", {number_of_first(self.phases, self.weights_text)} as phase"

    def _ours(self, of: str = "") -> str:
        """The condition that an exposure is of this randomization."""
        conditions = [f"{of}experiment = {literal(self.design.name)}"]
        if self.design.salt is not None and "salt" in self.present:
            conditions.append(f"{of}salt = {literal(self.design.salt)}")
        if "unit_type" in self.present:
            conditions.append(f"{of}unit_type = {literal(self.design.unit_type)}")
        return " and ".join(conditions)

    def not_excluded(self, before: str) -> str:
        """Whether a row of `seen` is of a unit that is not left out on request, as SQL.

        Args:
            before: What stands before the condition; without exclusions, neither is there.
        """
        condition = " and ".join(f"excluded_{i} = 0" for i in range(len(self.exclusions)))
        return before + condition if condition else ""

    def usable(self, of: str = "") -> str:
        """Whether a row is a complete one of this randomization, in the time frame, as SQL.

        Args:
            of: What its columns begin with.
        """
        complete = " and ".join(f"{of}{name} is not null" for name in _NEEDED)
        conditions = [self._ours(of), complete]
        if self.start is not None:
            conditions.append(f"{of}time >= {self.start}")
        if self.until is not None:
            conditions.append(f"{of}time < {self.until}")
        return " and ".join(conditions)


_NEEDED = ("unit_id", "variant", "time")
_COMPLETE = " and ".join(f"{name} is not null" for name in _NEEDED)
