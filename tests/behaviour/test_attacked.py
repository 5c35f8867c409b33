# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a service, or a user who logs in, may leave in a root's way: each in its moment."""

from __future__ import annotations

import contextlib
import functools
import os
import pathlib
import stat
import subprocess

import pytest

from ansible_collections.itops.release.plugins.module_utils.deployment import _upload
from ansible_collections.itops.release.plugins.module_utils.files import _deletion, _paths
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory
from ansible_collections.itops.release.plugins.module_utils.tree import _layout, _objects
from ansible_collections.itops.release.tests.fakes.estate import access, sha256
from ansible_collections.itops.release.tests.fakes.processes import in_child

DEEP = 1500  # more than Python calls, and than a process has descriptors


@pytest.fixture
def label(estate):
    return estate.seal("1.0", {"app": "1", "a/b/c/conf": "as sealed"})


def before(call, name, meddle):
    """Let *meddle* come right before the next call of ``os`` about *name*, with its descriptors."""
    _replace(call, name, lambda act, descriptors: (meddle(*descriptors), act())[1])


def after(call, name, meddle):
    """The same, right after it."""
    _replace(call, name, lambda act, descriptors: (act(), meddle(*descriptors))[0])


def _replace(call, name, do):
    real, done = getattr(os, call), []

    def replaced(path, *arguments, **options):
        act = functools.partial(real, path, *arguments, **options)
        if done or not isinstance(path, (str, bytes)) or os.fsdecode(path) != name:
            return act()
        done.append(path)
        return do(act, [value for key, value in options.items() if key.endswith("dir_fd")])

    setattr(os, call, replaced)


def nest(folder, levels):
    """Make directories, each in the one before, as anybody can who may write to *folder*."""
    descriptor = os.open(folder, _paths.OPEN_DIRECTORY)
    for _level in range(levels):
        os.mkdir("d", dir_fd=descriptor)
        above, descriptor = descriptor, os.open("d", _paths.OPEN_DIRECTORY, dir_fd=descriptor)
        os.close(above)
    os.close(descriptor)


def _open(folder):
    return os.open(folder, _paths.OPEN_DIRECTORY)


def test_directories_without_end_are_told_and_stop_no_deployment(estate, label):
    host = estate.host()
    host.deploy(label)
    first = host.root / "releases" / host.current
    nest(first, DEEP)
    labels = [estate.seal(f"{number}.0", {"app": str(number)}) for number in (2, 3, 4)]

    results = [host.deploy(each, keep=1) for each in labels]

    assert [result["after"]["version"] for result in results] == ["2.0", "3.0", "4.0"]
    (warning,) = results[-1]["warnings"]
    assert warning.endswith("cannot be removed: nested deeper than 200 names")
    subprocess.run(["rm", "-rf", warning.partition(" cannot be removed")[0]], check=True)
    assert host.deploy(labels[-1], state="staged")["warnings"] == []


@pytest.mark.parametrize("levels", [0, 199])
def test_a_tree_that_is_just_deep_is_removed(tmp_path, levels):
    (tmp_path / "tree").mkdir()
    nest(tmp_path / "tree", levels)

    assert _deletion.discard(_open(tmp_path), "tree") is None
    assert not (tmp_path / "tree").exists()


def test_contents_are_not_kept_behind_a_link(tmp_path):
    for name in ("store", "staging", "elsewhere"):
        (tmp_path / name).mkdir()
    digest = sha256("content")
    (tmp_path / "store" / digest[:2]).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / digest).write_text("content")
    store, staging = _open(tmp_path / "store"), _open(tmp_path / "staging")
    objects = _objects.Objects(store, staging, access())

    objects.add(digest, 7, iter([b"content"]), {False})
    objects.publish()

    assert not (tmp_path / "store" / digest[:2]).is_symlink()
    assert (tmp_path / "store" / digest[:2] / digest).read_text() == "content"
    assert (tmp_path / "elsewhere" / digest).stat().st_nlink == 1


@pytest.mark.parametrize("size", [7, 1 << 20])
def test_of_a_file_that_grows_no_more_is_read_than_shows_it(tmp_path, size):
    with open(tmp_path / "a", "w+b", buffering=0) as stream:
        stream.truncate(size + (1 << 20))

        assert _layout.hash_descriptor(stream.fileno(), size) != sha256("\0" * size)
        assert stream.tell() == size + 1


