# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: by ansible-runner, in a folder that is thrown away, with PostgreSQL."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.tests.fakes import postgresql
from ansible_collections.itops.release.tests.integration.ansible_run import CHECKOUT, Controller
from ansible_collections.itops.release.tests.integration.applications import (
    live_version,
    seal_all,
    write_application,
)

pytestmark = pytest.mark.slow
RUNNER = Path(sys.executable).with_name("ansible-runner")
SETTINGS = "[defaults]\ncallbacks_enabled = itops.release.metrics\n"


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 and 2.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(directory / f"{n}", {"version": f"{n}"}, f"{n}.0.0", n) for n in (1, 2)
    ]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


@pytest.fixture(scope="module")
def database():
    """Return the URL of a database."""
    with postgresql.running() as server:
        yield server.database()


class Job:
    """A job that has ended: its exit status, its events and its artifacts."""

    def __init__(self, folder):
        artifacts = folder / "artifacts/1"
        self.rc = int((artifacts / "rc").read_text())
        self.stdout = (artifacts / "stdout").read_text()
        files = (artifacts / "job_events").glob("*.json")
        events = [json.loads(path.read_text()) for path in files]
        (stats,) = [event for event in events if event.get("event") == "playbook_on_stats"]
        self.artifacts = stats["event_data"]["artifact_data"]


@pytest.fixture
def launch(local_hosts, inventory, library, database, tmp_path):
    """Return ``launch(playbook, **extra)``: a Job, whose number counts up; and the hosts."""
    hosts = local_hosts(2)
    names = [host.name for host in hosts]
    written = inventory(
        hosts,
        {"staging": names[:1], "production": names[1:]},
        deploy_root="{{ srv }}/shop",
        deploy_media_library=str(library),
        deploy_probe={"command": ["test", "!", "-e", "{{ srv }}/sick"], "retries": 0},
        release_ledger=database,
    )
    number = 40

    def run(playbook, user="ada", **extra):
        nonlocal number
        number += 1
        folder = tmp_path / f"job{number}"
        project = folder / "project"
        collections = project / "collections/ansible_collections/itops"
        collections.mkdir(parents=True)
        (collections / "release").symlink_to(CHECKOUT)
        (project / "ansible.cfg").write_text(SETTINGS)
        (project / "job.yml").write_text(f"- import_playbook: itops.release.{playbook}\n")
        (folder / "inventory").mkdir()
        shutil.copy(written, folder / "inventory/hosts.json")
        (folder / "env").mkdir()
        job = {"awx_job_id": number, "awx_user_name": user, "awx_job_template_name": playbook}
        (folder / "env/extravars").write_text(json.dumps({**job, **extra}))
        command = [RUNNER, "run", folder, "-p", "job.yml", "-i", "1", "-q"]
        home = {"PATH": f"{RUNNER.parent}:{os.environ['PATH']}", "HOME": str(folder)}
        done = subprocess.run(command, env=home, capture_output=True, text=True, check=False)
        try:
            return Job(folder)
        except FileNotFoundError:
            pytest.fail(done.stdout + done.stderr)

    return run, hosts


@pytest.mark.every_point
def test_jobs_record_themselves_and_leave_their_verdict_to_the_workflow(launch, database):
    run, hosts = launch
    jobs = [run("deploy", deploy_release="shop:1.0.0")]
    (hosts[1].seen / "sick").touch()
    jobs.append(run("deploy", deploy_release="shop:2.0.0"))
    (hosts[1].seen / "sick").unlink()
    jobs.append(run("rollback"))
    jobs.append(run("status", release_dest=str(hosts[0].seen / "status.json")))

    assert [job.rc for job in jobs] == [0, 2, 2, 0], [job.stdout for job in jobs]
    verdicts = [job.artifacts.get("release_verdict") for job in jobs]
    assert verdicts == ["done", "failed", "refused", None]
    assert len(jobs[0].artifacts["release_digest"]) == 64
    ledger = Ledger(database)
    rows = ledger.rows("runs", "sequence")
    assert [(row["run"], row["verdict"]) for row in rows] == [
        ("awx-job-41", "done"),
        ("awx-job-42", "failed"),
        ("awx-job-43", "refused"),
    ]
    assert {row["strength"] for row in rows} == {"awx"}
    assert rows[0]["actor"] == "ada (AWX 41)"
    live = {row["host"]: row["version"] for row in ledger.rows("deployments")}
    assert live == {host.name: live_version(host) for host in hosts}
    status = json.loads((hosts[0].seen / "status.json").read_text())
    assert (status["unrecorded"], status["open"]) == ([], [])
    ledger.close()


POLICY = """
format: 1
people:
  ada: {roles: [release_manager], awx: ada}
  ben: {roles: [operations], awx: ben}
environments:
  staging: {}
  production:
    plan_required: true
    approvals: {operations: 1}
    strength: awx
    separation: [author, approver]
"""
PLAN = """
format: 1
plan: shop-1
author: ada
release: shop:1.0.0
why: First
change: normal
path:
  - {environment: staging, hosts: staging}
  - {environment: production, hosts: production}
"""


def test_jobs_go_by_a_plan_with_the_values_of_surveys(launch, database, tmp_path):
    run, hosts = launch
    (tmp_path / "policy.yml").write_text(POLICY)
    (tmp_path / "plan.yml").write_text(PLAN)
    inventory = next(tmp_path.glob("inventory*.json"))
    plain = json.loads(inventory.read_text())
    plain["all"]["vars"] |= {
        "release_policy": str(tmp_path / "policy.yml"),
        "release_ledger": f"{database}",
        "release_approvals": str(tmp_path / "approvals"),
    }
    inventory.write_text(json.dumps(plain))
    survey = {
        "release_plan": str(tmp_path / "plan.yml"),
        "release_override": "",
        "release_reason": "",
        "release_at": "",
        "release_key": "",
    }
    jobs = [
        run("plan", **survey),
        run("deploy", **survey, release_env="staging"),
        run("deploy", **survey, release_env="production"),
        run("approve", **survey, release_env="production"),  # by ada, who wrote it
        run("approve", "ben", **{**survey, "release_reason": "Read it"}, release_env=""),
        run("deploy", **survey, release_env="production"),
    ]

    assert [job.rc for job in jobs] == [0, 0, 2, 2, 0, 0], jobs[0].stdout
    verdicts = [job.artifacts.get("release_verdict") for job in jobs]
    assert verdicts[1] == verdicts[5] == "done"
    assert "closed: approvals: operations 0 of 1 (needs ben)" in jobs[2].stdout
    assert [live_version(host) for host in hosts] == ["1.0.0", "1.0.0"]
