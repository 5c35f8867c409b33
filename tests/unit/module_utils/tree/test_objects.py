# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects: each content kept once per exec bit, shared where that is safe, and never trusted."""

from __future__ import annotations

import errno
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.tree import _layout, _objects
from ansible_collections.itops.release.tests.fakes.estate import access, file, sha256


@pytest.fixture
def place(tmp_path):
    """Return (objects, put): put(entry, name) places an entry in a tree, which it returns."""
    for name in ("store", "staging", "tree"):
        (tmp_path / name).mkdir()
    folders = {name: os.open(tmp_path / name, os.O_RDONLY) for name in ("store", "staging", "tree")}
    objects = _objects.Objects(folders["store"], folders["staging"], access())

    def put(entry, name):
        objects.place(entry, folders["tree"], name)
        return tmp_path / "tree" / name

    yield objects, put
    for descriptor in folders.values():
        os.close(descriptor)


def add(objects, text, *executables):
    objects.add(sha256(text), len(text), iter([text.encode()]), set(executables) or {False})


def test_a_content_is_linked_from_where_it_is_kept(place):
    objects, put = place
    add(objects, "text")
    one = put(file("a", "text"), "a")
    objects.publish()
    other = put(file("b", "text"), "b")

    assert one.read_text() == other.read_text() == "text"
    assert one.stat().st_ino == other.stat().st_ino


def test_each_exec_bit_has_a_content_of_its_own(place):
    objects, put = place
    add(objects, "text", True, False)

    plain, program = put(file("a", "text"), "a"), put(file("b", "text", exec=True), "b")

    assert plain.stat().st_mode & 0o777 == 0o644
    assert program.stat().st_mode & 0o777 == 0o755


def test_an_exec_bit_that_is_not_there_is_made_from_the_other(place):
    objects, put = place
    add(objects, "text", False)
    objects.publish()

    assert put(file("b", "text", exec=True), "b").stat().st_mode & 0o777 == 0o755
    assert put(file("a", "text"), "a").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("flag", ["private", "writable"])
def test_private_and_writable_contents_are_copied(place, flag):
    objects, put = place
    add(objects, "text")

    one, other = put(file("a", "text"), "a"), put(file("b", "text", **{flag: True}), "b")

    assert other.read_text() == "text"
    assert one.stat().st_ino != other.stat().st_ino
    assert other.stat().st_nlink == 1


@pytest.mark.parametrize("number", [errno.EMLINK, errno.EPERM, errno.EXDEV])
def test_where_a_content_cannot_be_linked_it_is_copied(place, monkeypatch, number):
    objects, put = place
    add(objects, "text")

    def refused(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "link", refused)
    path = put(file("a", "text"), "a")

    assert path.read_text() == "text"
    assert path.stat().st_mode & 0o777 == 0o644


def test_a_disk_that_is_full_is_not_worked_around(place, monkeypatch):
    objects, put = place
    add(objects, "text")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(OSError, match="full"):
        put(file("a", "text"), "a")


def test_a_missing_content_is_told(place):
    _objects_there, put = place

    with pytest.raises(FileNotFoundError):
        put(file("a", "text"), "a")
    with pytest.raises(FileNotFoundError):
        put(file("a", "text", private=True), "a")


def test_a_damaged_content_is_never_copied(place, tmp_path):
    objects, put = place
    add(objects, "text")
    objects.publish()
    (path,) = (tmp_path / "store").glob("*/*")
    path.write_text("tExt")

    for entry in (file("a", "text", private=True), file("b", "text", exec=True)):
        with pytest.raises(FileNotFoundError, match="damaged"):
            put(entry, entry.path)


def test_a_damaged_content_is_replaced_when_it_comes_again(place, tmp_path):
    objects, put = place
    add(objects, "text")
    objects.publish()
    (path,) = (tmp_path / "store").glob("*/*")

    for damage in (lambda: path.write_text("tExt"), lambda: path.chmod(0o666), path.unlink):
        damage()
        add(objects, "text")
        objects.publish()
        assert path.read_text() == "text"
        assert path.stat().st_mode & 0o777 == 0o644
    assert put(file("a", "text"), "a").read_text() == "text"


def test_nothing_is_written_over_a_file_or_through_a_link(place, tmp_path):
    objects, put = place
    add(objects, "text")
    (tmp_path / "theirs").write_text("theirs")
    (tmp_path / "tree/a").symlink_to("../theirs")

    for entry in (file("a", "text"), file("a", "text", private=True)):
        with pytest.raises(FileExistsError):
            put(entry, "a")
    (staged,) = (tmp_path / "staging").glob("*/*")
    staged.with_name(staged.name + ".x").symlink_to("../../theirs")
    with pytest.raises(FileExistsError):
        add(objects, "text", True)
    assert (tmp_path / "theirs").read_text() == "theirs"


def verify(objects, tmp_path, *entries):
    """Return the drift of the tree, which holds *entries*, with what the objects are sure of."""
    (tmp_path / "tree").chmod(0o755)
    parent = os.open(tmp_path, os.O_RDONLY)
    try:
        by_path = {entry.path: entry for entry in entries}
        drift, _runtime = _layout.verify(parent, "tree", by_path, access(), (), objects.trusted)
    finally:
        os.close(parent)
    return [tuple(item) for item in drift]


def test_what_was_just_written_is_trusted_only_as_what_it_is(place, tmp_path):
    objects, put = place
    for text in ("one", "two"):
        add(objects, text, True, False)
    entries = [file("a", "one"), file("b", "two"), file("c", "one", exec=True)]
    paths = [put(entry, entry.path) for entry in entries]
    assert verify(objects, tmp_path, *entries) == []

    paths[0].rename(tmp_path / "aside")
    paths[1].rename(paths[0])
    (tmp_path / "aside").rename(paths[1])
    assert verify(objects, tmp_path, *entries) == [("a", "modified"), ("b", "modified")]

    paths[2].rename(paths[0])
    paths[2].symlink_to("b")
    assert verify(objects, tmp_path, *entries) == [
        ("a", "exec"),
        ("b", "modified"),
        ("c", "type"),
    ]


@pytest.mark.parametrize("name", ["fchmod", "fchown"])
def test_a_file_system_that_does_not_do_as_it_is_told_is_noticed(
    place, tmp_path, monkeypatch, name
):
    objects, put = place
    objects._access = access(uid=os.geteuid() + 1) if name == "fchown" else access()
    umask = os.umask(0o077)
    try:
        monkeypatch.setattr(os, name, lambda *arguments: None)
        add(objects, "text")
        entry = file("a", "text")
        put(entry, "a")
    finally:
        os.umask(umask)

    assert objects.trusted == {}
    if name == "fchmod":
        assert verify(objects, tmp_path, entry) == [("a", "mode")]
