# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver, waiting with all that it imports: it forks for each job, since Python starts slowly.

A job's process waits until it is let go, so that whoever wants to can trace it.
"""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from typing import NamedTuple


class Done(NamedTuple):
    """How a process ended: its exit status (negative: by which signal), and what it said."""

    status: int
    stdout: str
    stderr: str


def server(command, environment):
    """Return the Server of *command*, the driver without a job: one and the same each time."""
    common = {key: value for key, value in environment.items() if key != "TMPDIR"}
    return _server(tuple(command), tuple(common.items()))


@functools.lru_cache(maxsize=None)
def _server(command, environment):
    return Server(command, dict(environment))


class Server:
    """A process of the driver; it ends with us, when its standard input does."""

    def __init__(self, command, environment):
        self._stderr = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
        self._process = subprocess.Popen(
            command,
            cwd="/",
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            errors="replace",
        )

    def begin(self, job, environment):
        """Make a process for a job, and return its pid."""
        self._say(json.dumps({"job": job, "environment": environment}))
        return int(self._process.stdout.readline())

    def let_go(self):
        """Let the process that was begun last do its job."""
        self._say("")

    def end(self):
        """Wait for the process that was begun last, and return how it was Done."""
        answer, status = (self._process.stdout.readline().rstrip("\n") for _line in range(2))
        self._stderr.seek(0)
        said = self._stderr.read()
        self._stderr.seek(0)
        self._stderr.truncate()
        return Done(int(status), answer, said)

    def _say(self, line):
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
