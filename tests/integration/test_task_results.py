# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many task results a role costs on each host: a skipped one costs the controller too."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    play,
    sealing,
    write_application,
)

pytestmark = pytest.mark.slow

HOOKS = ("before_stage", "after_stage", "before_activate", "after_activate", "before_commit")
HOOKS += ("after_commit",)


@pytest.fixture(scope="module")
def library(tmp_path_factory, _sockets):
    """Return a media library with shop 1.0.0 and 2.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    tasks = []
    for serial in (1, 2):
        version = f"{serial}.0.0"
        source = write_application(directory / version, {"version": version}, version, serial)
        tasks.append(sealing(f"Seal {version}", source, directory / "media"))
    run = Controller(directory / "controller", _sockets).run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    return directory / "media"


@pytest.fixture
def results(local_hosts, inventory, run_playbook, library, tmp_path):
    """Return ``results(role, hooks, **variables)``: the most task results of a host."""
    hosts = inventory(
        local_hosts(2),
        deploy_root="{{ srv }}/shop",
        deploy_media_library=str(library),
        deploy_restart=["true"],
        deploy_probe={"command": ["true"]},
    )
    hook = tmp_path / "hook.yml"
    hook.write_text("[]\n")  # so that only what the role costs is counted

    def count(role="deploy", hooks=(), handlers=(), **variables):
        plays = play(roles=[f"itops.release.{role}"], handlers=list(handlers))
        given = {f"{role}_hooks": dict.fromkeys(hooks, str(hook))} if hooks else {}
        run = run_playbook(plays, hosts, extra_vars={**given, **variables})
        assert run.rc == 0, run.output
        first, other = (
            each["ok"] + each["skipped"] + each["failures"] + each["unreachable"]
            for each in run.stats.values()
        )
        # One host of a batch asks the gates of a deployment and records the intent, or is skipped,
        # finds the verdict, and writes the pages, or is skipped.
        assert first == other + (4 if role == "deploy" else 3)
        return other

    return count


def test_without_hooks_a_deployment_and_a_rollback_cost_three(results):
    assert results(deploy_release="shop:1.0.0") == 3
    assert results(deploy_release="shop:2.0.0") == 3
    assert results(deploy_release="shop:2.0.0") == 3
    assert results("rollback") == 3


@pytest.mark.parametrize(
    ("hooks", "count"),
    [
        pytest.param(("before_stage",), 4, marks=pytest.mark.every_point),
        pytest.param(("before_activate",), 3, marks=pytest.mark.every_point),
        pytest.param(("after_commit",), 4, marks=pytest.mark.every_point),
        pytest.param(("before_activate", "after_commit"), 4, marks=pytest.mark.every_point),
        (("before_commit",), 5),
        (HOOKS, 6),
    ],
    ids=str,
)
def test_hooks_cost_nothing_but_the_calls_between_them(results, hooks, count):
    """Beside their own tasks: the files of hooks are imported, within one include for all."""
    assert results(hooks=hooks, deploy_release="shop:1.0.0") == count <= 4 + len(hooks)


def test_a_handler_costs_the_call_that_waits_for_it(results):
    handler = {
        "name": "Restart",
        "ansible.builtin.command": "true",
        "listen": "release activated",
    }

    assert results(handlers=[handler], deploy_release="shop:1.0.0") == 5 + 1
