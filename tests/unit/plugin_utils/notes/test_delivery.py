# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivery of a note: what is refused before, the files, and the result of the task."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.evidence import _file as _evidence_file
from ansible_collections.itops.release.plugins.plugin_utils.library import _catalogue
from ansible_collections.itops.release.plugins.plugin_utils.notes import (
    _composition,
    _delivery,
    _files,
)

OPTIONS = dict.fromkeys(
    ("sign", "previous", "environment", "deployed", "dest", "json_dest"), None
) | {"kind": "build"}


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("deployed", "consolidated"),
        ("environment", "consolidated"),
        ("previous", "build"),
        ("sign", "build"),
    ],
)
def test_options_of_another_kind_are_refused(option, kind):
    other = "build" if kind == "consolidated" else "consolidated"

    with pytest.raises(_composition.NoteError, match=f"^{option} is for kind {kind} only$"):
        _delivery.refuse({**OPTIONS, "kind": other, option: {"x": 1}})


@pytest.mark.parametrize("option", ["dest", "json_dest"])
def test_files_that_cannot_be_written_are_refused(tmp_path, option):
    with pytest.raises(_files.FileError, match=f"^{option}: .* is a directory: give"):
        _delivery.refuse({**OPTIONS, option: str(tmp_path)})
    with pytest.raises(_files.FileError, match=f"^{option}: .*: there is no directory"):
        _delivery.refuse({**OPTIONS, option: str(tmp_path / "no/file")})
    _delivery.refuse({**OPTIONS, option: str(tmp_path / "file")})


def test_a_file_is_written_only_where_it_differs_and_only_if_it_is_kept(tmp_path):
    path = tmp_path / "note"

    def put(text, keep=True):
        done = _delivery.Delivered({"changed": False})
        done.put(str(path), text, keep)
        assert done.result["changed"] is bool(done.diffs)
        return [(diff["before"], diff["after"]) for diff in done.diffs]

    assert put("one", keep=False) == [("", "one")]
    assert not path.exists()
    assert put("one") == [("", "one")]
    assert put("one") == []
    assert put("two", keep=False) == [("one", "two")]
    assert path.read_text() == "one"
    assert put("two") == [("one", "two")]
    assert path.read_text() == "two"
    assert [item.name for item in tmp_path.iterdir()] == ["note"]


def test_what_only_programs_read_is_named_by_its_digest(tmp_path):
    done = _delivery.Delivered({})

    done.put(str(tmp_path / "note"), "{}", keep=True, is_shown=False)

    assert done.diffs[0]["after"].startswith("JSON with sha256 44136fa355b3678a")
    assert not _evidence_file.differs(str(tmp_path / "note"), b"{}")


def test_what_does_not_add_up_is_a_warning_and_of_much_the_first():
    label = _catalogue.Label("a" * 64, "shop", "1", 1)

    def warnings(count):
        return _delivery.warnings(label, [f"web: \u202e{number}" for number in range(count)])

    assert warnings(1) == ["shop:1: web: \ufffd0"]
    assert len(warnings(10)) == 10
    assert warnings(12)[9:] == ["shop:1: web: \ufffd9", "shop:1: and 2 more in the note"]
