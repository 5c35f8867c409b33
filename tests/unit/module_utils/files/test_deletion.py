# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.itops.release.plugins.module_utils.files import _deletion, _paths
from ansible_collections.itops.release.tests.fakes.processes import as_plain_user


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, _paths.OPEN_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_tree_goes_and_what_its_links_lead_to_stays(parent: int, tmp_path: Path) -> None:
    (tmp_path / "tree/deep").mkdir(parents=True)
    (tmp_path / "tree/deep/file").write_text("")
    (tmp_path / "else").mkdir()
    (tmp_path / "else/kept").write_text("kept")
    (tmp_path / "tree/to-directory").symlink_to(tmp_path / "else")
    (tmp_path / "tree/deep/to-file").symlink_to(tmp_path / "else/kept")

    _deletion.remove(parent, "tree")

    assert not (tmp_path / "tree").exists()
    assert (tmp_path / "else/kept").read_text() == "kept"


def test_a_link_goes_and_not_what_it_leads_to(parent: int, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "link").symlink_to("else")

    _deletion.remove(parent, "link")

    assert os.listdir(tmp_path) == ["else"]


def test_removing_what_is_not_there_is_no_error(parent: int) -> None:
    _deletion.remove(parent, "nothing")

    assert _deletion.discard(parent, "nothing") is None


def test_what_cannot_go_keeps_nothing_else(tmp_path: Path) -> None:
    for name in ("a", "closed", "z"):
        (tmp_path / "tree" / name).mkdir(parents=True)
        (tmp_path / "tree" / name / "file").write_text("")
    (tmp_path / "tree/closed").chmod(0o555)

    def discard() -> str | None:
        return _deletion.discard(os.open(tmp_path, _paths.OPEN_DIRECTORY), "tree")

    assert as_plain_user(discard, tmp_path) == os.strerror(errno.EACCES)
    assert os.listdir(tmp_path / "tree") == ["closed"]


def test_what_is_nested_too_deep_is_refused(parent: int, tmp_path: Path) -> None:
    (tmp_path / "/".join(["d"] * (_deletion.DEEPEST + 2))).mkdir(parents=True)

    with pytest.raises(OSError, match="nested deeper than 200 names") as refused:
        _deletion.remove(parent, "d")

    assert refused.value.errno == errno.ENAMETOOLONG


def test_warnings_are_in_the_order_of_their_paths() -> None:
    assert _deletion.warnings({"b": "Busy", "a": "Denied"}) == [
        "a cannot be removed: Denied",
        "b cannot be removed: Busy",
    ]
