# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two successive versions of a real project on ten SSH hosts: only what changed travels."""

from __future__ import annotations

import contextlib
import hashlib
import threading

import pytest
import zstandard

from ansible_collections.itops.release.tests.integration.ansible_run import Controller
from ansible_collections.itops.release.tests.integration.applications import (
    current_tree,
    deploying,
    describe_application,
    looking,
    play,
    read_tree,
    sealing,
)

HOSTS = 10
CALL_BYTES = 250_000  # a module call with all that it imports, compressed by SSH
ENTRY_BYTES = 200  # a changed file in the manifest: its path, its size, 64 digits


@pytest.fixture(scope="module")
def project(real_project, tmp_path_factory, _sockets):
    """Return (media library, source trees, sealed releases) of the real project's two versions."""
    directory = tmp_path_factory.mktemp("project")
    library = directory / "media"
    tasks, sources = [], []
    for serial, fetched in enumerate(real_project, 1):
        application = directory / str(serial)
        application.mkdir()
        (application / "src").symlink_to(fetched / "src")
        describe_application(application, str(serial), serial, "project")
        tasks.append(sealing(str(serial), application, library))
        sources.append(fetched / "src")
    run = Controller(directory / "controller", _sockets).run(play(*tasks), "localhost,")
    assert run.rc == 0, run.output
    return library, sources, [run.result(title)["release"] for title in ("1", "2")]


def test_the_second_version_sends_only_what_changed(
    project, ssh_hosts, fleet, inventory, run_playbook
):
    library, sources, sealed = project
    assert sealed[0]["files"] > 3000
    trees = [read_tree(source) for source in sources]
    hosts = ssh_hosts(HOSTS)
    listed = inventory(hosts)
    packs = library.with_name("media-packs")
    made, spent, results = {}, {}, {}

    def deploy(title, release):
        before = fleet.counters([host.host for host in hosts])
        with packs_made_in(packs) as made[title]:
            run = run_playbook(play(deploying(title, release, library)), listed)
        assert run.rc == 0, run.output
        after = fleet.counters([host.host for host in hosts])
        spent[title] = [after[host.name] - before[host.name] for host in hosts]
        results[title] = [run.result(title, host=host.name) for host in hosts]

    def verify(version):
        run = run_playbook(play(looking("Look")), listed)
        assert run.rc == 0, run.output
        for host in hosts:
            there = run.result("Look", host=host.name)
            assert there["ok"]
            assert there["deployment"]["live"]["version"] == version

    deploy("first", "project:1")
    deploy("second", "project:2")
    verify("2")
    for host in hosts:
        assert current_tree(host) == trees[1]
    deploy("nothing", "project:2")
    deploy("back", "previous")
    verify("1")
    assert current_tree(hosts[0]) == trees[0]

    changed = zstandard.compress(b"".join(changed_contents(*trees).values()), 3)
    touched = len({path for path, _entry in set(trees[0].items()) ^ set(trees[1].items())})
    most = 1.1 * len(changed) + ENTRY_BYTES * touched
    for number, host in enumerate(hosts):
        first, second, nothing, back = (result[number] for result in results.values())
        assert 0 < second["sent_bytes"] <= most
        assert second["sent_bytes"] < first["sent_bytes"] / 5
        assert (nothing["changed"], nothing["sent_bytes"]) == (False, 0)
        assert (back["after"]["version"], back["sent_bytes"]) == ("1", 0)
        counts = {title: spent[title][number] for title in results}
        assert [count.logins for count in counts.values()] == [1, 1, 1, 1], host
        assert [count.sessions for count in counts.values()] == [3, 3, 1, 1], host
        for title, result in (("first", first), ("second", second)):
            assert counts[title].bytes_in <= 1.1 * result["sent_bytes"] + 2 * CALL_BYTES
        assert counts["nothing"].bytes_in <= CALL_BYTES
    assert [len(scratches) for scratches in made.values()] == [1, 1, 0, 0]
    assert len(list(packs.glob("[!.]*"))) == 2


@contextlib.contextmanager
def packs_made_in(cache):
    """Give a set with one thing for each pack that is made in *cache* meanwhile, however briefly.

    What becomes a pack or a note on one is a file of another name before, with the same inode.
    """
    inodes, ended = set(), threading.Event()

    def watch():
        while not ended.wait(0.002):
            for scratch in cache.glob(".new-*"):
                with contextlib.suppress(FileNotFoundError):
                    inodes.add(scratch.stat().st_ino)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield inodes
    finally:
        ended.set()
        watcher.join()
        inodes -= {note.stat().st_ino for note in cache.glob(".*.space")}


def changed_contents(old, new):
    """Return ``{digest: bytes}`` of each content in the tree *new* that *old* lacks."""
    held = {hashlib.sha256(entry[0]).digest() for entry in old.values() if isinstance(entry, tuple)}
    contents = {}
    for _path, entry in sorted(new.items(), key=lambda item: item[0]):
        if isinstance(entry, tuple):
            digest = hashlib.sha256(entry[0]).digest()
            if digest not in held:
                contents[digest] = entry[0]
    return contents
