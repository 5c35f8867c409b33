# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways to a host: SSH with and without pipelining, sudo, podman, and the Pythons there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    is_one_line,
    looking,
    play,
    read_tree,
    sealing,
    write_application,
)

FILES = {
    "bin/tool": "#!/bin/sh\n",
    "static/a b.css": "x" * 5000,
    "greeting": "one",
    "key": "k",
    "log/kept": "",
}
IGNORED = {"ignore_errors": True}
OLDEST = (3, 8)


@pytest.fixture
def shop(tmp_path):
    """Return a directory with shop in two versions, not yet sealed, and room for ``media``."""
    write_application(tmp_path / "shop/1.0.0", FILES, private=["key"])
    newer = {**FILES, "greeting": "two"}
    write_application(tmp_path / "shop/1.1.0", newer, "1.1.0", 2, private=["key"])
    return tmp_path / "shop"


def two_releases(shop, **options):
    """Return the tasks that seal two releases, and deploy, replace, verify and roll back."""
    library = shop / "media"
    once = {"run_once": True}
    return [
        sealing("Seal 1", shop / "1.0.0", library, once),
        sealing("Seal 2", shop / "1.1.0", library, once),
        deploying("Deploy", "shop:1.0.0", library, **options),
        deploying("Next", "shop:1.1.0", library, **options),
        deploying("Again", "shop:1.1.0", library, **options),
        looking("Look"),
        deploying("Back", "previous", library, **options),
    ]


def assert_two_releases_went_well(run, hosts, shop):
    assert run.rc == 0, run.output
    for host in hosts:
        assert run.result("Next", host=host.name)["calls"] == 2
        assert not run.result("Again", host=host.name)["changed"]
        assert run.result("Look", host=host.name)["ok"]
        assert run.result("Look", host=host.name)["deployment"]["live"]["version"] == "1.1.0"
        assert current_tree(host) == read_tree(shop / "1.0.0/src")


@pytest.mark.parametrize(
    ("user", "pipelining"),
    [
        pytest.param("root", True, id="root"),
        pytest.param("root", False, id="root, no pipelining", marks=pytest.mark.every_point),
        pytest.param("deploy", True, id="deploy", marks=pytest.mark.every_point),
        pytest.param("deploy", False, id="deploy, no pipelining"),
    ],
)
def test_ssh_as_root_and_by_sudo(ssh_hosts, inventory, run_playbook, shop, user, pipelining):
    hosts = ssh_hosts(2, user=user, become=user == "deploy", pipelining=pipelining)

    run = run_playbook(play(*two_releases(shop)), inventory(hosts))

    assert_two_releases_went_well(run, hosts, shop)
    assert {path.owner() for path in (hosts[0].seen / "shop/current/").rglob("*")} == {"root"}
    assert not list((hosts[0].seen / "shop/.release/drop").iterdir())
    assert not list((hosts[0].seen / "shop/.release/staging").iterdir())


def test_files_belong_to_whom_the_root_says(ssh_hosts, fleet, inventory, run_playbook, shop):
    (host,) = ssh_hosts(1, user="deploy", become=True)
    options = {"owner": "deploy", "group": "app", "access": "group"}
    hosts = inventory([host])

    run = run_playbook(
        play(
            *two_releases(shop, **options),
            deploying("Other owner", "shop:1.1.0", shop / "media", IGNORED, owner="root"),
        ),
        hosts,
    )

    assert_two_releases_went_well(run, [host], shop)
    message = run.result("Other owner")["msg"]
    assert is_one_line(message)
    assert "remove the deployment first" in message
    listing = fleet.run(
        host.host, ["find", "/srv/shop/current/", "-printf", "%U:%G %m %y %P\n"]
    ).stdout.splitlines()
    ids = fleet.run(host.host, ["sh", "-c", "echo $(id -u deploy):$(id -g app)"]).stdout.strip()
    found = {line.split(" ", 3)[3]: line.split(" ", 3)[:3] for line in listing}
    assert {owner for owner, _mode, _type in found.values()} == {ids}
    assert {mode for _owner, mode, kind in found.values() if kind == "d"} == {"750"}
    assert found["bin/tool"][1] == "750"
    assert found["greeting"][1] == "640"
    assert found["key"][1] == "600"
    as_app = ["runuser", "-u", "app", "--"]
    assert fleet.run(host.host, [*as_app, "cat", "/srv/shop/current/greeting"]).stdout == "one"
    assert fleet.run(host.host, [*as_app, "cat", "/srv/shop/current/key"]).returncode != 0
    others = ["setpriv", "--reuid=nobody", "--clear-groups", "--regid=nogroup"]
    refused = fleet.run(host.host, [*others, "cat", "/srv/shop/current/greeting"])
    assert "Permission denied" in refused.stderr
    fleet.run(host.host, ["chown", "root", "/srv/shop/current/greeting"])
    drift = run_playbook(play(looking("Look")), hosts).result("Look")["drift"]
    assert [(item["path"], item["change"]) for item in drift] == [("greeting", "owner")]


