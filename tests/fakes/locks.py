# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How to see that a process waits for a lock, on a machine that is busy too."""

from __future__ import annotations

import pathlib
import time

LOCKS = pathlib.Path("/proc/locks")
PATIENCE_S = 20 if LOCKS.exists() else 0.5


def assert_waits(process):
    """See that *process*, which was just started, comes to wait for a lock and does not go on."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and not is_waiting(process.pid):
        process.join(0.01)
        assert process.is_alive()


def is_waiting(pid):
    """Tell whether Linux lists the process as one that waits for a lock (man 5 proc_locks)."""
    lines = LOCKS.read_text(encoding="ascii").splitlines() if LOCKS.exists() else []
    waiting = [line.split() for line in lines if " -> " in line]
    return any(fields[5] == str(pid) for fields in waiting)
