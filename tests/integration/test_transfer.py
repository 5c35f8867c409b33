# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a pack gets to a host: again after the link broke, for whom a task becomes, where it fits."""

from __future__ import annotations

import base64
import os
import re
import subprocess

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
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

MEGABYTE = 1_000_000
FILE_BYTES = 100_000
BIG_BYTES = 32 * MEGABYTE  # as text; packed it is three quarters of that
# A link that hangs is given up after two seconds, and no other way of sending is tried then.
IMPATIENT = {
    "ansible_ssh_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
    "ansible_ssh_transfer_method": "sftp",
    "ansible_sftp_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
}
# What calls and acknowledgements take on the link, and what was on its way when that broke.
OVERHEAD_BYTES = 1.5 * MEGABYTE


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _sockets):
    """Return a directory with a media library ``media``: shop 1; 2 and 3, big; 4, of many files."""
    directory = tmp_path_factory.mktemp("shop")
    tasks = []
    for serial, version in enumerate("1234"):
        files = {"greeting": "hello", "bin/tool": "#!/bin/sh\n", "version": version}
        for number in range({"2": 320, "3": 320, "4": 2000}.get(version, 0)):
            size = 12 if version == "4" else FILE_BYTES * 3 // 4
            text = base64.b64encode(os.urandom(size)).decode()
            files[f"data/{number % 10}/{number}"] = text
        application = write_application(directory / version, files, version, serial)
        tasks.append(sealing(version, application, directory / "media"))
    run = Controller(directory / "controller", _sockets).run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    return directory


@pytest.fixture
def deploy(shop, run_playbook):
    """Return ``deploy(hosts, version)``, which runs to the end and returns the task's result."""

    def deploy(hosts, version, check=False, rc=0, **options):
        task = deploying("Deploy", f"shop:{version}", shop / "media", **options)
        run = run_playbook(play(task), hosts, check=check)
        assert run.rc == rc, run.output
        return run.result("Deploy")

    return deploy


@pytest.fixture
def break_off(shop, controller, fleet):
    """Return ``break_off(host, hosts, share)``: shop 2 is sent until that much of it is there.

    Then the link is cut, and restored when the run has given up. It returns what arrived.
    """

    def break_off(host, hosts, share):
        task = deploying("Deploy", "shop:2", shop / "media")
        run = controller.start(play(task), hosts)
        until(lambda: arrived(host) > share * BIG_BYTES * 3 / 4, "a part of the pack")
        fleet.cut([host.host])
        assert run.wait().rc == 2
        fleet.restore([host.host])
        return arrived(host)

    return break_off


def drops(host):
    return host.seen / "shop/.release/drop"


def arrived(host):
    """Return how many bytes of packs lie in the drops of *host*."""
    try:
        return sum(path.stat().st_size for path in drops(host).glob("*/[pk]*"))
    except FileNotFoundError:
        return 0


def is_pack(shop, size):
    """Tell whether a big pack in the cache has *size* bytes."""
    sizes = {path.stat().st_size for path in (shop / "media-packs").glob("[!.]*")}
    return size in sizes and size > BIG_BYTES / 2


def assert_there(host, shop, version):
    assert current_tree(host) == read_tree(shop / version / "src")
    assert list(drops(host).iterdir()) == []


def test_what_arrived_before_the_link_broke_is_not_sent_again(
    ssh_hosts, fleet, inventory, shop, deploy, break_off
):
    """It breaks twice: what both transfers brought is used."""
    (host,) = ssh_hosts(1)
    hosts = inventory([host], **IMPATIENT)
    first = break_off(host, hosts, 0.3)
    second = break_off(host, hosts, 0.7)
    assert second > first
    before = fleet.counters([host.host])[host.name]

    result = deploy(hosts, "2")

    seen = fleet.counters([host.host])[host.name] - before
    assert_there(host, shop, "2")
    assert result["resumed_bytes"] >= second
    assert is_pack(shop, result["sent_bytes"] + result["resumed_bytes"])
    assert seen.bytes_in < result["sent_bytes"] + OVERHEAD_BYTES
    assert (seen.logins, seen.sessions) == (1, 3)


