# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SELinux labels: a release carries that of its place, wherever it was built."""

from __future__ import annotations

import contextlib
import errno
import os
from typing import Iterator

from . import _paths

ATTRIBUTE = "security.selinux"


class Kernel:
    """What Linux knows of labels; without SELinux nothing has one."""

    def label_of(self, path: str | int) -> bytes | None:
        """Return the label of the file at *path*, a text or descriptor, or None."""
        if not os.path.exists("/sys/fs/selinux/enforce"):
            return None
        try:
            return os.getxattr(path, ATTRIBUTE).rstrip(b"\0")
        except OSError as error:
            if error.errno in (errno.ENODATA, errno.ENOTSUP):
                return None  # a file system without labels
            raise

    def create_with(self, label: bytes) -> None:
        """Let all that this thread makes from now on carry *label*; b"" for what policy says."""
        descriptor = os.open("/proc/thread-self/attr/fscreate", os.O_WRONLY)
        try:
            os.write(descriptor, label + b"\0" if label else b"")
        finally:
            os.close(descriptor)


class Labels:
    """The label that all files of a tree shall carry, and which files do."""

    def __init__(self, wanted: bytes, kernel: Kernel) -> None:
        self._wanted = wanted
        self._kernel = kernel

    @contextlib.contextmanager
    def given(self) -> Iterator[None]:
        """Let all that is made meanwhile carry the label: policy would give staging another."""
        self._kernel.create_with(self._wanted)
        try:
            yield
        finally:
            self._kernel.create_with(b"")

    def is_right(self, folder: int, path: str) -> bool:
        """Tell whether the file *path* below a directory descriptor carries the label."""
        descriptor = os.open(path, _paths.OPEN_FILE, dir_fd=folder)
        try:
            return self._kernel.label_of(descriptor) == self._wanted
        finally:
            os.close(descriptor)


def labels_of(folder: int, kernel: Kernel | None = None) -> Labels | None:
    """Return the Labels of what shall lie in a directory descriptor; None where there are none."""
    kernel = kernel or Kernel()
    wanted = kernel.label_of(folder)
    return Labels(wanted, kernel) if wanted else None