def test_a_login_user_deploys_below_its_own_directory(
    ssh_hosts, fleet, inventory, run_playbook, shop
):
    (host,) = ssh_hosts(1, user="deploy")
    hosts = inventory([host])
    refused = run_playbook(play(*two_releases(shop)[:3]), hosts).result("Deploy")
    assert is_one_line(refused["msg"])
    assert "Permission denied: '/srv/shop'" in refused["msg"]
    fleet.run(host.host, ["chown", "deploy:", "/srv"])

    run = run_playbook(
        play(
            *two_releases(shop),
            deploying("Not root", "shop:1.1.0", shop / "media", IGNORED, owner="app"),
        ),
        hosts,
    )

    assert_two_releases_went_well(run, [host], shop)
    assert is_one_line(run.result("Not root")["msg"])


def test_another_user_than_the_one_that_writes_a_root_is_refused(
    ssh_hosts, fleet, inventory, run_playbook, shop
):
    (host,) = ssh_hosts(1, user="deploy")
    as_root = {"vars": {"ansible_become": True}}
    as_app = {"vars": {"ansible_become": True, "ansible_become_user": "app"}}
    fleet.run(host.host, ["chmod", "1777", "/srv"])

    run = run_playbook(
        play(
            *two_releases(shop)[:3],
            deploying("As root", "shop:1.1.0", shop / "media", {**IGNORED, **as_root}),
            deploying("As app", "shop:1.1.0", shop / "media", {**IGNORED, **as_app}),
            looking("Look"),
        ),
        inventory([host]),
    )

    assert run.rc == 0, run.output
    for title, user in (("As root", "root"), ("As app", "app")):
        message = run.result(title).get("msg", "was deployed")
        assert is_one_line(message), title
        assert f"is written by deploy; this run is {user}" in message
    assert run.result("Look")["ok"]
    assert run.result("Look")["deployment"]["live"]["version"] == "1.0.0"


@pytest.mark.parametrize(
    ("method", "pipelining"),
    [pytest.param("sudo", True, marks=pytest.mark.every_point), ("sudo", False), ("su", True)],
)
def test_root_logs_in_and_becomes_an_unprivileged_user(
    ssh_hosts, fleet, inventory, run_playbook, shop, method, pipelining
):
    (host,) = ssh_hosts(1, become=True, pipelining=pipelining)
    become = {"ansible_become_user": "app", "ansible_become_method": method}
    fleet.run(host.host, ["install", "-d", "-o", "app", "/srv/shop"])

    run = run_playbook(play(*two_releases(shop)), inventory([host], **become))

    assert_two_releases_went_well(run, [host], shop)
    assert owners(fleet, host) == {"app"}


@pytest.mark.parametrize("user", [pytest.param("root", marks=pytest.mark.every_point), "app"])
def test_a_login_user_becomes_another_by_su_and_password(
    ssh_hosts, fleet, inventory, run_playbook, shop, user
):
    (host,) = ssh_hosts(1, user="deploy", become=True)
    become = {
        "ansible_become_user": user,
        "ansible_become_method": "su",
        "ansible_become_password": "open sesame",
    }
    fleet.run(host.host, ["sh", "-c", f"echo '{user}:open sesame' | chpasswd"])
    fleet.run(host.host, ["install", "-d", "-o", user, "/srv/shop"])

    run = run_playbook(play(*two_releases(shop)), inventory([host], **become))

    assert_two_releases_went_well(run, [host], shop)
    assert owners(fleet, host) == {user}


def owners(fleet, host):
    """Return the users who own what is in the root of shop on *host*."""
    return set(fleet.run(host.host, ["find", "/srv/shop", "-printf", "%u\\n"]).stdout.split())


@pytest.mark.parametrize("user", [pytest.param("root", marks=pytest.mark.every_point), "deploy"])
def test_a_root_has_its_name_in_any_locale(ssh_hosts, fleet, inventory, run_playbook, shop, user):
    """Python takes C for UTF-8 unless it is told not to; then it can spell nothing but ASCII."""
    (host,) = ssh_hosts(1, user=user, become=user == "deploy")
    named = "/srv/Größe"
    restart = ["ls", f"{named}/current/übrig"]
    tasks = [
        *two_releases(shop, linked_paths=["übrig/"], restart=restart),
        looking("Look back"),
        deploying("Remove", None, shop / "media", state="absent"),
    ]
    tasks.insert(2, {**tasks[2], "name": "Predict", "check_mode": True})
    for task in tasks:
        task["environment"] = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
        for module in ("release_deployment", "release_deployment_info"):
            task.get(f"itops.release.{module}", {})["root"] = named

    run = run_playbook(play(*tasks), inventory([host]))

    assert run.rc == 0, run.output
    assert not run.result("Again")["changed"]
    assert run.result("Look back")["ok"]
    assert run.result("Look back")["deployment"]["root"] == named
    assert [path.name for path in host.seen.iterdir()] == ["Größe"]
    assert [path.name for path in (host.seen / "Größe").iterdir()] == ["shared"]


