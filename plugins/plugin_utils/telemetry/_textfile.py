# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file that node_exporter's textfile collector reads: a run is added under a lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import stat
import time
from collections.abc import Iterator

from . import _metrics
from ._ended_run import EndedRun
from ._metrics import MetricsError

SUFFIX = ".prom"  # the collector reads no other files
MODE = 0o644  # the collector is another user
MOST_BYTES = 4_000_000
PAUSE_S = 0.02
READ = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC  # a pipe must not hold the run up


def add(path: str, run: EndedRun, patience_s: float) -> None:
    """Add *run* to the metrics in the file at *path*, which may be missing.

    Readers see the file as it was or as it is then. Other runs are waited for, for *patience_s*
    seconds at most. Raises OSError or MetricsError.
    """
    if not path.endswith(SUFFIX):
        raise MetricsError(f"the name must end in {SUFFIX}: the textfile collector reads no other")
    directory, name = os.path.split(os.path.abspath(path))
    with _locked(os.path.join(directory, f".{name}.lock"), patience_s):
        metrics = _metrics.parse(_read(path))
        _metrics.add(metrics, run)
        _replace(directory, name, _metrics.text(metrics).encode())


@contextlib.contextmanager
def _locked(path: str, patience_s: float) -> Iterator[None]:
    """Hold the lock file at *path*, which stays: who waits for it has it open."""
    descriptor = os.open(path, READ | os.O_CREAT | os.O_NOFOLLOW, MODE)
    try:
        deadline = time.monotonic() + patience_s
        while not _lock(descriptor):
            if time.monotonic() >= deadline:
                raise OSError(errno.EAGAIN, "another run holds the lock", path)
            time.sleep(PAUSE_S)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(path: str) -> str:
    try:
        descriptor = os.open(path, READ)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, "rb") as stream:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise MetricsError("it is not a regular file")
        data = stream.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise MetricsError(f"it has more than {MOST_BYTES:,} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MetricsError("it is not UTF-8") from None


def _replace(directory: str, name: str, data: bytes) -> None:
    """Let the file *name* in *directory* have *data*, in one step."""
    path = os.path.join(directory, name)
    scratch = os.path.join(directory, f".{name}.{secrets.token_hex(8)}.new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(scratch, flags, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fchmod(descriptor, MODE)
            os.fsync(descriptor)  # counters must not begin anew after a power cut
        os.rename(scratch, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(scratch)
        raise
