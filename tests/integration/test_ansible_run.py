# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Playbook runs as tests read them: status, results, statistics, and a controller that dies."""

from __future__ import annotations

import time

PLAYBOOK = """
- name: Try things
  hosts: all
  gather_facts: false
  tasks:
    - name: Say where
      ansible.builtin.debug: {msg: "{{ srv }} {{ number }}"}
    - name: Fail on one
      ansible.builtin.command: "false"
      when: inventory_hostname == "local2"
      ignore_errors: true
    - name: Fail on the other
      ansible.builtin.fail: {msg: enough}
      when: inventory_hostname == "local1"
"""


def test_a_run_is_read_back_as_data(local_hosts, inventory, run_playbook):
    one, two = local_hosts(2)

    run = run_playbook(PLAYBOOK, inventory([one, two]), extra_vars={"number": 7})

    assert run.rc == 2
    assert run.result("Say where", host="local2")["msg"] == f"{two.srv} 7"
    statuses = {outcome.host: outcome.status for outcome in run.find("Fail on one")}
    assert statuses == {"local1": "skipped", "local2": "failed"}
    (ignored,) = run.find("Fail on one", host="local2")
    assert ignored.ignored
    assert ignored.result["rc"] == 1
    assert run.result(action="ansible.builtin.fail", host="local1")["msg"] == "enough"
    assert run.stats["local1"]["failures"] == 1
    assert run.stats["local2"]["failures"] == 0


def test_an_unreachable_host_is_told_apart(local_hosts, inventory, run_playbook):
    (host,) = local_hosts(1)
    away = inventory(
        [host], ansible_host="198.18.255.254", ansible_ssh_common_args="-o BatchMode=yes"
    )

    run = run_playbook(
        "- hosts: all\n  tasks: [{name: Ping, ansible.builtin.ping: }]\n  gather_facts: false\n",
        away,
        extra_vars={"ansible_connection": "ssh"},
        env={"ANSIBLE_TIMEOUT": "1"},
    )

    assert run.rc == 4
    assert [outcome.status for outcome in run.find("Ping")] == ["unreachable"]


def test_a_killed_run_leaves_what_it_had_done(local_hosts, inventory, controller):
    (host,) = local_hosts(1)
    running = controller.start(
        """
- hosts: all
  gather_facts: false
  tasks:
    - name: First
      ansible.builtin.file: {path: "{{ srv }}/first", state: touch}
    - name: Second
      ansible.builtin.command: sleep 3
""",
        inventory([host]),
    )
    deadline = time.monotonic() + 30
    while not (host.seen / "first").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    running.kill()

    run = running.wait()

    assert run.rc == -9
    assert [outcome.task for outcome in run.outcomes] == ["First"]
    assert run.stats == {}
