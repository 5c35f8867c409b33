# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a directory: walked name by name, and refused where others could lead it elsewhere.

The rule is that of OpenSSH's ``StrictModes`` (``sshd_config(5)``), for each directory on the way
and for those that links on the way lead through: it belongs to root or to this user, and nobody
else may write to it. One with the sticky bit, such as ``/tmp``, may be written to: there nobody
can replace what belongs to others. A group that holds nobody else, as a user's own does, counts as
its user.
"""

from __future__ import annotations

import contextlib
import errno
import grp
import os
import pwd
import stat
from typing import AbstractSet, Any, Callable, Sequence

from ..errors._release_error import ReleaseError
from . import _paths

LOOK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
MOST_LINKS = 40  # as the kernel has it
ROOT = 0
NOWHERE = -1  # no descriptor
ACL = "system.posix_acl_access"


class Unsafe(ReleaseError):
    """Somebody else could replace what is below a directory; its text is one line with a remedy."""

    code = "unsafe_path"


def trusted() -> set[int]:
    """Return the users who may own what a root lies in: root, and this one."""
    return {ROOT, os.geteuid()}


def open_directory(path: str, users: AbstractSet[int], make: bool = False) -> int:
    """Return a descriptor of the directory at the absolute *path*, which may lead through links.

    It serves as a place to work from, and cannot be read. *users* are trusted. With *make*
    directories that are missing are made, 0755 but for the umask. Raises Unsafe, and OSError.
    """
    way = _Way(users)
    try:
        waiting, links = path.split("/")[::-1], MOST_LINKS
        while waiting:
            name = waiting.pop()
            if name in ("", "."):
                continue
            target = way.enter(name, make)
            if target is not None:
                links -= 1
                if not links:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
                if target.startswith("/"):
                    way.begin()
                waiting.extend(target.split("/")[::-1])
    except BaseException:
        os.close(way.descriptor)
        raise
    return way.descriptor


def check(
    descriptor: int, path: str, users: AbstractSet[int], sticky_will_do: bool = False
) -> None:
    """Raise Unsafe if others than *users* may write to the open directory *path*, or own it.

    Where *sticky_will_do* they may, if they cannot replace what belongs to others.
    """
    status = os.fstat(descriptor)
    shown = _shown(path)
    if status.st_uid not in users:
        raise Unsafe(
            "%s belongs to %s, who could replace what is in it: give it to root (chown root %s), "
            "or become that user" % (shown, _spelt(pwd.getpwuid, status.st_uid), shown)
        )
    open_to = status.st_mode & OTHERS_WRITE
    if not open_to or (sticky_will_do and status.st_mode & stat.S_ISVTX):
        return
    if open_to == stat.S_IWGRP and _is_private(status.st_gid, users) and not _has_list(descriptor):
        return
    who = "everybody"
    if open_to == stat.S_IWGRP:
        who = "group " + _spelt(grp.getgrgid, status.st_gid)
    raise Unsafe(
        "%s can be written to by %s, who could replace what is in it: chmod go-w %s"
        % (shown, who, shown)
    )


class _Way:
    """How far a path was walked: ``descriptor`` is where, ``path`` is what that is called."""

    def __init__(self, users: AbstractSet[int]) -> None:
        self.descriptor, self.path = NOWHERE, ""
        self._users = users
        self.begin()

    def begin(self) -> None:
        """Start at the root of the file system."""
        self._move(os.open("/", LOOK | os.O_DIRECTORY), "/")
        check(self.descriptor, "/", self._users, sticky_will_do=True)

    def enter(self, name: str, make: bool) -> str | None:
        """Go on to the directory *name*; return its target instead if that is a link."""
        path = os.path.normpath(os.path.join(self.path, name))
        deeper = self._open(name, path, make)
        try:
            status = os.fstat(deeper)
            if stat.S_ISLNK(status.st_mode):
                self._check_link(status, path)
                return os.readlink("", dir_fd=deeper)
            if not stat.S_ISDIR(status.st_mode):
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
            check(deeper, path, self._users, sticky_will_do=True)
            self._move(deeper, path)
            deeper = NOWHERE
        finally:
            if deeper != NOWHERE:
                os.close(deeper)
        return None

    def _open(self, name: str, path: str, make: bool) -> int:
        try:
            return os.open(name, LOOK, dir_fd=self.descriptor)
        except OSError as error:
            if not (make and error.errno == errno.ENOENT):
                raise OSError(error.errno, error.strerror, path) from None
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=self.descriptor)
            return os.open(name, LOOK, dir_fd=self.descriptor)
        except OSError as error:
            raise OSError(error.errno, error.strerror, path) from None  # not only its last name

    def _check_link(self, status: os.stat_result, path: str) -> None:
        """Raise Unsafe for a link that somebody else could have put where all may write."""
        place = os.fstat(self.descriptor)
        if place.st_mode & OTHERS_WRITE and status.st_uid not in self._users:
            shown = _shown(path)
            raise Unsafe(
                "%s is a link of %s, who could let it lead elsewhere: name the directory itself"
                % (shown, _spelt(pwd.getpwuid, status.st_uid))
            )

    def _move(self, descriptor: int, path: str) -> None:
        if self.descriptor != NOWHERE:
            os.close(self.descriptor)
        self.descriptor, self.path = descriptor, path


def _is_private(gid: int, users: AbstractSet[int]) -> bool:
    """Tell whether the group *gid* is the own one of one of *users*, with nobody else in it.

    Users of a directory service need not be among ``getpwall``: so the group also has that name.
    """
    try:
        group = grp.getgrgid(gid)
        names = {pwd.getpwuid(uid).pw_name for uid in users}
    except KeyError:
        return False
    if group.gr_name not in names or not names.issuperset(group.gr_mem):
        return False
    return all(user.pw_uid in users for user in pwd.getpwall() if user.pw_gid == gid)


def _has_list(descriptor: int) -> bool:
    """Tell whether an access list may be what the group's bits speak of."""
    try:
        return ACL in os.listxattr("/proc/self/fd/%d" % descriptor)
    except OSError as error:
        return error.errno not in (errno.ENOTSUP, errno.ENODATA)


def _spelt(look_up: Callable[[int], Sequence[Any]], number: int) -> str:
    try:
        return look_up(number)[0]
    except KeyError:
        return "number %d" % number


def _shown(path: str) -> str:
    """Return *path* as text for a line, whatever its bytes are."""
    return _paths.to_os(_paths.from_os(path)).decode("utf-8", "backslashreplace")
