# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Power cuts: an operation is stopped after each of its calls, and what the disk holds is judged.

The process need not be killed: what a disk holds is the same, and so one run gives all cuts. Where
nothing reached the disk since the cut before, there is nothing new to judge.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import tempfile
from typing import NamedTuple

from ansible_collections.itops.release.tests.faults import disks, operations, points, sweeping

STOPPED = "--- stopped by SIGSTOP ---"
CALLS = ",".join(points.MUTATING + points.WAITING)


class Cut(NamedTuple):
    """What the disk holds after the call *line*: the file *image*; whether all was answered."""

    image: pathlib.Path
    line: str
    answered: bool


class Swept(NamedTuple):
    """How many calls the power was cut after, how many disks differed, and what was wrong."""

    calls: int
    judged: int
    problems: list


def sweep(bench, operation, kind, most=None, neighbour=False):
    """Cut the power after each call of *operation*, on a disk of a Kind; return what was Swept.

    *most* is how many different disks are judged, the last one always. With a *neighbour*,
    somebody else syncs a file of their own there after each call: so names reach the disk at any
    moment, without what is in them.
    """
    with tempfile.TemporaryDirectory(prefix="cuts-", dir=bench.folder) as scratch:
        made, image, place = (pathlib.Path(scratch, name) for name in ("made", "image", "disk"))
        place.mkdir()
        disks.make(kind, made)
        folder = place / "work"
        with disks.Mounted(made, place, kind.options) as disk:
            folder.mkdir()
            operation.prepare(bench, folder)
            live = operations.look(folder / "srv/current")
            disk.sync()
            disk.copy(image)
        with disks.Mounted(image, place, kind.options) as disk:
            run = _Run(disk, folder, place / "neighbour" if neighbour else None)
            answer = run.through(operation)
        expected = {**bench.expected, operations.DAMAGED: live}
        problems = []
        cuts = chosen(run.cuts, most)
        for cut in cuts:
            with disks.Mounted(cut.image, place, kind.options):
                found = _judged(
                    bench, operation, folder, expected, answer if cut.answered else None
                )
            problems += [f"cut after {cut.line}: {line}" for line in found]
        return Swept(run.calls, len(cuts), problems)


def chosen(cuts, most):
    """Return *most* of the *cuts*, evenly, and the last one among them."""
    if most is None or len(cuts) <= most:
        return cuts
    return [cuts[-1 - index * len(cuts) // most] for index in range(most)]


def _judged(bench, operation, folder, expected, answer):
    """Return what is wrong with what a disk held; *answer* is what had been said by then."""
    _boot(folder)
    found = []
    done = answer is not None and not answer.get("need")
    if done:
        found += operation.claims_too_much(answer, folder, expected)
    return found + operation.problems(bench, folder, expected, done)


def _boot(folder):
    """Start the service, as the host does that has power again, from what is current."""
    current, restarts = folder / "srv/current", folder / "restarts"
    restarts.unlink(missing_ok=True)
    if current.is_symlink():
        restarts.write_text(os.readlink(current) + "\n")


class _Run:
    """One run of an operation in *folder* on a disk, with a Cut for each time that this changed."""

    def __init__(self, disk, folder, neighbour):
        self.cuts = []
        self.calls = 0
        self._disk = disk
        self._folder = folder
        self._neighbour = neighbour
        self._written = None

    def through(self, operation):
        """Let the operation come to its end; return what it answers."""
        log = self._folder.parent.parent / "log"
        os.mkfifo(log)
        reading = os.open(log, os.O_RDONLY | os.O_NONBLOCK)  # else it waits for strace
        os.set_blocking(reading, True)
        run = sweeping.command(operation, self._folder)
        options = ["-y", "-s", "4096", "-o", str(log), "-e", f"trace={CALLS}"]
        options += ["-e", f"inject={CALLS}:signal=STOP"]
        with open(reading, encoding="utf-8", errors="replace") as lines:
            with points.Traced(run, sweeping.environment(self._folder), options) as process:
                self._follow(lines, process.pid)
                done = process.end()
        assert done.status == operation.fails, done
        return json.loads(done.stdout)

    def _follow(self, lines, process):
        """Look at the disk each time that the *process* stops, and let it go on."""
        last = ""
        for line in map(str.rstrip, lines):
            if line != STOPPED:
                last = last if line.startswith("--- ") else line
                continue
            answered = last.startswith("write(1<")
            if str(self._folder) in last or answered:
                self._look(last, answered)
            os.kill(process, signal.SIGCONT)

    def _look(self, line, answered):
        self.calls += 1
        if self._neighbour:
            with open(self._neighbour, "wb") as stream:
                os.fsync(stream.fileno())
        written = self._disk.written()
        if written != self._written or answered:
            self._written = written
            target = self._folder.parent.parent / f"cut-{self.calls}"
            self._disk.copy(target)
            self.cuts.append(Cut(target, line, answered))
