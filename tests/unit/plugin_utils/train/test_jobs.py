# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of ansible-runner: which playbooks they run, what is left of them, how they are ended."""

from __future__ import annotations

import os
import sys
import types

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition._schema_file import (
    MissingLibrary,
)
from ansible_collections.itops.release.plugins.plugin_utils.run import _identity
from ansible_collections.itops.release.plugins.plugin_utils.train import _jobs
from ansible_collections.itops.release.plugins.plugin_utils.train._job import Result, Start
from ansible_collections.itops.release.plugins.plugin_utils.train._train import (
    BACKED_OUT,
    LIVE,
    SETTLED,
    STAGED,
)

DB = {"release_domain": "db", "release_run": ""}


def setting(folder, **more):
    return _jobs.Setting(
        ("/inventory",),
        ("--user=ada", "--extra-vars=@/vars.yml"),
        {"db": "db:&production"},
        {"ANSIBLE_HOST_KEY_CHECKING": "True"},
        str(folder / "output"),
        str(folder / "private"),
        **more,
    )


@pytest.mark.parametrize(
    ("job", "runs", "expected"),
    [
        (STAGED, (), [(_jobs.DEPLOY, {**DB, "release_as": "staged"})]),
        (LIVE, (), [(_jobs.DEPLOY, {**DB, "release_as": ""})]),
        (BACKED_OUT, (), [(_jobs.DEPLOY, {**DB, "release_as": "backed_out"})]),
        (
            BACKED_OUT,
            ("r2", "r1"),
            [
                (_jobs.DEPLOY, {**DB, "release_as": "backed_out", "release_run": "r2"}),
                (_jobs.DEPLOY, {**DB, "release_as": "backed_out", "release_run": "r1"}),
            ],
        ),
        (SETTLED, (), [(_jobs.SETTLE, {"deploy_hosts": "db:&production"})]),
    ],
)
def test_a_job_runs_the_playbooks_of_its_kind(tmp_path, job, runs, expected):
    assert setting(tmp_path).plays(Start(1, "db", job, runs)) == expected


def test_what_another_machine_left_is_taken_over(tmp_path):
    ((_playbook, variables),) = setting(tmp_path).plays(Start(1, "db", LIVE, takeover="run-1"))

    assert variables["deploy_takeover"] == "run-1"


def test_jobs_of_an_awx_job_have_numbers_of_their_own(tmp_path):
    awx = setting(tmp_path, awx={"awx_job_id": "41"})

    ((_playbook, variables),) = awx.plays(Start(3, "db", LIVE))
    assert variables["awx_job_id"] == "41.db.3"
    assert _jobs._named(variables) == "awx-job-41.db.3"
    assert _jobs._named({}) == ""


class Runner:
    """ansible_runner, as far as it is used; it ends with *rc*, after *events*."""

    def __init__(self, rc=0, events=()):
        self.rc, self.events, self.asked = rc, events, []

    def run(self, **asked):
        self.asked.append(asked)
        folder = asked["private_data_dir"]
        assert os.stat(folder).st_mode & 0o777 == 0o700
        for event in self.events:
            assert asked["event_handler"](event) is False  # nothing is kept
        return types.SimpleNamespace(rc=self.rc)


@pytest.fixture
def run(monkeypatch, tmp_path):
    def run(runner, start):
        monkeypatch.setitem(sys.modules, "ansible_runner", runner)
        jobs = _jobs.RunnerJobs(setting(tmp_path))
        job = jobs.start(start)
        told = []
        while job.result is None:
            told += jobs.wait(1)
        told += jobs.wait(0)
        assert os.listdir(tmp_path / "private") == []
        jobs.close()
        assert not (tmp_path / "private").exists()
        return job, told

    return run


def test_a_job_is_run_with_the_command_line_of_the_train(run):
    said = {"event": "verbose", "stdout": "closed: window\nother\n", "pid": os.getpid()}
    runner = Runner(2, [said, {"event": "verbose", "stdout": ""}])
    job, told = run(runner, Start(4, "db", LIVE))

    (asked,) = runner.asked
    assert asked["cmdline"].endswith(
        f" {os.getpid()} {sys.executable} -P -m ansible playbook itops.release.deploy --user=ada "
        "--extra-vars=@/vars.yml"
    )
    assert (asked["binary"], asked["inventory"]) == (sys.executable, ["/inventory"])
    assert asked["envvars"]["ANSIBLE_HOST_KEY_CHECKING"] == "True"
    assert asked["fact_cache_type"] == "none"
    assert told == [("db", "closed: window")]
    assert job.result == Result(2, "", "", "")
    assert job.run == _identity.process_id(pid=os.getpid())
    assert os.path.basename(job.output) == "004-db-live.log"
    assert os.stat(job.output).st_mode & 0o777 == 0o600
    with open(job.output, encoding="utf-8") as stream:
        assert stream.read() == "closed: window\nother\n"


def test_the_first_playbook_that_fails_ends_a_job(run):
    runner = Runner(2)
    run(runner, Start(1, "db", BACKED_OUT, ("r2", "r1")))

    assert [asked["extravars"]["release_run"] for asked in runner.asked] == ["r2"]


def test_a_job_that_cannot_be_run_ends_with_the_reason(run):
    class Broken(Runner):
        def run(self, **asked):
            raise ValueError("no\npty")

    job, _told = run(Broken(), Start(1, "db", LIVE))
    assert job.result == Result(_jobs.BROKEN, reason="no pty")


def test_a_job_is_asked_to_end_before_it_is_killed(tmp_path, monkeypatch):
    sent = []
    monkeypatch.setattr(os, "kill", lambda *arguments: sent.append(arguments))
    job = _jobs.RunnerJob(Start(1, "db", LIVE), "", setting(tmp_path), lambda *told: None)
    assert not job.is_to_be_killed()
    job.listener.pid = 42
    job.stop()

    assert [pid for pid, _number in sent] == [42]
    assert not job.is_to_be_killed()
    job.stopped -= _jobs.GRACE_SECONDS + 1
    assert job.is_to_be_killed()


def test_a_job_that_never_answered_is_killed_at_once(tmp_path):
    job = _jobs.RunnerJob(Start(1, "db", LIVE), "", setting(tmp_path), lambda *told: None)
    job.stop()

    assert job.is_to_be_killed()


def test_what_killed_trains_left_is_removed(tmp_path):
    for name in ("over", "alive"):
        (tmp_path / name / "env").mkdir(parents=True)
    _jobs.sweep(str(tmp_path), lambda run: run == "over")
    _jobs.sweep(str(tmp_path / "nowhere"), lambda run: True)

    assert os.listdir(tmp_path) == ["alive"]


def test_without_ansible_runner_its_name_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ansible_runner", None)

    with pytest.raises(MissingLibrary, match="ansible-runner"):
        _jobs.RunnerJobs(setting(tmp_path))
