# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sweep: an operation is broken at each of its points in turn, each time in a fresh folder."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass

from ansible_collections.itops.release.tests.fakes.estate import Estate
from ansible_collections.itops.release.tests.faults import (
    host_operations,
    library_operations,
    operations,
    points,
)

DRIVER = str(pathlib.Path(__file__).with_name("driver.py"))
ENOUGH = 10  # problems, after which a sweep ends
OPERATIONS = {item.name: item for item in (*host_operations.ALL, *library_operations.ALL)}


@dataclass
class Bench:
    """What the sweeps of one process share: sealed releases below *folder*, of some *more* files.

    ``expected`` is ``{version: what its tree looks like where nothing went wrong}``.
    """

    folder: pathlib.Path
    more: int = 0

    def __post_init__(self):
        self.estate = Estate(self.folder)
        self.labels = {
            version: self.estate.seal(
                version, operations.files(version, self.more), **operations.RULES
            )
            for version in operations.VERSIONS
        }
        self.expected = {operations.NOTHING: {}}
        for version, label in self.labels.items():
            self.expected[version] = self._laid_out(label)
        self.expected["1, owned"] = self._laid_out(self.labels["1"], **operations.OWNER)
        foreign = self.folder / "foreign"
        operations.lay_out_foreign(foreign, "releases/" + operations.FOREIGN)
        for tree in (foreign / "releases").iterdir():
            self.expected[tree.name] = operations.look(tree)

    def _laid_out(self, label, **params):
        """Return what the tree of a release looks like where nothing went wrong."""
        host = self.estate.host()
        host.deploy(label, seed=True, linked_paths=operations.LINKS, **params)
        found = operations.look(host.root / "current")
        host.deploy(None, state="absent", purge_shared=True)
        return found

    def sweep(self, operation, fault, most=None):
        """Break *operation* by *fault* at its points, *most* of them; return count and problems."""
        with self.prepared(operation) as template:
            expected = {
                **self.expected,
                operations.DAMAGED: operations.look(template / "srv/current"),
            }
            problems = []
            chosen = self._points(operation, template, fault, most)
            for point in chosen:
                if len(problems) > ENOUGH:
                    break
                found = self._attempt(operation, template, point, fault, expected)
                problems += [f"{fault} at {point.number}. {point.line}: {line}" for line in found]
            return len(chosen), problems

    @contextlib.contextmanager
    def prepared(self, operation):
        """Yield the folder in which *operation* begins; copies of it come and go beside it."""
        with tempfile.TemporaryDirectory(prefix="sweep-", dir=self.folder) as scratch:
            template = pathlib.Path(scratch, "template")
            template.mkdir()
            operation.prepare(self, template)
            yield template

    def _points(self, operation, template, fault, most):
        """Return *most* of the points at which the operation is broken."""
        done, found = undisturbed(operation, template)
        assert done.status == operation.fails, done
        # To end before a call that only waits is to end before the one that follows it.
        found = [point for point in found if not (fault == points.KILL and point.waits)]
        assert found
        return sampled(found, most)

    def _attempt(self, operation, template, point, fault, expected):
        with Copy(template) as folder:
            run = command(operation, folder)
            done = points.broken(run, point, fault, environment(folder))
            found = said(done, fault, str(folder))
            if not found and done.status == 0:
                found = operation.claims_too_much(json.loads(done.stdout), folder, expected)
            return found + operation.problems(self, folder, expected)


def undisturbed(operation, template):
    """Let *operation* work in a copy of *template*; return how it was Done, and its Points."""
    with Copy(template) as folder:
        return points.trace(command(operation, folder), folder, environment(folder))


def sampled(items, most):
    """Return *most* of *items*, evenly; all of them for None."""
    if most is None or len(items) <= most:
        return items
    return [items[index * len(items) // most] for index in range(most)]


class Copy:
    """A copy of a folder, its hard links kept, in which its path is written instead of the old."""

    def __init__(self, template):
        self._template = template

    def __enter__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="point-", dir=self._template.parent))
        command = ["cp", "-a", f"{self._template}/.", str(self._folder)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        job = self._folder / "job"
        job.write_text(job.read_text().replace(str(self._template), str(self._folder)))
        current = self._folder / "srv/current"
        if current.is_symlink() and os.path.isabs(os.readlink(current)):
            target = os.readlink(current).replace(str(self._template), str(self._folder))
            current.unlink()
            current.symlink_to(target)
        return self._folder

    def __exit__(self, *_exception):
        shutil.rmtree(self._folder)


def said(done, fault, folder):
    """Return what is wrong with how a broken process ended, and with what it said."""
    if fault == points.KILL:
        return [] if done.status == -9 else [f"it was not killed: {done}"]
    if done.status not in (0, 1) or done.stderr or not done.stdout:
        return [f"it ended by itself: {done}"]
    answer = json.loads(done.stdout)
    line = answer.get("msg", "")
    tells = folder in line or ": probe failed: " in line or ": restart failed: " in line
    if done.status and not (line.isprintable() and tells):
        return [f"its line does not tell what it is about: {line!r}"]
    return []


def command(operation, folder):
    """Return the command that does *operation* in *folder*, as a plain process."""
    # A host has no packages.
    on_host = isinstance(operation, operations.Operation)
    driver = ["-S", DRIVER, "host"] if on_host else [DRIVER, "controller"]
    return [sys.executable, "-B", *driver, str(folder / "job")]


def environment(folder):
    """Return the environment in which a process does the same each time."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONHASHSEED": "0",
        "TMPDIR": str(folder / "tmp"),
        "LANG": "C.UTF-8",
    }
