# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes out one safe step after another, and sees that a unit test notices each.

``python tests/mutants/run.py [WORD …]``, from anywhere, by the Python of the virtual environment.
With words, only the mutants whose safe step has one of them. The tests named for a mutant must
fail in a copy of the collection without its step, and pass in one with all steps. They take the
same random examples each time, so a mutant is caught everywhere or nowhere. A mutant whose code is
not there exactly once, or whose tests do not even start, counts as missed.
The last line is ``N mutants, N caught``; the exit status is 0 when they are all caught.

Importing what tests need takes longer than most tests. So it is imported once; each run of pytest
is a fork. Only the collection is imported anew, from a copy that no other run works in.
"""

from __future__ import annotations

import ast
import compileall
import contextlib
import functools
import gc
import importlib
import itertools
import os
import pathlib
import py_compile
import shutil
import signal
import sys
import tempfile
import time
from typing import Any, Callable, Generator, Iterator, NamedTuple, NoReturn

CHECKOUT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT / ".dev"))

from ansible_collections.itops.release.tests.mutants import matching  # noqa: E402 - path first
from ansible_collections.itops.release.tests.mutants.matching import Mutant  # noqa: E402

NEEDED = (
    "plugins",
    "schemas",
    "scripts",
    "templates",
    "tests",
    "pyproject.toml",
    "ansible.cfg",
    ".dev",
)
AT_ONCE = 2 * (os.cpu_count() or 1)  # some wait for what never comes
CHANCES = 3  # what is lost without a lock shows only sometimes
SECONDS_LIMIT = 120
SECONDS_BETWEEN = 0.01
TESTS_FAILED = 1  # pytest's exit status; others mean that it could not run the tests at all
NOT_STARTED = 70  # none of pytest's exit statuses
# That a test fails is enough: to say why takes pytest long, in CI longer than anybody waits.
PYTEST = ["-x", "-q", "--tb=no", "--assert=plain", "--hypothesis-profile=ci"]
PYTEST += ["-p", "no:cacheprovider", "--disable-plugin-autoload", "-p", "_hypothesis_pytestplugin"]
MEMORY = "/dev/shm"
# What most tests import from elsewhere.
WARM = """
_hypothesis_pytestplugin _pytest.doctest ansible.module_utils.basic ansible.parsing.dataloader
ansible.playbook.task ansible.plugins.loader ansible.template
cryptography.hazmat.primitives.asymmetric.ed25519 cryptography.hazmat.primitives.serialization
http.server hypothesis.strategies jinja2.sandbox jsonschema pytest unittest.mock urllib.request yaml
zstandard
""".split()


class Outcome(NamedTuple):
    """What became of a mutant: whether it was caught, else why not."""

    caught: bool
    reason: str = ""


class Ended(NamedTuple):
    """How a run of pytest ended: its exit status (None: it took too long), and its last line."""

    status: int | None
    line: str


# A task runs pytest, as often as it must, in the folder that it is given: it yields the arguments
# and how many seconds that may take, and is sent how it ended.
Runs = Generator[tuple[list[str], int], Ended, object]
Task = Callable[[pathlib.Path], Runs]


def main() -> int:
    """Run the mutants that the command line names, and return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what runs is ended, as with Ctrl-C
    words = [word.lower() for word in sys.argv[1:]]
    chosen = [
        mutant
        for mutants in matching.load(CHECKOUT / "tests/unit").values()
        for mutant in mutants
        if not words or any(word in mutant.without.lower() for word in words)
    ]
    memory = MEMORY if os.access(MEMORY, os.W_OK | os.X_OK) else None
    with tempfile.TemporaryDirectory(prefix="itops-release-mutants-", dir=memory) as scratch:
        os.chdir(scratch)  # Ansible is not to find the checkout's ansible.cfg while it is imported
        for name in WARM:
            importlib.import_module(name)
        gc.freeze()  # no run looks through what it did not make
        caught = run_all(chosen, copies(pathlib.Path(scratch)))
    print(f"{len(chosen)} mutants, {caught} caught")
    return 0 if caught == len(chosen) else 1


def copies(scratch: pathlib.Path) -> list[pathlib.Path]:
    """Return folders in *scratch*, one for each run at a time, with what the tests need."""
    whole = scratch / "0"
    ignored = shutil.ignore_patterns("__pycache__", ".hypothesis")
    for name in NEEDED:
        source, target = CHECKOUT / name, whole / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=ignored)
        else:
            shutil.copy(source, target)
    for path in whole.glob("plugins/**/*.py"):
        # Mutants are written so: what tests notice of the writing alone, they notice without any.
        path.write_text(ast.unparse(ast.parse(path.read_text("utf-8"))), "utf-8")
    # Python compares the source with the hash, and so never runs what was compiled of another.
    by_hash = py_compile.PycInvalidationMode.CHECKED_HASH
    compileall.compile_dir(whole, quiet=1, invalidation_mode=by_hash)
    others = [scratch / str(number) for number in range(1, AT_ONCE)]
    return [whole, *(shutil.copytree(whole, other, symlinks=True) for other in others)]


def run_all(mutants: list[Mutant], folders: list[pathlib.Path]) -> int:
    """Run the mutants, after their tests alone, print how each went; return how many are caught."""
    files = by_file(mutants)
    tasks = [functools.partial(failing, tests) for tests in files]
    tasks += [functools.partial(attempt, mutant) for mutant in mutants]
    results = at_once(tasks, folders)
    fail_anyway = {tests for found in itertools.islice(results, len(files)) for tests in found}
    caught = 0
    for mutant, outcome in zip(mutants, results, strict=True):
        if mutant.tests in fail_anyway:
            outcome = Outcome(False, "(its tests fail with all safe steps, too)")
        caught += outcome.caught
        mark = "caught" if outcome.caught else "MISSED"
        print(f"{mark}  without: {mutant.without}  {outcome.reason}".rstrip(), flush=True)
    return caught


