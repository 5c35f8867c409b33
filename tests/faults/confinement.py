# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether each call of a trace could only hit what it was meant for, whoever renames what: a lint.

Below a root a name must be one name, relative to an open directory, and no link may be followed.
Only below what is private to the writer of the root may a name have more parts. Outside of the
root nothing is changed at all, but for files that have just been made there, as temporary ones.
"""

from __future__ import annotations

import os

# Where the names are among the arguments, by call; each has its directory before it.
NAMES = {
    "mkdirat": (1,),
    "mknodat": (1,),
    "unlinkat": (1,),
    "renameat": (1, 3),
    "renameat2": (1, 3),
    "linkat": (1, 3),
    "symlinkat": (2,),
    "openat": (1,),
    "openat2": (1,),
    "fchmodat": (1,),
    "fchownat": (1,),
    "utimensat": (1,),
}
# The same by path: that may lead anywhere by the time it is looked up.
BY_PATH = {
    "open": (0,),
    "creat": (0,),
    "mkdir": (0,),
    "rmdir": (0,),
    "unlink": (0,),
    "rename": (0, 1),
    "link": (0, 1),
    "symlink": (1,),
    "truncate": (0,),
    "chmod": (0,),
    "chown": (0,),
    "lchown": (0,),
    "setxattr": (0,),
    "lsetxattr": (0,),
}
CALLS = sorted({*NAMES, *BY_PATH})
FOLLOWING = ("fchmodat", "fchownat", "utimensat")
OPENING = ("open", "openat", "openat2")
WRITING = ("O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC")
PRIVATE = ".release"
HERE = "AT_FDCWD"


def lint(calls, root, scratch=()):
    """Return what is wrong in *calls*, Calls of a process that works on *root*: a line each.

    *scratch* are directories in which new files may be made, and removed.
    """
    problems = []
    for call in calls:
        places = NAMES.get(call.name) or BY_PATH.get(call.name, ())
        for position in places:
            path = call.path(position)
            if not _is_below(path, root):
                said = _outside(call, path, scratch)
            else:
                said = _inside(call, position, root)
            if said:
                problems.append(f"{call.name} of {path}: {said}")
    return list(dict.fromkeys(problems))


def _outside(call, path, scratch):
    """Return what is wrong with a call about something that does not belong to the root."""
    flags = _flags(call)
    if call.name in OPENING and not flags & {*WRITING}:
        return None
    if "O_EXCL" in flags or path == os.devnull or path.startswith("/proc/"):
        return None
    if any(_is_below(path, folder) for folder in scratch):
        return None
    if call.name.startswith("mkdir"):
        return "it is made outside of the root"
    return "it is changed, and lies outside of the root"


def _inside(call, position, root):
    name = call.arguments[position]
    if call.name in BY_PATH or position - 1 not in call.opened or name.startswith("/"):
        return "it is looked up by its path"
    folder = call.arguments[position - 1]
    if call.opened[position - 1] == HERE:
        return "it is looked up from the working directory"
    if "/" in name and not _is_below(folder, os.path.join(root, PRIVATE)):
        return "it is looked up through other names"
    if call.name in OPENING and not _flags(call) & {"O_NOFOLLOW", "O_EXCL"}:
        return "a link would be followed"
    if call.name in FOLLOWING and "AT_SYMLINK_NOFOLLOW" not in call.arguments[-1]:
        return "a link would be followed"
    return None


def _flags(call):
    """Return the flags that are among the arguments of *call*."""
    words = [word for argument in call.arguments for word in argument.split("|")]
    return {word for word in words if word.startswith("O_")}


def _is_below(path, folder):
    return path == folder or path.startswith(f"{folder}/")
