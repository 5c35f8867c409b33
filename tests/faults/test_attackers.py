# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local user who swaps directories for links, whenever and wherever it may, gains nothing.

Nothing outside of what root works on is written, given away, removed, or even opened. And what is
verified is what is used, whatever changes between two looks.
"""

from __future__ import annotations

import collections
import hashlib
import os
import pathlib
import random
import tempfile

import pytest

from ansible_collections.itops.release.tests.fakes.estate import Estate, Host, write_tree
from ansible_collections.itops.release.tests.faults import attacks, flipping
from ansible_collections.itops.release.tests.faults.attacking import Attacker

FEWEST_SWAPS = 300
ROUNDS = 2
MANY_ROUNDS = 40
FLIPS = 4
MANY_FLIPS = 60
LARGE_BYTES = 1 << 20


@pytest.fixture
def folder(memory):
    if os.geteuid() != 0:
        pytest.skip("only root can work for, and against, another user")
    with tempfile.TemporaryDirectory(prefix="attack-", dir=memory) as made:
        for path in (memory, pathlib.Path(made)):
            path.chmod(0o711)
        yield pathlib.Path(made)


@pytest.mark.parametrize("name", attacks.ATTACKS)
def test_nothing_outside_is_touched(name, folder, every_point, record_property):
    calls = done = swaps = 0
    for number in range(MANY_ROUNDS if every_point else ROUNDS):
        place = folder / str(number)
        place.mkdir()
        arena, canary = attacks.make_arena(place)
        with canary:
            with Attacker(canary.folder) as attacker:
                arena.attacker = attacker
                for act in attacks.ATTACKS[name](arena):
                    done += arena.attempt(act)
                    calls += 1
                    assert canary.problems() == []
                swaps += attacker.swaps
    record_property("attacked", [name, calls, done, swaps])

    assert swaps > FEWEST_SWAPS


@pytest.fixture
def large(tmp_path):
    """Return an estate with a release of files that take some reads, and the next one's source."""
    estate = Estate(tmp_path)
    estate.seal("1", {"app": "1"})
    chance = random.Random(1)
    source = write_tree(tmp_path / "changing", {"app": "2"})
    for number in range(3):
        (source / f"large{number}").write_bytes(chance.randbytes(LARGE_BYTES))
    return estate, source


def deployed(estate, label, **params):
    """Return a host on which *label* is live, or None where that was refused."""
    host = Host(estate, estate.folder / "srv", {**params, "keep": 1})
    try:
        host.deploy(label)
    except flipping.REFUSALS:
        return None
    return host


def is_whole(host, source):
    """Tell whether what is live is what was sealed, and this what *source* has."""
    for path in source.iterdir():
        assert (host.root / "current" / path.name).read_bytes() == path.read_bytes()
    return host.drift() == []


def test_a_pack_that_changes_while_it_is_read_is_refused_or_right(large, every_point):
    estate, source = large
    label = estate.seal_folder("2", source)
    host = Host(estate, estate.folder / "srv", {})
    outcomes = collections.Counter()
    for number in range(MANY_FLIPS if every_point else FLIPS):
        request = host.request(label)
        request = host.supply(request, host.answer(request).need)
        pack = pathlib.Path(request.upload_dir, "pack")
        data = pack.read_bytes()
        with flipping.flipped(pack, data, flipping.altered(data, number)):
            try:
                host.answer(request)
                outcomes["right"] += 1
            except flipping.REFUSALS:
                outcomes["refused"] += 1
                continue
        assert is_whole(host, source)
        host.deploy(None, state="absent")

    assert outcomes["refused"] or not every_point


def test_a_library_that_changes_while_it_is_read_packs_nothing_wrong(large, every_point):
    estate, source = large
    label = estate.seal_folder("2", source)
    (layer,) = estate.library.get(label.digest).layers.values()
    blob = pathlib.Path(estate.library.layout.blob(layer["digest"]))
    blob.chmod(0o644)
    data = blob.read_bytes()
    outcomes = collections.Counter()
    for number in range(MANY_FLIPS if every_point else FLIPS):
        with flipping.flipped(blob, data, flipping.altered(data, number)):
            host = deployed(estate, label)
        outcomes["right" if host else "refused"] += 1
        if host:
            assert is_whole(host, source)
            host.deploy(None, state="absent")

    assert outcomes["refused"] or not every_point


@pytest.mark.parametrize("checksums", [None, "SHA256SUMS"])
def test_a_source_that_changes_while_it_is_sealed_is_sealed_as_it_was_read(
    large, every_point, checksums
):
    estate, source = large
    names = [path.name for path in source.iterdir()]
    listing = "".join(
        f"{hashlib.sha256((source / name).read_bytes()).hexdigest()}  {name}\n" for name in names
    )
    (source / "SHA256SUMS").write_text(listing)
    path = source / "large1"
    data = path.read_bytes()
    outcomes = collections.Counter()
    for number in range(MANY_FLIPS if every_point else FLIPS):
        with flipping.flipped(path, data, flipping.altered(data, number)):
            try:
                label = estate.seal_folder(str(2 + number), source, checksums=checksums)
            except flipping.REFUSALS:
                outcomes["refused"] += 1
                continue
        outcomes["sealed"] += 1
        host = deployed(estate, label)
        assert host.drift() == []
        if checksums:
            assert is_whole(host, source)
        host.deploy(None, state="absent")

    assert outcomes["refused" if checksums else "sealed"] or not every_point
