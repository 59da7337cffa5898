"""How Sphinx builds the documentation. Nothing is fetched, neither now nor when a page is read."""  # noqa: INP001

import gc
from collections.abc import Iterator

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

# Each page is a tree that stays to the end: looking through all of them again and again finds nothing.
gc.set_threshold(200_000, 50, 1_000)

project = "abkit"
author = "The abkit authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["math.css"]
html_title = "abkit"
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False
html_math_renderer = "mathml"

myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
python_use_unqualified_type_names = True
default_role = "code"  # `name` in a docstring

# Each reference must have a target, but for the types of others: nothing is fetched to look them up.
nitpicky = True
nitpick_ignore_regex = [
    ("py:class", r"(collections\.abc|contextlib|datetime|dt|http|logging|os|pathlib|unittest)\..*"),
    ("py:class", r"(flask|openfeature|starlette)\..*"),
    ("py:class", r"sa\.(Engine|URL)"),
    (
        "py:class",
        r"abkit\.(manager|integrations\.visitors\..*)\._.*|abkit\.sinks\.refusals\._T",
    ),  # type variables
    (
        "py:class",
        r"abkit\..*\.(Amendment|Estimate|ExposedUnits|MeasuredSums|Origin)",
    ),  # what ExperimentSums and others hold, not for readers
    ("py:class", r"LoggerProvider|LogRecordExporter|Producer|Redis|SparkSession"),
]
suppress_warnings = [
    "misc.highlighting_failure",  # JSON and HTTP with parts left out
    "ref.python",  # A name in an annotation that several modules have.
]


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(tex2mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    formula = tex2mathml(node.astext(), as_block=True)
    writer.body.append(f'<div class="math" style="overflow-x: auto">{formula}</div>')
    raise nodes.SkipNode


def _table(rows: list[str]) -> list[str]:
    """A table of Markdown as one of reStructuredText."""
    cells = [row.strip(" |").split("|") for row in rows[:1] + rows[2:]]
    items = [
        f"   {'  -' if i else '* -'} {cell.strip()}" for row in cells for i, cell in enumerate(row)
    ]
    return ["", ".. list-table::", "   :header-rows: 1", "", *items, ""]


def _plain(lines: list[str]) -> Iterator[str]:
    """A docstring, which is plain text, in a form in which Sphinx and Napoleon see no more than is meant."""
    rows: list[str] = []
    returns = False
    for line in lines:
        if line.lstrip().startswith("|"):
            rows.append(line)
            continue
        yield from _table(rows) if rows else ()
        rows = []
        text = line.replace("|", r"\|")
        if returns:  # "The units: ..." is a sentence, and "The units" no type
            text = f":returns: {text.strip()}"
        returns = line.strip() == "Returns:"
        yield "" if returns else text
    yield from _table(rows) if rows else ()


def _docstring(
    _app: Sphinx, what: str, _name: str, _of: object, _options: object, lines: list[str]
) -> None:
    """Prepare a docstring for Napoleon."""
    # What a module's docstring says is for who works on it; its page begins otherwise.
    text = [] if what == "module" else list(_plain(lines))
    # Below a comment, Napoleon takes no colon for the end of a type.
    lines[:] = ["..", "", *text] if what in ("attribute", "property") else text


def setup(app: Sphinx) -> None:
    """Formulas become MathML, which browsers show by themselves; MathJax would be fetched."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    app.connect("autodoc-process-docstring", _docstring, priority=100)  # before Napoleon
