# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifying a tree: every way in which it differs is named, and what a service leaves is apart."""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.root import _directory
from ansible_collections.itops.release.plugins.module_utils.tree import _layout
from ansible_collections.itops.release.tests.fakes.estate import access

FILES = {
    "app*": "app",
    "lib/a": "aa",
    "lib/b": "bb",
    "lib/deep/c": "cc",
    "link@": "app",
    "empty/": "",
}


@pytest.fixture
def tree(estate):
    """Return a host with one release live; its tree may be damaged without harm to objects."""
    host = estate.host()
    host.deploy(estate.seal("1.0", FILES))
    for path in host.root.glob(".release/objects/*/*"):
        path.unlink()
    return host


def rewrite(name, text):
    def change(top):
        (top / name).write_text(text)

    return change


def chmod(name, mode):
    return lambda top: (top / name).chmod(mode)


def unlink(name):
    return lambda top: (top / name).unlink()


def replaced_by_link(top):
    (top / "lib").rename(top / "aside")
    (top / "lib").symlink_to("aside")


def replaced_by_directory(top):
    (top / "lib/a").unlink()
    (top / "lib/a").mkdir()


def replaced_by_fifo(top):
    (top / "lib/a").unlink()
    os.mkfifo(top / "lib/a")


def link_turned(top):
    (top / "link").unlink()
    (top / "link").symlink_to("lib/a")


def link_became_file(top):
    (top / "link").unlink()
    (top / "link").write_text("app")


def everything_of_deep(top):
    (top / "lib/deep/c").unlink()
    (top / "lib/deep").rmdir()


def planted(name):
    def change(top):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("")

    return change


@pytest.mark.parametrize(
    ("change", "drift"),
    [
        (rewrite("lib/a", "xx"), [("lib/a", "modified")]),
        (rewrite("lib/a", "longer"), [("lib/a", "modified")]),
        (rewrite("lib/a", ""), [("lib/a", "modified")]),
        (unlink("lib/a"), [("lib/a", "missing")]),
        (unlink("link"), [("link", "missing")]),
        (everything_of_deep, [("lib/deep", "missing")]),
        (planted("lib/new"), [("lib/new", "extra")]),
        (planted(".hidden"), [(".hidden", "extra")]),
        (planted("empty/new/deep/file"), [("empty/new/", "extra")]),
        (chmod("lib/a", 0o755), [("lib/a", "exec")]),
        (chmod("app", 0o644), [("app", "exec")]),
        (chmod("lib/a", 0o600), [("lib/a", "mode")]),
        (chmod("lib/a", 0o666), [("lib/a", "mode")]),
        (chmod("app", 0o4755), [("app", "mode")]),
        (chmod("lib", 0o777), [("lib", "mode")]),
        (chmod(".", 0o777), [(".", "mode")]),
        (replaced_by_link, [("aside/", "extra"), ("lib", "type")]),
        (replaced_by_directory, [("lib/a", "type")]),
        (replaced_by_fifo, [("lib/a", "type")]),
        (link_turned, [("link", "modified")]),
        (link_became_file, [("link", "type")]),
    ],
)
def test_each_difference_is_named(tree, change, drift):
    change(tree.root / "current")

    assert tree.drift() == drift


def test_several_differences_are_all_named(tree):
    top = tree.root / "current"
    rewrite("lib/a", "xx")(top)
    chmod("lib/a", 0o755)(top)
    unlink("lib/b")(top)
    planted("z")(top)

    assert tree.drift() == [
        ("lib/a", "exec"),
        ("lib/a", "modified"),
        ("lib/b", "missing"),
        ("z", "extra"),
    ]


def test_a_tree_that_is_gone_is_missing(tree):
    (tree.root / "releases" / tree.current).rename(tree.root / "releases/aside")

    assert tree.drift() == [(".", "missing")]


def verify(host, runtime_paths=(), **changes):
    """Return what ``_layout.verify`` says of the current tree, against the Access of the tests."""
    with _directory.opened(str(host.root)) as root:
        state = root.read_state()
        manifest = root.read_manifest(state.trees[state.live].digest)
        releases = root.folder("releases")
        try:
            entries = _layout.expected(manifest, ())
            return _layout.verify(releases, state.live, entries, access(**changes), runtime_paths)
        finally:
            os.close(releases)


@pytest.mark.parametrize("changes", [{"uid": 4242}, {"gid": 4242}])
def test_another_owner_or_group_is_drift_of_everything_but_links(tree, changes):
    drift, _runtime = verify(tree, **changes)

    assert [tuple(item) for item in drift] == [
        (path, "owner")
        for path in [".", "app", "empty", "lib", "lib/a", "lib/b", "lib/deep", "lib/deep/c"]
    ]


def test_what_a_service_leaves_is_told_apart(tree):
    top = tree.root / "current"
    planted("lib/__pycache__/a.pyc")(top)
    planted("lib/deep/run.pid")(top)
    planted("run.pid")(top)

    drift, runtime = verify(tree, runtime_paths=["**/__pycache__", "lib/**/*.pid"])

    assert [tuple(item) for item in drift] == [("run.pid", "extra")]
    assert runtime == ["lib/__pycache__", "lib/deep/run.pid"]


def test_what_was_sealed_is_never_a_runtime_path(tree):
    rewrite("lib/a", "xx")(tree.root / "current")

    assert [tuple(item) for item in verify(tree, runtime_paths=["**"])[0]] == [
        ("lib/a", "modified")
    ]


def test_nothing_is_looked_at_through_a_link(tree, estate):
    theirs = estate.folder / "theirs"
    theirs.mkdir()
    (theirs / "planted").write_text("")
    (tree.root / "current/out").symlink_to(theirs)

    assert tree.drift() == [("out", "extra")]


@pytest.mark.parametrize(
    ("level", "flags", "mode"),
    [
        ("public", {}, 0o644),
        ("public", {"exec": True}, 0o755),
        ("public", {"private": True}, 0o600),
        ("public", {"private": True, "exec": True}, 0o700),
        ("group", {}, 0o640),
        ("group", {"exec": True}, 0o750),
        ("group", {"private": True}, 0o600),
        ("group", {"type": "dir"}, 0o750),
        ("public", {"type": "dir"}, 0o755),
    ],
)
def test_modes_follow_from_access_and_entry(level, flags, mode):
    entry = _layout._manifest.Entry("a", **{"type": "file", **flags})

    assert access(access=level).mode(entry) == mode


def test_a_tree_is_not_built_through_a_name_that_is_there(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "tree").symlink_to("theirs")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            _layout.build(descriptor, "tree", {}, access(), None)
    finally:
        os.close(descriptor)


def test_a_name_with_control_characters_forges_no_line():
    assert _layout.spell("a\nb\x1b[31m\x85") == "a\\x0ab\\x1b[31m\\x85"
    assert _layout.spell("häßlich") == "häßlich"
