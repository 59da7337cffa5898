"""Without its framework, an integration says what to install."""

import os
import subprocess
import sys

import pytest

from .conftest import PROJECT


@pytest.mark.parametrize(
    ("package", "module", "extra"),
    [
        ("flask", "abkit.integrations.flask", "flask"),
        ("starlette", "abkit.integrations.starlette", "starlette"),
    ],
)
def test_an_integration_names_its_extra(package: str, module: str, extra: str) -> None:
    program = f"import sys; sys.modules[{package!r}] = None; import {module}"
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 1
    assert f"pip install 'abkit-sdk[{extra}]'" in ran.stderr


def test_manage_py_names_the_extra_of_the_commands() -> None:
    program = (
        "import sys; sys.modules['click'] = None; sys.argv = ['manage.py', 'abkit', 'list'];"
        "from django.core.management import execute_from_command_line as run; run(sys.argv)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PROJECT), "DJANGO_SETTINGS_MODULE": "shop.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert (
        ran.stderr
        == "CommandError: This needs click. Install it with: pip install 'abkit-sdk[cli]'\n"
    )


def test_the_neutral_parts_need_no_framework() -> None:
    program = (
        "import abkit.integrations.endpoint, abkit.integrations.per_request, sys;"
        "print({'django', 'flask', 'starlette'} & {*sys.modules})"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout == "set()\n"
