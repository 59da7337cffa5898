"""The metrics of `abkit power` as they are without an experiment: typed, or measured in stored events."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, frozen

from abkit.analysis.amounts import amount
from abkit.analysis.reading.event_folder import exists, required_actions, stored_tables
from abkit.cli.failing import one_line_errors
from abkit.cli.progress import progress
from abkit.errors import AnalysisError
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.metrics import Conversion, Mean, Metric

if TYPE_CHECKING:
    from abkit.analysis.declared.design import Design
    from abkit.analysis.findings.baseline import Baseline
    from abkit.analysis.findings.planning import Requirement
    from abkit.analysis.observed import Observed


@frozen(kw_only=True)
class Measured:
    """The metrics as they are without the experiment.

    Attributes:
        baselines: By the name of the metric.
        observed: What the events said; None: the numbers were typed.
        without_goal: The metrics for which nothing can be computed.
    """

    baselines: Mapping[str, "Baseline"]
    observed: "Observed | None" = None
    without_goal: tuple[str, ...] = ()

    @classmethod
    def of(cls, options: Mapping[str, Any], design: "Design", plan: AnalysisPlan) -> "Measured":
        """What was typed, or what the events say.

        Raises:
            click.UsageError: It is not said, or said twice.
            AbkitError: The events cannot be read, or no metric has a goal.
        """
        metrics = _metrics(options, design)
        if options["from_events"] is None:
            baseline, _ = typed_baseline(options)
            metric = design.deciding if options["metric"] is None else metrics[0]
            if metric.binary != baseline.is_rate:
                needed = "--rate" if metric.binary else "--mean and --sd"
                message = f"{metric.name} needs {needed}"
                raise click.UsageError(message)
            return cls(baselines={metric.name: baseline})
        typed = [f"--{name}" for name in ("rate", "mean", "sd") if options[name] is not None]
        if typed:
            message = f"--from-events measures the metrics: leave out {', '.join(typed)}"
            raise click.UsageError(message)
        from abkit.analysis.findings.planning import wanted

        goal = options["goal"]
        without = [m.name for m in metrics if wanted(m, goal) is None]
        if len(without) == len(metrics):
            message = f"{', '.join(without)} declares no goal: give --goal, or declare one"
            raise AnalysisError(message)
        from abkit.analysis.observed import observe

        asked = [metric for metric in metrics if metric.name not in without]
        stored = stored_tables(options["from_events"])
        exposures, actions = stored["exposures"], required_actions(options["from_events"], stored)
        with progress() as told:
            observed = observe(
                evolve(design, metrics=asked),
                exposures=exposures if exposures and exists(exposures) else None,
                actions=actions,
                identities=stored.get("identities"),
                plan=plan,
                length=timedelta(days=options["days"]),
                **told,
            )
        return cls(baselines=observed.baselines, observed=observed, without_goal=tuple(without))

    def requirements(
        self, options: Mapping[str, Any], design: "Design", plan: AnalysisPlan
    ) -> "list[Requirement]":
        """What each metric needs, the deciding one first."""
        from abkit.analysis.findings.planning import requirement, wanted

        per_day = options["units_per_day"]
        if per_day is None and self.observed is not None:
            per_day = self.observed.per_day
        found = []
        for metric in sorted(design.metrics, key=lambda m: m != design.deciding):
            if metric.name not in self.baselines:
                continue
            goal = wanted(metric, options["goal"])
            if goal is None:
                message = f"{metric.name} declares no goal: give --goal, or declare one"
                raise AnalysisError(message)
            found.append(
                requirement(
                    metric,
                    self.baselines[metric.name],
                    design=design,
                    plan=plan,
                    goal=goal,
                    power=options["power"],
                    per_day=per_day,
                    rules_out=options["goal"] is None and metric.margin is not None,
                )
            )
        return found

    def source(self, design: "Design") -> Iterator[str]:
        """Where the figures come from, if from events; in a sentence."""
        if self.observed is None:
            return
        observed = self.observed
        who = (
            f"exposed to {design.name}"
            if observed.exposed
            else f"of type {design.unit_type} that did something: {design.name} has no exposures yet"
        )
        yield (
            f"Measured: {amount(observed.units, 'unit')} in {amount(round(observed.days), 'day')} "
            f"({observed.per_day:,.0f} a day), {who}."
        )


def _metrics(options: Mapping[str, Any], design: "Design") -> Sequence[Metric]:
    """Those that are asked for.

    Raises:
        click.UsageError: There is none of that name.
    """
    name = options["metric"]
    found = [metric for metric in design.metrics if name in (None, metric.name)]
    if not found:
        known = ", ".join(metric.name for metric in design.metrics)
        message = f"{design.name} has no metric {name!r}; it has {known or 'none'}"
        raise click.UsageError(message)
    return found


def typed_baseline(options: Mapping[str, Any]) -> "tuple[Baseline, Metric]":
    """What was typed, and a metric of that kind.

    Raises:
        click.UsageError: It is not said, or said twice.
    """
    from abkit.analysis.findings.baseline import Baseline

    rate, mean, sd = options["rate"], options["mean"], options["sd"]
    goal = None if options["goal"] is None else abs(options["goal"])
    if rate is not None and mean is None and sd is None:
        with one_line_errors():
            return Baseline.of_rate(rate), Conversion("the rate", goal=goal)
    if rate is None and mean is not None and sd is not None:
        return Baseline(mean=mean, variance=sd * sd), Mean("the mean", goal=goal)
    raise click.UsageError("Give either --rate, or --mean and --sd.")
