"""Sums that were made elsewhere in, a result out."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from attrs import evolve, field, frozen

from abkit.analysis.aggregation.measured_sums import MeasuredSums
from abkit.analysis.analysis import check_plan_given, of_the_plan
from abkit.analysis.assemble import Asked, assembled, check_plan
from abkit.analysis.declared.arguments import shares
from abkit.analysis.declared.design import Design
from abkit.analysis.declared.past_results import past_results
from abkit.analysis.declared.planned import project_plan
from abkit.analysis.query.layout import Layout
from abkit.analysis.result import Result
from abkit.analysis.statistics.aggregates import Moments, Sums
from abkit.analysis.tables import counted, plan_of_a_table
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan, fields_of_a_plan
from abkit.experiments.declaring.arguments import arguments_checked
from abkit.experiments.declaring.metrics import Metric

_NOTHING: Mapping[str, float] = MappingProxyType({})


def _no_units(variant: str) -> str:
    return f"{variant} has no units: it is not compared, and the sizes of the others are checked without it."


@arguments_checked(
    {
        **{name: of_the_plan(name) for name in fields_of_a_plan()},
        "metrics": "they are the keys of sums",
    }
)
@frozen
class SumsAnalysis:
    """The analysis of what was counted and averaged elsewhere.

    Attributes:
        name: How reports call the experiment.
        sums: By metric and variant: the number of conversions (of a `Conversion`), or the `Moments` (of
            any other metric).
        units: By variant, the number of units.
        control: The variant that the others are compared with.
        weights: As for `UnitsAnalysis`.
        plan: As for `UnitsAnalysis`, without `cuped`, `covariates` and `segments`.
    """

    name: str
    sums: Mapping[Metric, Mapping[str, int | Moments]] = field(kw_only=True)
    units: Mapping[str, int] = field(kw_only=True)
    control: str = field(kw_only=True, converter=str)
    weights: Mapping[str, float] = field(kw_only=True, default=_NOTHING, converter=shares)
    plan: AnalysisPlan | None = field(kw_only=True, default=None, validator=check_plan_given)

    def run(self) -> Result:
        """Compute the result.

        Raises:
            TooFewVariantsError: There is no control, or nothing to compare it with.
            AnalysisError: The sums contradict each other; the message says how.
            MissingExtraError: scipy is not installed.
        """
        plan = plan_of_a_table(self.plan, project_plan())
        for name in ("cuped", "segments"):
            if getattr(plan, name):
                message = f"{name} needs the units themselves: sums made elsewhere do not tell"
                raise AnalysisError(message)
        design = Design(
            name=self.name, control=self.control, weights=self.weights, metrics=tuple(self.sums)
        )
        check_plan(design, plan)
        layout = Layout(metrics=design.metrics, signed=(), divisors=())
        for quantile in layout.quantiles:
            message = (
                f"{quantile.name!r} is a Quantile, which is read from events: give one that was found "
                f"elsewhere as Mean({quantile.name!r}), with Moments whose variance is the number of units "
                "times its squared standard error"
            )
            raise AnalysisError(message)
        measured = MeasuredSums(
            sums=MappingProxyType({v: self._of(v, layout) for v in self.units}), layout=layout
        )
        asked = Asked(
            design=design,
            plan=plan,
            past=past_results(design.name),
            made=datetime.now(UTC),
            sources={},
            queries={},
            engine="sums made elsewhere",
        )
        result = assembled(asked, measured, counts=counted)
        compared = {count.variant for count in result.counts}
        without = [variant for variant in self.units if variant not in compared]
        return evolve(result, warnings=(*result.warnings, *map(_no_units, without)))

    def _of(self, variant: str, layout: Layout) -> Sums:
        n = self.units[variant]
        means: list[float] = []
        products: dict[tuple[int, int], float] = {}
        for i, part in enumerate(layout.parts):
            found = self._moments(part, variant)
            means.append(found.mean)
            products[i, i] = found.variance * (n if part.binary else max(0, n - 1))
        nothing = (0.0,) * layout.size
        return Sums(n, tuple(means), nothing, MappingProxyType(products))

    def _moments(self, part: Metric, variant: str) -> Moments:
        n = self.units.get(variant, 0)
        found = self.sums.get(part, {}).get(variant)
        if type(found) is int and part.binary and 0 <= found <= n:
            return Moments.from_successes(n, found)
        if isinstance(found, Moments) and not part.binary and found.n == n:
            return found
        wanted = f"0 to {n:,} conversions" if part.binary else f"Moments of {n:,} units"
        message = f"{part.name}, variant {variant}: needs {wanted}, not {found!r}"
        raise AnalysisError(message)
