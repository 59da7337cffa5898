"""What the controls offer to choose from: pure."""

from attrs import frozen

from abkit.analysis.experiment_sums import ExperimentSums
from abkit.experiments.declaring.analysis_plan import AnalysisPlan
from abkit.experiments.declaring.analysis_words import Method
from abkit.experiments.declaring.declaration import Declaration
from abkit.panel.controls import CONFIDENCES, PRESETS, Controls


@frozen(kw_only=True)
class Offers:
    """The choices of each control.

    Attributes:
        variants: Those that have units, the control first.
        methods: The tests that can be made.
        confidences: The levels.
        days: Lengths in days.
        properties: Those by which the plan has segments.
        metrics: The names of the metrics.
        plan: What holds where nothing is chosen; None while nothing is read.
    """

    variants: tuple[str, ...] = ()
    methods: tuple[Method, ...] = tuple(Method)
    confidences: tuple[float, ...] = CONFIDENCES
    days: tuple[int, ...] = PRESETS
    properties: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plan: AnalysisPlan | None = None


def offers(sums: ExperimentSums | None, controls: Controls, declaration: Declaration) -> Offers:
    """What can be asked of an experiment.

    Args:
        sums: Those by the plan; None while nothing is read.
        controls: What is asked now: it is offered too.
        declaration: The experiment.
    """
    metrics = tuple(metric.name for metric in declaration.metrics)
    if sums is None:
        return Offers(metrics=metrics)
    control = sums.design.control
    others = sorted(variant for variant in sums.measured.sums if variant != control)
    own = set() if controls.confidence is None else {controls.confidence}
    sized = sums.plan.sample_size is not None
    return Offers(
        variants=(control, *others),
        methods=tuple(m for m in Method if sized or m is not Method.GROUP_SEQUENTIAL),
        confidences=tuple(sorted({*CONFIDENCES, *own})),
        properties=tuple(
            dict.fromkeys([*sums.plan.segments, *([controls.by] if controls.by else [])])
        ),
        metrics=metrics,
        plan=sums.plan,
    )
