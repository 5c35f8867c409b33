# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user who writes a root cannot remove: it is named, and stands in nobody's way.

Root's files in a directory of root's are stood in for by a directory that nobody may write to.
"""

from __future__ import annotations

import os

import pytest

from ansible_collections.itops.release.plugins.module_utils.files import _deletion
from ansible_collections.itops.release.plugins.module_utils.root import _claim, _directory
from ansible_collections.itops.release.tests.fakes.estate import sha256
from ansible_collections.itops.release.tests.fakes.processes import as_plain_user

FILES = {"app": "", "lib/x.py": "x"}


@pytest.fixture
def labels(estate):
    return [estate.seal(f"{n}.0", {**FILES, "app": str(n)}) for n in range(1, 5)]


@pytest.fixture
def host(estate, labels):
    host = estate.host()
    # Loads all the code: a plain user may not be allowed to read that.
    host.deploy(labels[0])
    host.deploy(None, state="absent")
    return host


def lock(host, label):
    """Leave in the tree of *label* what only another user can remove."""
    cache = host.root / "releases" / host.tree_of(label) / "lib/__pycache__"
    cache.mkdir()
    (cache / "x.pyc").write_text("x")
    cache.chmod(0o500)


def left(host, folder):
    """Return the files below *folder* in *host*'s root."""
    return [path.name for path in (host.root / folder).rglob("*") if path.is_file()]


def test_a_tree_that_cannot_be_removed_is_named_and_blocks_no_later_call(host, labels, tmp_path):
    def deploy():
        host.deploy(labels[0], keep=2)
        lock(host, labels[0])
        results = [host.deploy(label, keep=2) for label in labels[1:]]
        return results, left(host, ".release/staging"), host.trees

    results, files, trees = as_plain_user(deploy, tmp_path)

    assert [result["after"]["version"] for result in results] == ["2.0", "3.0", "4.0"]
    assert results[0]["warnings"] == []
    path = f"{host.root}/.release/staging/3"
    for result in results[1:]:
        assert result["warnings"] == [path + " cannot be removed: Permission denied"]
    assert files == ["x.pyc"]  # what could go went
    assert trees == [host.tree_of(label) for label in labels[2:]]


def test_what_became_a_directory_is_cleaned_like_the_content_that_it_was(host, labels):
    host.deploy(labels[0])
    content = sha256("1")
    path = host.root / ".release/objects" / content[:2] / content
    path.unlink()
    (path / "deeper").mkdir(parents=True)

    for label in labels[1:3]:
        result = host.deploy(label, keep=2)

    assert result["removed"] == [host.tree_of(labels[0])]
    assert result["warnings"] == []
    assert not path.exists()


def test_removing_everything_names_what_stays(host, labels, tmp_path):
    def deploy_and_remove():
        host.deploy(labels[0])
        lock(host, labels[0])
        return [host.deploy(None, state="absent") for _twice in range(2)]

    results = as_plain_user(deploy_and_remove, tmp_path)

    assert [result["changed"] for result in results] == [True, False]
    for result in results:
        (line,) = result["warnings"]
        assert line.startswith(f"{host.root}/{_directory.OURS}.gone-")
        assert line.endswith(" cannot be removed: Permission denied")


def test_data_that_were_to_go_and_cannot_fail_the_call(host, labels, tmp_path):
    def deploy_and_remove():
        host.deploy(labels[0])
        (host.root / "shared/data").mkdir()
        (host.root / "shared/data/file").write_text("")
        (host.root / "shared/data").chmod(0o500)
        with pytest.raises(_claim.DeploymentError) as caught:
            host.deploy(None, state="absent", purge_shared=True)
        return str(caught.value), host.current, left(host, "shared")

    assert as_plain_user(deploy_and_remove, tmp_path) == (
        f"{host.root}/shared cannot be removed: Permission denied",
        None,
        ["file"],
    )


def test_what_can_be_removed_is_and_what_is_gone_is_no_error(tmp_path):
    for name in ("a", "b/locked", "c"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        (tmp_path / "tree" / name / "file").write_text("")
    (tmp_path / "tree/b/locked").chmod(0o500)

    def remove():
        parent = os.open(tmp_path, os.O_RDONLY)
        return [_deletion.discard(parent, name) for name in ("tree", "none")]

    assert as_plain_user(remove, tmp_path) == ["Permission denied", None]
    assert [path.name for path in (tmp_path / "tree").iterdir()] == ["b"]