@pytest.mark.parametrize("call", ["stat", "readlink"])
@pytest.mark.parametrize("change", ["missing", "type"])
def test_what_changes_while_it_is_verified_is_named(estate, call, change):
    host = estate.host()
    host.deploy(estate.seal("1.0", {"app": "1", "link@": "app"}))
    name = "app" if call == "stat" else "link"

    def meddle(dir_fd):
        os.unlink(name, dir_fd=dir_fd)
        if change == "type":
            os.mkdir(name, dir_fd=dir_fd)

    def look():
        before(call, name, meddle)
        return host.drift()

    assert in_child(look) == [(name, change)]


def test_a_folder_that_takes_the_place_of_one_just_made_is_not_given_away(estate, label):
    host = estate.host(linked_paths=["log/app/"])
    host.deploy(label, state="staged")
    (host.root / "shared/log").mkdir()
    private = host.root / "shared/log/private"
    private.mkdir(mode=0o700)
    (private / "key").write_text("of somebody else")

    def meddle(dir_fd):
        os.rename(".app.new", "gone", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)
        os.rename("private", ".app.new", src_dir_fd=dir_fd, dst_dir_fd=dir_fd)

    def deploy():
        after("mkdir", ".app.new", meddle)
        with pytest.raises(_claim.DeploymentError) as caught:
            host.deploy(label)
        return str(caught.value)

    assert "/shared/log/app: somebody else changes that folder now" in in_child(deploy)
    taken = host.root / "shared/log/.app.new"
    assert stat.S_IMODE(taken.stat().st_mode) == 0o700
    assert (taken / "key").read_text() == "of somebody else"


def test_links_on_the_way_in_shared_are_not_followed(estate, label, tmp_path):
    host = estate.host(linked_paths=["a/b/c/conf", "a/x/y/"], seed=True)
    host.deploy(label, state="staged")
    (tmp_path / "elsewhere/c").mkdir(parents=True)
    for name in ("b", "x"):
        (host.root / "shared/a").mkdir(exist_ok=True)
        (host.root / "shared/a" / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(_claim.DeploymentError, match=r"shared/a/b is no directory but, perhaps, a"):
        host.deploy(label)

    assert sorted(os.listdir(tmp_path / "elsewhere")) == ["c"]
    assert os.listdir(tmp_path / "elsewhere/c") == []
    (tmp_path / "elsewhere/c/conf").write_text("there")
    (tmp_path / "elsewhere/y").mkdir()
    assert host.deploy(label)["changed"]


def test_a_linked_path_may_be_a_link_of_the_administrators(estate, label, tmp_path):
    host = estate.host(linked_paths=["log/", "etc/app/"])
    host.deploy(label, state="staged")
    (tmp_path / "data").mkdir()
    (host.root / "shared/log").symlink_to(tmp_path / "data")

    assert host.deploy(label)["changed"]

    assert (host.root / "shared/etc/app").is_dir()
    assert (host.root / "current/log").resolve() == tmp_path / "data"


@pytest.fixture
def root(tmp_path):
    _directory.create(str(tmp_path / "srv"), access())
    stack = contextlib.ExitStack()
    yield stack.enter_context(_directory.opened(str(tmp_path / "srv")))
    stack.close()


def ask(root):
    upload_dir, there = _upload.make(root, None, False, "f" * 64, "a run", 1)
    return pathlib.Path(upload_dir), there


OTHER_OWNER = pytest.param("other owner", marks=pytest.mark.root("gives a file to another user"))


@pytest.mark.parametrize("what", ["link", OTHER_OWNER, "directory"])
def test_what_takes_the_place_of_a_kept_pack_is_not_told(root, tmp_path, what):
    upload_dir, _there = ask(root)
    (upload_dir / "pack").write_text("what was sent")
    (tmp_path / "secret").write_text("a secret, and longer")

    def meddle(_from, _to):
        (upload_dir / "pack").unlink()
        if what == "link":
            (upload_dir / "pack").symlink_to(tmp_path / "secret")
        elif what == "directory":
            (upload_dir / "pack").mkdir()
        else:
            os.chown(tmp_path / "secret", 4711, -1)
            os.link(tmp_path / "secret", upload_dir / "pack")

    def ask_again():
        before("rename", f"{upload_dir.name}/pack", meddle)
        return ask(root)[1]

    assert in_child(ask_again) is None


def test_the_name_of_a_run_is_not_read_from_a_file_with_other_names(root, tmp_path):
    upload_dir, _there = ask(root)
    (upload_dir / "run").unlink()
    (tmp_path / "secret").write_text("a secret\n")
    os.link(tmp_path / "secret", upload_dir / "run")

    assert _upload.taken_by(root, str(upload_dir) + "x") is None


def test_the_name_of_a_run_is_not_longer_than_a_line(root):
    upload_dir, _there = ask(root)
    (upload_dir / "run").write_text("x" * 1000)

    assert _upload.taken_by(root, str(upload_dir) + "x") == "x" * 200
