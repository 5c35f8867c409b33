# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real PostgreSQL server, reached by a Unix socket; nothing of it is a fake but its data."""

from __future__ import annotations

import contextlib
import glob
import itertools
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

PATIENCE_S = 60
SETTINGS = {
    "listen_addresses": "",  # so that no port has to be free
    "max_connections": "50",
    "shared_buffers": "32MB",
}


def programs():
    """Return the folder with the newest server's programs, None where there is no server."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: path.split("/")[4])
    return pathlib.Path(found[-1]) if found else None


def why_not():
    """Return in one line why no server can be run here, or None."""
    if programs() is None:
        return "PostgreSQL's server is missing (Debian: postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam("postgres")
        except KeyError:
            return "PostgreSQL does not run as root, and there is no user postgres"
    return None


@contextlib.contextmanager
def running():
    """Give a Server that runs; the test is skipped where there can be none."""
    reason = why_not()
    if reason:
        pytest.skip(reason)
    server = Server()
    try:
        server.start()
        yield server
    finally:
        server.close()


class Server:
    """A server with data of its own; ``stop`` and ``start`` as often as wanted."""

    def __init__(self):
        self._folder = pathlib.Path(tempfile.mkdtemp(prefix="itr-pg-"))
        self._user = "postgres" if os.geteuid() == 0 else None
        self._numbers = itertools.count(1)
        self._process = None
        if self._user:
            shutil.chown(self._folder, self._user)
        data = self._folder / "data"
        options = ["--auth=trust", "--username=tester", "--no-sync", "--encoding=UTF8"]
        self._run("initdb", *options, "--locale=C", "-D", str(data))
        self._data = data

    def start(self):
        """Start the server and wait until it answers."""
        settings = itertools.chain(*(("-c", f"{key}={value}") for key, value in SETTINGS.items()))
        command = [programs() / "postgres", "-D", self._data, "-k", self._folder, *settings]
        with open(self._folder / "log", "ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=self._folder,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE_S
        while self._ask("SELECT 1").returncode:
            assert self._process.poll() is None, (self._folder / "log").read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.05)

    def stop(self, how=signal.SIGQUIT):
        """End the server: by SIGQUIT at once, as a crash does; by SIGINT in order."""
        self._process.send_signal(how)
        self._process.wait(PATIENCE_S)

    def database(self):
        """Make a database and return its URL."""
        name = f"ledger{next(self._numbers)}"
        done = self._ask(f"CREATE DATABASE {name}")
        assert done.returncode == 0, done.stderr
        return f"postgresql://tester@/{name}?host={self._folder}"

    def close(self):
        """End the server and remove its data."""
        with contextlib.suppress(AttributeError):
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, statement):
        command = ["psql", "-h", self._folder, "-U", "tester", "-d", "postgres", "-c", statement]
        return subprocess.run(
            [programs() / command[0], *command[1:]], capture_output=True, text=True, check=False
        )

    def _run(self, program, *arguments):
        done = subprocess.run(
            [programs() / program, *arguments],
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
