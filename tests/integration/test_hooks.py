# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hooks of the roles: each runs at its moment, and a failure has its own or leaves the rest."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    failures,
    live_version,
    play,
    read_state,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow

VERSIONS = ("1.0.0", "2.0.0", "3.0.0")
HOOKS = {
    "deploy": (
        "before_stage",
        "after_stage",
        "before_activate",
        "after_activate",
        "before_commit",
        "after_commit",
        "after_failure",
    ),
    "rollback": ("before_rollback", "after_rollback", "after_failure"),
    "verify": ("before_verify", "after_verify"),
    "uninstall": ("before_remove", "after_remove"),
}
HOOK = """
- name: Note the moment, and what is current
  ansible.builtin.shell: |
    echo "{moment} $(readlink shop/current | cut -d / -f 2 | cut -d - -f 1)" >>noted
  args: {{chdir: "{{{{ srv }}}}"}}

- name: Fail where that is asked for
  ansible.builtin.fail: {{msg: "{moment} fails"}}
  when: failing == "{moment}"
"""


def playing(role, **variables):
    return {"ansible.builtin.include_role": {"name": f"itops.release.{role}"}, "vars": variables}


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with three versions, and a root where 2.0.0 is live after 1.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    library = directory / "library"
    sources = [
        write_application(directory / version, {"version": version}, version, serial)
        for serial, version in enumerate(VERSIONS, 1)
    ]
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "deploy_root": str(directory / "root"),
        "deploy_media_library": str(library),
    }
    hosts = directory / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"template": variables}}}))
    run = Controller(directory / "controller", _sockets).run(
        play(
            *(sealing(f"Seal {source.name}", source, library) for source in sources),
            *(playing("deploy", deploy_release=f"shop:{version}") for version in VERSIONS[:2]),
        ),
        hosts,
    )
    assert run.rc == 0, run.output
    return SimpleNamespace(library=library, root=directory / "root")


@pytest.fixture
def shop(sealed, local_hosts, inventory, run_playbook, tmp_path):
    """Return ``shop(variables, …)``: a host with each of the variables, where 2.0.0 is live.

    It has ``hosts``, Targets, and ``run(task, …)``. All hooks of all roles are given, those of
    verify by paths from the playbook's folder.
    """
    hooks = {}
    for role, moments in HOOKS.items():
        hooks[f"{role}_hooks"] = {}
        for moment in moments:
            path = tmp_path / f"{role}_{moment}.yml"
            path.write_text(HOOK.format(moment=moment))
            hooks[f"{role}_hooks"][moment] = path.name if role == "verify" else str(path)

    def spread(*each):
        hosts = [
            replace(host, variables={**host.variables, "failing": "", **hooks, **variables})
            for host, variables in zip(local_hosts(len(each)), each, strict=True)
        ]
        for host in hosts:
            shutil.copytree(sealed.root, host.seen / "shop", symlinks=True)
        written = inventory(
            hosts,
            deploy_root="{{ srv }}/shop",
            deploy_media_library=str(sealed.library),
            deploy_release="shop:3.0.0",
        )
        return SimpleNamespace(
            hosts=hosts, run=lambda *tasks, **keywords: run_tasks(written, tasks, keywords)
        )

    def run_tasks(hosts, tasks, keywords):
        playbook = tmp_path / "site.yml"
        playbook.write_text(play(*tasks, **keywords))
        return run_playbook(playbook, hosts)

    return spread


def noted(host):
    """Return what the hooks on a Target noted: the moment, and the version if one was current."""
    return (host.seen / "noted").read_text().splitlines() if (host.seen / "noted").exists() else []


