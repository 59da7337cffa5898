"""Importing what an extra installs."""

import pytest

from abkit.errors import MissingExtraError
from abkit.extras import extra


def test_a_module_that_is_missing_is_told_with_its_extra() -> None:
    with pytest.raises(MissingExtraError) as caught, extra("charts"):
        import no_such_package.part  # type: ignore[import-not-found]  # noqa: F401
    assert (caught.value.package, caught.value.extra) == ("no_such_package", "charts")
    assert str(caught.value) == (
        "This needs no_such_package. Install it with: pip install 'abkit-sdk[charts]'"
    )


def test_a_module_of_abkit_that_is_missing_is_no_matter_of_an_extra() -> None:
    with pytest.raises(ModuleNotFoundError) as caught, extra("analysis"):
        import abkit.no_such_module  # type: ignore[import-not-found]  # noqa: F401
    assert caught.type is ModuleNotFoundError


def test_a_package_that_is_there_and_lacks_a_name_is_no_matter_of_an_extra() -> None:
    with pytest.raises(ImportError, match="cannot import name 'nothing'") as caught, extra("cli"):
        from click import nothing  # noqa: F401
    assert caught.type is ImportError


def test_the_extra_within_is_the_one_that_is_told() -> None:
    with pytest.raises(MissingExtraError, match="sdk.inner"), extra("outer"), extra("inner"):
        import no_such_package  # noqa: F401
