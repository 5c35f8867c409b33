# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which names and contents of a folder are on the medium at each call of a trace: a lint.

It takes nothing for granted but what POSIX says: a file's content is there after ``fsync`` of the
file, a name after ``fsync`` of its folder, and all of it after ``syncfs``. Real file systems keep
more, so that a step that is missing shows only on some of them, and at times.
"""

from __future__ import annotations

import enum
import itertools
import os
import re
from dataclasses import dataclass, field

MODES = {"fchmod": 0, "fchown": 0, "chmod": 0, "fchmodat": 1}
CONTENT = {"write": 0, "pwrite64": 0, "writev": 0, "pwritev": 0, "ftruncate": 0, "fallocate": 0}
CONTENT.update({"ioctl": 0, "sendfile": 0, "copy_file_range": 2, "truncate": 0, **MODES})
MADE = {"mkdir": 0, "mkdirat": 1, "symlink": 1, "symlinkat": 2}
GIVEN = {"rename": (0, 1), "renameat": (1, 3), "renameat2": (1, 3), "link": (0, 1)}
GIVEN["linkat"] = (1, 3)
GONE = {"unlink": 0, "unlinkat": 1, "rmdir": 0}
OPENED = {"open": 0, "openat": 1}
SYNCED = {"fsync": 0, "fdatasync": 0}
ALL_SYNCED = {"sync", "syncfs"}
CALLS = sorted({*CONTENT, *MADE, *GIVEN, *GONE, *OPENED, *SYNCED, *ALL_SYNCED})
ANSWER = "1"  # the descriptor by which a process says that it succeeded


class Lasts(enum.IntEnum):
    """What of a path is on the medium before the next step; each has what those before it have."""

    NOTHING = 0
    CONTENT = 1  # before it gets its name, which may be lost
    COMING = 2  # its name as well, as long as it is there
    GOING = 3  # and where it goes, it never comes back


@dataclass(frozen=True)
class Promise:
    """What a folder promises of the paths in it.

    *rules* are pairs of a pattern for a path and what of it Lasts, the first that fits counts.
    *tells* is the pattern of names that tell of others, *logs* of files that are only added to.
    """

    rules: tuple
    tells: str
    logs: str

    def of(self, path):
        """Return what of *path* Lasts."""
        found = (lasts for pattern, lasts in self.rules if re.fullmatch(pattern, path))
        return next(found, Lasts.NOTHING)

    def is_telling(self, path):
        """Tell whether what *path* tells of must be there before it."""
        return re.fullmatch(self.tells, path)

    def is_log(self, path):
        """Tell whether *path* is only ever added to."""
        return re.fullmatch(self.logs, path)


def lint(calls, folder, promise, there=()):
    """Return what is wrong in *calls*, Calls of a process that changes *folder*: a line each.

    *there* are the paths in it that were there before.
    """
    found = _Lint(str(folder), promise, set(there))
    for call in calls:
        found.see(call)
    found.settle("at the end")
    return [f"{path}: {what}" for path, what in found.problems.items()]


@dataclass
class _Lint:
    """What is not on the medium yet, by what the trace says. Paths are relative to the folder."""

    folder: str
    promise: Promise
    there: set
    problems: dict = field(default_factory=dict)
    inodes: dict = field(default_factory=dict)  # {path: a number, the same for hard links}
    unsynced: set = field(default_factory=set)  # inodes of files written since they were synced
    pending: dict = field(default_factory=dict)  # {folder: {name: whether it came, else it went}}
    removed: set = field(default_factory=set)
    process: str | None = None
    numbers: itertools.count = field(default_factory=itertools.count)

    def see(self, call):
        """Take *call* into account."""
        self.process = self.process or call.process
        if call.name in ALL_SYNCED:
            self.unsynced.clear()
            self.pending.clear()
        elif call.name == "write" and call.opened.get(0) == ANSWER:
            if call.process == self.process:
                self.settle("when success is told")
        elif call.name in GIVEN:
            self._give(call, *(self._path(call, position) for position in GIVEN[call.name]))
        else:
            for calls, see in (
                (CONTENT, self._write),
                (SYNCED, self._sync),
                (OPENED, self._open),
                (MADE, self._make),
                (GONE, self._remove),
            ):
                path = self._path(call, calls[call.name]) if call.name in calls else None
                if path is not None:
                    see(call, path)

    def settle(self, when, but=None):
        """Note what is not on the medium *when* something happens, but for names in one folder."""
        for folder, names in self.pending.items():
            for name, came in names.items():
                path = _join(folder, name)
                if folder != but and self.promise.of(path) >= (Lasts.GOING, Lasts.COMING)[came]:
                    self._note(path, f"its name is not synced {when}")
        for path, inode in self.inodes.items():
            if inode in self.unsynced and self.promise.of(path):
                self._note(path, f"its content is not synced {when}")

    def _path(self, call, position):
        """Return where in the folder an argument leads; None for elsewhere."""
        path = call.path(position)
        if path == self.folder:
            return "."
        inside = path.startswith(self.folder + "/")
        return path[len(self.folder) + 1 :] if inside else None

    def _note(self, path, what):
        self.problems.setdefault(path, what)

    def _sync(self, _call, path):
        self.pending.pop(path, None)
        self.unsynced.discard(self.inodes.get(path))

    def _write(self, call, path):
        if call.name == "ioctl" and "FICLONE" not in call.arguments:
            return
        if call.name in MODES:
            if path not in self.inodes:
                return  # a folder, or what was there already: only contents are at stake
        else:
            self._refuse_in_place(path)
        self.unsynced.add(self._inode(path))

    def _open(self, call, path):
        flags = call.arguments[OPENED[call.name] + 1]
        if "O_CREAT" not in flags and "O_TRUNC" not in flags:
            return
        self._refuse_in_place(path)
        if path not in self.there:
            self._appear(path)
            self.unsynced.add(self._inode(path))

    def _refuse_in_place(self, path):
        if self.promise.of(path) and not self.promise.is_log(path):
            self._note(path, "it is written under its final name")

    def _make(self, call, path):
        if call.name.startswith("symlink") and self.promise.of(path):
            self._note(path, "it is not given its name in one step")
        self._appear(path)

    def _give(self, call, old, new):
        if old is None or new is None:
            return
        if self.promise.of(new):
            self._refuse_unsynced(old, new)
        if call.name.startswith("link"):
            self.inodes[new] = self._inode(old)
        else:
            for known in (self.inodes, self.pending):
                for path in _at_or_below(known, old):
                    known[new + path[len(old) :]] = known.pop(path)
            self._go(old)
        self._appear(new)

    def _refuse_unsynced(self, old, new):
        """Note what of *old* is not on the medium when it is called *new*."""
        for path in _at_or_below(self.inodes, old):
            if self.inodes[path] in self.unsynced:
                self._note(new, f"it gets its name before the content of {path} is synced")
        for folder in _at_or_below(self.pending, old):
            for name in self.pending[folder]:
                self._note(new, f"it gets its name before {_join(folder, name)} is synced")

    def _remove(self, _call, path):
        if self.promise.of(path):
            self._settle_before(path)
            self.removed.add(path)
        self.inodes.pop(path, None)
        self._go(path)

    def _go(self, path):
        self.there.discard(path)
        folder, name = os.path.split(path)
        self.pending.setdefault(folder or ".", {})[name] = False

    def _appear(self, path):
        if path in self.removed:
            self._note(path, "it is not replaced in one step")
        if self.promise.is_telling(path):
            self._settle_before(path)
        self.there.add(path)
        folder, name = os.path.split(path)
        self.pending.setdefault(folder or ".", {})[name] = True

    def _settle_before(self, path):
        self.settle(f"when {path} is changed", but=os.path.dirname(path) or ".")

    def _inode(self, path):
        return self.inodes.setdefault(path, next(self.numbers))


def _at_or_below(paths, path):
    return [one for one in paths if one == path or one.startswith(path + "/")]


def _join(folder, name):
    return os.path.normpath(os.path.join(folder, name))
