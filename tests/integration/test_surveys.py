# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values as inventories, surveys and extra variables have them, and hooks as people write them."""

from __future__ import annotations

import dataclasses
import json

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    play,
    read_state,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow

COMMITS = (True, 1, "yes", "yes\n", " on ", "y", "", " ", None)
STAYS_ON_TRIAL = (False, 0, "no", "no\n", "False", "off ")
HOOKS = {
    "a.yml": "- ansible.builtin.include_tasks: inner.yml\n",
    "b.yml": "- ansible.builtin.import_tasks: inner.yml\n",
    "c.yml": "- block:\n    - ansible.builtin.include_tasks: inner.yml\n      loop: [1, 2]\n",
    "look.yml": "- ansible.builtin.shell: ls {{ deploy_root }}/releases >{{ srv }}/seen; true\n",
    "inner.yml": "- ansible.builtin.shell: echo >>{{ srv }}/hooked\n",
}


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    source = write_application(directory / "1.0.0", {"version": "1"}, "1.0.0", 1)
    sealed = play(sealing("Seal", source, directory / "media"))
    run = Controller(directory / "controller", _sockets).run(sealed, "localhost,")
    assert run.rc == 0, run.output
    return directory / "media"


@pytest.mark.every_point
def test_a_release_is_committed_or_stays_on_trial_as_it_was_written(
    local_hosts, inventory, run_playbook, library
):
    values = (*COMMITS, *STAYS_ON_TRIAL)
    hosts = [
        dataclasses.replace(host, variables={**host.variables, "deploy_commit": value})
        for host, value in zip(local_hosts(len(values)), values, strict=True)
    ]
    written = inventory(
        hosts,
        deploy_root="{{ srv }}/shop",
        deploy_release="shop:1.0.0",
        deploy_media_library=str(library),
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc == 0, run.output
    phases = {repr(v): read_state(h)["trial"] for h, v in zip(hosts, values, strict=True)}
    assert {value for value, trial in phases.items() if trial} == set(map(repr, STAYS_ON_TRIAL))


def test_a_hook_may_include_and_import_others(
    local_hosts, inventory, run_playbook, library, tmp_path
):
    for name, text in HOOKS.items():
        (tmp_path / name).write_text(text)
    (host,) = local_hosts(1)
    moments = ("before_activate", "after_activate", "after_commit")
    written = inventory(
        [host],
        deploy_root="{{ srv }}/shop",
        deploy_release="shop:1.0.0",
        deploy_media_library=str(library),
        deploy_hooks={m: str(tmp_path / f"{n}.yml") for m, n in zip(moments, "abc", strict=True)},
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc == 0, run.output
    assert len((host.seen / "hooked").read_text()) == 4


def test_hooks_may_be_a_text_in_json(local_hosts, inventory, run_playbook, library, tmp_path):
    """As a survey sends them; each still runs at its moment."""
    hook = tmp_path / "look.yml"
    hook.write_text(HOOKS["look.yml"])
    (host,) = local_hosts(1)
    written = inventory(
        [host],
        deploy_root="{{ srv }}/shop",
        deploy_release="shop:1.0.0",
        deploy_media_library=str(library),
        deploy_hooks=json.dumps({"before_stage": str(hook)}),
        deploy_restart="[]",
        deploy_beside="[]",
        deploy_on_failure=" ",
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc == 0, run.output
    assert (host.seen / "seen").read_text() == ""  # nothing was staged yet
    assert (host.seen / "shop/current/version").read_text() == "1"


def test_a_release_that_is_not_named_is_told_with_the_name_that_was_meant(
    local_hosts, inventory, run_playbook, library
):
    """An undefined variable would end in a message of Ansible about what no user wrote."""
    written = inventory(
        local_hosts(1),
        deploy_root="{{ srv }}/shop",
        deploy_relese="shop:1.0.0",
        deploy_media_library=str(library),
    )

    run = run_playbook("itops.release.deploy", written)

    assert run.rc != 0
    (failed,) = run.find("Stage the release")
    assert failed.result["msg"] == "release (deploy_release) is required"
    assert "deploy_relese is not used: did you mean deploy_release?" in " ".join(run.output.split())
