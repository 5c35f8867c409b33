# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs playbooks as a user would, in a clean environment, and reads back what they did as data."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).with_name("plugins") / "callback"
PLAYBOOK = Path(sys.executable).with_name("ansible-playbook")
PATIENCE_S = 300


@dataclass(frozen=True)
class Outcome:
    """What one task did on one host; *result* is what its module returned."""

    status: str  # ok, failed, unreachable or skipped
    ignored: bool
    play: str
    host: str
    task: str
    action: str
    result: dict


@dataclass(frozen=True)
class Run:
    """A run of a playbook that has ended."""

    rc: int
    stdout: str
    stderr: str
    outcomes: list[Outcome] = field(repr=False)
    stats: dict  # {host: {"ok": 1, "changed": 0, "unreachable": 0, "failures": 0, …}}

    @property
    def output(self):
        return self.stdout + self.stderr

    def find(self, task=None, host=None, action=None):
        """Return the outcomes that match all that is given, in the order that they came.

        *task* is the task's name; for a task of a role the role's name may be left out.
        """
        return [
            outcome
            for outcome in self.outcomes
            if (task is None or task in (outcome.task, outcome.task.rpartition(" : ")[2]))
            and (host is None or host == outcome.host)
            and (action is None or action == outcome.action)
        ]

    def result(self, task=None, host=None, action=None):
        """Return the result of the last outcome that matches; there must be one."""
        found = self.find(task, host, action)
        assert found, f"no such task ran: {task or action} on {host}\n{self.output}"
        return found[-1].result


class Running:
    """A run of a playbook that may still be going on."""

    def __init__(self, process, record, output):
        self.process = process
        self._record = record
        self._output = output

    def kill(self):
        """End the controlling process at once; what it started on hosts lives on."""
        os.killpg(self.process.pid, signal.SIGKILL)

    def children(self):
        """Return what this run has started on this machine and still lives: {pid: command}.

        Without the connections that ssh keeps for later runs, on purpose and for some seconds.
        """
        mark = f"RECORD_FILE={self._record}".encode()
        found = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                    found[int(entry.name)] = command
        found.pop(self.process.pid, None)
        return {pid: command for pid, command in found.items() if "[mux]" not in command}

    def wait(self, timeout=PATIENCE_S):
        """Return the Run once it has ended; after *timeout* seconds it is killed and raises."""
        try:
            rc = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        events = [json.loads(line) for line in _lines(self._record)]
        return Run(
            rc=rc,
            stdout=self._output.with_suffix(".out").read_text(encoding="utf-8"),
            stderr=self._output.with_suffix(".err").read_text(encoding="utf-8"),
            outcomes=[Outcome(**event) for event in events if "stats" not in event],
            stats=next((event["stats"] for event in events if "stats" in event), {}),
        )


def until(condition, what, patience_s=120):
    """Wait for *condition* and return what it returns, once that is true.

    Who looks most of the time takes the processor away from what is waited for.
    """
    deadline = time.monotonic() + patience_s
    while (began := time.monotonic()) < deadline:
        value = condition()
        if value:
            return value
        time.sleep(max(0.002, 2 * (time.monotonic() - began)))
    raise AssertionError(f"waited in vain: {what}")


def _lines(path):
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


class Controller:
    """A user on a machine with this collection: a home directory, no settings but the tests'."""

    def __init__(self, home, sockets):
        """Keep traces below *home*, and sockets below *sockets*, whose path must be short."""
        self._home = home
        self._sockets = sockets
        self._runs = 0
        self.collections = [CHECKOUT / ".dev"]

    def run(self, playbook, inventory, *, timeout=PATIENCE_S, **options):
        """Run *playbook* to its end and return the Run; for *options* see ``start``."""
        return self.start(playbook, inventory, **options).wait(timeout)

    def start(
        self,
        playbook,
        inventory,
        *,
        extra_vars=None,
        check=False,
        diff=False,
        limit=None,
        env=None,
        args=(),
        pass_fds=(),
    ):
        """Start *playbook* and return it as Running.

        *playbook* is a path, a name like ``itops.release.deploy``, or the text of a playbook.
        *inventory* is a path. *extra_vars* is a dictionary and keeps its types. *env* is added
        to the environment, *args* to the command; the descriptors *pass_fds* stay open in it.
        """
        self._runs += 1
        here = self._home / f"run{self._runs}"
        here.mkdir(parents=True)
        command = [sys.executable, str(PLAYBOOK), "-i", str(inventory)]
        if extra_vars:
            command += ["-e", json.dumps(extra_vars)]
        if limit:
            command += ["--limit", limit]
        command += ["--check"] * check + ["--diff"] * diff + [*args, _playbook(playbook, here)]
        with open(here / "said.out", "wb") as out, open(here / "said.err", "wb") as err:
            process = subprocess.Popen(
                command,
                cwd=here,
                env={**self._environment(here), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                start_new_session=True,
                pass_fds=pass_fds,
            )
        return Running(process, here / "record.jsonl", here / "said")

    def paste(self, line, timeout=PATIENCE_S):
        """Run *line* as somebody does who pastes it into a shell; return what it said.

        Raises AssertionError where it fails.
        """
        self._runs += 1
        here = self._home / f"run{self._runs}"
        here.mkdir(parents=True)
        environment = self._environment(here)
        done = subprocess.run(
            ["sh", "-c", line],
            cwd=here,
            env={**environment, "PATH": f"{PLAYBOOK.parent}:{environment['PATH']}"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    def _environment(self, here):
        """Return the environment of a run, with none of the caller's settings.

        Connections are kept for this run alone: the next must not meet one to a host that was
        made anew meanwhile.
        """
        settings = here / "ansible.cfg"
        settings.touch()
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self._home),
            "LANG": "C.UTF-8",
            "RECORD_FILE": str(here / "record.jsonl"),
            "ANSIBLE_CONFIG": str(settings),
            "ANSIBLE_COLLECTIONS_PATH": ":".join(map(str, self.collections)),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "itops.release.metrics",
            "ANSIBLE_FORKS": "10",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_SSH_CONTROL_PATH_DIR": tempfile.mkdtemp(prefix="run-", dir=self._sockets),
            "ANSIBLE_SSH_ARGS": "-C -o ControlMaster=auto -o ControlPersist=10s",
            "ANSIBLE_TIMEOUT": "5",
        }


def _playbook(playbook, here):
    if isinstance(playbook, Path) or "\n" not in playbook:
        return str(playbook)
    written = here / "playbook.yml"
    written.write_text(playbook, encoding="utf-8")
    return str(written)
