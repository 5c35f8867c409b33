# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes of a deployment by the role: several, one that observes, and one before the switch."""

from __future__ import annotations

import json
import socket

import pytest

from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    failures,
    live_version,
    seal_all,
    write_application,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def unused_port():
    """Return a port that is taken, and accepts no connection."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


@pytest.fixture
def shop(local_hosts, inventory, run_playbook, controller, tmp_path, unused_port):
    """Return (operator, hosts): two hosts, whose probes are a list of three."""
    versions = [
        write_application(
            tmp_path / version, {"bin/check": "#!/bin/sh\ntest ! -e $1/sick\n"}, version, serial
        )
        for serial, version in enumerate(("1.0.0", "2.0.0"), 1)
    ]
    seal_all(controller, tmp_path / "media", versions)
    hosts = local_hosts(2)
    probes = [
        {"name": "schema", "command": ["{release}/bin/check", "{{ srv }}"], "before_switch": True},
        {"name": "files", "command": ["test", "-e", "{{ srv }}/shop/current/bin/check"]},
        {"name": "cache", "tcp": f"127.0.0.1:{unused_port}", "observe": True},
    ]
    for probe in probes:
        probe.update(count=2, interval=0)
    written = inventory(
        hosts,
        deploy_root="{{ srv }}/shop",
        deploy_media_library=str(tmp_path / "media"),
        deploy_restart=["true"],
        deploy_probe=probes,
    )
    return Operator(run_playbook, written), hosts


def results(run, task, host):
    """Return what the probes of a *task* found on a *host*."""
    return [(each["name"], each["result"]) for each in run.result(task, host)["probes"]]


def test_probes_decide_observe_and_hold_the_switch(shop, unused_port):
    operator, (first, second) = shop

    run = operator.deploy("1.0.0")

    assert run.rc == 0, run.output
    for host in (first, second):
        assert results(run, "Stage the release", host.name) == [("schema", "good")]
        after = [("schema", "good"), ("files", "good"), ("cache", "bad")]
        assert results(run, "Make the release live", host.name) == after
    cache = run.result("Make the release live", first.name)["probes"][-1]
    assert cache["measured"] == f"127.0.0.1:{unused_port}: Connection refused"
    assert (cache["measurements"], cache["observe"]) == (2, True)

    (second.seen / "sick").touch()
    run = operator.deploy("2.0.0")

    assert run.rc != 0
    failed = failures(run)[second.name]
    assert "2.0.0: probe schema failed: " in failed
    assert "bin/check ended with 1: no output (2 measurements); nothing was switched" in failed
    assert [live_version(host) for host in (first, second)] == ["1.0.0", "1.0.0"]

    (second.seen / "sick").unlink()
    run = operator.deploy("2.0.0")

    assert run.rc == 0, run.output
    (first.seen / "sick").touch()
    run = operator.rollback(deploy_probe=json.dumps({"command": ["true"], "count": 1}))

    assert run.rc == 0, run.output
    assert results(run, "Make the release live", first.name) == [("command", "good")]
    assert [live_version(host) for host in (first, second)] == ["1.0.0", "1.0.0"]


@pytest.mark.every_point
def test_a_probe_that_is_inconclusive_puts_the_release_back(shop):
    operator, hosts = shop
    operator.deploy("1.0.0")
    odd = "- command: ['false']\n  count: 2\n  interval: 0\n  failures: 9"

    run = operator.deploy("2.0.0", deploy_probe=odd)

    assert run.rc != 0
    told = "probe is inconclusive: false ended with 1: no output (2 measurements); back on 1.0.0"
    assert all(told in failures(run)[host.name] for host in hosts)
    assert [live_version(host) for host in hosts] == ["1.0.0", "1.0.0"]
