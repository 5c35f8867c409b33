# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A process that ends at any point leaves the old or the new release live; the next run settles."""

from __future__ import annotations

import errno
import itertools
import os
import shutil
import threading

import pytest

from ansible_collections.itops.release.plugins.module_utils.files import _durable
from ansible_collections.itops.release.tests.fakes.estate import sha256, write_tree
from ansible_collections.itops.release.tests.fakes.processes import exit_status
from ansible_collections.itops.release.tests.fakes.steps import durable_steps

# What changes a file system, and what makes a change last.
CALLS = (
    "chmod",
    "fchmod",
    "fsync",
    "link",
    "mkdir",
    "rename",
    "rmdir",
    "symlink",
    "unlink",
    "write",
)
KILLED = 9
FIRST = {"app*": "first", "lib/a": "same", "lib/b": "b"}
SECOND = {"app*": "second", "lib/a": "same", "new": "", "key": "k"}


@pytest.fixture
def labels(estate):
    return [
        estate.seal("1.0", FIRST),
        estate.seal("2.0", SECOND, private=("key",)),
        estate.seal("3.0", {"app*": "third"}),
        estate.seal("4.0", {"app*": "fourth"}),
    ]


def deploy_second(host, labels):
    host.deploy(labels[1], restart=["true"], keep=1)


def deploy_first(host, labels):
    host.deploy(labels[0], restart=["true"])


def go_back(host, labels):
    host.deploy(labels[0], restart=["true"])


def put_back(host, labels):
    with pytest.raises(ValueError, match=r"back on 1\.0"):
        host.deploy(labels[1], restart=["true"], probe={"command": ["false"]})


def nothing_yet(host, labels):
    del host, labels


def first_live(host, labels):
    host.deploy(labels[0], restart=["true"])


def second_live(host, labels):
    for label in labels[:2]:
        host.deploy(label, restart=["true"])


def three_staged(host, labels):
    host.deploy(labels[2], restart=["true"])
    host.deploy(labels[0], restart=["true"])


STORIES = {
    "the first deployment": (nothing_yet, deploy_first, 0, {None, "first"}),
    "the next one, with cleaning": (three_staged, deploy_second, 1, {"first", "second"}),
    "a rollback": (second_live, go_back, 0, {"first", "second"}),
    "putting back": (first_live, put_back, 0, {"first", "second"}),
}


def end_at(number, act):
    """Call act(), ending the process by force at the given one of CALLS."""
    count = [0]

    def counted(real):
        def call(*args, **kwargs):
            count[0] += 1
            if count[0] == number:
                os._exit(KILLED)
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    act()


def live(host):
    """Return what a reader of ``current`` finds, or None where there is no such name."""
    if not os.path.lexists(host.root / "current"):
        return None
    return host.read("app")


@pytest.mark.slow
@pytest.mark.parametrize(("before", "act", "index", "allowed"), STORIES.values(), ids=STORIES)
def test_whenever_a_run_is_killed_the_next_one_converges(
    estate, labels, before, act, index, allowed
):
    host = estate.host()
    before(host, labels)

    for number in each_kill(host, lambda: act(host, labels)):
        assert live(host) in allowed, number
        if host.root.exists() and (host.root / "current").exists():
            assert host.drift() == [], number
        params = {"restart": ["true"], "keep": 1}
        host.deploy(labels[index], **params)
        assert live(host) == ("first", "second")[index], number
        assert not host.deploy(labels[index], **params)["changed"], number
        host.deploy(labels[3])
        assert_tidy(host)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["bytes", pytest.param("extra", marks=pytest.mark.every_point)])
def test_whenever_mending_is_killed_the_next_run_mends(estate, labels, harm):
    host = estate.host()
    host.deploy(labels[0])
    if harm == "bytes":
        host.damage(labels[0], "lib/b")
    else:
        (host.root / "current/more").write_text("more")
    damage = host.drift()

    for number in each_kill(host, lambda: host.deploy(labels[0], verify=True)):
        assert live(host) == "first", number
        assert host.drift() in ([], damage), number
        host.deploy(labels[0], verify=True)
        assert host.drift() == [], number
        assert not host.deploy(labels[0], verify=True)["changed"], number
        host.deploy(labels[1], keep=1)
        host.deploy(labels[3], keep=1)
        assert_tidy(host)


@pytest.mark.slow
@pytest.mark.every_point
def test_whenever_adopting_is_killed_what_was_there_before_stays_the_way_back(estate, labels):
    host = estate.host(adopt=True)
    write_tree(host.root / "releases/2015", {"app": "old"})
    (host.root / "current").symlink_to("./releases/2015")

    for number in each_kill(host, lambda: host.deploy(labels[0])):
        assert live(host) in ("old", "first"), number
        host.deploy(labels[0])
        assert live(host) == "first", number
        host.deploy(None)
        assert live(host) == "old", number


