"""Experiments that touch each other, as an HTML page that needs nothing else."""

from abkit.analysis.findings.experiment_pairs import ExperimentPair, Interactions, Touch
from abkit.analysis.presentation import experiment_pairs
from abkit.analysis.presentation.report import environment


def render(result: Interactions) -> str:
    """The page.

    Args:
        result: What the experiments have to do with one another. Names are shown as they are: HTML in them
            is not run.

    Raises:
        MissingExtraError: jinja2 is not installed.
    """
    present = {pair.touch for pair in result.pairs}
    html = (
        environment()
        .get_template("interactions.html.jinja")
        .render(
            result=result,
            experiment_pairs=experiment_pairs,
            matrix=_matrix(result),
            present=[touch for touch in Touch if touch in present],
        )
    )
    return html.strip() + "\n"


def _matrix(result: Interactions) -> list[list[ExperimentPair | None]]:
    """A row for each experiment, with the pairs that it is in; None where there is none."""
    pairs = {frozenset(pair.experiments): pair for pair in result.pairs}
    names = [of.name for of in result.experiments]
    return [[pairs.get(frozenset((name, other))) for other in names] for name in names]
