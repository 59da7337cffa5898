"""Analyses asked for with flat keywords, as tests vary them: sorted into the plan, the run, and the rest."""

from collections.abc import Mapping
from typing import Any

from abkit.analysis import Analysis, AnalysisPlan, Result, SumsAnalysis, UnitsAnalysis
from abkit.experiments.declaring.analysis_plan import fields_of_a_plan


def divided(keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The keywords that are not of a plan, with `plan` made of those that are."""
    plan = {name: value for name, value in keywords.items() if name in fields_of_a_plan()}
    rest = {name: value for name, value in keywords.items() if name not in plan}
    if plan:
        rest["plan"] = AnalysisPlan(**plan)
    run: dict[str, Any] = {}
    for name in ("control", "start", "until"):
        if name in rest:
            run[name] = rest.pop(name)
    return rest, run


def analyze(experiment: Any, **keywords: Any) -> Result:
    """The result of an `Analysis`."""
    rest, run = divided(keywords)
    return Analysis(experiment, **rest).run(**run)


def analyze_units(units: Any, **keywords: Any) -> Result:
    """The result of a `UnitsAnalysis`."""
    rest, run = divided(keywords)
    return UnitsAnalysis(units, **rest, **run).run()


def analyze_sums(name: str, **keywords: Any) -> Result:
    """The result of a `SumsAnalysis`."""
    rest, run = divided(keywords)
    return SumsAnalysis(name, **rest, **run).run()