def by_file(mutants: list[Mutant]) -> list[list[str]]:
    """Return the tests of the mutants, together where they are in one file."""
    files: dict[str, list[str]] = {}
    for tests in dict.fromkeys(mutant.tests for mutant in mutants):
        files.setdefault(tests.partition(" ")[0], []).append(tests)
    return list(files.values())


def failing(several: list[str], _folder: pathlib.Path) -> Runs:
    """Return which of *several* tests of one file fail although no safe step is missing."""
    expressions = [tests.partition(" ")[2] for tests in several]
    together = several[0].partition(" ")[0]
    if all(expressions):
        together += f" ({') or ('.join(expressions)})"
    ended = yield matching.arguments(together), SECONDS_LIMIT * len(several)
    if ended.status == 0:
        return []
    found = []
    for tests in several:
        ended = yield matching.arguments(tests), SECONDS_LIMIT
        if ended.status != 0:
            found.append(tests)
    return found


def attempt(mutant: Mutant, folder: pathlib.Path) -> Runs:
    """Run a mutant's tests without its safe step, and return the Outcome."""
    path = matching.file_of(mutant.path)
    try:
        text = matching.mutated((CHECKOUT / path).read_text("utf-8"), mutant)
    except (OSError, matching.MatchError) as error:
        return Outcome(False, f"({error})")
    whole = (folder / path).read_text("utf-8")
    (folder / path).write_text(text, "utf-8")
    try:
        for _chance in range(CHANCES):
            ended = yield matching.arguments(mutant.tests), SECONDS_LIMIT
            if ended.status == TESTS_FAILED:
                return Outcome(True)
            if ended.status is None:  # another time it would take as long
                break
        return Outcome(False, f"({ended.line})")
    finally:
        (folder / path).write_text(whole, "utf-8")


def at_once(tasks: list[Task], folders: list[pathlib.Path]) -> Iterator[Any]:
    """Do as many tasks at a time as there are *folders*; yield in order what they return."""
    waiting = list(enumerate(tasks))[::-1]
    free, results = list(folders), {}
    running: dict[int, tuple[pathlib.Path, Runs, Process]] = {}

    def go_on(number: int, folder: pathlib.Path, runs: Runs, ended: Ended | None) -> None:
        try:
            running[number] = (folder, runs, Process(folder, *runs.send(ended)))
        except StopIteration as done:
            results[number] = done.value
            free.append(folder)

    try:
        for wanted in range(len(tasks)):
            while wanted not in results:
                while waiting and free:
                    number, task = waiting.pop()
                    folder = free.pop()
                    go_on(number, folder, task(folder), None)
                time.sleep(SECONDS_BETWEEN)
                for number, (folder, runs, process) in list(running.items()):
                    ended = process.ended()
                    if ended:
                        del running[number]
                        go_on(number, folder, runs, ended)
            yield results.pop(wanted)
    finally:
        for _folder, runs, process in running.values():
            process.end()
            runs.close()


class Process:
    """A run of pytest in a fork of this process; whatever it starts ends with it."""

    def __init__(self, folder: pathlib.Path, arguments: list[str], limit: int) -> None:
        # Not by a pipe: a process that a test leaves behind would hold it.
        self._said = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._limit, self._deadline = limit, time.monotonic() + limit
        self._pid = os.fork()
        if self._pid == 0:
            become_pytest(folder, arguments, self._said.fileno())

    def ended(self) -> Ended | None:
        """Return how it ended, or None as long as it runs and may."""
        how = os.WEXITED | os.WNOHANG | os.WNOWAIT
        if os.waitid(os.P_PID, self._pid, how):
            status, said = self.end()
            return Ended(status, said.splitlines()[-1] if said else "no output")
        if time.monotonic() < self._deadline:
            return None
        self.end()
        return Ended(None, f"its tests took more than {self._limit} s")

    def end(self) -> tuple[int, str]:
        """End it with all that it started; return its exit status and what it said."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)  # it may not lead a session yet
            os.killpg(self._pid, signal.SIGKILL)
        _pid, status = os.waitpid(self._pid, 0)
        with self._said:
            self._said.seek(0)
            return os.waitstatus_to_exitcode(status), self._said.read().strip()


def become_pytest(folder: pathlib.Path, arguments: list[str], output: int) -> NoReturn:
    """Run pytest and end: as if it had been started in *folder*, its output going to a file."""
    status = NOT_STARTED
    try:
        os.setsid()
        os.chdir(folder)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(output, 1)
        os.dup2(output, 2)
        ours = (str(CHECKOUT / ".dev"), str(CHECKOUT / "tests/mutants"))
        sys.path = [str(folder), *(path for path in sys.path if path not in ours)]
        for name in [name for name in sys.modules if name.startswith("ansible_collections")]:
            del sys.modules[name]
        sys.argv = ["pytest", *PYTEST, *arguments]
        status = int(sys.modules["pytest"].main(sys.argv[1:]))
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(status)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0" or not sys.flags.dont_write_bytecode:
        fixed = {**os.environ, "PYTHONHASHSEED": "0"}
        os.execve(sys.executable, [sys.executable, "-B", *sys.argv], fixed)
    sys.exit(main())
