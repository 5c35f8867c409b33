# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of real playbooks that are added to metrics and posted to a webhook, which may be down."""

from __future__ import annotations

import json
import signal

import pytest
from prometheus_client.parser import text_string_to_metric_families

from ansible_collections.itops.release.tests.fakes import receivers
from ansible_collections.itops.release.tests.integration.ansible_run import (
    Controller,
    until,
)
from ansible_collections.itops.release.tests.integration.applications import (
    seal_all,
    write_application,
)

pytestmark = pytest.mark.slow
SLEEP = """
- name: Wait for the end
  ansible.builtin.shell: touch {{ srv }}/waits && sleep 300
"""
SECRET = "s3cret-of-the-hook"
DEPLOY, ROLLBACK, VERIFY = (f"itops.release.{name}" for name in ("deploy", "rollback", "verify"))
PLACE = {"application": "shop", "environment": "production"}


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 and 2.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    made = [
        write_application(directory / version, {"version": version}, version, serial)
        for serial, version in enumerate(("1.0.0", "2.0.0"), 1)
    ]
    seal_all(Controller(directory / "controller", _sockets), directory / "media", made)
    return directory / "media"


class Scene:
    """Two hosts in production, with a ledger; runs are reported to a file and to *receiver*."""

    def __init__(self, hosts, inventory, controller, library, folder, receiver):
        self.hosts, self.receiver, self._controller = hosts, receiver, controller
        self.textfile = folder / "metrics" / "itops.prom"
        self.textfile.parent.mkdir()
        self.inventory = inventory(
            hosts,
            {"production": [host.name for host in hosts]},
            deploy_root="{{ srv }}/shop",
            deploy_media_library=str(library),
            deploy_probe={"command": ["test", "!", "-e", "{{ srv }}/sick"], "retries": 0},
            release_ledger=str(folder / "ledger.db"),
        )

    def run(self, playbook=DEPLOY, rc=0, **options):
        run = self.start(playbook, **options).wait()
        assert run.rc == rc, run.output
        assert SECRET not in run.output
        return run

    def start(self, playbook=DEPLOY, template="cdevents", version="2.0.0", more=(), **options):
        return self._controller.start(
            playbook,
            self.inventory,
            extra_vars={"deploy_release": f"shop:{version}", **dict(more)},
            env={
                "ITOPS_RELEASE_TEXTFILE": str(self.textfile),
                "ITOPS_RELEASE_WEBHOOK": f"http://ada:{SECRET}@127.0.0.1:{self.receiver.port}/{SECRET}",
                "ITOPS_RELEASE_WEBHOOK_TEMPLATE": template,
                "no_proxy": "*",
            },
            **options,
        )

    def metrics(self):
        """Return {(name, outcome): value} of shop in production; there are no others."""
        found = {}
        for family in text_string_to_metric_families(self.textfile.read_text()):
            for sample in family.samples:
                outcome = sample.labels.pop("outcome", "")
                assert sample.labels == PLACE
                found[sample.name.removeprefix("itops_release_"), outcome] = sample.value
        return found

    def posted(self):
        """Return the bodies that were posted since the last question."""
        took, self.receiver.took = self.receiver.took, []
        assert all(path == f"/{SECRET}" for path, _headers, _body in took)
        return [json.loads(body) for _path, _headers, body in took]


@pytest.fixture
def scene(local_hosts, inventory, controller, library, tmp_path):
    with receivers.running(receivers.Webhook) as receiver:
        yield Scene(local_hosts(2), inventory, controller, library, tmp_path, receiver)


def test_runs_are_added_to_the_metrics_and_posted(scene):
    scene.receiver.up()

    scene.run(version="1.0.0", check=True)
    assert list(scene.textfile.parent.iterdir()) == []
    assert scene.posted() == []

    scene.run(version="1.0.0")
    (event,) = scene.posted()
    assert event["type"] == "dev.cdevents.service.deployed.0.3.0"
    assert event["data"]["subject"]["content"]["environment"] == {"id": "production"}
    first = scene.metrics()
    assert first["hosts_total", "deployed"] == 2
    assert first["runs_total", "done"] == 1
    assert first["stage_seconds", ""] > 0
    assert first["switch_seconds", ""] > 0
    assert first["run_seconds", ""] > first["stage_seconds", ""] + first["switch_seconds", ""]
    assert first["last_success_timestamp_seconds", ""] == first["last_run_timestamp_seconds", ""]

    (scene.hosts[0].seen / "sick").touch()
    (scene.hosts[1].seen / "sick").touch()
    scene.run(template="chat", rc=2)
    (body,) = scene.posted()
    assert body["text"].startswith("shop 1.0.0 in production: backed_out (2 put back): local1: ")
    second = scene.metrics()
    assert second["runs_total", "done"] == second["runs_total", "backed_out"] == 1
    assert second["hosts_total", "put_back"] == second["hosts_total", "deployed"] == 2
    success = ("last_success_timestamp_seconds", "")
    assert second[success] == first[success] < second["last_run_timestamp_seconds", ""]

    scene.run(VERIFY, template="devlake", version="1.0.0")
    assert scene.posted() == []
    third = scene.metrics()
    assert third["hosts_total", "verified"] == 2
    assert third[success] == first[success]


def test_a_receiver_that_is_down_and_a_file_that_cannot_be_written_are_warnings(scene):
    scene.textfile = scene.textfile.parent / "missing" / "itops.prom"

    run = scene.run(template="chat")

    said = " ".join(run.output.split())
    where = f"webhook http://127.0.0.1:{scene.receiver.port}"
    assert said.count(f"[WARNING]: itops.release: {where}: Connection refused") == 1
    assert said.count("[WARNING]: itops.release: textfile: [Errno 2] No such file") == 1
    assert "Verdict: done" in run.stdout


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_was_stopped_is_added_to_the_metrics_only(scene, number, tmp_path):
    scene.receiver.up()
    (tmp_path / "sleep.yml").write_text(SLEEP)
    hooks = {"after_stage": str(tmp_path / "sleep.yml")}
    running = scene.start(template="chat", more={"deploy_hooks": hooks})
    until((scene.hosts[0].seen / "waits").exists, "the hook")

    running.process.send_signal(number)

    run = running.wait()
    assert SECRET not in run.output
    assert "gave up" not in run.output
    assert scene.posted() == []
    assert scene.metrics()["runs_total", "unknown"] == 1
