# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault of one host, found by any check, keeps all hosts of its batch from being switched."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    failures,
    is_one_line,
    play,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow

# What is wrong with a host, by its variables, and the variable that the message names.
FAULTS = {
    "a linked file": ({"deploy_linked_paths": ["config.ini"]}, "deploy_linked_paths"),
    "an option": ({"deploy_commit": "maybe"}, "deploy_commit"),
    "a command": ({"deploy_restart": "systemctl restart shop"}, "deploy_restart"),
    "a probe": ({"deploy_probe": {"urll": "http://127.0.0.1/"}}, "deploy_probe"),
    "a hook": ({"deploy_hooks": {"after_commit": "/nowhere.yml"}}, "deploy_hooks"),
    "what to do on failure": ({"deploy_on_failure": "reprot"}, "deploy_on_failure"),
    "a foreign root": ({"deploy_root": "{{ srv }}/foreign"}, "deploy_root"),
    "a directory of the system": ({"deploy_root": "/etc"}, "deploy_root"),
}
LONG_WAY = ("before_stage", "after_activate", "after_commit")


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    source = write_application(directory / "1.0.0", {"version": "1"}, "1.0.0", 1)
    sealed = play(sealing("Seal", source, directory / "media"))
    run = Controller(directory / "controller", _sockets).run(sealed, "localhost,")
    assert run.rc == 0, run.output
    return directory / "media"


@pytest.mark.parametrize("moments", [(), LONG_WAY], ids=["in one call", "with hooks"])
def test_a_fault_of_one_host_is_found_before_any_is_switched(
    local_hosts, inventory, run_playbook, library, tmp_path, moments
):
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.command: 'true'\n  changed_when: false\n")
    hooks = dict.fromkeys(moments, str(hook))
    whole, *faulty = local_hosts(1 + len(FAULTS))
    hosts = [whole]
    for host, (variables, _named) in zip(faulty, FAULTS.values(), strict=True):
        hosts.append(dataclasses.replace(host, variables={**host.variables, **variables}))
        (host.seen / "foreign").mkdir()
        (host.seen / "foreign/payroll").touch()
    written = inventory(
        hosts,
        deploy_root="{{ srv }}/shop",
        deploy_release="shop:1.0.0",
        deploy_media_library=str(library),
        deploy_hooks=hooks,
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc != 0
    for host, (fault, (_variables, named)) in zip(faulty, FAULTS.items(), strict=True):
        message = failures(run)[host.name]
        assert is_one_line(message), fault
        assert named in message, fault
    for host in hosts:
        assert not (host.seen / "shop/current").is_symlink()
    assert whole.name not in failures(run)


@pytest.mark.parametrize("moment", ["before_stage", "after_stage"])
def test_a_hook_that_fails_on_one_host_keeps_the_others_from_being_switched(
    local_hosts, inventory, run_playbook, library, tmp_path, moment
):
    hook = tmp_path / "hook.yml"
    hook.write_text("- ansible.builtin.fail: {msg: no}\n  when: inventory_hostname == 'local3'\n")
    hosts = local_hosts(3)
    written = inventory(
        hosts,
        deploy_root="{{ srv }}/shop",
        deploy_release="shop:1.0.0",
        deploy_media_library=str(library),
        deploy_hooks={moment: str(hook)},
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc == 2
    assert set(failures(run)) == {"local3"}
    for host in hosts:
        assert not (host.seen / "shop/current").is_symlink()
