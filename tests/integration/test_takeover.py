# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run that has a release on trial: others respect it while it lives, and go on afterwards."""

from __future__ import annotations

import json

from ansible_collections.itops.release.tests.integration.ansible_run import until
from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    is_one_line,
    play,
    read_tree,
    sealing,
    write_application,
)


def test_a_trial_s_run_is_respected_while_it_lives_and_taken_over_when_it_is_over(
    local_hosts, inventory, run_playbook, controller, tmp_path
):
    (host,) = local_hosts(1)
    hosts, library = inventory([host]), tmp_path / "media"
    for serial, version in enumerate("12"):
        write_application(tmp_path / version, {"greeting": version}, version, serial)
    sealed = run_playbook(
        play(*(sealing(version, tmp_path / version, library) for version in "12")), hosts
    )
    assert sealed.rc == 0, sealed.output
    waiting = {"name": "Wait", "ansible.builtin.pause": {"seconds": 600}}
    trying = controller.start(
        play(deploying("Try", "shop:1", library, commit=False), waiting), hosts
    )
    until(lambda: lease(host).get("pid", 1) is None, "a trial that is left to its run")
    holder = lease(host)["run"]
    second = play(deploying("Deploy", "shop:2", library))

    refused = run_playbook(second, hosts)
    trying.kill()
    trying.wait()
    done = run_playbook(second, hosts)

    assert refused.rc == 2
    message = refused.result("Deploy")["msg"]
    assert is_one_line(message)
    assert holder in message
    assert refused.result("Deploy")["lease"]["run"] == holder
    assert (refused.result("Deploy")["calls"], refused.result("Deploy")["took_over"]) == (1, None)
    assert done.rc == 0, done.output
    assert done.result("Deploy")["took_over"] == holder
    assert done.result("Deploy")["calls"] == 3
    assert current_tree(host) == read_tree(tmp_path / "2/src")


def lease(host):
    """Return the lease on the host's root, or an empty one."""
    try:
        state = json.loads((host.seen / "shop/.release/state.json").read_bytes())
    except FileNotFoundError:
        return {}
    return state["lease"] or {}
