# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of faults without one safe step after another: they must notice each."""

from __future__ import annotations

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

from ansible_collections.itops.release.tests.faults.mutants import MUTANTS
from ansible_collections.itops.release.tests.mutants import matching

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("plugins", "schemas", "tests", "pyproject.toml", ".dev")
TABLE = CHECKOUT / "docs/reliability.md"
TESTS_FAILED = 1  # pytest's exit status; others mean that it could not run the tests at all
# That a test fails is enough: to say why takes long.
PYTEST = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--tb=no", "--assert=plain"]
PYTEST += ["-p", "no:cacheprovider"]


@pytest.fixture(scope="session")
def whole(memory):
    """Return a copy of what the tests need, in which nothing is missing yet."""
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in NEEDED:
        source, target = CHECKOUT / name, memory / "whole" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    return memory / "whole"


@pytest.mark.every_point
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.without)
def test_a_lost_safe_step_is_noticed(mutant, whole, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(whole, copy, symlinks=True)
    path = copy / "plugins" / mutant.path
    path.write_text(matching.mutated(path.read_text("utf-8"), mutant), "utf-8")
    done = subprocess.run(
        [*PYTEST, *matching.arguments(mutant.tests)],
        cwd=copy,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == TESTS_FAILED, done.stdout


def test_the_table_of_lost_safe_steps_is_whole():
    rows = [line.split(" | ")[0].strip("| ") for line in TABLE.read_text("utf-8").splitlines()]

    missing = {mutant.without for mutant in MUTANTS} - set(rows)

    assert missing == set()
