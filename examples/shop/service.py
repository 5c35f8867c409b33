# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the shop runs as a service where there is no systemd: one process for a deployment root.

    python service.py restart --root ROOT --port PORT    start what is live, ending what ran
    python service.py stop --root ROOT                   end what runs

The service inherits a lock on ROOT/shared/run/shop.pid. While the lock is held, the process whose
number the file holds is the service; once it is free nothing runs, however the service ended. So
no stranger is ever signalled.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

PATIENCE = 10.0  # seconds for the service to listen after its start, or to end after SIGTERM


def main():
    parser = argparse.ArgumentParser(description="Run the shop of one deployment root.")
    parser.add_argument("action", choices=("restart", "stop"))
    parser.add_argument("--root", type=Path, required=True, help="the deployment root")
    parser.add_argument("--port", type=int, help="the port to listen on, at 127.0.0.1")
    arguments = parser.parse_args()
    if arguments.action == "restart" and arguments.port is None:
        parser.error("restart needs --port")

    run = arguments.root / "shared" / "run"
    if arguments.action == "stop" and not run.exists():
        return
    run.mkdir(parents=True, exist_ok=True)
    with open(run / "shop.pid", "a+", encoding="ascii") as pid_file:
        stop(pid_file)
        current = arguments.root / "current"
        # Taking back a first release leaves none: then a restart only stops.
        if arguments.action == "restart" and current.exists():
            start(pid_file, current.resolve(), arguments.port, run.parent / "log")


def stop(pid_file):
    """End the service that holds the lock, if there is one, and hold the lock instead."""
    began = time.monotonic()
    while not locked(pid_file):
        waited = time.monotonic() - began
        pid_file.seek(0)
        pid = pid_file.read().strip()
        if waited > 2 * PATIENCE:
            sys.exit(
                f"{pid_file.name} is locked by process {pid or '(unknown)'}, which does not end"
            )
        if pid:
            # It may have ended since the lock was tried.
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGTERM if waited < PATIENCE else signal.SIGKILL)
        time.sleep(0.02)
    pid_file.truncate(0)


def locked(pid_file):
    try:
        fcntl.flock(pid_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def start(pid_file, tree, port, log_directory):
    """Start the shop of *tree*, hand it the lock, and return when it listens."""
    if listens(port):
        sys.exit(f"port {port} is taken by another process")
    log_directory.mkdir(exist_ok=True)
    log_path = log_directory / "shop.log"
    with open(log_path, "ab") as log:
        service = subprocess.Popen(
            # -B: a sealed tree stays as it was sealed
            [sys.executable, "-B", "-m", "shop", "--port", str(port)],
            cwd=tree,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[pid_file.fileno()],
        )
    pid_file.write(f"{service.pid}\n")
    pid_file.flush()
    deadline = time.monotonic() + PATIENCE
    while not listens(port):
        if service.poll() is not None:
            sys.exit(f"the shop ended with status {service.returncode}: {last_line(log_path)}")
        if time.monotonic() > deadline:
            sys.exit(f"nothing listens on port {port} after {PATIENCE:.0f} s: see {log_path}")
        time.sleep(0.02)


def listens(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def last_line(path):
    lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line for line in reversed(lines) if line), "it wrote nothing")


if __name__ == "__main__":
    main()
