# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out one safe step after another, and sees that a unit test notices each.

``python tests/mutants/run.py [WORD …]``, from anywhere, by the Python of the virtual environment.
With words, only the mutants whose safe step has one of them. Each mutant is a copy of the
collection in which one text of one file is replaced; the tests named for it must fail there. They
take the same random examples each time, so a mutant is caught everywhere or nowhere.
A mutant whose text is not there exactly once, or whose tests do not even start, counts as missed.
The last line is ``N mutants, N caught``; the exit status is 0 when they are all caught.
"""

from __future__ import annotations

import compileall
import concurrent.futures
import os
import pathlib
import py_compile
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from mutants import MUTANTS

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("plugins", "schemas", "templates", "tests", "pyproject.toml", ".dev")
AT_ONCE = (os.cpu_count() or 1) + 1  # some wait for what never comes
CHANCES = 3  # what is lost without a lock shows only sometimes
SECONDS_LIMIT = 120
TESTS_FAILED = 1  # pytest's exit status; others mean that it could not run the tests at all
PYTEST = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "--tb=no"]
# That a test fails is enough: to say why takes pytest long, in CI longer than anybody waits.
PYTEST += ["--assert=plain", "--hypothesis-profile=ci", "-p", "no:cacheprovider"]


class Outcome(NamedTuple):
    """What became of a mutant: whether it was caught, else why not."""

    caught: bool
    reason: str = ""


def main():
    words = [word.lower() for word in sys.argv[1:]]
    chosen = [
        mutant for mutant in MUTANTS if not words or any(w in mutant.without.lower() for w in words)
    ]
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="itops-release-mutants-") as scratch:
        whole = take_along(pathlib.Path(scratch, "whole"))
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            attempts = pool.map(lambda mutant: attempt(mutant, whole), chosen)
            for mutant, outcome in zip(chosen, attempts, strict=True):
                outcomes.append(outcome)
                mark = "caught" if outcome.caught else "MISSED"
                print(f"{mark}  without: {mutant.without}  {outcome.reason}".rstrip(), flush=True)
    caught = sum(outcome.caught for outcome in outcomes)
    print(f"{len(chosen)} mutants, {caught} caught")
    return 0 if caught == len(chosen) else 1


def take_along(whole):
    """Make *whole* a copy of what the tests need, and return it."""
    for name in NEEDED:
        source, target = CHECKOUT / name, whole / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    # Python compares the source with the hash, and so never runs what was compiled of another.
    by_hash = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(whole, quiet=1, invalidation_mode=by_hash)
    return whole


def attempt(mutant, whole):
    """Run a mutant's tests in a copy of *whole* without its safe step."""
    text = (whole / "plugins" / mutant.path).read_text("utf-8")
    if text.count(mutant.old) != 1:
        return Outcome(False, f"({mutant.path} has its text {text.count(mutant.old)} times)")
    with tempfile.TemporaryDirectory(prefix="mutant-", dir=whole.parent) as folder:
        copy = pathlib.Path(folder, "copy")
        shutil.copytree(whole, copy, symlinks=True, copy_function=os.link)
        path = copy / "plugins" / mutant.path
        path.unlink()  # the others have the same file
        path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        for _chance in range(CHANCES):
            outcome = run_tests(mutant, copy)
            if outcome.caught:
                break
        return outcome


def run_tests(mutant, copy):
    test_file, _space, expression = mutant.tests.partition(" ")
    command = [*PYTEST, f"tests/{test_file}"]
    command += ["-k", expression] if expression else []
    # Not by a pipe: a process that a test leaves behind would hold it.
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        try:
            done = subprocess.run(
                command,
                cwd=copy,
                env={**os.environ, "PYTHONHASHSEED": "0"},
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=SECONDS_LIMIT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(False, f"(its tests took more than {SECONDS_LIMIT} s)")
        if done.returncode == TESTS_FAILED:
            return Outcome(True)
        said.seek(0)
        lines = said.read().strip().splitlines()
    return Outcome(False, f"({lines[-1] if lines else 'no output'})")


if __name__ == "__main__":
    sys.exit(main())
