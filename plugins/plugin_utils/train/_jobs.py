# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as ansible-runner runs them, on this machine: the only file that imports it."""

from __future__ import annotations

import contextlib
import os
import queue
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..definition._schema_file import MissingLibrary
from ..run import _identity, _lifetime
from ._job import Result, Start
from ._listening import Listener
from ._train import BACKED_OUT, SETTLED, STAGED

DEPLOY, SETTLE = "itops.release.deploy", "itops.release.ledger_import"
AWX_JOBS = ("awx_job_id", "tower_job_id")
GRACE_SECONDS = 30.0  # between the request to end, and the end by force
POLL_SECONDS = 1  # ansible-runner asks so often whether a job is to end
BROKEN = 70  # exit status of a job that could not be run


@dataclass(frozen=True)
class Setting:
    """What all jobs of a train have in common.

    *sources* are those of the inventory, *arguments* what else the command line says, with its
    extra variables; *environment* is set for their processes. *hosts* are patterns by domain,
    *output* is the directory for what jobs print, *private* for what ansible-runner needs.
    *awx* are variables that number a job of AWX.
    """

    sources: Sequence[str]
    arguments: Sequence[str]
    hosts: Mapping[str, str]
    environment: Mapping[str, str]
    output: str
    private: str
    awx: Mapping[str, str] = field(default_factory=dict)

    def plays(self, start: Start) -> list[tuple[str, dict[str, Any]]]:
        """Return the playbooks that a job runs one after the other, each with its variables."""
        numbers = {name: f"{job}.{start.domain}.{start.number}" for name, job in self.awx.items()}
        if start.job == SETTLED:
            return [(SETTLE, {**numbers, "deploy_hosts": self.hosts[start.domain]})]
        common = {**numbers, "release_domain": start.domain, "release_run": ""}
        common |= {"deploy_takeover": start.takeover} if start.takeover else {}
        if start.job == BACKED_OUT:
            going_back = {**common, "release_as": "backed_out"}
            return [(DEPLOY, {**going_back, "release_run": run}) for run in start.runs or ("",)]
        return [(DEPLOY, {**common, "release_as": "staged" if start.job == STAGED else ""})]


@dataclass
class RunnerJob:
    """A job in a thread of its own."""

    start: Start
    output: str
    setting: Setting
    tell: Callable[[str, str], None]
    run: str = ""
    result: Result | None = None
    listener: Listener = field(default_factory=Listener)
    heard: float = field(default_factory=time.monotonic)
    stopped: float | None = None

    def silent_s(self) -> float:
        """Return how many seconds ago it gave its last sign of life."""
        return time.monotonic() - self.heard

    def stop(self) -> None:
        """Ask the process of the job to end; ansible-runner kills what is left after a while."""
        self.stopped = time.monotonic()
        if self.listener.pid:
            with contextlib.suppress(OSError):
                os.kill(self.listener.pid, signal.SIGTERM)

    def is_to_be_killed(self) -> bool:
        """Tell ansible-runner whether to kill the processes of the job now."""
        if self.stopped is None:
            return False
        return not self.listener.pid or time.monotonic() - self.stopped > GRACE_SECONDS

    def go(self) -> None:
        """Run all its playbooks, up to the first that fails."""
        result = Result(BROKEN, reason="it could not be started")
        try:
            for playbook, variables in self.setting.plays(self.start):
                result = self._play(playbook, variables)
                if result.rc != 0 or self.stopped is not None:
                    break
        except Exception as error:  # whatever it is, the train has to know that the job is over
            result = Result(BROKEN, reason=" ".join(str(error).split()))
        finally:
            self.result = result
            self.tell(self.start.domain, "")

    def _play(self, playbook: str, variables: Mapping[str, Any]) -> Result:
        runner = _library()
        self.listener, self.run = Listener(), _named(variables)
        folder = tempfile.mkdtemp(prefix=f"{self.start.domain}-", dir=self.setting.private)
        command = [_lifetime.__file__, str(os.getpid()), sys.executable, "-P", "-m", "ansible"]
        try:
            with open(self.output, "a", encoding="utf-8") as stream:
                done = runner.run(
                    private_data_dir=folder,
                    project_dir=os.getcwd(),
                    binary=sys.executable,
                    cmdline=shlex.join([*command, "playbook", playbook, *self.setting.arguments]),
                    inventory=list(self.setting.sources),
                    extravars=dict(variables),
                    fact_cache_type="none",  # that of this run is used
                    envvars=dict(self.setting.environment),
                    settings={"pexpect_timeout": POLL_SECONDS, "suppress_output_file": True},
                    event_handler=lambda event: self._heard(event, stream),
                    cancel_callback=self.is_to_be_killed,
                    quiet=True,
                )
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        told = self.listener
        reason = told.reason or ("" if done.rc == 0 else told.failure)
        return Result(int(done.rc), told.verdict, reason, told.run)

    def _heard(self, event: Mapping[str, Any], stream: Any) -> bool:
        """Note an *event* of the job; the answer is that ansible-runner need not keep it."""
        self.heard = time.monotonic()
        text = str(event.get("stdout") or "")
        if text:
            stream.write(text.rstrip("\n") + "\n")
            stream.flush()
        for line in self.listener.lines(event):
            self.tell(self.start.domain, line)
        if self.listener.pid and not self.run:
            with contextlib.suppress(OSError, subprocess.SubprocessError):  # it has just ended
                self.run = _identity.process_id(pid=self.listener.pid)
        return False


class RunnerJobs:
    """Starts jobs with one *setting*."""

    def __init__(self, setting: Setting) -> None:
        _library()
        self._setting = setting
        self._told: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        os.makedirs(setting.output, mode=0o700, exist_ok=True)
        os.makedirs(setting.private, mode=0o700, exist_ok=True)

    def start(self, start: Start) -> RunnerJob:
        """Start a job and return it; it goes on by itself."""
        name = f"{start.number:03}-{start.domain}-{start.job}.log"
        output = os.path.join(self._setting.output, name)
        with open(os.open(output, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8"):
            pass
        job = RunnerJob(start, output, self._setting, lambda *told: self._told.put(told))
        threading.Thread(target=job.go, name=name, daemon=True).start()
        return job

    def wait(self, seconds: float) -> list[tuple[str, str]]:
        """Return what jobs told since; wait at most *seconds* for something."""
        told = []
        try:
            told.append(self._told.get(timeout=seconds))
            while True:
                told.append(self._told.get_nowait())
        except queue.Empty:
            return [(domain, line) for domain, line in told if line]

    def close(self) -> None:
        """Remove what ansible-runner needed."""
        shutil.rmtree(self._setting.private, ignore_errors=True)


def _named(variables: Mapping[str, Any]) -> str:
    """Return how a job of AWX names itself; "" for others, which are named by their process."""
    return _identity.run_id(variables) if set(AWX_JOBS) & set(variables) else ""


def sweep(folder: str, is_over: Callable[[str], bool]) -> None:
    """Remove what trains left in the *folder* of private directories whose process is over."""
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if is_over(name):
                shutil.rmtree(os.path.join(folder, name), ignore_errors=True)


def _library() -> Any:
    try:
        import ansible_runner
    except ImportError:
        raise MissingLibrary("ansible-runner") from None
    return ansible_runner
