"""Runs PlanOut's own tests against abkit, in a process of their own; prints what came out as JSON.

The names of `planout` that the tests import are made of abkit by the modules of `shim`; its operators
are the same classes as abkit's anyway.

Usage: python run_planouts_tests.py FOLDER_OF_TESTS
"""

import json
import sys
import unittest
from importlib import import_module
from pathlib import Path
from typing import Any

import planout

SHIM = Path(__file__).parent / "shim" / "planout"


def main(folder: str) -> dict[str, Any]:
    planout.__path__.insert(0, str(SHIM))
    for name in ("assignment", "experiment", "interpreter", "namespace"):
        assert Path(str(import_module(f"planout.{name}").__file__)).parent == SHIM
    test_case: Any = unittest.TestCase
    test_case.assertEquals = test_case.assertEqual  # gone since Python 3.12
    suite = unittest.defaultTestLoader.discover(folder, top_level_dir=folder)
    result = unittest.TextTestRunner(stream=sys.stderr, warnings="ignore").run(suite)
    failed = [*result.errors, *result.failures]
    return {"run": result.testsRun, "failed": {str(test): why for test, why in failed}}


if __name__ == "__main__":
    json.dump(main(sys.argv[1]), sys.stdout)
