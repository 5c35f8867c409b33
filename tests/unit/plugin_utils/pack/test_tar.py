# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tar: one form for its files, which every tar program reads, and all of it or nothing."""

from __future__ import annotations

import stat
import subprocess
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.itops.release.plugins.plugin_utils.pack import _tar
from ansible_collections.itops.release.plugins.plugin_utils.pack._tar import File, PackError
from ansible_collections.itops.release.tests.fakes.evidence_packs import verifier

NAMES = st.from_regex(r"[a-z0-9._-]{1,60}(/[a-zA-Z0-9._-]{1,60}){0,3}", fullmatch=True)
VERIFIER = verifier()


def written(folder, **contents):
    """Return the path of a tar of *contents* by name, whose ``_`` stands for ``/``."""
    files = []
    for name, data in contents.items():
        (folder / name).write_bytes(data)
        files.append(File(name.replace("_", "/"), str(folder / name), len(data)))
    _tar.write(str(folder / "x.tar"), files)
    return folder / "x.tar"


def test_the_same_files_are_the_same_bytes_in_any_order(tmp_path):
    first = written(tmp_path, a_b=b"1", a_a=b"2" * 512, b=b"").read_bytes()
    second = written(tmp_path, b=b"", a_a=b"2" * 512, a_b=b"1").read_bytes()

    assert first == second
    assert len(first) == 512 * (3 + 2 + 2)


def test_there_is_nothing_of_the_machine_in_it(tmp_path):
    with tarfile.open(written(tmp_path, b_c=b"x", b_a=b"yy")) as archive:
        members = archive.getmembers()

    assert [member.name for member in members] == ["b/a", "b/c"]
    for member in members:
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert (member.mtime, member.mode, member.type) == (0, 0o644, tarfile.REGTYPE)


def test_gnu_tar_reads_it_without_a_word(tmp_path):
    path = written(tmp_path, a_b=b"1", a_c=b"22")
    done = subprocess.run(["tar", "xvf", path, "-C", tmp_path], capture_output=True, check=False)

    assert (done.returncode, done.stdout, done.stderr) == (0, b"a/b\na/c\n", b"")
    assert (tmp_path / "a/c").read_bytes() == b"22"


@given(name=NAMES, size=st.integers(0, _tar.LARGEST))
def test_the_verifier_makes_the_same_header(name, size):
    block = _tar.header(name, size)

    assert len(block) == 512
    assert VERIFIER.header(name.encode(), size) == block
    info = tarfile.TarInfo.frombuf(block, "ascii", "strict")
    assert (info.name, info.size) == (name, size)


@pytest.mark.parametrize("name", ["a" * 101, "a" * 156 + "/b", "a/" + "b" * 101, "ä", "\U0001f600"])
def test_a_name_without_room_is_refused(name):
    with pytest.raises(PackError, match="cannot be in an evidence pack"):
        _tar.header(name, 1)


def test_what_the_verifier_does_not_read_is_not_written(tmp_path):
    assert (_tar.LARGEST, _tar.MOST_FILES) == (VERIFIER.LARGEST_PACK, VERIFIER.MOST_FILES)
    for files in ([File("a", "a", _tar.LARGEST)], [File("a", "a", 1)] * (_tar.MOST_FILES + 1)):
        with pytest.raises(PackError, match="at most"):
            _tar.write(str(tmp_path / "x.tar"), files)

    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_pack(tmp_path):
    path = written(tmp_path, a=b"1")
    before = path.read_bytes()
    (tmp_path / "a").write_bytes(b"12")
    for name in ("a", "missing"):
        with pytest.raises((PackError, OSError)):
            _tar.write(str(path), [File("a", str(tmp_path / name), 1)])

    assert path.read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "x.tar"]
    assert stat.S_ISREG(path.stat().st_mode)


def test_reading_what_is_no_tar_is_told(tmp_path):
    (tmp_path / "x.tar").write_bytes(b"no tar" * 999)

    with pytest.raises(PackError, match=r"x\.tar"):
        list(_tar.read(str(tmp_path / "x.tar")))
