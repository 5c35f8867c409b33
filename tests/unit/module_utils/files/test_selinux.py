# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels: what is built carries that of its place, and no link brings another one into it.

The kernel is a double: it knows the labels of inodes, and gives new files what was asked for.
"""

from __future__ import annotations

import contextlib
import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.files import _selinux
from ansible_collections.itops.release.plugins.module_utils.tree import _objects
from ansible_collections.itops.release.tests.fakes.estate import access, file, sha256

OURS, OTHER = b"system_u:object_r:httpd_sys_content_t:s0", b"unconfined_u:object_r:var_t:s0"


class DoubledKernel:
    """Has a label for each inode: that of creation, which a test notes with ``made``."""

    def __init__(self):
        self.labels = {}
        self.creating = b""

    def label_of(self, path):
        return self.labels.get(os.stat(path).st_ino)

    def create_with(self, label):
        self.creating = label

    def made(self, folder):
        """Give all new files below *folder* the label they would have got there."""
        for path in folder.rglob("*"):
            self.labels.setdefault(path.stat().st_ino, self.creating or OTHER)


@pytest.fixture
def kernel():
    return DoubledKernel()


@pytest.fixture
def folders(tmp_path):
    for name in ("store", "staging", "tree"):
        (tmp_path / name).mkdir()
    opened = {name: os.open(tmp_path / name, os.O_RDONLY) for name in ("store", "staging", "tree")}
    yield opened
    for descriptor in opened.values():
        os.close(descriptor)


@pytest.fixture
def objects(folders, kernel, tmp_path):
    """Return objects with two contents: "old" was stored with another label, "new" with ours."""
    kernel.labels[(tmp_path / "tree").stat().st_ino] = OURS
    labels = _selinux.labels_of(folders["tree"], kernel)
    objects = _objects.Objects(folders["store"], folders["staging"], access(), labels)
    for text, context in (("old", contextlib.nullcontext()), ("new", labels.given())):
        with context:
            objects.add(sha256(text), len(text), [text.encode()], {False})
            kernel.made(tmp_path)
    objects.publish()
    return objects


def test_a_content_with_the_label_of_the_tree_is_linked(objects, folders, tmp_path):
    objects.place(file("a", "new"), folders["tree"], "a")

    assert (tmp_path / "tree/a").stat().st_nlink == 2


def test_a_content_with_another_label_is_copied(objects, folders, tmp_path):
    objects.place(file("a", "old"), folders["tree"], "a")

    assert (tmp_path / "tree/a").read_text() == "old"
    assert (tmp_path / "tree/a").stat().st_nlink == 1


def test_what_is_made_carries_the_label_until_it_is_all_made(folders, kernel, tmp_path):
    kernel.labels[(tmp_path / "tree").stat().st_ino] = OURS
    labels = _selinux.labels_of(folders["tree"], kernel)

    with contextlib.suppress(KeyError), labels.given():
        assert kernel.creating == OURS
        raise KeyError

    assert kernel.creating == b""


def test_where_there_are_no_labels_nothing_is_asked(folders, kernel):
    assert _selinux.labels_of(folders["tree"], kernel) is None


@pytest.mark.skipif(os.path.exists("/sys/fs/selinux/enforce"), reason="there are labels here")
def test_the_kernel_of_a_machine_without_selinux_knows_no_label(folders):
    assert _selinux.labels_of(folders["tree"]) is None
