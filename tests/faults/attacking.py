# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A local user who swaps what it may write to for links, all the time; and what it hopes to reach.

The links lead into a canary: a tree with the names that a release has, which is watched, so that
it shows even if a file of it is only opened.
"""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import signal
import struct
import time
import traceback

USER = 65534
LIBC = ctypes.CDLL(None, use_errno=True)
RENAME_EXCHANGE = 2
INOTIFY_ALL = 0xFFF  # opened, read, written, closed, made, removed, renamed, its status changed
INOTIFY_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC
EVENT = struct.Struct("iIII")
MOST_PLACES = 12  # directories that are attacked at once: the last ones found
SWAPS_BETWEEN_LOOKS = 40
LURE = ".lure"
SECONDS_LIMIT = 10
OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Canary:
    """A tree at *folder* that nobody has any business in. A context manager."""

    def __init__(self, folder):
        self.folder = folder

    def __enter__(self):
        self._before = self._look()
        self._watch = LIBC.inotify_init1(INOTIFY_FLAGS)
        self._names = {}
        for path in [self.folder, *(path for path in self.folder.rglob("*") if path.is_dir())]:
            number = LIBC.inotify_add_watch(self._watch, bytes(path), INOTIFY_ALL)
            assert number >= 0, os.strerror(ctypes.get_errno())
            self._names[number] = path.relative_to(self.folder)
        list(self._events())
        return self

    def __exit__(self, *_exception):
        os.close(self._watch)

    def problems(self):
        """Return what was done to it, as far as that shows: first what was only looked at."""
        found = [f"{path} was touched: {mask:#x}" for path, mask in self._events()]
        after = self._look()
        list(self._events())  # those of looking
        changed = sorted(
            path for path in {*self._before, *after} if self._before.get(path) != after.get(path)
        )
        return sorted(set(found)) + [f"{path} was changed" for path in changed]

    def _events(self):
        with contextlib.suppress(BlockingIOError):
            while True:
                data = os.read(self._watch, 65536)
                while data:
                    number, mask, _cookie, length = EVENT.unpack_from(data)
                    name = data[EVENT.size : EVENT.size + length].rstrip(b"\0").decode()
                    yield self._names.get(number, "?") / name, mask
                    data = data[EVENT.size + length :]

    def _look(self):
        """Return ``{path: its status, without the time it was read}``; nothing is opened."""
        fields = "st_mode st_uid st_gid st_ino st_nlink st_size st_mtime_ns st_ctime_ns".split()
        paths = [self.folder, *self.folder.rglob("*")]
        return {str(p): [getattr(p.lstat(), field) for field in fields] for p in paths}


class Attacker:
    """A process of USER that attacks the directories that it is told. A context manager.

    It keeps what it has opened, so that moving a directory to where nobody gets in is no way out.
    """

    def __init__(self, canary):
        self._canary = str(canary)
        self._shared = mmap.mmap(-1, 16)

    @property
    def swaps(self):
        """How many names it has swapped so far."""
        return struct.unpack_from("q", self._shared)[0]

    def __enter__(self):
        reading, self._orders = os.pipe()
        self._pid = os.fork()
        if not self._pid:
            try:
                os.close(self._orders)
                os.setgroups([])
                os.setgid(USER)
                os.setuid(USER)
                os.set_blocking(reading, False)
                _Swapping(self._canary, self._shared).go_on(reading)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(reading)
        return self

    def __exit__(self, *_exception):
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._orders)

    def attack(self, directory, *names):
        """Let it swap all that is in *directory*, and *names* as soon as they are; wait for that.

        A name with a minus before it is removed first; with ``=`` before it, only that is swapped.
        """
        told = self._told()
        line = "\0".join([os.fspath(directory), *names]) + "\n"
        os.write(self._orders, line.encode())
        deadline = time.monotonic() + SECONDS_LIMIT
        while self._told() == told:
            assert time.monotonic() < deadline
            assert os.waitpid(self._pid, os.WNOHANG) == (0, 0)
            time.sleep(0.0005)

    def _told(self):
        return struct.unpack_from("q", self._shared, 8)[0]


class _Swapping:
    """What the process of an Attacker knows."""

    def __init__(self, canary, shared):
        self._canary = canary
        self._shared = shared
        self._places = {}  # {inode: (descriptor, names in it)}
        self._swaps = self._told = 0

    def go_on(self, orders):
        pending = b""
        while True:
            with contextlib.suppress(BlockingIOError):
                data = os.read(orders, 4096)
                if not data:
                    return
                pending += data
                *lines, pending = pending.split(b"\n")
                for line in lines:
                    directory, *names = line.decode().split("\0")
                    self._enter(os.open(directory, OPEN), "", names)
                    self._told += 1
            for _time in range(SWAPS_BETWEEN_LOOKS):
                self._swap_all()
            struct.pack_into("qq", self._shared, 0, self._swaps, self._told)

    def _enter(self, descriptor, prefix, names):
        """Attack a directory and those in it; *names* are expected there, or are to go first."""
        inode = os.fstat(descriptor).st_ino
        if inode in self._places:
            os.close(self._places.pop(inode)[0])
        here = [name for name in names if "/" not in name]
        for name in here:
            if name.startswith("-"):
                _remove(descriptor, name[1:])
        only = [name[1:] for name in here if name.startswith("=")]
        expected = [name for name in here if name[0] not in "-="]
        found = [name.removesuffix(LURE) for name in os.listdir(descriptor)]
        places = only or list(dict.fromkeys([*expected, *found]))
        for name in places:
            path = os.path.join(prefix, name)
            with contextlib.suppress(FileExistsError):
                os.symlink(self._target(path), name + LURE, dir_fd=descriptor)
            for each in (name, name + LURE) if not only else ():
                with contextlib.suppress(OSError):
                    below = [n[len(name) + 1 :] for n in names if n.startswith(name + "/")]
                    self._enter(os.open(each, OPEN, dir_fd=descriptor), path, below)
        self._places[inode] = (descriptor, [name.encode() for name in places])
        while len(self._places) > MOST_PLACES:
            os.close(self._places.pop(next(iter(self._places)))[0])

    def _target(self, path):
        """Return what a lure at *path* leads to: to anything, where that is there for a moment."""
        return self._canary if path.endswith(".new") else os.path.join(self._canary, path)

    def _swap_all(self):
        for descriptor, names in self._places.values():
            for name in names:
                lure = name + LURE.encode()
                done = LIBC.renameat2(descriptor, name, descriptor, lure, RENAME_EXCHANGE)
                self._swaps += not done


def _remove(directory, name):
    for each in (name, name + LURE):
        for remove in (os.unlink, os.rmdir):
            with contextlib.suppress(OSError):
                remove(each, dir_fd=directory)
