"""What has moved is still found where it was, with a warning that says where it is now."""

import sys
from importlib import import_module

import pytest

from abkit.former_modules import MOVED


@pytest.mark.parametrize("former", sorted(MOVED))
def test_a_module_is_found_under_its_former_name(former: str) -> None:
    sys.modules.pop(former, None)
    with pytest.warns(DeprecationWarning, match=rf"{former} is now {MOVED[former]}; .* abkit 0\.2"):
        found = import_module(former)
    assert found is sys.modules[MOVED[former]]


def test_the_warning_names_the_line_that_imports() -> None:
    sys.modules.pop("abkit.experiments.metrics", None)
    with pytest.warns(DeprecationWarning, match="is now") as caught:
        exec("from abkit.experiments.metrics import Conversion")  # noqa: S102 - an import that runs here
    assert caught[0].filename == "<string>"


def test_a_module_that_never_was_is_not_found() -> None:
    with pytest.raises(ModuleNotFoundError, match="abkit.experiments.nothing"):
        import_module("abkit.experiments.nothing")
