"""What the pages show is run; a page that shows something else than what comes out fails."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def blocks() -> ModuleType:
    """The root conftest."""
    spec = importlib.util.spec_from_file_location("root_conftest", ROOT / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def page(blocks: ModuleType, tmp_path: Path) -> Iterator["Page"]:
    folder = blocks.OwnFolder()
    folder.enter({})
    yield Page(blocks, tmp_path / "page.md")
    folder.leave({})


class Page:
    """A page of documentation."""

    def __init__(self, blocks: ModuleType, path: Path) -> None:
        self._blocks, self._path = blocks, path

    def run(self, text: str) -> int:
        """Run its blocks; the answer is how many."""
        self._path.write_text(text, encoding="utf-8")
        examples = [*self._blocks.pages.parse(self._path).examples()]
        for example in examples:
            example.evaluate()
        return len(examples)


SHOP = """
```python
# shop/experiments.py
from abkit import UserExperiment

class Button(UserExperiment):
    variants = ["grey", "green"]

ACTIVE_EXPERIMENTS = [Button]
```
"""


def test_python_is_run(page: Page) -> None:
    with pytest.raises(ZeroDivisionError):
        page.run("```python\n1 / 0\n```\n")


def test_a_block_that_is_a_file_can_be_imported(page: Page) -> None:
    assert page.run(SHOP + "\n```python\nfrom shop.experiments import Button\n```\n") == 2
    assert "shop.experiments" in sys.modules


def test_a_file_has_its_name_even_if_others_imported_something_by_it(
    blocks: ModuleType, tmp_path: Path
) -> None:
    other = sys.modules["shop"] = ModuleType("shop")
    folder = blocks.OwnFolder()
    folder.enter({})
    assert Page(blocks, tmp_path / "page.md").run(
        SHOP + "\n```python\nimport shop.experiments\n```\n"
    )
    folder.leave({})
    assert sys.modules.pop("shop") is other


def test_what_a_page_imports_is_forgotten_after_it(blocks: ModuleType, tmp_path: Path) -> None:
    folder = blocks.OwnFolder()
    folder.enter({})
    text = SHOP + "\n```python\nimport shop.experiments\n```\n"
    Page(blocks, tmp_path / "page.md").run(text.replace("shop", "corner_shop"))
    folder.leave({})
    assert "corner_shop.experiments" not in sys.modules


def test_a_command_is_run_and_its_output_compared(page: Page) -> None:
    command = "\n```console\n$ abkit assign Button 1 --config shop.experiments\n"
    page.run(SHOP + command + "user  variant  reason\n1     ... assigned\n```\n")
    with pytest.raises(AssertionError, match="but gives"):
        page.run(SHOP + command + "user  variant  reason\n1     red ... assigned\n```\n")


def test_a_command_without_output_must_succeed(page: Page) -> None:
    with pytest.raises(AssertionError, match="There is no module 'nowhere'"):
        page.run("```console\n$ abkit list --config nowhere\n```\n")


def test_what_cannot_be_run_here_is_not(page: Page) -> None:
    assert page.run("```console\n$ pip install abkit\n$ abkit watch ... --state x\n```\n") == 1


def test_toml_is_read(page: Page) -> None:
    with pytest.raises(ValueError, match="Invalid"):
        page.run("```toml\nconfig = myapp\n```\n")
