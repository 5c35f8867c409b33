# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operation over a fleet costs: seconds, CPU of both ends, logins, sessions, bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.hosts import network, processes

TICKS = os.sysconf("SC_CLK_TCK")
PATIENCE_S = 5


class Cost(NamedTuple):
    """What one operation took; all but the seconds and the memory are for one host."""

    seconds: float
    controller_cpu: float = 0.0
    host_cpu: float = 0.0
    logins: float = 0.0
    sessions: float = 0.0
    bytes_in: float = 0.0
    bytes_out: float = 0.0
    memory: int = 0


class Meter:
    """Measures operations on the *hosts* of a fleet; *folder* is where ssh keeps its sockets."""

    def __init__(self, fleet, hosts, folder):
        self._fleet = fleet
        self._hosts = hosts
        self._folder = folder
        spaces = network.namespaces(fleet.name)
        self._spaces = {host.name: spaces[host.name] for host in hosts}
        inside = processes.by_host(self._spaces)
        self._idle = {name: len(ids) for name, ids in inside.items()}
        self._first = {name: processes.first_of(ids) for name, ids in inside.items()}
        self._cpu, self._memory = 0.0, 0

    def cost(self, act):
        """Return the Cost of act(), which runs what it measures by ``run``."""
        before, host_before = self._counted(), self._host_cpu()
        self._cpu, self._memory = 0.0, 0
        start = time.monotonic()
        act()
        seconds = time.monotonic() - start
        self._end_connections()
        after, count = self._counted(), len(self._hosts)
        return Cost(
            seconds,
            self._cpu / count,
            (self._host_cpu() - host_before) / count,
            *(
                (getattr(after, name) - getattr(before, name)) / count
                for name in ("logins", "sessions", "bytes_in", "bytes_out")
            ),
            memory=self._memory,
        )

    def run(self, argv, **options):
        """Run *argv* in the folder, counting what it uses; end the measurement if it fails."""
        with open(self._folder / "output", "w+b") as output:
            options = {"cwd": self._folder, "stdout": output, "stderr": output, **options}
            with subprocess.Popen(argv, **options) as process:
                _pid, status, used = os.wait4(process.pid, 0)
                process.returncode = os.waitstatus_to_exitcode(status)
            self._cpu += used.ru_utime + used.ru_stime
            self._memory = max(self._memory, used.ru_maxrss * 1024)
            if process.returncode:
                output.seek(0)
                text = output.read().decode("utf-8", "replace")
                sys.exit(f"bench: {' '.join(map(str, argv))} failed:\n{text[-4000:]}")

    def _counted(self):
        counters = self._fleet.counters(self._hosts).values()
        return sum(counters, next(iter(counters)) - next(iter(counters)))

    def _host_cpu(self):
        """Return the CPU seconds of all hosts: of each first process, and all that it waited for.

        It has waited for all of them once no connection is left.
        """
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            inside = processes.by_host(self._spaces)
            if all(len(ids) <= self._idle[name] for name, ids in inside.items()):
                break
            time.sleep(0.02)
        return sum(_cpu_of(process, range(11, 15)) for process in self._first.values())

    def _end_connections(self):
        """Count and end the ssh processes that keep connections open for the next task."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = process.joinpath("cmdline").read_bytes()
                if words.startswith(b"ssh") and os.fsencode(self._folder) in words:
                    self._cpu += _cpu_of(process.name, range(11, 13))
                    os.kill(int(process.name), signal.SIGTERM)


def _cpu_of(process, fields):
    """Return CPU seconds from /proc/PID/stat: utime, stime and those of children waited for."""
    text = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    values = text.rpartition(")")[2].split()
    return sum(int(values[field]) for field in fields) / TICKS
