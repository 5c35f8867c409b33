# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage, full disks, cut links, killed processes, two runs at once: the old or the new, whole."""

from __future__ import annotations

import base64
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import replace

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
BIG_BYTES = 24 * MEGABYTE  # takes a second to send, so that there is a "while it is sent"
SIZES = {"1": 0, "1.1": FILE_BYTES, "2": BIG_BYTES, "3": BIG_BYTES}
COMMON = {"greeting": "hello", "bin/tool": "#!/bin/sh\n", "static/logo": "x" * 20_000}
# A link that hangs is given up after two seconds, and no other way of sending is tried then.
IMPATIENT = {
    "ansible_ssh_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
    "ansible_ssh_transfer_method": "sftp",
    "ansible_sftp_extra_args": "-o ServerAliveInterval=1 -o ServerAliveCountMax=2",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory, _sockets):
    """Return a directory with a media library ``media`` that has shop 1 and 1.1."""
    directory = tmp_path_factory.mktemp("shop")
    seal(directory, ("1", "1.1"), Controller(directory / "controller", _sockets))
    return directory


@pytest.fixture(scope="module")
def big_releases(shop, _sockets):
    """Add shop 2 and 3 to the media library; sending one takes a while."""
    seal(shop, ("2", "3"), Controller(shop / "controller of big ones", _sockets))


