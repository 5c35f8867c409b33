# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems in files, of which a copy is what a disk holds when the power is cut.

What was written and not synced is in the memory of the mounted file system only: the file below has
what that handed on to its disk. Nothing is handed on but by a sync while the tests run: what time
would do is put off, and so is what ext4 does for careless programs.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import NamedTuple

UNMOUNT_SECONDS = 10
COPIES = 100


class Kind(NamedTuple):
    """A file system: the command that makes it in a file, how large that is, how it is mounted."""

    command: tuple
    size: int
    options: str


EXT4 = ("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=0,lazy_journal_init=0")
CARELESS = "noatime,commit=300,noauto_da_alloc"
KINDS = {
    "ext4": Kind(EXT4, 32 << 20, CARELESS),
    "ext4 without order": Kind(EXT4, 32 << 20, CARELESS + ",data=writeback,nodelalloc"),
    "xfs": Kind(("mkfs.xfs", "-q", "-f"), 320 << 20, "noatime,nouuid"),
}


class Mounted:
    """The file system in the file *image*, mounted at the folder *place*: a context manager.

    Where it was not unmounted, its journal is played back.
    """

    def __init__(self, image, place, options):
        self._image, self._place, self._options = image, place, options

    def __enter__(self):
        # Not by mount's option loop: that takes up again a device that is just being given back.
        device = self._device = _run("losetup", "--find", "--show", self._image)
        try:
            _run("mount", "-o", self._options, device, self._place)
        except OSError:
            _run("losetup", "--detach", device)
            raise
        self._statistics = f"/sys/class/block/{os.path.basename(device)}/stat"
        return self

    def __exit__(self, *_exception):
        unmount(self._place)
        _run("losetup", "--detach", self._device)

    def sync(self):
        """Have the file *image* hold all. To unmount would do where nobody else has it mounted:
        whoever made a mount namespace meanwhile has.
        """
        _run("sync", "--file-system", self._place)

    def written(self):
        """Return a number that rises with each write to the file *image*."""
        return self._writes()[0]

    def copy(self, target):
        """Copy what a disk would hold now to the file *target*: nothing is written meanwhile."""
        for _attempt in range(COPIES):
            writes = self._writes()
            _run("cp", "--sparse=always", self._image, target)
            if self._writes() == writes == (writes[0], 0):
                return
        raise OSError(f"{self._image}: something goes on writing")

    def _writes(self):
        """Return how many writes are done, and how many of all requests are not."""
        with open(self._statistics, encoding="ascii") as stream:
            numbers = stream.read().split()
        return int(numbers[4]), int(numbers[8])


def make(kind, image):
    """Make a file system of a Kind in the new file *image*."""
    with open(image, "wb") as stream:
        stream.truncate(kind.size)
    _run(*kind.command, image)


def unmount(place):
    """Unmount what is at *place*, as soon as nobody uses it."""
    deadline = time.monotonic() + UNMOUNT_SECONDS
    while True:
        try:
            _run("umount", place)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def why_not(folder, kind):
    """Return one line that says why no file system of a Kind can be mounted below *folder*."""
    if os.geteuid():
        return "only root can mount a file system"
    if shutil.which(kind.command[0]) is None:
        return f"{kind.command[0]} is missing"
    image, place = str(folder / "tried"), str(folder / "place")
    os.makedirs(place)
    try:
        make(kind, image)
        with Mounted(image, place, kind.options):
            return None
    except OSError as error:
        return f"no file system can be mounted here: {error}"


def _run(*command):
    """Run *command* and return what it says; that is in the OSError where it fails."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise OSError(f"{command[0]}: {done.stdout.strip()}")
    return done.stdout.strip()
