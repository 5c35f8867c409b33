# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory of controller and host is flat in the size of a file."""

from __future__ import annotations

import os
import resource

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.deployment import _packs
from ansible_collections.itops.release.tests.fakes.processes import in_child

MEGABYTE = 1024 * 1024
SIZE = 120 * MEGABYTE
MOST = 90 * MEGABYTE  # zstd's workers and its largest expansion; nothing grows with the file


def source(estate, kind):
    """Write a large file of holes, or of what cannot be compressed, and declare it."""
    folder = estate.folder / "big"
    folder.mkdir()
    with open(folder / "big", "wb") as stream:
        if kind == "noise":
            block = os.urandom(MEGABYTE)
            for _number in range(SIZE // MEGABYTE):
                stream.write(block)
        stream.truncate(SIZE)
    return folder


def grown(act):
    """Return by how much the process that does *act* was larger than one that does nothing."""

    def most():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    return in_child(lambda: (act(), most())[1]) - in_child(most)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["holes", "noise"])
def test_memory_is_flat_whatever_the_size_of_a_file(estate, kind):
    folder = source(estate, kind)
    host = estate.host()
    pack = estate.folder / "pack"

    def seal():
        estate.seal_folder("1.0", folder)

    def make_pack():
        label = estate.library.find("shop:1.0")
        with open(pack, "wb") as stream:
            _packs.write(stream, estate.library, label.digest, None, "zstd")

    def deploy():
        host.deploy(estate.library.find("shop:1.0"))

    def verify():
        assert host.drift() == []

    for act in (seal, make_pack, deploy, verify):
        assert grown(act) < MOST, act.__name__
    assert (host.root / "current/big").stat().st_size == SIZE
