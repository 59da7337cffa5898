"""The deeper dive: a Jupyter notebook that makes the result again, with its charts and its queries."""

import json
from collections.abc import Mapping
from html import escape
from re import findall, sub
from typing import TYPE_CHECKING

from attrs import frozen

from abkit.analysis.presentation.advice import advised
from abkit.analysis.presentation.alerts import alerts
from abkit.analysis.presentation.figures import legible
from abkit.analysis.presentation.worth import worth_sentence

if TYPE_CHECKING:
    from abkit.analysis.outcome import Outcome

Cell = dict[str, object]


@frozen(kw_only=True)
class Recipe:
    """How a notebook makes the result again.

    Attributes:
        code: Python that leaves an `Analysis` (or a `UnitsAnalysis`) in the name `analysis`.
        arguments: Those of its `run()`, as Python.
        narrowing: Python that leaves in `result` what is shown of it; empty if all is.
        tables: The paths of the tables, by their names: exposures, actions and any identities, or units.
    """

    code: str
    tables: Mapping[str, str]
    arguments: str = ""
    narrowing: str = ""


def to_notebook(result: "Outcome", recipe: Recipe) -> str:
    """A notebook (nbformat 4.5) as JSON.

    Names stand in its cells as Python literals or as escaped text: none can become code, or HTML.

    Args:
        result: The result of an analysis.
        recipe: How to make it again.
    """
    cells = [
        *_beginning(result, recipe),
        *_charts(result),
        *_queries(result),
        *_dive(recipe),
    ]
    for number, cell in enumerate(cells, start=1):
        cell["id"] = f"abkit-{number}"
    content = {
        "cells": cells,
        "metadata": {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1) + "\n"


def _beginning(result: "Outcome", recipe: Recipe) -> list[Cell]:
    design, advice = result.design, result.recommendation
    worth = worth_sentence(result)
    said = [*advice.reasons, *([] if worth is None else [worth])]
    reasons = "\n".join(f"- {_prose(reason)}" for reason in said)
    first = (
        f"Not as planned: {_prose('; '.join(result.not_as_planned))}\n\n"
        if result.not_as_planned
        else ""
    )
    first += "".join(f"After the start, {_prose(each)}\\.\n\n" for each in result.amended)
    first += "".join(
        f"**{_prose(alert.title)}.** {_prose(alert.text)}\n\n" for alert in alerts(result)
    )
    return [
        _markdown(
            f"# {_prose(design.name)}\n\n{_prose(design.hypothesis)}\n\n{first}"
            f"Recommendation: **{_prose(advised(result))}**\n\n{reasons}"
        ),
        _code(recipe.code),
        _code(f"result = analysis.run({recipe.arguments})\n{recipe.narrowing}result"),
        _markdown("## The numbers\n\nOne row for each metric and variant."),
        _code("result.to_frame()"),
    ]


def _charts(result: "Outcome") -> list[Cell]:
    cells = [
        _markdown("## Charts\n\nAltair charts: change them as you like."),
        _code("charts = result.charts()"),
    ]
    if result.cumulative is not None and result.cumulative.ends:
        cells.append(_code("charts.cumulative"))
    for found in result.metrics:
        name = repr(found.metric.name)
        compared = any(treatment.comparison is not None for treatment in found.treatments)
        if compared:
            cells.append(_code(f"charts.intervals.get({name})"))
        if compared and found.over_time is not None and found.over_time.ends:
            cells.append(_code(f"charts.over_time.get({name})"))
        if any(each.metric == found.metric for each in result.novelty):
            cells.append(_code(f"charts.by_day.get({name})"))
        if compared and result.segments:
            cells.append(_code(f"charts.segments.get({name})"))
    return cells


def _queries(result: "Outcome") -> list[Cell]:
    cells = [
        _markdown("## Queries\n\nWhat was asked of the data; `result.queries` has these texts.")
    ]
    for name, query in result.queries.items():
        text = legible(query, lines=True)
        fence = "`" * max(3, 1 + max(map(len, findall("`+", text)), default=0))
        cells.append(_markdown(f"### {_prose(name)}\n\n{fence}sql\n{text}\n{fence}"))
    return cells


def _dive(recipe: Recipe) -> list[Cell]:
    if not recipe.tables:
        return []
    views = "\n".join(
        f'data.execute("create view {name} as from " + reader({path!r}))'
        for name, path in recipe.tables.items()
    )
    cells = [
        _markdown("## The deeper dive\n\nThe tables themselves, in DuckDB."),
        _code(
            "import duckdb\n\nfrom abkit.analysis.reading.readers import reader\n\n"
            f"data = duckdb.connect()\n{views}"
        ),
    ]
    if "exposures" in recipe.tables:
        cells.append(
            _code(
                "data.sql(\n"
                '    "select experiment, variant, count(*) as exposures, "\n'
                '    "count(distinct unit_id) as units from exposures group by all order by all"\n'
                ")"
            )
        )
    cells += [_code(f'data.sql("from {name} limit 10")') for name in recipe.tables]
    return cells


def _markdown(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> Cell:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
        "source": text.splitlines(keepends=True),
    }


def _prose(text: str) -> str:
    """A text that Markdown shows as it is."""
    shown = escape(legible(text), quote=False)
    return sub(r"([\\`*_{}\[\]()#+.!|~$-])", r"\\\1", shown)