def test_podman_s_connection(podman_hosts, inventory, run_playbook, shop):
    hosts = podman_hosts(2)

    run = run_playbook(play(*two_releases(shop)), inventory(hosts))

    assert_two_releases_went_well(run, hosts, shop)


def pythons():
    """Return ``{"3.8": path, …}`` of the Pythons on this machine that a host may have."""
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = {}
    for path in [
        *pyenv.glob("versions/*/bin/python3.*"),
        *Path("/usr/bin").glob("python3.*"),
        *Path("/usr/local/bin").glob("python3.*"),
    ]:
        match = re.fullmatch(r"python3\.(\d+)", path.name)
        if match and (3, int(match[1])) >= OLDEST and os.access(path, os.X_OK):
            found.setdefault(f"3.{match[1]}", str(path))
    return dict(sorted(found.items(), key=lambda item: int(item[0][2:])))


@pytest.mark.slow
def test_every_python_that_is_here_can_be_a_host_s(local_hosts, inventory, run_playbook, shop):
    versions = pythons()
    assert versions, "not even the tests' own Python was found"
    hosts = [
        replace(host, variables={**host.variables, "ansible_python_interpreter": python})
        for host, python in zip(local_hosts(len(versions)), versions.values(), strict=True)
    ]
    versions_of_hosts = {
        "name": "Version",
        "ansible.builtin.command": "{{ ansible_python_interpreter }} -c "
        "'import sys; print(\"%d.%d\" % sys.version_info[:2])'",
    }

    run = run_playbook(play(versions_of_hosts, *two_releases(shop)), inventory(hosts))

    assert_two_releases_went_well(run, hosts, shop)
    assert [run.result("Version", host=host.name)["stdout"] for host in hosts] == list(versions)


def test_a_host_without_zstd_gets_gzip(local_hosts, inventory, run_playbook, shop, tmp_path):
    """The library was sealed with zstd where the controller has it; that is no matter of hosts."""
    (host,) = local_hosts(1)
    bare = tmp_path / "a Python without packages"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "rm", "mkdir", "echo", "chmod"):
        (programs / name).symlink_to(shutil.which(name))
    interpreter = {"ansible_python_interpreter": str(bare / "bin/python")}
    poor = replace(host, variables={**host.variables, **interpreter})
    tasks = two_releases(shop)
    for task in tasks:
        task["environment"] = {"PATH": str(programs)}

    run = run_playbook(play(*tasks), inventory([poor]))

    assert_two_releases_went_well(run, [host], shop)
    codecs = [path.name.rpartition("-")[2] for path in (shop / "media-packs").glob("[!.]*")]
    assert codecs == ["gzip", "gzip"]


def test_each_host_gets_what_it_can_read(ssh_hosts, fleet, inventory, run_playbook, shop):
    _with_zstd, without = hosts = ssh_hosts(2)
    fleet.run(without.host, ["rm", "/usr/bin/zstd"])

    run = run_playbook(play(*two_releases(shop)), inventory(hosts))

    assert_two_releases_went_well(run, hosts, shop)
    codecs = [path.name.rpartition("-")[2] for path in (shop / "media-packs").glob("[!.]*")]
    assert sorted(codecs) == ["gzip", "gzip", "zstd", "zstd"]


def test_where_a_root_cannot_be_is_told_in_a_line(ssh_hosts, inventory, run_playbook, shop):
    (host,) = ssh_hosts(1)
    (host.seen / "file").write_text("")
    (host.seen / "loop").symlink_to("loop")
    (host.seen / "linked").mkdir()
    (host.seen / "linked/.release").symlink_to("/etc")
    roots = {
        "below a file": ("/srv/file/shop", "/srv/file"),
        "a file": ("/srv/file", "/srv/file"),
        "a loop": ("/srv/loop", "/srv/loop"),
        "read-only": ("/sys/shop", "/sys/shop"),
        "a linked .release": ("/srv/linked", "'.release' is not a directory"),
    }

    run = run_playbook(
        play(
            *two_releases(shop)[:2],
            *(
                deploying(title, "shop:1.0.0", shop / "media", IGNORED, root=root)
                for title, (root, _named) in roots.items()
            ),
        ),
        inventory([host]),
    )

    assert "Traceback" not in run.output
    for title, (_root, named) in roots.items():
        message = run.result(title).get("msg", "was deployed")
        assert is_one_line(message), title
        assert named in message, f"{title}: {message}"
