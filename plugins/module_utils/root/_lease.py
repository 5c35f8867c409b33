# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lease on a root: which run holds it, and whether the process that took it lives on."""

from __future__ import annotations

import os
from dataclasses import replace

from . import _records, _state

PROC = "/proc"


def taken(run: str, now: str) -> _records.Lease:
    """Return the lease of *run* while a call of it runs in this process."""
    pid = os.getpid()
    return _records.Lease(run, now, pid, started=_started(pid, PROC), boot=_boot(PROC))


def left_open(lease: _records.Lease) -> _records.Lease:
    """Return *lease* as it stays with its run when the call has ended."""
    return replace(lease, pid=None, started=None, boot=None)


def is_running(lease: _records.Lease, proc: str = PROC) -> bool:
    """Tell whether the process that took *lease* lives: a number used again does not count."""
    pid = lease.pid
    if pid is None or lease.boot != _boot(proc):
        return False
    if not os.path.isdir(proc):
        return _answers(pid)
    return lease.started is not None and _started(pid, proc) == lease.started


def hindrance(state: _state.State, run: str, takeover: str | None) -> str | None:
    """Return why *run* cannot have the lease now: ``busy``, ``on trial``, or None when it can.

    A lease ends by its run, by a *takeover* that names that run, or, where the process that took
    it is gone and left nothing on trial, by that. No clock ends it.
    """
    lease = state.lease
    if not lease or lease.run in (run, takeover):
        return None
    if is_running(lease):
        return "busy"
    return "on trial" if state.trial else None


def _started(pid: int, proc: str) -> str | None:
    """Return when the process *pid* began, in the kernel's own count, or None if it is gone."""
    try:
        with open(os.path.join(proc, str(pid), "stat"), "rb") as stream:
            # The program's name before it, in brackets, may hold anything.
            fields = stream.read().rpartition(b")")[2].split()
    except OSError:
        return None
    state, started = fields[0], fields[19]
    return None if state in (b"Z", b"X") else started.decode("ascii")


def _boot(proc: str) -> str | None:
    try:
        with open(os.path.join(proc, "sys/kernel/random/boot_id"), encoding="ascii") as stream:
            return stream.read().strip()
    except OSError:
        return None


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
