# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Damage on hosts: named by an audit, mended by a run that may, never seen half-mended."""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ansible_collections.itops.release.tests.integration.ansible_run import Controller, until
from ansible_collections.itops.release.tests.integration.applications import (
    Operator,
    current_tree,
    failures,
    is_one_line,
    live_version,
    objects_of,
    read_state,
    read_tree,
    report_line,
    seal_all,
    snapshot,
    write_application,
)

pytestmark = pytest.mark.slow

BIG = "".join(random.Random(3).choices("0123456789abcdef", k=400_000))
COMMON = {"bin/tool": "#!/bin/sh\n", "static/big": BIG, "static/logo": "a logo\n" * 50}
VERSIONS = {
    "1.0.0": {**COMMON, "greeting": "one\n" * 100},
    "2.0.0": {**COMMON, "greeting": "two\n" * 100},
    "3.0.0": {**COMMON, "greeting": "three\n" * 100},
}
LIVE = VERSIONS["2.0.0"]
SMALL_BYTES = 2_000  # what one damaged file costs; the whole release is some 200 kB
# A service's reader: it resolves `current` for each file that it opens, for as long as it is asked.
READER = """\
import json, os, pathlib, sys

current, stop = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
seen, rounds = {}, 0
while not stop.exists() or not rounds:
    for name in sys.argv[3:]:
        try:
            text = (current / name).read_text()
        except OSError as error:
            text = repr(error)
        seen.setdefault(name, [])
        if text not in seen[name]:
            seen[name].append(text)
    rounds += 1
    pathlib.Path(f"{stop}.begun").touch()
print(json.dumps(seen))
"""
# A restart before which, it looks, the module was killed: it had switched and not recorded that.
DEATH = """\
import json, os, pathlib, signal, sys

died = pathlib.Path(sys.argv[1], "died")
path = pathlib.Path(sys.argv[1], "shop/.release/state.json")
if not died.exists():
    died.touch()
    state = json.loads(path.read_text())
    del state["sum"]
    path.write_text(json.dumps({**state, "trial": None, "switching": {"to": state["trial"]}}))
    os.kill(state["run"]["pid"], signal.SIGKILL)
"""
# A play of a user's own, whose handler restarts the service.
PLAY = """
- hosts: all
  gather_facts: false
  roles: [itops.release.verify]
  handlers:
    - name: Restart by handler
      ansible.builtin.shell: readlink {{ deploy_root }}/current >>{{ srv }}/handled
      listen: release activated
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory, _sockets):
    """Return a media library with three versions, and a root where 2.0.0 followed 1.0.0."""
    directory = tmp_path_factory.mktemp("sealed")
    library, controller = directory / "library", Controller(directory / "controller", _sockets)
    sources = {
        version: write_application(directory / version, files, version, serial)
        for serial, (version, files) in enumerate(VERSIONS.items(), 1)
    }
    seal_all(controller, library, sources.values())
    variables = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "deploy_root": str(directory / "root"),
        "deploy_media_library": str(library),
    }
    hosts = directory / "hosts.json"
    hosts.write_text(json.dumps({"all": {"hosts": {"template": variables}}}))
    operator = Operator(controller.run, hosts)
    for version in ("1.0.0", "2.0.0"):
        run = operator.deploy(version)
        assert run.rc == 0, run.output
    return SimpleNamespace(library=library, root=directory / "root", sources=sources)


@pytest.fixture
def shop(sealed, inventory, run_playbook):
    """Return ``shop(targets)``: an Operator of hosts where 2.0.0 is live, after 1.0.0."""

    def spread(targets, **variables):
        for target in targets:
            shutil.copytree(sealed.root, target.seen / "shop", symlinks=True)
        restart = "readlink {{ deploy_root }}/current >>{{ srv }}/restarted"
        probe = "echo >>{{ srv }}/probed && test ! -e {{ srv }}/broken"
        hosts = inventory(
            targets,
            **{
                "deploy_root": "{{ srv }}/shop",
                "deploy_media_library": str(sealed.library),
                "deploy_restart": ["sh", "-c", restart],
                "deploy_probe": {"command": ["sh", "-c", probe], "retries": 0},
                **variables,
            },
        )
        return Operator(run_playbook, hosts)

    return spread


def tree_of(target, version):
    (tree,) = (target.seen / "shop/releases").glob(f"{version}-*")
    return tree


def damage(target, tree, name, files):
    """Let the file *name* of *tree*, and what is held of its content, be something else."""
    (tree / name).write_text(altered(files[name]))
    for held in objects_of(target, files[name]):
        held.write_text(altered(files[name]))


def altered(text):
    """Return a text as long as *text* is: only the digest tells that it is another one."""
    return "X" + text[1:]


def contents_held(target, text):
    """Return what a root really holds for the content *text*."""
    return {held.read_text() for held in objects_of(target, text)}


def modify(target, tree):
    damage(target, tree, "greeting", LIVE)


def add(target, tree):
    (tree / "static/extra").write_text("left by somebody")


def remove(target, tree):
    shutil.rmtree(tree / "bin")


def close(target, tree):
    (tree / "static/logo").chmod(0o600)


def swap(target, tree):
    (tree / "static/logo").unlink()
    (tree / "static/logo").symlink_to("/etc/passwd")


HARMS = {
    modify: "greeting modified",
    add: "static/extra extra",
    remove: "bin missing",
    close: "static/logo mode",
    swap: "static/logo type",
}


@contextlib.contextmanager
def reading(target, tmp_path, *names):
    """Read *names* of what is current over and over; afterwards the given dict has what was seen.

    It is ``{name: [text, …]}``, with an error in words where there was one.
    """
    stop, seen = tmp_path / "stop", {}
    process = subprocess.Popen(
        [sys.executable, "-c", READER, target.seen / "shop/current", stop, *names],
        stdout=subprocess.PIPE,
    )
    try:
        until((tmp_path / "stop.begun").exists, "the reader begins")
        yield seen
    finally:
        stop.touch()
        said, _nothing = process.communicate(timeout=60)
    seen.update(json.loads(said))


def test_an_audit_names_the_damage_and_a_run_that_may_mends_it(targets, shop, sealed, tmp_path):
    hosts = targets(len(HARMS) + 1)
    *harmed, whole = hosts
    operator = shop(hosts)
    for target, harm in zip(harmed, HARMS, strict=True):
        harm(target, tree_of(target, "2.0.0"))
    before = [snapshot(target.seen) for target in hosts]
    was_current = os.readlink(whole.seen / "shop/current")

    audit = operator.verify()
    foretold = operator.verify(check=True, verify_mend="yes")

    assert [snapshot(target.seen) for target in hosts] == before
    for run in (audit, foretold):
        assert run.rc != 0
        assert set(failures(run)) == {target.name for target in harmed}
        for target, words in zip(harmed, HARMS.values(), strict=True):
            assert words in failures(run)[target.name]
            assert is_one_line(failures(run)[target.name])
    for target in harmed:
        assert "a run without --check would switch to 2.0.0-" in failures(foretold)[target.name]

    with reading(harmed[0], tmp_path, *LIVE) as seen:
        mended = operator.verify(verify_mend="yes")

    assert mended.rc == 0, mended.output
    for name, text in LIVE.items():
        harm = [altered(text)] if name == "greeting" else []
        assert seen[name] == [*harm, text], name
    assert contents_held(harmed[0], LIVE["greeting"]) == {LIVE["greeting"]}
    for target in harmed:
        assert current_tree(target) == read_tree(sealed.sources["2.0.0"] / "src")
        switched_to = os.readlink(target.seen / "shop/current")
        assert switched_to != was_current
        assert (target.seen / "restarted").read_text() == switched_to + "\n"
        assert (target.seen / "probed").exists()
        assert report_line(mended, target.name).split()[1] == "mended"
        result = mended.result("Lay the release out anew, and switch to it", target.name)
        assert switched_to == f"releases/{result['after']['tree']}"
        assert result["sent_bytes"] < SMALL_BYTES
    assert report_line(mended, whole.name).split()[1] == "verified"
    assert snapshot(whole.seen) == before[-1]


@pytest.mark.every_point
def test_a_handler_restarts_a_service_that_was_mended(local_hosts, shop, inventory, run_playbook):
    (host,) = local_hosts(1)
    operator = shop([host], deploy_restart=[])
    harmed = tree_of(host, "2.0.0")
    damage(host, harmed, "greeting", LIVE)
    (host.seen / "broken").touch()  # a probe would ask before the handler has restarted

    run = operator.run(PLAY, verify_mend="yes")

    assert run.rc == 0, run.output
    handled = (host.seen / "handled").read_text().split()
    assert handled == [os.readlink(host.seen / "shop/current")]
    assert handled != [f"releases/{harmed.name}"]
    assert not (host.seen / "probed").exists()


def test_a_mended_release_that_does_not_work_leaves_the_host_where_it_was(ssh_hosts, shop):
    (host,) = ssh_hosts(1)
    operator = shop([host])
    harmed = tree_of(host, "2.0.0")
    damage(host, harmed, "greeting", LIVE)
    (host.seen / "broken").touch()

    run = operator.verify(verify_mend="yes")

    assert run.rc != 0
    assert is_one_line(failures(run)[host.name])
    assert "probe failed" in failures(run)[host.name]
    assert "back on 2.0.0, which differs from what was sealed" in failures(run)[host.name]
    assert os.readlink(host.seen / "shop/current") == f"releases/{harmed.name}"
    restarted = (host.seen / "restarted").read_text().split()
    assert [os.path.basename(tree) == harmed.name for tree in restarted] == [False, True]
    assert report_line(run, host.name).split()[1:3] == ["put", "back"]
    assert read_state(host)["trial"] is None

    (host.seen / "broken").unlink()
    assert operator.verify(verify_mend="yes").rc == 0
    assert (host.seen / "shop/current/greeting").read_text() == LIVE["greeting"]


def test_a_host_whose_module_was_killed_right_after_its_switch_is_put_back(local_hosts, shop):
    (host,) = local_hosts(1)
    operator = shop([host], deploy_restart=[sys.executable, "-c", DEATH, "{{ srv }}"])

    run = operator.deploy("3.0.0")

    assert (host.seen / "died").exists()
    assert run.rc != 0
    assert live_version(host) == "2.0.0"
    assert read_state(host)["trial"] is None
    put_back = run.result("Restore the previous release")
    assert (put_back["after"]["phase"], put_back["after"]["version"]) == ("live", "2.0.0")


def test_mending_accepts_no_switch_of_a_killed_run(local_hosts, shop):
    """That run was killed between the rename of ``current`` and the record that it switched."""
    (host,) = local_hosts(1)
    operator = shop([host])
    live, switched_to = tree_of(host, "1.0.0").name, tree_of(host, "2.0.0")
    state = read_state(host)
    lease = {"run": "a killed run", "since": state["since"]}
    lease.update(dict.fromkeys(("pid", "started", "boot")))
    (host.seen / "shop/.release/state.json").write_text(
        json.dumps(
            {
                **state,
                "live": live,
                "good": state["good"][:1],
                "switching": {"to": switched_to.name},
                "lease": lease,
            }
        )
    )
    modify(host, switched_to)
    before = snapshot(host.seen)

    run = operator.verify(verify_mend="yes")

    assert run.rc != 0
    assert "greeting modified" in failures(run)[host.name]
    assert snapshot(host.seen) == before
    found = run.result("Compare what is live with its manifest, byte for byte")["deployment"]
    assert (found["phase"], found["run"]) == ("on trial", "a killed run")
    assert (found["live"]["tree"], found["trial"]["tree"]) == (live, switched_to.name)


def test_a_damaged_way_back_is_mended_before_it_goes_live(ssh_hosts, shop, sealed, tmp_path):
    (host,) = ssh_hosts(1)
    operator = shop([host])
    damage(host, tree_of(host, "1.0.0"), "greeting", VERSIONS["1.0.0"])

    with reading(host, tmp_path, "greeting") as seen:
        run = operator.rollback()

    assert run.rc == 0, run.output
    assert seen["greeting"] == [LIVE["greeting"], VERSIONS["1.0.0"]["greeting"]]
    assert current_tree(host) == read_tree(sealed.sources["1.0.0"] / "src")
    result = run.result("Make the release live")
    named = [(item["path"], item["change"]) for item in result["drift"]]
    assert named == [("greeting", "modified")]
    assert result["sent_bytes"] < SMALL_BYTES


def test_what_the_next_release_builds_upon_comes_in_one_more_small_pack(ssh_hosts, shop, sealed):
    (host,) = ssh_hosts(1)
    operator = shop([host])
    damage(host, tree_of(host, "2.0.0"), "static/logo", LIVE)
    assert contents_held(host, COMMON["static/logo"]) == {altered(COMMON["static/logo"])}

    run = operator.deploy("3.0.0")

    assert run.rc == 0, run.output
    assert current_tree(host) == read_tree(sealed.sources["3.0.0"] / "src")
    assert contents_held(host, COMMON["static/logo"]) == {COMMON["static/logo"]}
    staged = run.result("Stage the release")
    assert staged["calls"] == 3  # a question, what had changed, what was damaged
    assert staged["sent_bytes"] < 2 * SMALL_BYTES
    assert live_version(host) == "3.0.0"
