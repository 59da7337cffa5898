"""Units that are in several experiments: the SQL."""

from collections.abc import Sequence

from attrs import field, frozen

from abkit.analysis.query.units import OF_EXPOSURES, UnitQueries
from abkit.analysis.reading.columns import Column


@frozen(kw_only=True)
class CrossQueries:
    """The queries of which units are in several experiments, over a table `all_exposures`.

    An experiment is called by its number among `experiments`. A unit that saw several of its variants is in
    none of the answers.

    Attributes:
        experiments: The exposures of each experiment; no two have the same name.
    """

    experiments: Sequence[UnitQueries]

    def columns(self) -> list[Column]:
        """What is needed of the table of exposures."""
        return [*OF_EXPOSURES]

    def taken(self) -> str:
        """Each unit once in each experiment; one pass over the exposures for all of them.

        Columns: number, unit_id, variant and last_variant (the smallest and the largest that it saw), weights
        and last_weights (the same of the texts of its weights).
        """
        cases = "".join(
            f"\n    when {queries.usable()} then {number}"
            for number, queries in enumerate(self.experiments)
        )
        return f"""\
select
  number,
  unit_id,
  min(variant) as variant,
  max(variant) as last_variant,
  min(weights) as weights,
  max(weights) as last_weights
from (
  select case{cases} end as number, unit_id, variant, {self._weights} as weights
  from all_exposures
) as numbered
where number is not null
group by number, unit_id"""  # noqa: S608 - literals are quoted

    @property
    def _weights(self) -> str:
        """The text of an exposure's weights, as SQL: what it tells, or what its experiment's lock holds."""
        locked = [queries for queries in self.experiments if queries.locked]
        if not locked:
            return "weights"
        cases = "".join(f" when {each.usable()} then {each.weights_text}" for each in locked)
        return f"case{cases} else weights end"

    def sizes(self) -> str:
        """How many units each experiment has, from `taken`. Columns: number, units, in_several."""
        return """\
select
  number,
  sum(case when variant = last_variant then 1 else 0 end) as units,
  sum(case when variant = last_variant then 0 else 1 end) as in_several
from taken
group by number"""

    def crossed(self) -> str:
        """The units of each pair of experiments of one type of units, from `taken`.

        Columns: one and other (the numbers of the experiments), variant and other_variant, weights,
        last_weights, other_weights and other_last_weights, units.
        """
        by_type: dict[str, list[str]] = {}
        for number, queries in enumerate(self.experiments):
            by_type.setdefault(queries.design.unit_type, []).append(str(number))
        alike = " or ".join(
            f"(a.number in ({', '.join(of)}) and b.number in ({', '.join(of)}))"
            for of in by_type.values()
        )
        columns = (
            "a.number, b.number, a.variant, b.variant, a.weights, a.last_weights, b.weights, "
            "b.last_weights"
        )
        return f"""\
select
  a.number as one,
  b.number as other,
  a.variant as variant,
  b.variant as other_variant,
  a.weights as weights,
  a.last_weights as last_weights,
  b.weights as other_weights,
  b.last_weights as other_last_weights,
  count(*) as units
from taken a
join taken b on b.unit_id = a.unit_id
where a.number < b.number
  and a.variant = a.last_variant
  and b.variant = b.last_variant
  and ({alike})
group by {columns}"""  # noqa: S608 - literals are quoted

    def arms(self) -> str:
        """The variant of each unit in each of the experiments, from `taken`; null where it has none.

        Columns: unit_id, arm_0, ...
        """
        arms = ",\n  ".join(
            f"max(case when number = {number} and variant = last_variant then variant end) as arm_{number}"
            for number in range(len(self.experiments))
        )
        return f"""\
select unit_id,
  {arms}
from taken
group by unit_id"""  # noqa: S608 - columns are our own


@frozen(kw_only=True)
class CrossedUnitQueries(UnitQueries):
    """Who takes part, told apart by their variants in other experiments.

    Attributes:
        others: The numbers of the other experiments in the table `arms_elsewhere`.
    """

    others: Sequence[int] = field(default=())

    def units(self, *, jumpers: bool) -> str:
        """As `UnitQueries.units`; segment_0, ... are the variants in the other experiments."""
        phase = ", u.phase as phase" if self.phases else ""
        arms = "".join(f",\n  o.arm_{n} as segment_{i}" for i, n in enumerate(self.others))
        return f"""\
select u.unit_id as unit_id, u.variant as variant, u.first_exposure as first_exposure{phase}{arms}
from (
{super().units(jumpers=jumpers)}
) as u
left join arms_elsewhere o on o.unit_id = u.unit_id"""  # noqa: S608 - columns are our own
