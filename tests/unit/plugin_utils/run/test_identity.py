# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What names a run, and what proves that it is over."""

from __future__ import annotations

import multiprocessing
import os
import pwd
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.run import _identity

FORK = multiprocessing.get_context("fork")
linux = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="needs Linux's /proc")


@pytest.fixture
def proc(tmp_path):
    """Return a /proc of its own, in which this process is the only one."""
    made = tmp_path / "proc"
    for name in ("sys/kernel/random/boot_id", f"{os.getpid()}/stat"):
        (made / name).parent.mkdir(parents=True)
        shutil.copyfile(f"/proc/{name}", made / name)
    (made / "self/ns").mkdir(parents=True)
    (made / "self/ns/pid").symlink_to(_identity.FIRST_NAMESPACE)
    return made


@pytest.fixture
def ended_pid():
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def edit(path, pattern, replacement):
    text, count = re.subn(pattern, replacement, Path(path).read_text(encoding="utf-8"))
    assert count
    path.write_text(text, encoding="utf-8")


def of_pid(run, pid):
    return run.replace(f".{os.getpid()}.", f".{pid}.")


@pytest.mark.parametrize(
    ("variables", "run"),
    [
        ({"awx_job_id": 7}, "awx-job-7"),
        ({"tower_job_id": "8"}, "awx-job-8"),
        ({"awx_job_id": "7", "tower_job_id": "8"}, "awx-job-7"),
    ],
)
def test_a_run_of_awx_is_its_job(variables, run):
    assert _identity.run_id(variables) == run


def test_another_run_is_named_by_user_machine_and_main_process(monkeypatch):
    monkeypatch.setenv("LOGNAME", "olga from ops")

    run = _identity.run_id({"awx_job_id": ""})

    start = rf"olga_from_ops@{socket.gethostname()}\.{os.getpid()}\.[0-9a-f-]+"
    assert re.fullmatch(start, run)


def test_a_run_is_named_although_its_user_has_no_name(monkeypatch):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(uid):
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert _identity.run_id({}).startswith(f"uid-{os.getuid()}@")


def test_all_workers_name_the_same_run():
    with FORK.Pool(2) as pool:
        names = {pool.apply(_identity.run_id, ({},)) for _turn in range(4)}

    assert names == {_identity.run_id({})}


@linux
def test_two_processes_with_one_number_are_two_runs(proc):
    first = _identity.run_id({}, proc=proc)
    stat = proc / str(os.getpid()) / "stat"
    fields = stat.read_text(encoding="utf-8").split()
    fields[21] = str(int(fields[21]) + 1)
    stat.write_text(" ".join(fields), encoding="utf-8")

    assert _identity.run_id({}, proc=proc) != first
    assert _identity.is_over(first, proc=proc)


@linux
def test_a_programs_name_with_blanks_and_brackets_is_no_trouble(proc):
    run = _identity.run_id({}, proc=proc)
    edit(proc / str(os.getpid()) / "stat", r"\(.*\)", "(tmux: (1) Z 2)")

    assert _identity.run_id({}, proc=proc) == run
    assert not _identity.is_over(run, proc=proc)


def test_this_run_is_not_over():
    assert not _identity.is_over(_identity.run_id({}))


@linux
def test_a_run_is_over_when_its_process_has_ended(ended_pid):
    assert _identity.is_over(of_pid(_identity.run_id({}), ended_pid))


@linux
def test_a_run_is_over_when_nobody_has_collected_its_process():
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=-1) as one:
        ticks = _identity._stat(one.pid, "/proc")[1]
        run = re.sub(r"\.\d+\.[0-9a-f]+-", f".{one.pid}.{ticks}-", _identity.run_id({}))
        assert not _identity.is_over(run)
        one.stdin.close()
        os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)

        assert _identity.is_over(run)


@linux
def test_a_process_that_is_hidden_from_us_is_not_over(proc):
    run = _identity.run_id({}, proc=proc)
    shutil.rmtree(proc / str(os.getpid()))

    assert not _identity.is_over(run, proc=proc)


@linux
def test_a_run_is_over_when_this_machine_has_been_started_anew(proc):
    run = _identity.run_id({}, proc=proc)
    edit(proc / "sys/kernel/random/boot_id", "^....", "-x--")

    assert _identity.is_over(run, proc=proc)


@linux
def test_another_boot_proves_nothing_in_a_container(proc):
    namespace = proc / "self/ns/pid"
    namespace.unlink()
    namespace.symlink_to("pid:[4026532290]")
    run = _identity.run_id({}, proc=proc)
    edit(proc / "sys/kernel/random/boot_id", "^....", "-x--")

    assert not _identity.is_over(run, proc=proc)


@linux
def test_a_run_of_another_container_is_not_known_to_be_over(proc, ended_pid):
    run = of_pid(_identity.run_id({}, proc=proc), ended_pid)
    assert _identity.is_over(run, proc=proc)
    namespace = proc / "self/ns/pid"
    namespace.unlink()
    namespace.symlink_to("pid:[4026532290]")

    assert not _identity.is_over(run, proc=proc)


@linux
def test_a_run_of_another_machine_is_not_known_to_be_over(ended_pid):
    run = of_pid(_identity.run_id({}), ended_pid)

    assert not _identity.is_over(run.replace("@", "@not-"))


@pytest.mark.parametrize("run", ["", "awx-job-7", "somebody", "a@b.1.2", "AWX job 7\n"])
def test_what_is_no_process_is_not_known_to_be_over(run):
    assert not _identity.is_over(run)


@linux
def test_without_proc_a_run_has_its_name_and_is_never_over(tmp_path, ended_pid):
    run = _identity.run_id({}, proc=tmp_path)

    assert re.fullmatch(r"\S+@\S+\.\d+\.[0-9a-f]{8}", run)
    assert run == _identity.run_id({}, proc=tmp_path)
    assert not _identity.is_over(of_pid(run, ended_pid), proc=tmp_path)
