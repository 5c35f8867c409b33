# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file beyond 2 GiB is sealed, packed, staged and verified like any other, in little memory."""

from __future__ import annotations

import os
import resource

import pytest

from ansible_collections.itops.release.tests.fakes.estate import Estate, Host, write_tree
from ansible_collections.itops.release.tests.fakes.processes import in_child

GIB = 1 << 30
SIZE = 5 * GIB // 2
MARKS = (0, 2 * GIB - 2, 2 * GIB + 4, SIZE - 4)  # where something else than zeros is
MOST_KIB = 64 * 1024
ROOM = 2 * SIZE


def measured(function):
    """Return what *function* returns, and by how many KiB its process grew meanwhile."""

    def run():
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        result = function()
        return result, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before

    return in_child(run)


@pytest.mark.every_point
def test_a_file_beyond_2_gib_goes_all_the_way_in_little_memory(tmp_path, record_property):
    status = os.statvfs(tmp_path)
    if status.f_bavail * status.f_frsize < ROOM:
        pytest.skip(f"{tmp_path} has less than {ROOM} bytes free")
    estate = Estate(tmp_path)
    source = write_tree(tmp_path / "source", {"app": "small"})
    with open(source / "large", "wb") as stream:
        stream.truncate(SIZE)
        for offset in MARKS:
            os.pwrite(stream.fileno(), b"mark", offset)
    host = Host(estate, tmp_path / "srv", {})
    grew = {}

    label, grew["seal"] = measured(lambda: estate.seal_folder("1.0", source))
    asked = host.request(label)
    need = host.answer(asked).need
    sent, grew["pack"] = measured(lambda: host.supply(asked, need))
    _answer, grew["stage"] = measured(lambda: host.answer(sent))
    drift, grew["verify"] = measured(host.drift)

    record_property("grew", grew)
    assert drift == []
    assert (host.root / "current/large").stat().st_size == SIZE
    with open(host.root / "current/large", "r+b") as stream:
        assert [os.pread(stream.fileno(), 4, offset) for offset in MARKS] == [b"mark"] * 4
        os.pwrite(stream.fileno(), b"M", 2 * GIB)
    assert host.drift() == [("large", "modified")]
    assert max(grew.values()) < MOST_KIB, grew
