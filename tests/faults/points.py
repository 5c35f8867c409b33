# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system calls by which a process changes its folder: listing them, and breaking one."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from typing import NamedTuple

from ansible_collections.itops.release.tests.faults import warm

MUTATING = (
    "chmod chown copy_file_range fchmod fchmodat fchown fchownat ftruncate lchown link linkat "
    "mkdir mkdirat open openat pwrite64 rename renameat renameat2 rmdir sendfile setxattr "
    "symlink symlinkat truncate unlink unlinkat utimensat write writev"
).split()
WAITING = ["fdatasync", "fsync", "sync", "syncfs"]  # may fail, and change nothing by themselves
OPENING = ("open", "openat")
KILL = "KILL"
ERRORS = ("ENOSPC", "EIO", "EACCES", "EROFS")
LINE = re.compile(r"(\w+)\(")
SECONDS_LIMIT = 60


class Point(NamedTuple):
    """One call of a process: the *number*-th of its name since it was Traced; *line* is how strace
    tells of it."""

    name: str
    number: int
    line: str

    @property
    def waits(self):
        return self.name in WAITING


class Traced:
    """A process that does *command*, by strace with *options* from its first step on.

    A context manager; ``pid`` is the process, and ``end()`` waits for it. One *command*, whatever
    its job, is Traced once at a time.
    """

    def __init__(self, command, environment, options):
        self._server = warm.server(command[:-1], environment)
        self.pid = self._server.begin(command[-1], environment)
        self._strace = subprocess.Popen(
            ["strace", *options, "-p", str(self.pid)],
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        said = self._strace.stderr.readline()
        if not said.endswith(" attached\n"):
            self.close()
            raise OSError(said)
        self._server.let_go()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()

    def is_over(self):
        """Tell whether the process has ended."""
        return self._strace.poll() is not None

    def close(self):
        """End what still runs: something does only where an error came between."""
        if self.pid:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            self.end()

    def end(self):
        """Wait until the process is over, and return how it was ``warm.Done``."""
        with self._strace:
            try:
                self._strace.communicate(timeout=SECONDS_LIMIT)
            except subprocess.TimeoutExpired:
                os.kill(self.pid, signal.SIGKILL)
                raise
        self.pid = None
        return self._server.end()


def trace(command, folder, environment, reads=False):
    """Run *command*; return how it was Done, and the Points at which it changes *folder*.

    With *reads* also those at which it opens something there to read it.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        calls = "trace=" + ",".join(MUTATING + WAITING)
        options = ["-y", "-s", "4096", "-o", log.name, "-e", calls]
        with Traced(command, environment, options) as process:
            done = process.end()
        return done, list(_points(log.read().splitlines(), str(folder), reads))


def record(command, environment, calls):
    """Run *command*; return how it was Done, and the lines by which strace tells of its *calls*.

    Those of its children are among them.
    """
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        options = ["-f", "-y", "-s", "4096", "-o", log.name, "-e", "trace=" + ",".join(calls)]
        with Traced(command, environment, options) as process:
            done = process.end()
        return done, log.read().splitlines()


def broken(command, point, fault, environment):
    """Run *command*, which at *point* is killed or, where *fault* is no KILL, gets that error."""
    # With an error the kernel does not begin the call, also where the process is killed.
    what = "error=EIO:signal=KILL" if fault == KILL else f"error={fault}"
    options = ["-o", os.devnull, "-e", f"trace={point.name}"]
    options += ["-e", f"inject={point.name}:{what}:when={point.number}"]
    with Traced(command, environment, options) as process:
        return process.end()


def _points(lines, folder, reads):
    """Yield the Points in a trace; calls of one name are counted wherever they lead to."""
    seen = dict.fromkeys(MUTATING + WAITING, 0)
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        name = match[1]
        seen[name] += 1
        only_reads = name in OPENING and "O_CREAT" not in line and "O_TRUNC" not in line
        if folder in line and (reads or not only_reads):
            yield Point(name, seen[name], line)
