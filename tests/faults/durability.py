# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names and contents of a folder are on the medium at each call of a trace: a lint.

It takes nothing for granted but what POSIX says: a file's content is there after ``fsync`` of the
file, a name after ``fsync`` of its folder, and all of it after ``syncfs``. Real file systems keep
more, so that a step that is missing shows only on some of them, and at times.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from typing import Callable

NOW, LATER = "now", "later"  # when a name must be there: before the next step; at some time
CONTENT = {"write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "ftruncate": 0, "fallocate": 0}
CONTENT.update({"ioctl": 0, "sendfile": 0, "copy_file_range": 2, "fchmod": 0, "fchown": 0})
CONTENT.update({"chmod": 0, "fchmodat": 1, "truncate": 0})
MADE = {"mkdir": 0, "mkdirat": 1, "symlink": 1, "symlinkat": 2}
GIVEN = {"rename": (0, 1), "renameat": (1, 3), "renameat2": (1, 3), "link": (0, 1)}
GIVEN["linkat"] = (1, 3)
GONE = {"unlink": 0, "unlinkat": 1, "rmdir": 0}
OPENED = {"open": 0, "openat": 1}
SYNCED = {"fsync": 0, "fdatasync": 0, "sync": None, "syncfs": None}
CALLS = sorted({*CONTENT, *MADE, *GIVEN, *GONE, *OPENED, *SYNCED})
ANSWER = "1"  # the descriptor by which a process says that it succeeded


@dataclass(frozen=True)
class Promise:
    """What a folder promises of the paths in it.

    ``lasts(path)``: whether that name must be on the medium NOW or LATER; None for scratch.
    ``tells(path)``: whether that name tells of others, which must be there before it. *logs* are
    the files that are only ever added to.
    """

    lasts: Callable
    tells: Callable
    logs: tuple = ()


def lint(calls, folder, promise):
    """Return what is wrong in *calls*, Calls of a process that changes *folder*: a line each."""
    found = _Lint(str(folder), promise)
    for call in calls:
        found.see(call)
    found.settle("at the end")
    return list(dict.fromkeys(found.problems))


@dataclass
class _Lint:
    """What is not on the medium yet, by what the trace says. Paths are relative to the folder."""

    folder: str
    promise: Promise
    problems: list = field(default_factory=list)
    inodes: dict = field(default_factory=dict)  # {path: a number, the same for hard links}
    unsynced: set = field(default_factory=set)  # inodes of files written since they were synced
    pending: dict = field(default_factory=dict)  # {folder: {names that came or went}}
    removed: set = field(default_factory=set)
    process: str | None = None
    numbers: itertools.count = field(default_factory=itertools.count)

    def see(self, call):
        """Take *call* into account."""
        self.process = self.process or call.process
        if call.name in SYNCED:
            self._sync(SYNCED[call.name] is not None and self._path(call, 0))
        elif call.name == "write" and call.opened.get(0) == ANSWER:
            if call.process == self.process:
                self.settle("when success is told")
        elif call.name in GIVEN:
            self._give(call, *(self._path(call, position) for position in GIVEN[call.name]))
        else:
            for calls, see in (
                (CONTENT, self._write),
                (OPENED, self._open),
                (MADE, self._make),
                (GONE, self._remove),
            ):
                path = self._path(call, calls[call.name]) if call.name in calls else None
                if path is not None:
                    see(call, path)

    def settle(self, when, but=None):
        """Note what lasts and is not on the medium *when* something happens; not in folder *but*"""
        for folder, names in self.pending.items():
            for name in sorted(names):
                path = os.path.normpath(os.path.join(folder, name))
                if folder != but and self.promise.lasts(path) == NOW:
                    self._note(path, f"its name is not synced {when}")
        for path, inode in self.inodes.items():
            if inode in self.unsynced and self.promise.lasts(path):
                self._note(path, f"its content is not synced {when}")

    def _path(self, call, position):
        """Return where in the folder an argument leads; None for elsewhere."""
        path = call.path(position)
        if path == self.folder:
            return "."
        inside = path.startswith(self.folder + "/")
        return path[len(self.folder) + 1 :] if inside else None

    def _note(self, path, what):
        self.problems.append(f"{path}: {what}")

    def _sync(self, path):
        if path is False:
            self.unsynced.clear()
            self.pending.clear()
        elif path is not None:
            self.pending.pop(path, None)
            self.unsynced.discard(self.inodes.get(path))

    def _write(self, call, path):
        if call.name == "ioctl" and "FICLONE" not in call.arguments:
            return
        if path in self.pending or (call.name in ("fchmod", "fchown") and path not in self.inodes):
            return  # a folder, whose own status comes with its name
        if self.promise.lasts(path) and path not in self.promise.logs:
            self._note(path, "it is written under its final name")
        self.unsynced.add(self._inode(path))

    def _open(self, call, path):
        flags = call.arguments[OPENED[call.name] + 1]
        if "O_CREAT" not in flags and "O_TRUNC" not in flags:
            return
        lasting = self.promise.lasts(path)
        if lasting and path not in self.promise.logs:
            self._note(path, "it is written under its final name")
        if "O_CREAT" in flags and path not in self.inodes:
            self._appear(call, path)
        self.unsynced.add(self._inode(path))

    def _make(self, call, path):
        is_link = call.name.startswith("symlink")
        if is_link and self.promise.lasts(path):
            self._note(path, "it is not replaced in one step")
        self._appear(call, path)

    def _give(self, call, old, new):
        if old is None or new is None:
            return
        below = [path for path in self.inodes if path == old or path.startswith(old + "/")]
        folders = [path for path in self.pending if path == old or path.startswith(old + "/")]
        if self.promise.lasts(new):
            self._check_whole(new, below, folders)
        if call.name.startswith("link"):
            self.inodes[new] = self._inode(old)
        else:
            for path in below:
                self.inodes[new + path[len(old) :]] = self.inodes.pop(path)
            for path in folders:
                self.pending[new + path[len(old) :]] = self.pending.pop(path)
            self._change(call, old)
        self._appear(call, new)

    def _check_whole(self, new, below, folders):
        for path in below:
            if self.inodes[path] in self.unsynced:
                self._note(new, f"it gets its name before the content of {path} is synced")
        for path in folders:
            for name in sorted(self.pending[path]):
                self._note(new, f"it gets its name before {os.path.join(path, name)} is synced")

    def _remove(self, call, path):
        if self.promise.lasts(path):
            self.removed.add(path)
        self.inodes.pop(path, None)
        self._change(call, path)

    def _appear(self, call, path):
        if path in self.removed:
            self._note(path, "it is not replaced in one step")
        self._change(call, path)

    def _change(self, call, path):
        """Note that a name comes or goes: it may tell of others, and waits to be synced."""
        folder, name = os.path.split(path)
        if self.promise.tells(path) or (call.name in GONE and self.promise.lasts(path)):
            self.settle(f"when {path} tells of it", but=folder or ".")
        self.pending.setdefault(folder or ".", set()).add(name)

    def _inode(self, path):
        return self.inodes.setdefault(path, next(self.numbers))