@pytest.mark.every_point
def test_every_hook_of_every_role_runs_at_its_moment(shop):
    shop = shop({})

    run = shop.run(*(playing(role) for role in ("deploy", "verify", "rollback", "uninstall")))

    assert run.rc == 0, run.output
    assert [line.rstrip() for line in noted(shop.hosts[0])] == [
        "before_stage 2.0.0",
        "after_stage 2.0.0",
        "before_activate 2.0.0",
        "after_activate 3.0.0",
        "before_commit 3.0.0",
        "after_commit 3.0.0",
        "before_verify 3.0.0",
        "after_verify 3.0.0",
        "before_rollback 3.0.0",
        "after_rollback 2.0.0",
        "before_remove 2.0.0",
        "after_remove",
    ]


# Where a hook fails: what is current in the last hook that runs, and at the end.
FAILING = {
    ("deploy", "after_stage"): ("after_failure 2.0.0", "2.0.0"),
    ("deploy", "before_commit"): ("after_failure 2.0.0", "2.0.0"),
    ("deploy", "after_commit"): ("after_failure 3.0.0", "3.0.0"),
    ("rollback", "before_rollback"): ("after_failure 2.0.0", "2.0.0"),
    ("rollback", "after_rollback"): ("after_failure 1.0.0", "1.0.0"),
    ("verify", "before_verify"): ("before_verify 2.0.0", "2.0.0"),
    ("uninstall", "before_remove"): ("before_remove 2.0.0", "2.0.0"),
}


def test_a_hook_that_fails_fails_its_host_after_the_hook_for_that(shop, tmp_path):
    """One that is not there is refused by every role, and so is a release that has no name.

    Then nothing is done, and no hook runs.
    """
    nowhere = str(tmp_path / "nowhere.yml")
    missing = {
        role: {"role": role, f"{role}_hooks": {moments[-1]: nowhere}}
        for role, moments in HOOKS.items()
    }
    guessing = {"role": "uninstall", "uninstall_release": "current"}
    shop = shop(
        *({"role": role, "failing": moment} for role, moment in FAILING),
        *missing.values(),
        guessing,
    )
    failing, (*refusing, guessed) = shop.hosts[: len(FAILING)], shop.hosts[len(FAILING) :]

    run = shop.run(playing("{{ role }}"))

    assert run.rc != 0
    told = failures(run)
    for host, (role, moment) in zip(failing, FAILING, strict=True):
        last, version = FAILING[role, moment]
        assert (noted(host)[-1], live_version(host)) == (last, version), (role, moment)
        assert f"{moment} fails" in told[host.name]
        assert read_state(host)["trial"] is None
    for host, role in zip(refusing, HOOKS, strict=True):
        assert f"{role}_hooks: {nowhere} is not a file" in told[host.name]
    assert "uninstall_release is current: name one release" in told[guessed.name]
    for host in (*refusing, guessed):
        assert live_version(host) == "2.0.0"
        assert noted(host) == []


@pytest.mark.parametrize(
    ("role", "moment", "text", "told"),
    [
        ("deploy", "after_activate", "- name: Torn\n  ansible.builtin.debug: [\n", "YAML parsing"),
        (
            "rollback",
            "after_rollback",
            "- name: Misspelt\n  no_such_module: {}\n",
            "no_such_module",
        ),
    ],
)
def test_a_hook_that_cannot_be_read_is_refused_before_anything_is_done(
    shop, tmp_path, role, moment, text, told
):
    """Ansible would end the run where it comes to the hook, and put no host back.

    As with any host that cannot be staged, the play says whether the others go on.
    """
    hook = tmp_path / "unreadable.yml"
    hook.write_text(text)
    hooks = {name: str(tmp_path / f"{role}_{name}.yml") for name in HOOKS[role]}
    shop = shop({f"{role}_hooks": {**hooks, moment: str(hook)}}, {})

    run = shop.run(playing(role), max_fail_percentage=0)

    assert run.rc != 0
    assert told in run.output
    for host in shop.hosts:
        assert live_version(host) == "2.0.0"
        assert read_state(host)["trial"] is None
        assert noted(host) == []
