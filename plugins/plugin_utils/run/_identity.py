# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a run of Ansible, and whether a run so named is over for certain."""

from __future__ import annotations

import getpass
import hashlib
import multiprocessing
import os
import re
import socket
import subprocess
from collections.abc import Mapping
from typing import Any

# User, machine, main process, its start in ticks since the boot, the boot, and the namespace in
# which the number of the process has its meaning, on which installation of a system.
PROCESS_RUN = re.compile(
    r"\S+@(?P<host>[^@\s]+)\.(?P<pid>\d+)\.(?P<ticks>[0-9a-f]+)-(?P<boot>[0-9a-f]{4})"
    r"-(?P<place>[0-9a-f]{8})"
)
# The number that Linux gives the first namespace of processes on every machine: no container.
FIRST_NAMESPACE = "pid:[4026531836]"


def run_id(task_vars: Mapping[str, Any], proc: str = "/proc") -> str:
    """Return what names this run, the same in all its workers, and never the same for two runs.

    In AWX that is the job, elsewhere the main process. It has no blanks.
    """
    for key in ("awx_job_id", "tower_job_id"):
        if task_vars.get(key):
            return f"awx-job-{task_vars[key]}"
    return process_id(proc)


def process_id(proc: str = "/proc", pid: int = 0) -> str:
    """Return what names the main process of this run; unlike a job's number it never repeats.

    With a *pid*, that of the run whose main process it is.
    """
    pid = pid or main_pid()
    who = re.sub(r"\s", "_", f"{user_name()}@{socket.gethostname()}")
    return f"{who}.{pid}.{_start(pid, proc)}"


def is_over(run: str, proc: str = "/proc") -> bool:
    """Tell whether *run* has ended for certain: its process, or the boot of this machine, is gone.

    What this machine cannot know is not over: a run of another machine, container or AWX job.
    """
    named = PROCESS_RUN.fullmatch(run)
    if not named or named["host"] != socket.gethostname():
        return False
    try:
        boot, place = _boot(proc), _place(proc)
    except OSError:
        return False
    if named["place"] != place:
        return False
    if named["boot"] != boot:
        # Containers on two machines may be alike in everything else.
        return _namespace(proc) == FIRST_NAMESPACE
    return _is_gone(int(named["pid"]), named["ticks"], proc)


def is_alive(run: str, proc: str = "/proc") -> bool:
    """Tell whether *run* is certainly going on: a process of this machine that is still there."""
    named = PROCESS_RUN.fullmatch(run)
    if not named or named["host"] != socket.gethostname():
        return False
    try:
        if (named["boot"], named["place"]) != (_boot(proc), _place(proc)):
            return False
    except OSError:
        return False
    return not _is_gone(int(named["pid"]), named["ticks"], proc)


def main_pid() -> int:
    """Return the process of ansible-playbook itself, also in a worker that has outlived it."""
    parent = multiprocessing.parent_process()
    return parent.pid if parent and parent.pid else os.getpid()


def _start(pid: int, proc: str) -> str:
    """Return what tells the process *pid* from all that had or will have its number."""
    try:
        _state, ticks = _stat(pid, proc)
        return f"{ticks}-{_boot(proc)}-{_place(proc)}"
    except OSError:
        command = ["ps", "-o", "lstart=", "-p", str(pid)]
        started = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        return _hash(started.strip())


def _is_gone(pid: int, ticks: str, proc: str) -> bool:
    try:
        state, found = _stat(pid, proc)
    except OSError:
        # It may be there and hidden from us.
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:
            pass
        return False
    return found != ticks or state in "ZX"


def _stat(pid: int, proc: str) -> tuple[str, str]:
    """Return the state of the process *pid* and its start in ticks since the boot, in hex."""
    with open(f"{proc}/{pid}/stat", encoding="utf-8", errors="replace") as stream:
        # The second field is the program's name in brackets, which may hold anything.
        fields = stream.read().rpartition(")")[2].split()
    return fields[0], f"{int(fields[19]):x}"


def _boot(proc: str) -> str:
    with open(f"{proc}/sys/kernel/random/boot_id", encoding="ascii") as stream:
        return stream.read()[:4]


def _place(proc: str) -> str:
    try:
        with open("/etc/machine-id", "rb") as stream:
            installation = stream.read()
    except OSError:
        installation = b""
    return _hash(installation + _namespace(proc).encode())


def _namespace(proc: str) -> str:
    return os.readlink(f"{proc}/self/ns/pid")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def user_name() -> str:
    """Return the name of the user that this process runs as; ``uid-<number>`` without one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # containers run as numbers that nobody has listed
        return f"uid-{os.getuid()}"
