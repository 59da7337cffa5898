"""The how-to page is a test suite that passes; its other blocks run with the documentation."""

import re
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "force-a-variant-in-tests.md"
BLOCK = re.compile(r"(<!--- skip: next -->\n\n)?```python\n(.*?)```", re.DOTALL)


def test_the_page_passes(pytester: pytest.Pytester) -> None:
    blocks = BLOCK.findall(PAGE.read_text())
    code_under_test = blocks[0][1]
    tests = [code for skipped, code in blocks if skipped]
    pytester.makepyfile("\n".join([code_under_test, *tests]))
    pytester.makeini("[pytest]\naddopts = --strict-markers\nfilterwarnings = error\n")
    result = pytester.runpytest_subprocess("-p", "no:asyncio")
    result.assert_outcomes(passed=6)
