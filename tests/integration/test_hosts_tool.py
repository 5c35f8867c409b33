# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test hosts themselves: what they promise to the tests that use them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.itops.release.tests.hosts import Fleet, HostsError, network, processes
from ansible_collections.itops.release.tests.integration.ansible_run import CHECKOUT

pytestmark = pytest.mark.hosts


@pytest.fixture(scope="module")
def small_fleet():
    """Return a fleet beside the session's, with three hosts."""
    with Fleet(f"a{os.getpid()}") as fleet:
        fleet.own()
        fleet.up(3)
        yield fleet


@pytest.fixture
def brief():
    """Return a fleet without hosts, for a test that removes it."""
    with Fleet(f"b{os.getpid()}") as fleet:
        fleet.own()
        yield fleet


def ssh(host, *command, user="root"):
    options = [*host.ssh_options(), "-o", "BatchMode=yes", "-o", "ConnectTimeout=2"]
    login = ["-i", str(host.client_key), f"{user}@{host.address}"]
    return subprocess.run(
        ["ssh", *options, *login, *command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_twenty_hosts_answer_to_ansible(ssh_hosts, inventory, run_playbook):
    hosts = ssh_hosts(20)

    run = run_playbook(
        """
- hosts: all
  gather_facts: false
  tasks:
    - name: Ask for the name
      ansible.builtin.command: hostname
""",
        inventory(hosts),
    )

    assert run.rc == 0, run.output
    names = {outcome.host: outcome.result["stdout"] for outcome in run.find("Ask for the name")}
    assert names == {host.name: host.name for host in hosts}


def test_deploy_becomes_root_and_app_by_sudo(ssh_hosts, inventory, run_playbook):
    hosts = ssh_hosts(1, user="deploy", become=True, pipelining=False)

    run = run_playbook(
        """
- hosts: all
  gather_facts: false
  tasks:
    - name: As root
      ansible.builtin.command: id -un
    - name: As app
      ansible.builtin.command: id -un
      become_user: app
""",
        inventory(hosts),
    )

    assert run.rc == 0, run.output
    assert run.result("As root")["stdout"] == "root"
    assert run.result("As app")["stdout"] == "app"


def test_hosts_have_disks_and_processes_of_their_own(small_fleet):
    first, second = small_fleet.take(2)

    ssh(first, "touch /srv/mine /etc/mine")

    assert ssh(first, "ls /srv/mine /etc/mine").returncode == 0
    assert ssh(second, "ls /srv/mine").returncode != 0
    assert ssh(second, "ls /etc/mine").returncode != 0
    assert (first.srv / "mine").exists()
    assert small_fleet.run(first, ["cat", "/proc/1/comm"]).stdout == "sshd\n"


def test_a_cut_link_makes_a_host_unreachable_until_it_is_restored(small_fleet):
    first, second = small_fleet.take(2)

    small_fleet.cut([first])
    assert ssh(first, "true").returncode == 255
    assert ssh(second, "true").returncode == 0

    small_fleet.restore([first])
    assert ssh(first, "true").returncode == 0


def test_a_host_switched_off_comes_back_with_its_disk(small_fleet):
    (host,) = small_fleet.take(1)
    ssh(host, "echo kept > /etc/kept; echo kept > /srv/kept; sleep 600 >&- 2>&- &")

    small_fleet.kill([host])
    assert ssh(host, "true").returncode == 255
    with pytest.raises(HostsError, match="is off"):
        small_fleet.run(host, ["true"])

    small_fleet.revive([host])
    assert ssh(host, "cat /etc/kept /srv/kept").stdout == "kept\nkept\n"
    assert ssh(host, "pgrep -x sleep").returncode != 0


def test_reset_puts_a_host_back_to_new(small_fleet):
    (host,) = small_fleet.take(1, store="disk")
    ssh(host, "touch /etc/gone /srv/gone")
    small_fleet.cut([host])

    small_fleet.reset([host])

    assert ssh(host, "ls /etc/gone").returncode != 0
    assert ssh(host, "ls /srv/gone").returncode != 0
    assert not host.srv.is_mount()
    assert small_fleet.counters([host])[host.name].logins == 2


def test_counters_count_bytes_logins_and_sessions(small_fleet):
    first, second = small_fleet.take(2)
    before = small_fleet.counters()

    ssh(first, "head -c 1000000 /dev/zero")

    after = small_fleet.counters()
    spent = after[first.name] - before[first.name]
    assert 1_000_000 < spent.bytes_out < 1_200_000
    assert 1_000 < spent.bytes_in < 100_000
    assert (spent.logins, spent.sessions) == (1, 1)
    assert (after[second.name] - before[second.name]).logins == 0


def test_down_leaves_nothing_and_spares_other_fleets(brief, small_fleet):
    hosts = brief.up(2)
    running = processes.by_host(network.namespaces(brief.name))
    assert all(running.values())
    brief.kill(hosts[:1])

    brief.down()
    brief.down()

    assert network.namespaces(brief.name) == {}
    assert not any(processes.started(one) for ids in running.values() for one in ids)
    assert not [name for name in network.interfaces() if brief.name in name]
    assert str(brief.directory) not in Path("/proc/self/mounts").read_text(encoding="utf-8")
    assert not brief.directory.exists()
    assert ssh(small_fleet.up(1)[0], "true").returncode == 0


def test_down_removes_what_a_crashed_run_left_without_records(brief):
    brief.up(1)
    subprocess.run(["umount", brief.directory / "h001/srv"], check=True)
    shutil.rmtree(brief.directory)

    brief.down()

    assert network.namespaces(brief.name) == {}
    assert network.bridge_of(brief.name) not in network.interfaces()


def test_sweep_removes_fleets_whose_owner_died_and_no_other(brief, small_fleet):
    brief.down()
    owner = f"from tests.hosts import Fleet; f = Fleet('{brief.name}'); f.own(); f.up(1)"
    subprocess.run([sys.executable, "-c", owner], check=True, cwd=CHECKOUT)
    assert network.namespaces(brief.name)

    Fleet.sweep()

    assert not network.namespaces(brief.name)
    assert not brief.directory.exists()
    assert network.namespaces(small_fleet.name)


def test_check_says_in_one_line_why_hosts_cannot_be_made():
    check = [sys.executable, "-m", "tests.hosts", "check"]

    poor = subprocess.run(
        check, cwd=CHECKOUT, env={"PATH": ""}, capture_output=True, text=True, check=False
    )
    unprivileged = subprocess.run(
        ["unshare", "--user", *check], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )

    assert poor.returncode == unprivileged.returncode == 1
    assert "need the Debian packages iproute2 mmdebstrap" in poor.stdout
    assert unprivileged.stdout == "test hosts need root\n"
    assert len(poor.stdout.splitlines()) == 1
