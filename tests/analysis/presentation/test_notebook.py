"""The notebook for the deeper dive."""

import json
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pytest
from attrs import evolve
from hypothesis import given, settings
from hypothesis import strategies as st

from abkit import Conversion
from abkit.analysis.presentation.notebook import Recipe, to_notebook
from abkit.analysis.result import Result

Full = Callable[..., Result]
RECIPE = Recipe(code="analysis = None", tables={"exposures": "a'b", "actions": 'c"d'})


def cells(text: str, kind: str) -> list[str]:
    return ["".join(c["source"]) for c in json.loads(text)["cells"] if c["cell_type"] == kind]


def test_it_is_a_valid_notebook(full: Full, tmp_path: Path) -> None:
    path = full().to_notebook(tmp_path / "n.ipynb", RECIPE)
    nbformat.validate(json.loads(path.read_text()))


def test_it_has_the_verdict_the_charts_and_the_queries(full: Full) -> None:
    text = to_notebook(full(), RECIPE)
    prose, code = "\n".join(cells(text, "markdown")), cells(text, "code")
    assert "Recommendation: **roll out 1**" in prose
    assert "```sql\nselect unit_id,\n  variant\nfrom exposures -- <all>\n```" in prose
    assert code[:2] == ["analysis = None", "result = analysis.run()\nresult"]
    for wanted in (
        "charts.cumulative",
        "charts.over_time.get('revenue')",
        "charts.by_day.get('integration link clicked')",
        "result.to_frame()",
    ):
        assert wanted in code


def test_it_draws_nothing_that_is_not_there(full: Full, changed: Any) -> None:
    code = cells(to_notebook(changed["bare"](full()), RECIPE), "code")
    assert not any(
        word in cell for cell in code for word in ("cumulative", "over_time", "segments", "by_day")
    )


@settings(max_examples=50)
@given(st.text(min_size=1).filter(lambda name: name.strip()))
def test_no_name_becomes_code_or_html(full: Full, name: str) -> None:
    hostile = f'\'); raise SystemExit #"""\n```\n<img src=x>{name}'
    found = full(("0", hostile), metrics=(Conversion(hostile),), name=hostile, looks=2)
    text = to_notebook(evolve(found, queries={hostile: f"````\n{hostile}"}), RECIPE)
    nbformat.validate(json.loads(text))
    for cell in cells(text, "code"):
        compile(cell, "cell", "exec")
        assert "\n```" not in cell
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.append(tag)  # type: ignore[method-assign]
    for cell in cells(text, "markdown"):
        if "sql" not in cell:
            parser.feed(cell)
    assert tags == []


def test_a_query_cannot_leave_its_fence(full: Full) -> None:
    found = evolve(full(), queries={"q": "select 1 -- ````\n```\n# not a heading"})
    (cell,) = [cell for cell in cells(to_notebook(found, RECIPE), "markdown") if "sql" in cell]
    assert cell.splitlines()[2] == cell.splitlines()[-1] + "sql" == "`````sql"


@pytest.mark.parametrize("quote", ["'", '"', "\\", "\n"])
def test_a_path_stays_a_path(full: Full, quote: str) -> None:
    recipe = Recipe(code="", tables={"units": f"a{quote}b"})
    (cell,) = [c for c in cells(to_notebook(full(), recipe), "code") if "reader" in c]
    assert repr(f"a{quote}b") in cell
    compile(cell, "cell", "exec")
