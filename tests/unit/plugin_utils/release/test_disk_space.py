# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import io
import os

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.plugins.plugin_utils.release import _disk_space
from ansible_collections.itops.release.tests.fakes.estate import (
    component,
    directory,
    file,
    link,
    manifest,
    sha256,
)

FREE = {"bytes": 100_000, "inodes": 50}
ONE = manifest(component(file("a", "x" * 5000), file("b", "y")))


def bytes_and_inodes_more(larger, smaller=ONE, base=None):
    one, other = _disk_space.of_tree(larger, base), _disk_space.of_tree(smaller, base)
    return one.bytes - other.bytes, one.inodes - other.inodes


def with_another(entry):
    return manifest(component(*sorted([*ONE.components[0].entries, entry], key=lambda e: e.path)))


def test_each_file_takes_whole_blocks_and_an_inode_here_and_among_the_objects():
    more, inodes = bytes_and_inodes_more(with_another(file("c", "z" * 4097)))
    assert more == 2 * 4096 + 4096  # and the folder among the objects
    assert inodes == 3


def test_a_content_that_is_there_takes_only_a_name():
    assert bytes_and_inodes_more(with_another(file("c", "y"))) == (0, 1)
    assert (
        _disk_space.of_tree(ONE, ONE).inodes
        == len(ONE.components[0].entries) + _disk_space.OWN_INODES
    )


def test_another_exec_bit_takes_the_content_once_more():
    more, inodes = bytes_and_inodes_more(with_another(file("c", "x" * 5000, exec=True)))
    assert more == 2 * 4096 + 4096
    assert inodes == 3


@pytest.mark.parametrize("flag", ["private", "writable"])
def test_what_is_never_shared_takes_its_content_again(flag):
    more, inodes = bytes_and_inodes_more(with_another(file("c", "x" * 5000, **{flag: True})))
    assert (more, inodes) == (2 * 4096, 1)


def test_folders_and_links_take_inodes():
    assert bytes_and_inodes_more(with_another(directory("c"))) == (4096, 1)
    assert bytes_and_inodes_more(with_another(link("c", "a"))) == (0, 1)


def test_what_is_sent_again_takes_room_although_it_is_there():
    again = _disk_space.of_tree(ONE, ONE, [sha256("x" * 5000)])
    once = _disk_space.of_tree(ONE, ONE)
    assert again.bytes - once.bytes == 3 * 4096


@pytest.mark.parametrize(
    ("needed", "fits"),
    [((100_000, 50), True), ((100_001, 50), False), ((100_000, 51), False)],
)
def test_both_bytes_and_inodes_must_be_free(needed, fits):
    space = _disk_space.Space(*needed)
    assert _disk_space.is_in(FREE, space) is fits
    assert _disk_space.is_in({**FREE, "inodes": None}, space) is (needed[0] <= 100_000)


def test_what_does_not_fit_is_told_in_a_line():
    with pytest.raises(_disk_space.DiskSpaceError) as caught:
        _disk_space.check(FREE, _disk_space.Space(2_340_000, 51), "/srv/shop")
    assert str(caught.value) == (
        "/srv/shop has not enough room: 0.1 MB and 50 inodes are free, 2.3 MB and 51 inodes are "
        "needed; nothing was sent to this root (deploy_root in the role)"
    )
    _disk_space.check(FREE, _disk_space.Space(100_000, 50), "/srv/shop")
    with pytest.raises(_disk_space.DiskSpaceError, match="any number of inodes are free"):
        _disk_space.check({**FREE, "inodes": None}, _disk_space.Space(200_000, 50), "/srv/shop")


def test_what_must_stay_free_counts_beside_what_is_needed():
    _disk_space.check(FREE, _disk_space.Space(60_000, 50), "/srv/shop", 40_000)
    with pytest.raises(_disk_space.DiskSpaceError) as caught:
        _disk_space.check(FREE, _disk_space.Space(60_001, 50), "/srv/shop", 40_000)
    assert str(caught.value) == (
        "/srv/shop would have 0.0 MB left, and the release requires 0.0 MB of free disk; "
        "nothing was sent"
    )


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_no_pack_is_larger_than_the_most_that_is_reckoned_with(estate, tmp_path, codec):
    files = {f"d/{number}": os.urandom(500).hex() for number in range(300)}
    base = estate.seal("1", {"d/1": files["d/1"]})
    wanted = estate.seal("2", files)
    for held in (None, base):
        stream = io.BytesIO()
        _packs.write(stream, estate.library, wanted.digest, held and held.digest, codec)
        base_manifest = held and estate.library.get(held.digest).manifest
        most = _disk_space.most_of_pack(estate.library.get(wanted.digest).manifest, base_manifest)
        assert len(stream.getvalue()) <= most.bytes


def test_the_room_is_worked_out_once_for_all_hosts(estate, tmp_path):
    label = estate.seal("1", {"a": "one", "b": "two"})
    cache = _packs.PackCache(str(tmp_path / "packs"))
    path = cache.get(estate.library, label.digest, None, "gzip")
    asked = (path, estate.library, label.digest, None)
    space = cache.space(*asked)
    assert space == _disk_space.of_tree(estate.library.get(label.digest).manifest, None)
    (note,) = (tmp_path / "packs").glob(".*.space")

    note.write_text('{"bytes": 7, "inodes": 8}')
    assert cache.space(*asked) == (7, 8)
    note.write_text('{"bytes": 7, "ino')
    assert cache.space(*asked) == space