def test_another_beginning_is_never_built_upon(
    ssh_hosts, fleet, inventory, shop, deploy, break_off
):
    (host,) = ssh_hosts(1)
    hosts = inventory([host], **IMPATIENT)
    break_off(host, hosts, 0.3)
    (remains,) = drops(host).glob("*/[pk]*")
    with open(remains, "r+b") as stream:
        stream.seek(MEGABYTE)
        stream.write(b"not what was sent")

    result = deploy(hosts, "2")

    assert result["resumed_bytes"] == 0
    assert is_pack(shop, result["sent_bytes"])
    assert_there(host, shop, "2")


def test_what_arrived_of_another_release_goes(ssh_hosts, inventory, shop, deploy, break_off):
    (host,) = ssh_hosts(1)
    hosts = inventory([host], **IMPATIENT)
    break_off(host, hosts, 0.3)

    result = deploy(hosts, "3")

    assert result["resumed_bytes"] == 0
    assert_there(host, shop, "3")


@pytest.mark.every_point
def test_a_pack_that_arrived_whole_is_not_sent_again(
    ssh_hosts, fleet, inventory, shop, deploy, controller
):
    (host,) = ssh_hosts(1)
    hosts = inventory([host])
    deploy(hosts, "1")
    run = controller.start(play(deploying("Deploy", "shop:2", shop / "media")), hosts)
    until(lambda: any((host.seen / "shop/.release").glob("staging/*/objects/*")), "staging")
    fleet.kill([host.host])
    assert run.wait().rc == 2
    fleet.revive([host.host])

    result = deploy(hosts, "2")

    assert (result["calls"], result["sent_bytes"]) == (2, 0)
    assert is_pack(shop, result["resumed_bytes"])
    assert_there(host, shop, "2")


def no_access_lists(fleet, host):
    """The host lacks the programs of the package acl"""
    fleet.run(host.host, ["rm", "/usr/bin/setfacl", "/usr/bin/chacl"])


def access_lists(fleet, host):
    """The host has the package acl"""
    assert fleet.run(host.host, ["test", "-x", "/usr/bin/setfacl"]).returncode == 0


def umask_077(fleet, host):
    """Nobody gives anything away"""
    script = (
        "echo 'session optional pam_umask.so umask=077' >>/etc/pam.d/common-session;"
        "echo 'Defaults umask=0077, umask_override' >/etc/sudoers.d/umask"
    )
    assert fleet.run(host.host, ["sh", "-c", script]).returncode == 0
    seen = fleet.run(host.host, ["sudo", "-u", "app", "sh", "-c", "umask"])
    assert seen.stdout.strip() == "0077"


def noexec_tmp(fleet, host):
    """Nothing in /tmp can be run"""
    mount = ["mount", "-t", "tmpfs", "-o", "mode=1777,noexec", "tmp", "/tmp"]
    assert fleet.run(host.host, mount).returncode == 0


