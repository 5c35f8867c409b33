# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of hosts: found by the network namespace that they run in, and ended by it.

Nothing is remembered between calls, so hosts of a run that died are found like any others.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from .commands import HostsError

PATIENCE_S = 10


def by_host(namespaces):
    """Return ``{host: [process ids]}`` of all processes in *namespaces* (``{host: path}``)."""
    hosts = {path.stat().st_ino: host for host, path in namespaces.items()}
    found = {host: [] for host in namespaces}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            host = hosts.get(process.joinpath("ns/net").stat().st_ino)
        except OSError:  # it has ended since
            continue
        if host:
            found[host].append(int(process.name))
    return found


def end(namespaces):
    """End every process in *namespaces* at once, as a power cut would, and wait until it is so."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        left = [process for ids in by_host(namespaces).values() for process in ids]
        if not left:
            return
        if time.monotonic() > deadline:
            raise HostsError(f"processes of hosts do not end: {left}")
        for process in left:
            _kill(process)
        time.sleep(0.01)


def _kill(process):
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


def first_of(processes):
    """Return the one of *processes* that is process 1 of its host, or None (the host is off)."""
    for process in processes:
        try:
            status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        identities = next(line for line in status.splitlines() if line.startswith("NSpid:"))
        if identities.split()[2:] == ["1"]:
            return process
    return None


def started(process):
    """Return when *process* started, in clock ticks since boot, or None when it has ended."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])
