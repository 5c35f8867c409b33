# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whenever the power is cut: the old or the new release is live, and whole; what was said, lasts.

The same re-run as after a kill settles it. Where all had been answered, it changes nothing.
"""

from __future__ import annotations

import os
import pathlib
import tempfile

import pytest

from ansible_collections.itops.release.tests.faults import disks, power_cuts
from ansible_collections.itops.release.tests.faults.sweeping import OPERATIONS

MADE_AGAIN = {"make a pack"}  # where it is lost
QUICK = (
    "first release",
    "stage",
    "replace",
    "roll back",
    "clean",
    "remove all",
    "seal into a new library",
    "seal",
    "sign",
)
JUDGED = 3  # disks of each operation, in the quick form
JUDGED_ELSEWHERE = 30  # beside a neighbour, with --every-point
ATTEMPTS = 5  # the kernel may write at any time what nobody asked it to


def case(name, kind):
    """Return the parameters of a test; what takes long only comes with --every-point."""
    is_quick = kind == "ext4" and name in QUICK
    return pytest.param(name, kind, marks=() if is_quick else pytest.mark.every_point)


ON_EXT4 = [case(name, "ext4") for name in OPERATIONS if name not in MADE_AGAIN]
ON_OTHERS = [case(name, kind) for name in QUICK for kind in disks.KINDS if kind != "ext4"]
CASES = pytest.mark.parametrize(("name", "kind"), [*ON_EXT4, *ON_OTHERS])


@pytest.fixture(scope="module")
def mountable(memory):
    """Skip the test where a file system of a kind cannot be mounted; else return its Kind."""
    reasons = {}

    def checked(name):
        kind = disks.KINDS[name]
        if name not in reasons:
            reasons[name] = disks.why_not(pathlib.Path(tempfile.mkdtemp(dir=memory)), kind)
        if reasons[name]:
            pytest.skip(reasons[name])
        return kind

    return checked


@pytest.fixture
def cut(bench, mountable, every_point, record_property):
    """Cut the power in an operation; return what is wrong, and say how many disks were judged."""

    def swept(name, kind, most, neighbour=False):
        if every_point:
            most = JUDGED_ELSEWHERE if neighbour and kind != "ext4" else None
        done = power_cuts.sweep(bench, OPERATIONS[name], mountable(kind), most, neighbour)
        record_property("swept", [name, "names" if neighbour else "cut", done.judged])
        return done.problems

    return swept


@CASES
def test_a_power_cut_leaves_the_old_or_the_new_and_nothing_that_was_answered_is_lost(
    name, kind, cut
):
    assert cut(name, kind, JUDGED) == []


@CASES
def test_a_power_cut_does_no_harm_where_names_reach_the_disk_before_contents(name, kind, cut):
    assert cut(name, kind, 1, neighbour=True) == []


def sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def carelessly(folder):
    """Replace a file as one that nobody needs."""
    (folder / "new").write_bytes(b"new")
    (folder / "new").rename(folder / "name")


def beside_a_neighbour(folder):
    """The same, where somebody else syncs a file of their own: names go to the disk with it."""
    carelessly(folder)
    sync(folder / "neighbour")


def durably(folder):
    """Replace a file as it should be."""
    (folder / "new").write_bytes(b"new")
    sync(folder / "new")
    (folder / "new").rename(folder / "name")
    sync(folder)


@pytest.mark.parametrize(
    ("replace", "left"), [(carelessly, b"old"), (beside_a_neighbour, b""), (durably, b"new")]
)
def test_such_a_power_cut_loses_what_was_not_synced(mountable, memory, replace, left):
    kind = mountable("ext4")

    assert left in (left_of_a_power_cut(kind, memory, replace) for _attempt in range(ATTEMPTS))


def left_of_a_power_cut(kind, memory, replace):
    """Return what is in a file that was replaced just before the power was cut."""
    with tempfile.TemporaryDirectory(dir=memory) as scratch:
        made, image, cut, folder = (
            pathlib.Path(scratch, name) for name in ("made", "image", "cut", "disk")
        )
        folder.mkdir()
        disks.make(kind, made)
        with disks.Mounted(made, folder, kind.options) as disk:
            (folder / "name").write_bytes(b"old")
            (folder / "neighbour").touch()
            disk.sync()
            disk.copy(image)
        with disks.Mounted(image, folder, kind.options) as disk:
            replace(folder)
            disk.copy(cut)
        with disks.Mounted(cut, folder, kind.options):
            return (folder / "name").read_bytes()