@pytest.mark.parametrize(
    ("peculiar", "pipelining"),
    [
        (no_access_lists, True),
        pytest.param(no_access_lists, False, marks=pytest.mark.every_point),
        (access_lists, False),
        pytest.param(umask_077, False, marks=pytest.mark.every_point),
        (noexec_tmp, False),
    ],
)
def test_a_login_user_becomes_another_unprivileged_one(
    ssh_hosts, fleet, inventory, run_playbook, shop, peculiar, pipelining
):
    (host,) = ssh_hosts(1, user="deploy", become=True, pipelining=pipelining)
    hosts = inventory([host], ansible_become_user="app")
    fleet.run(host.host, ["install", "-d", "-o", "app", "/srv/shop"])
    peculiar(fleet, host)
    before = fleet.counters([host.host])[host.name]

    run = run_playbook(
        play(
            deploying("One", "shop:1", shop / "media"),
            deploying("Two", "shop:2", shop / "media"),
            deploying("Again", "shop:2", shop / "media"),
            looking("Look"),
            deploying("Back", "previous", None),
        ),
        hosts,
    )

    assert run.rc == 0, run.output
    assert run.result("Two")["sent_bytes"] > 2 * 8 * MEGABYTE  # so it takes several parts
    assert not run.result("Again")["changed"]
    assert run.result("Look")["ok"]
    assert_there(host, shop, "1")
    owners = fleet.run(host.host, ["find", "/srv/shop", "-printf", "%u\n"]).stdout.split()
    assert set(owners) == {"app"}
    if pipelining:
        parts = 1 + -(-run.result("Two")["sent_bytes"] // (8 * 1024**2))
        calls = sum(run.result(name)["calls"] for name in ("One", "Two", "Again", "Back"))
        seen = fleet.counters([host.host])[host.name] - before
        assert seen.sessions == parts + calls + 1


def test_what_arrived_for_another_unprivileged_user_is_not_sent_again(
    ssh_hosts, fleet, inventory, shop, deploy, break_off
):
    (host,) = ssh_hosts(1, user="deploy", become=True)
    hosts = inventory([host], **IMPATIENT, ansible_become_user="app")
    fleet.run(host.host, ["install", "-d", "-o", "app", "/srv/shop"])
    first = break_off(host, hosts, 0.4)

    result = deploy(hosts, "2")

    assert first - MEGABYTE * 1.05 < result["resumed_bytes"] <= first  # whole blocks
    assert is_pack(shop, result["sent_bytes"] + result["resumed_bytes"])
    assert_there(host, shop, "2")


def resize(host, **limits):
    options = ["remount", *(f"{name}={value}" for name, value in limits.items())]
    subprocess.run(["mount", "-o", ",".join(options), host.seen], check=True)


def used(host):
    """Return how many bytes and inodes are taken on ``/srv`` of *host*."""
    status = os.statvfs(host.seen)
    return (status.f_blocks - status.f_bfree) * status.f_frsize, status.f_files - status.f_ffree


@pytest.mark.parametrize(
    ("version", "few"),
    [
        pytest.param("2", "bytes", marks=pytest.mark.every_point),
        ("4", "inodes"),
        pytest.param("4", "bytes", marks=pytest.mark.every_point),
    ],
)
def test_what_has_no_room_is_told_before_anything_is_sent(
    ssh_hosts, inventory, shop, deploy, version, few
):
    """Check mode says the same; with just the room that is named, it fits."""
    (host,) = ssh_hosts(1)
    hosts = inventory([host])
    deploy(hosts, "1")
    size, inodes = used(host)
    resize(host, size=size + MEGABYTE if few == "bytes" else size + 4 * BIG_BYTES)
    resize(host, nr_inodes=inodes + (500 if few == "inodes" else 10_000))

    foreseen = deploy(hosts, version, check=True, rc=2)
    refused = deploy(hosts, version, rc=2)

    assert is_one_line(refused["msg"])
    assert refused["msg"].startswith("/srv/shop has not enough room")
    assert foreseen["msg"] == refused["msg"]
    assert refused["sent_bytes"] == 0
    assert (host.seen / "shop/current/version").read_text() == "1"
    needed = re.search(r"free, ([0-9.]+) MB and ([0-9]+) inodes are needed", refused["msg"])
    size, inodes = used(host)
    room = {"size": size + round((float(needed[1]) + 0.1) * MEGABYTE)}
    resize(host, **room, nr_inodes=inodes + int(needed[2]))
    deploy(hosts, version, check=True)
    deploy(hosts, version)
    assert_there(host, shop, version)


@pytest.mark.parametrize("user", ["root", "app"])
def test_what_arrived_before_the_disk_was_full_goes(
    ssh_hosts, fleet, inventory, controller, shop, deploy, user
):
    """The room was there when that was looked at; somebody else took it."""
    (host,) = ssh_hosts(1, user="deploy", become=True)
    hosts = inventory([host], ansible_become_user=user)
    fleet.run(host.host, ["install", "-d", "-o", user, "/srv/shop"])
    deploy(hosts, "1")
    before = used(host)
    run = controller.start(play(deploying("Deploy", "shop:2", shop / "media")), hosts)
    until(lambda: arrived(host) > MEGABYTE, "a part of the pack")

    resize(host, size=before[0] + BIG_BYTES // 2)
    run = run.wait()

    message = run.result("Deploy")["msg"]
    assert is_one_line(message)
    assert "the pack could not be sent" in message
    if user == "app":
        assert "No space left on device" in message
    assert arrived(host) == 0
    assert (host.seen / "shop/current/version").read_text() == "1"
    resize(host, size=10 * BIG_BYTES)
    deploy(hosts, "2")
    assert_there(host, shop, "2")


def test_async_is_refused(local_hosts, inventory, run_playbook, shop):
    (host,) = local_hosts(1)
    task = deploying("Deploy", "shop:1", shop / "media", {"async": 10, "poll": 1})

    run = run_playbook(play(task), inventory([host]))

    assert run.rc == 2
    assert is_one_line(run.result("Deploy")["msg"])
    assert "async" in run.result("Deploy")["msg"]
    assert list(host.seen.iterdir()) == []
