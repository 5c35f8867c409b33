# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roots that Capistrano, ansistrano and deploy_helper laid out: refused, or gone on with."""

from __future__ import annotations

import json
import os

import pytest

from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    failures,
    is_one_line,
    play,
    report_line,
    seal_all,
    snapshot,
    write_application,
)
from ansible_collections.itops.release.tests.integration.conftest import ANSIBLE, unless_required
from ansible_collections.itops.release.tests.integration.wheels import FetchError

pytestmark = pytest.mark.slow

OLD, OLDER = "20150120114500", "20150110114500"
LINKED = ["log/", "config/database.yml"]
SEE = {"name": "See what is current", "ansible.builtin.command": "cat {{ srv }}/shop/current/app"}
SHARED = {"log/production.log": "kept\n", "config/database.yml": "password: kept\n"}


@pytest.fixture
def operator(inventory, run_playbook, controller, tmp_path):
    """Return ``operator(targets)``: an Operator with shop 1.0.0 and 2.0.0 to deploy."""
    library = tmp_path / "library"
    applications = []
    for serial in (1, 2):
        version = f"{serial}.0.0"
        files = {"app": f"ours {version}", "config/routes": "sealed"}
        applications.append(write_application(tmp_path / version, files, version, serial))
    seal_all(controller, library, applications)

    def make(targets):
        hosts = inventory(
            targets,
            deploy_root="{{ srv }}/shop",
            deploy_media_library=str(library),
            deploy_linked_paths=LINKED,
        )
        return Operator(run_playbook, hosts)

    return make


def write(root, files):
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def lay_out_like_capistrano(target):
    """Make what its documentation shows, and its tasks make: all links are absolute."""
    root = target.seen / "shop"
    write(root / "shared", SHARED)
    write(root, {"repo/HEAD": "ref: refs/heads/master\n", "revisions.log": "Branch master …\n"})
    for release in (OLDER, OLD):
        here = root / "releases" / release
        write(here, {"app": f"theirs {release}", "REVISION": "4f2a91c\n", "config/routes": "old"})
        (here / "log").symlink_to(f"{target.srv}/shop/shared/log")
        (here / "config/database.yml").symlink_to(f"{target.srv}/shop/shared/config/database.yml")
    (root / "current").symlink_to(f"{target.srv}/shop/releases/{OLD}")


def lay_out_like_ansistrano(target):
    """Make what its roles make: all links are relative, and release names end with Z."""
    root = target.seen / "shop"
    write(root / "shared", SHARED)
    write(root, {"repo/.git/HEAD": "ref: refs/heads/master\n"})
    for release in (OLDER, OLD):
        here = root / "releases" / f"{release}Z"
        write(here, {"app": f"theirs {release}", "REVISION": "4f2a91c\n", "config/routes": "old"})
        (here / "log").symlink_to("../../shared/log")
        (here / "config/database.yml").symlink_to("../../../shared/config/database.yml")
    (root / "current").symlink_to(f"./releases/{OLD}Z")


def theirs(target):
    """Return what another tool left in the root, but for the directories that ours goes into."""
    seen = snapshot(target.seen / "shop")
    ours = (".release", "releases/1.", "releases/2.")
    shared_by_both = (".", "current", "releases")
    return {
        path: found
        for path, found in seen.items()
        if path not in shared_by_both and not path.startswith(ours)
    }


def assert_refused_untouched(target, operator):
    """Without adopt nothing is touched, and the line says what can be done."""
    before = snapshot(target.seen)
    run = operator.deploy("1.0.0")
    assert run.rc != 0
    message = failures(run)[target.name]
    assert is_one_line(message)
    assert f"{target.srv}/shop/current is not ours: nothing was touched" in message
    assert "adopt" in message
    foretold = operator.deploy("1.0.0", check=True, deploy_adopt="yes")
    assert foretold.rc == 0, foretold.output
    assert report_line(foretold, target.name).split()[1:4] == ["would", "be", "deployed"]
    assert snapshot(target.seen) == before


def assert_adopted(target, operator, old):
    """The old release is the way back, is never cleaned, and is left when ours is removed."""
    root, before = target.seen / "shop", theirs(target)
    releases = {path.name for path in root.glob("releases/*")}
    plays = [
        {
            "import_playbook": "itops.release.deploy",
            "vars": {"deploy_release": "shop:1.0.0", "deploy_adopt": "yes"},
        },
        {"import_playbook": "itops.release.rollback"},
        *json.loads(play(SEE)),
        {"import_playbook": "itops.release.deploy", "vars": {"deploy_release": "shop:1.0.0"}},
    ]

    run = operator.run(json.dumps(plays) + "\n")

    assert run.rc == 0, run.output
    _deployed, back, *_again = run.find("Make the release live")
    back = back.result
    assert back["after"]["tree"] == old
    assert back["after"]["digest"] is None
    assert run.result("See what is current")["stdout"] == f"theirs {OLD}"
    assert os.readlink(root / "current").startswith("releases/1.0.0-")
    assert (root / "current/app").read_text() == "ours 1.0.0"
    for path, text in SHARED.items():
        assert (root / "current" / path).read_text() == text
    assert theirs(target) == before

    run = operator.deploy("2.0.0", deploy_keep="1")

    assert run.rc == 0, run.output
    assert (root / "current/app").read_text() == "ours 2.0.0"
    assert theirs(target) == before

    run = operator.uninstall()

    assert run.rc == 0, run.output
    assert theirs(target) == before
    assert not list(root.glob("current"))
    assert not list(root.glob(".release*"))
    assert {path.name for path in root.glob("releases/*")} == releases


