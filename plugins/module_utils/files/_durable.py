# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing so that a power cut leaves the old or the new, never a half."""

from __future__ import annotations

import ctypes
import errno
import os


def write_file(
    directory: int, name: str, data: bytes, mode: int = 0o600, scratch: str | None = None
) -> None:
    """Replace the file *name* in the directory descriptor *directory* by *data*, durably.

    It is written as *scratch* first, by default *name* with ``.new`` behind it.
    """
    scratch = scratch or name + ".new"
    remove_file(directory, scratch)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(scratch, flags, mode, dir_fd=directory)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def replace_link(directory: int, name: str, target: str) -> None:
    """Let the symbolic link *name* point to *target* in one step, durably."""
    scratch = ".%s.new" % name
    remove_file(directory, scratch)
    os.symlink(target, scratch, dir_fd=directory)
    os.rename(scratch, name, src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def remove_file(directory: int, name: str) -> None:
    """Unlink *name*, which may be missing."""
    try:
        os.unlink(name, dir_fd=directory)
    except FileNotFoundError:
        pass


def barrier(directory: int) -> None:
    """Return when everything written so far to the file system of *directory* is on its medium.

    One ``syncfs``; where the C library or the kernel has none, ``sync``, which also waits on Linux.
    """
    try:
        syncfs = ctypes.CDLL(None, use_errno=True).syncfs
    except (OSError, AttributeError):
        os.sync()
        return
    if syncfs(directory) != 0:
        number = ctypes.get_errno()
        if number != errno.ENOSYS:
            raise OSError(number, os.strerror(number), "syncfs")
        os.sync()
