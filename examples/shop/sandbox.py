# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandboxes of the demos: free ports, and the end of all processes that ran in a folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

# All that a demo starts inherits this variable, whose value is the folder of the sandbox.
MARK = "ITOPS_RELEASE_DEMO"


class NotShownError(Exception):
    """A step did not show what it promises."""


def processes(directory):
    """Return the number of each process that was started in the sandbox and still runs."""
    mark = f"{MARK}={directory}".encode()
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended while we looked, or it is another user's
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


def remove(directory):
    """End every process of the sandbox, then delete its folder."""
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    began = time.monotonic()
    while found := processes(directory):
        patient = time.monotonic() - began < 3
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGTERM if patient else signal.SIGKILL)
        time.sleep(0.1)
    shutil.rmtree(directory)


def free_ports(count, usual=()):
    """Return a port after which *count* ports are free on this machine, a *usual* one if it can."""
    # Demos that begin at the same time begin to look at different places.
    places = list(range(20000, 32000, 100))
    first = os.getpid() % len(places)
    for port in (*usual, *places[first:], *places[:first]):
        if all(is_free(port + offset) for offset in range(1, count + 1)):
            return port
    sys.exit(f"the demo needs {count} free ports in a row, and found none between 20000 and 32000")


def is_free(port):
    """Tell whether a service could listen on the *port* of 127.0.0.1."""
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