@pytest.mark.slow
@pytest.mark.every_point
def test_whenever_seeding_is_killed_a_shared_path_is_missing_or_whole(estate, labels):
    host = estate.host(seed=True, linked_paths=["lib/", "app"])

    for number in each_kill(host, lambda: host.deploy(labels[0])):
        shared = host.root / "shared"
        if (shared / "app").exists():
            assert (shared / "app").read_text() == "first", number
        if (shared / "lib").exists():
            assert sorted(os.listdir(shared / "lib")) == ["a", "b"], number
        host.deploy(labels[0])
        assert host.read("app") == "first", number
        assert host.read("lib/a") == "same", number
        host.deploy(labels[3])
        assert_tidy(host)


def each_kill(host, act):
    """Yield a number for each point at which act() was ended, with the host as that left it."""
    aside = host.root.with_name("aside")
    if host.root.exists():
        shutil.copytree(host.root, aside, symlinks=True)
    for number in itertools.count(1):
        shutil.rmtree(host.root, ignore_errors=True)
        if aside.exists():
            shutil.copytree(aside, host.root, symlinks=True)
        status = exit_status(lambda at=number: end_at(at, act))
        if status == 0:  # it came to its end
            assert number > 20
            return
        assert status == KILLED
        yield number


def assert_tidy(host):
    """Check that nothing half-done lies about; what has a final name is whole and known."""
    ours = host.root / ".release"
    assert os.listdir(ours / "staging") == os.listdir(ours / "drop") == []
    assert set(host.trees) == set(host.state.trees)
    assert [host.drift(tree) for tree in host.trees] == [[] for _tree in host.trees]


@pytest.mark.parametrize("at", [1, 2, 3, 4])
def test_a_full_disk_leaves_the_old_release_live(estate, labels, monkeypatch, at):
    host = estate.host()
    host.deploy(labels[0])
    real, count = os.write, [0]

    def full(descriptor, data):
        count[0] += 1
        if count[0] >= at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        host.deploy(labels[1])
    monkeypatch.setattr(os, "write", real)

    assert host.read("app") == "first"
    assert host.drift() == []
    host.deploy(labels[1])
    assert host.read("app") == "second"
    host.deploy(labels[2])
    assert_tidy(host)


def test_current_is_never_missing_while_it_is_switched(estate, labels):
    host = estate.host()
    host.deploy(labels[0])
    host.deploy(labels[1])
    seen, missing, done = set(), [], threading.Event()

    def watch():
        while not done.is_set():
            try:
                seen.add(os.readlink(host.root / "current"))
            except OSError as error:
                missing.append(error)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        for number in range(30):
            host.deploy(labels[number % 2])
    finally:
        done.set()
        watcher.join()

    assert missing == []
    assert seen
    assert seen <= {"releases/" + host.tree_of(label) for label in labels[:2]}


def test_all_is_on_its_medium_before_it_gets_a_final_name(estate, labels, monkeypatch):
    host = estate.host()
    host.deploy(labels[0])
    with durable_steps(monkeypatch) as steps:
        host.deploy(labels[1], commit=False)
    tree = host.tree_of(labels[1])

    new = sha256(SECOND["app*"])
    objects = [leaf for call, leaf in steps if call == "rename" and leaf in (new[:2], new + ".x")]

    at = {
        "barrier": steps.index(("barrier", "")),
        "object": steps.index(("rename", objects[0])),
        "tree": steps.index(("rename", tree)),
        "releases": steps.index(("fsync", "releases")),
        "current": steps.index(("rename", "current")),
    }
    assert sorted(at, key=at.get) == ["barrier", "object", "tree", "releases", "current"]
    # The link itself is made to last before the state says that it was switched.
    after = steps[at["current"] + 1 :]
    assert after.index(("fsync", "shop")) < after.index(("rename", "state.json"))
    # Nothing is renamed into place that was not made to last before.
    for index, step in enumerate(steps):
        if step == ("rename", "state.json"):
            assert steps[index - 1][0] == "fsync"


def test_the_barrier_reaches_the_kernel(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    _durable.barrier(descriptor)
    os.close(descriptor)

    with pytest.raises(OSError, match="Bad file descriptor"):
        _durable.barrier(descriptor)


def test_a_file_is_replaced_whole_with_its_mode_whatever_the_umask(tmp_path):
    (tmp_path / "state").write_text("old")
    (tmp_path / "state.new").write_text("left by a killed run")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    umask = os.umask(0o777)
    try:
        _durable.write_file(descriptor, "state", b"new", 0o640)
    finally:
        os.umask(umask)
        os.close(descriptor)

    assert (tmp_path / "state").read_text() == "new"
    assert (tmp_path / "state").stat().st_mode & 0o7777 == 0o640
    assert os.listdir(tmp_path) == ["state"]


def test_a_link_is_replaced_although_a_killed_run_left_its_scratch(tmp_path):
    (tmp_path / "current").symlink_to("one")
    (tmp_path / ".current.new").symlink_to("half")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        _durable.replace_link(descriptor, "current", "two")
    finally:
        os.close(descriptor)

    assert os.readlink(tmp_path / "current") == "two"
    assert os.listdir(tmp_path) == ["current"]