def test_capistrano(local_hosts, operator):
    (host,) = local_hosts(1)
    lay_out_like_capistrano(host)
    operator = operator([host])

    assert_refused_untouched(host, operator)
    assert_adopted(host, operator, OLD)


@pytest.mark.every_point
def test_what_was_adopted_is_told_as_such(local_hosts, operator, tmp_path):
    """Nobody knows which hooks belong to it: none is refused."""
    (host,) = local_hosts(1)
    hook = tmp_path / "hook.yml"
    hook.write_text("[]\n")
    lay_out_like_capistrano(host)
    operator = operator([host])
    assert operator.deploy("1.0.0", deploy_adopt="yes").rc == 0

    foretold = operator.rollback(check=True)
    back = operator.rollback()
    verified = operator.verify(deploy_hooks={"after_commit": str(hook)})
    hooks = {"before_rollback": str(hook)}
    forth = operator.rollback(rollback_release="shop:1.0.0", rollback_hooks=hooks)

    assert f"would be rolled back  shop 1.0.0 → {OLD}" in report_line(foretold, host.name)
    assert back.rc == 0, back.output
    assert f"rolled back  shop 1.0.0 → {OLD}" in report_line(back, host.name)
    assert verified.rc != 0
    assert failures(verified)[host.name] == (
        "What is live was adopted and never sealed, so it cannot be verified"
    )
    assert "adopted and never sealed" in report_line(verified, host.name)
    assert forth.rc == 0, forth.output


@pytest.mark.every_point
def test_what_stays_and_what_is_linked_no_more_is_told(local_hosts, operator):
    (host,) = local_hosts(1)
    lay_out_like_capistrano(host)
    operator, diff = operator([host]), {"ANSIBLE_DIFF_ALWAYS": "1"}
    assert operator.deploy("1.0.0", deploy_adopt="yes").rc == 0

    forgotten = operator.deploy("1.0.0", deploy_linked_paths=["log/"], check=True)
    again = operator.deploy("1.0.0", deploy_linked_paths=["log/"])
    assert operator.rollback().rc == 0
    foretold = operator.uninstall(check=True, env=diff)
    removed = operator.uninstall(env=diff)

    for run, word in ((forgotten, "would be deployed"), (again, "deployed")):
        line = report_line(run, host.name)
        assert f"{word}  shop 1.0.0  no longer linked: config/database.yml" in line
    for run in (foretold, removed):
        assert run.rc == 0, run.output
        told = run.result("Remove the releases")
        assert told["after"]["tree"] == OLD
        gone = set(told["diff"]["before"].splitlines()) - set(told["diff"]["after"].splitlines())
        assert {line.partition("-")[0] for line in gone} == {"release: 1.0.0"}
        assert f"adopted {OLD} stays live" in report_line(run, host.name)
    assert (host.seen / "shop/current/app").read_text() == f"theirs {OLD}"


def test_ansistrano(ssh_hosts, operator):
    (host,) = ssh_hosts(1)
    lay_out_like_ansistrano(host)
    operator = operator([host])

    assert_refused_untouched(host, operator)
    assert_adopted(host, operator, f"{OLD}Z")


@pytest.fixture
def community_general(tmp_path, controller):
    """Let playbooks find the module community.general.deploy_helper."""
    below = "ansible_collections/community/general/plugins/modules/deploy_helper.py"
    try:
        ANSIBLE.unpack(tmp_path / "collections", below=below)
    except FetchError as error:
        unless_required(str(error))
    controller.collections.append(tmp_path / "collections")


def deploy_helper_tasks(release):
    """Return the tasks that its documentation shows, for one release."""
    helper, new = "community.general.deploy_helper", "{{ deploy_helper.new_release_path }}"
    unfinished = new + "/{{ deploy_helper.unfinished_filename }}"
    options = {"path": "{{ srv }}/shop", "release": release}
    shared = "{{ deploy_helper.shared_path }}"
    script = f"""
        mkdir -p {new}/config {shared}/log {shared}/config && touch {unfinished}
        echo kept >{shared}/log/production.log
        echo 'password: kept' >{shared}/config/database.yml
        printf %s 'theirs {release}' >{new}/app && echo old >{new}/config/routes
        ln -s {shared}/log {new}/log
        ln -s {shared}/config/database.yml {new}/config/database.yml
    """
    return [
        {"name": "Lay out", helper: options},
        {"name": "Fill", "ansible.builtin.shell": script},
        {"name": "Finalize", helper: {**options, "state": "finalize", "clean": False}},
    ]


@pytest.mark.every_point
def test_deploy_helper(local_hosts, operator, community_general):
    (host,) = local_hosts(1)
    operator = operator([host])
    begun = deploy_helper_tasks("20150201000000")[:2]  # and never finalized
    run = operator.play(*deploy_helper_tasks(OLDER), *deploy_helper_tasks(OLD), *begun)
    assert run.rc == 0, run.output
    assert os.readlink(host.seen / "shop/current") == f"{host.srv}/shop/releases/{OLD}"
    assert (host.seen / "shop/releases/20150201000000/DEPLOY_UNFINISHED").exists()

    assert_refused_untouched(host, operator)
    assert_adopted(host, operator, OLD)
