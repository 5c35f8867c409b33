# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out one safe step after another, and sees that a unit test notices each.

``python tests/mutants/run.py [WORD …]``, from anywhere, by the Python of the virtual environment.
With words, only the mutants whose safe step has one of them. Each mutant is a copy of the
collection in which one text of one file is replaced; the tests named for it must fail there.
A mutant whose text is not there exactly once, or whose tests do not even start, counts as missed.
The last line is ``N mutants, N caught``; the exit status is 0 when they are all caught.
"""

from __future__ import annotations

import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from mutants import MUTANTS

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
NEEDED = ("plugins", "schemas", "tests/unit/plugins", "pyproject.toml", ".dev")
AT_ONCE = 2
CHANCES = 3  # what is lost without a lock shows only sometimes
SECONDS_LIMIT = 120
TESTS_FAILED = 1  # pytest's exit status; others mean that it could not run the tests at all


class Outcome(NamedTuple):
    """What became of a mutant: whether it was caught, else why not."""

    caught: bool
    reason: str = ""


def main():
    words = [word.lower() for word in sys.argv[1:]]
    chosen = [
        mutant for mutant in MUTANTS if not words or any(w in mutant.without.lower() for w in words)
    ]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = []
        for mutant, outcome in zip(chosen, pool.map(attempt, chosen), strict=True):
            outcomes.append(outcome)
            mark = "caught" if outcome.caught else "MISSED"
            print(f"{mark}  without: {mutant.without}  {outcome.reason}".rstrip(), flush=True)
    caught = sum(outcome.caught for outcome in outcomes)
    print(f"{len(chosen)} mutants, {caught} caught")
    return 0 if caught == len(chosen) else 1


def attempt(mutant):
    """Run a mutant's tests in a copy of the collection without its safe step."""
    with tempfile.TemporaryDirectory(prefix="itops-release-mutant-") as folder:
        copy = pathlib.Path(folder)
        for name in NEEDED:
            take_along(CHECKOUT / name, copy / name)
        path = copy / "plugins" / mutant.path
        text = path.read_text("utf-8")
        if text.count(mutant.old) != 1:
            return Outcome(False, f"({mutant.path} has its text {text.count(mutant.old)} times)")
        path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
        for _chance in range(CHANCES):
            outcome = run_tests(mutant, copy)
            if outcome.caught:
                break
        return outcome


def take_along(source, target):
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
        shutil.copytree(source, target, symlinks=True, ignore=ignored)
    else:
        shutil.copy(source, target)


def run_tests(mutant, copy):
    test_file, _space, expression = mutant.tests.partition(" ")
    command = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [f"tests/unit/plugins/{test_file}"] + (["-k", expression] if expression else [])
    try:
        done = subprocess.run(
            command,
            cwd=copy,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Outcome(False, f"(its tests took more than {SECONDS_LIMIT} s)")
    if done.returncode == TESTS_FAILED:
        return Outcome(True)
    lines = done.stdout.strip().splitlines()
    return Outcome(False, f"({lines[-1] if lines else 'no output'})")


if __name__ == "__main__":
    sys.exit(main())