def seal(directory, versions, controller):
    tasks = []
    for version in versions:
        files = dict(COMMON, version=version)
        for number in range(SIZES[version] // FILE_BYTES):
            text = base64.b64encode(os.urandom(FILE_BYTES)).decode()
            files[f"data/{number % 10}/{number}"] = text
        serial = list(SIZES).index(version)
        application = write_application(directory / version, files, version, serial)
        tasks.append(sealing(version, application, directory / "media"))
    run = controller.run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output


@pytest.fixture
def deploy(shop, run_playbook):
    """Return ``deploy(hosts, version)``, which runs to the end and returns the Run."""

    def run(hosts, version, **options):
        task = deploying("Deploy", f"shop:{version}", shop / "media", **options)
        return run_playbook(play(task), hosts)

    return run


@pytest.fixture
def begin(shop, controller):
    """Return ``begin(hosts, version)``, which returns the run while it goes on."""

    def start(hosts, version):
        task = deploying("Deploy", f"shop:{version}", shop / "media")
        return controller.start(play(task), hosts)

    return start


@pytest.fixture
def host_with_one(ssh_hosts, inventory, big_releases, deploy):
    """Return (a host on which version 1 is live, its inventory)."""
    (host,) = ssh_hosts(1)
    hosts = inventory([host], **IMPATIENT)
    assert deploy(hosts, "1").rc == 0
    return host, hosts


def ours(host):
    return host.seen / "shop/.release"


def being_sent(host):
    """Tell whether a pack is half-way to the host."""
    try:
        sizes = [path.stat().st_size for path in ours(host).glob("drop/*/pack*")]
    except FileNotFoundError:
        return False
    return any(MEGABYTE < size < BIG_BYTES / 2 for size in sizes)


def being_staged(host):
    """Tell whether contents come out of a pack."""
    try:
        return any(ours(host).glob("staging/*/objects/*"))
    except FileNotFoundError:
        return False


def version_there(host, shop):
    """Return the version that is current, having compared every file, or None."""
    for version in SIZES:
        if current_tree(host) == read_tree(shop / version / "src"):
            return version
    return None


def assert_converges(hosts, host, shop, deploy, run_playbook, version="2"):
    """Run again: the version gets there, whole; and again: nothing is left to do."""
    run = deploy(hosts, version)
    assert run.rc == 0, run.output
    assert version_there(host, shop) == version
    again = deploy(hosts, version)
    assert not again.result("Deploy")["changed"]
    look = run_playbook(play(looking("Look")), hosts).result("Look")
    assert look["ok"]
    assert look["deployment"]["phase"] == "live"
    for leftovers in ("staging", "drop"):
        assert list((ours(host) / leftovers).iterdir()) == []


@pytest.mark.slow
def test_a_damaged_pack_is_refused_by_the_host_and_made_anew(
    local_hosts, inventory, run_playbook, shop, tmp_path
):
    harms = ("altered", "truncated", "longer", "empty")
    first, *others = (
        replace(target, variables={**target.variables, "packs": str(tmp_path / target.name)})
        for target in local_hosts(1 + len(harms))
    )
    hosts = inventory([first, *others])

    def deploy(version, limit=None):
        task = deploying("Deploy", f"shop:{version}", shop / "media", pack_cache="{{ packs }}")
        return run_playbook(play(task), hosts, limit=limit)

    deploy("1")
    deploy("1.1", limit=first.name)
    (good,) = [path for path in (tmp_path / first.name).glob("[!.]*") if "none" not in path.name]
    for host, harm in zip(others, harms, strict=True):
        shutil.copy(good, tmp_path / host.name)
        damage(tmp_path / host.name / good.name, harm)

    refused = deploy("1.1", limit="all:!" + first.name)

    assert "Traceback" not in refused.output
    for host, harm in zip(others, harms, strict=True):
        result = refused.result("Deploy", host=host.name)
        assert is_one_line(result.get("msg")), harm
        assert re.search("pack|compressed stream", result["msg"]), result["msg"]
        assert version_there(host, shop) == "1"
        assert not any((ours(host) / "drop").iterdir())
    assert deploy("1.1").rc == 0
    assert {version_there(host, shop) for host in others} == {"1.1"}


@pytest.mark.slow
def test_damage_on_the_host_is_healed_or_refused(local_hosts, inventory, run_playbook, shop):
    """What the next release would build upon is sent again; a state is never guessed."""
    hosts = local_hosts(6)
    listed = inventory(hosts)
    library = shop / "media"
    assert run_playbook(play(deploying("One", "shop:1", library)), listed).rc == 0
    manifest, no_manifest, content, no_content, state, no_state = hosts
    (document,) = (ours(manifest) / "manifests").iterdir()
    damage(document, "altered")
    for document in (ours(no_manifest) / "manifests").iterdir():
        document.unlink()
    logo = hashlib.sha256(COMMON["static/logo"].encode()).hexdigest()
    damage(ours(content) / "objects" / logo[:2] / logo, "altered")
    (ours(no_content) / "objects" / logo[:2] / logo).unlink()
    damage(ours(state) / "state.json", "truncated")
    (ours(no_state) / "state.json").unlink()

    run = run_playbook(play(deploying("Deploy", "shop:1.1", library), looking("Look")), listed)

    assert "Traceback" not in run.output
    for host in (manifest, no_manifest, content, no_content):
        result = run.result("Deploy", host=host.name)
        assert result["changed"], host.name
        assert run.result("Look", host=host.name)["ok"], host.name
        assert version_there(host, shop) == "1.1"
    for host, reason in ((state, "state.json cannot be read"), (no_state, "nothing was touched")):
        message = run.result("Deploy", host=host.name)["msg"]
        assert is_one_line(message)
        assert reason in message
        assert version_there(host, shop) == "1"


def test_a_disk_that_fills_up_leaves_the_old_release(
    host_with_one, shop, begin, deploy, run_playbook
):
    """The room was there when that was looked at; somebody else took it: the pack just fits."""
    host, hosts = host_with_one
    used = disk_used(host)
    run = begin(hosts, "2")
    until(lambda: being_sent(host), "a pack on its way")

    resize_disk(host, BIG_BYTES * 3 // 2)
    run = run.wait()

    assert run.rc == 2, run.output
    message = run.result("Deploy")["msg"]
    assert is_one_line(message)
    assert "No space left" in message
    assert version_there(host, shop) == "1"
    assert disk_used(host) < used + MEGABYTE, "the service's disk is left full"
    resize_disk(host, BIG_BYTES * 10)
    assert_converges(hosts, host, shop, deploy, run_playbook)


def disk_used(host):
    status = os.statvfs(host.seen)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def resize_disk(host, size):
    subprocess.run(["mount", "-o", f"remount,size={size}", host.seen], check=True)


@pytest.mark.parametrize(
    "moment", [pytest.param(being_sent, marks=pytest.mark.every_point), being_staged]
)
def test_a_cut_link_leaves_the_old_or_the_new(
    host_with_one, fleet, shop, deploy, begin, run_playbook, moment
):
    host, hosts = host_with_one
    run = begin(hosts, "2")
    until(lambda: moment(host), moment.__doc__)

    fleet.cut([host.host])
    cut = time.monotonic()
    run = run.wait()

    assert time.monotonic() - cut < 30
    assert run.rc == 2, run.output
    (outcome,) = run.find("Deploy")
    assert (outcome.status, outcome.result["code"]) == ("failed", "host_lost")
    assert "Traceback" not in run.output
    assert "unreachable" in run.stdout.partition("RELEASES")[2]
    assert version_there(host, shop) in (("1",) if moment is being_sent else ("1", "2"))
    fleet.restore([host.host])
    assert_converges(hosts, host, shop, deploy, run_playbook)


@pytest.mark.parametrize(
    "moment", [pytest.param(being_sent, marks=pytest.mark.every_point), being_staged]
)
def test_a_killed_controller_leaves_the_old_or_the_new(
    host_with_one, shop, deploy, begin, run_playbook, moment
):
    """The next run starts at once, while what the killed one left on the host goes on."""
    host, hosts = host_with_one
    run = begin(hosts, "2")
    until(lambda: moment(host), moment.__doc__)

    run.kill()

    assert run.wait().rc == -9
    assert version_there(host, shop) in ("1", "2")
    assert_converges(hosts, host, shop, deploy, run_playbook)


def test_a_killed_module_leaves_what_was_live(
    host_with_one, fleet, shop, deploy, begin, run_playbook
):
    host, hosts = host_with_one
    run = begin(hosts, "2")
    until(lambda: being_staged(host), "staging")
    pid = stop_module(fleet, host)
    live, unfinished = version_there(host, shop), any((ours(host) / "staging").iterdir())

    assert fleet.run(host.host, ["kill", "-KILL", pid]).returncode == 0

    assert run.wait().rc == 2
    assert version_there(host, shop) == live
    assert live == "1" or not unfinished
    assert_converges(hosts, host, shop, deploy, run_playbook)


def test_a_power_cut_leaves_what_was_live(host_with_one, fleet, shop, deploy, begin, run_playbook):
    host, hosts = host_with_one
    run = begin(hosts, "2")
    until(lambda: being_staged(host), "staging")
    stop_module(fleet, host)
    live = version_there(host, shop)

    fleet.kill([host.host])

    assert run.wait().rc == 2
    assert version_there(host, shop) == live
    fleet.revive([host.host])
    assert_converges(hosts, host, shop, deploy, run_playbook)


def stop_module(fleet, host):
    """Stop the module on *host*, so that it cannot come to its end meanwhile; return its pid."""
    pid = str(json.loads((ours(host) / "state.json").read_bytes())["run"]["pid"])
    assert fleet.run(host.host, ["kill", "-STOP", pid]).returncode == 0
    return pid


@pytest.mark.parametrize(
    "second",
    [
        pytest.param("2", id="the same release", marks=pytest.mark.every_point),
        pytest.param("3", id="another release"),
    ],
)
def test_two_runs_at_once_leave_one_outcome(
    ssh_hosts, inventory, shop, big_releases, deploy, begin, run_playbook, second
):
    targets = ssh_hosts(3)
    hosts = inventory(targets)
    deploy(hosts, "1")

    runs = {"2": begin(hosts, "2")}
    until(lambda: any(map(being_sent, targets)), "a pack on its way")
    runs[second + " too"] = begin(hosts, second)
    ended = [run.wait() for run in runs.values()]

    for host in targets:
        results = [run.result("Deploy", host=host.name) for run in ended]
        succeeded = [result for result in results if not result.get("failed")]
        assert succeeded, [result["msg"] for result in results]
        for result in results:
            assert not result.get("failed") or is_one_line(result["msg"])
        assert "Traceback" not in ended[0].output + ended[1].output
        current = version_there(host, shop)
        assert current in {result["after"]["version"] for result in succeeded}
        assert current in ("2", second)
    assert_converges(hosts, targets[0], shop, deploy, run_playbook, version=second)


def test_a_stopped_run_is_named_when_its_lock_is_in_the_way(
    local_hosts, inventory, run_playbook, shop
):
    (host,) = local_hosts(1)
    hosts = inventory([host])
    run_playbook(play(deploying("One", "shop:1", shop / "media")), hosts)
    with open(ours(host) / "lock", "r+", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.truncate()
        lock.write("pid 4711 of somebody")
        lock.flush()
        began = time.monotonic()

        run = run_playbook(
            play(deploying("Deploy", "shop:1.1", shop / "media", lock_timeout="1")), hosts
        )

    assert time.monotonic() - began < 20
    assert run.rc == 2
    assert is_one_line(run.result("Deploy")["msg"])
    assert "is locked by pid 4711 of somebody for more than 1 s" in run.result("Deploy")["msg"]
    assert version_there(host, shop) == "1"


def damage(path, harm):
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(
        {
            "empty": b"",
            "truncated": data[:middle],
            "longer": data + b"x",
            "altered": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        }[harm]
    )
