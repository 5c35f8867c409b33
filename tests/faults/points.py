# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The system calls by which a process changes its folder: listing them, and breaking one."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from typing import NamedTuple

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
    """One call of a process: the *number*-th of its name; *line* is how strace tells of it."""

    name: str
    number: int
    line: str

    @property
    def waits(self):
        return self.name in WAITING


class Done(NamedTuple):
    """How a process ended: its exit status (negative: by which signal), and what it said."""

    status: int
    stdout: str
    stderr: str


def trace(command, folder, environment):
    """Run *command*; return how it was Done, and the Points at which it changes *folder*."""
    with tempfile.NamedTemporaryFile("r", encoding="utf-8", errors="replace") as log:
        calls = "trace=" + ",".join(MUTATING + WAITING)
        options = ["-qq", "-y", "-s", "4096", "-o", log.name, "-e", calls]
        done = _run(["strace", *options, *command], environment)
        return done, list(_points(log.read().splitlines(), str(folder)))


def broken(command, point, fault, environment):
    """Run *command*, which at *point* is killed or, where *fault* is no KILL, gets that error."""
    # With an error the kernel does not begin the call, also where the process is killed.
    what = "error=EIO:signal=KILL" if fault == KILL else f"error={fault}"
    options = ["-qq", "-o", os.devnull, "-e", f"trace={point.name}"]
    options += ["-e", f"inject={point.name}:{what}:when={point.number}"]
    return _run(["strace", *options, *command], environment)


def _run(command, environment):
    done = subprocess.run(
        command,
        cwd="/",
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        timeout=SECONDS_LIMIT,
        check=False,
    )
    return Done(done.returncode, done.stdout, done.stderr)


def _points(lines, folder):
    """Yield the Points in a trace; calls of one name are counted wherever they lead to."""
    seen = dict.fromkeys(MUTATING + WAITING, 0)
    for line in lines:
        match = LINE.match(line)
        if not match:
            continue
        name = match[1]
        seen[name] += 1
        only_reads = name in OPENING and "O_CREAT" not in line and "O_TRUNC" not in line
        if folder in line and not only_reads:
            yield Point(name, seen[name], line)
