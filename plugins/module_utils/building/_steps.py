# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of a build: programs run one after the other, of which nothing is left afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import threading
import time
from io import BufferedReader
from typing import BinaryIO, Iterable, Iterator, Mapping, NamedTuple, Optional, Sequence

from ..files import _paths

TAIL_BYTES = 16 * 1024
CHUNK_BYTES = 64 * 1024
MASKED = b"********"
SHORTEST_SECRET = 4  # to mask what is shorter would tear words apart, and hide nothing
UMASK = 0o022  # whoever builds, the files come out the same
PR_SET_CHILD_SUBREAPER = 36
NOT_RUN = 127  # as a shell says it


class Ended(NamedTuple):
    """How a step ended: its exit status, None when its time was over, and the end of its output."""

    status: Optional[int]
    seconds: float
    tail: str


class Mask:
    """Puts stars in place of secrets in bytes that come in pieces."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        known = {form.encode("utf-8") for form in forms if len(form) >= SHORTEST_SECRET}
        self._secrets = sorted(known, key=len, reverse=True)
        self._held = b""

    def hide(self, data: bytes, is_last: bool = False) -> bytes:
        """Return what may be shown of what came until now; the rest comes with the next piece."""
        data = self._held + data
        for secret in self._secrets:
            data = data.replace(secret, MASKED)
        keep = 0 if is_last else max(map(self._begun, [data]), default=0)
        self._held = data[len(data) - keep :]
        return data[: len(data) - keep]

    def _begun(self, data: bytes) -> int:
        """Return how many bytes at the end of *data* may be the beginning of a secret."""
        longest = 0
        for secret in self._secrets:
            for size in range(min(len(secret) - 1, len(data)), longest, -1):
                if data.endswith(secret[:size]):
                    longest = size
                    break
        return longest


def _forms(secret: str) -> Iterator[str]:
    """Yield what of *secret* is seen where programs indent it, end it, or tell it as JSON.

    Each line of a secret is secret by itself: programs put something before or after them.
    """
    for part in (secret, secret.strip(), *map(str.strip, secret.splitlines())):
        yield part
        for is_ascii in (True, False):
            yield json.dumps(part, ensure_ascii=is_ascii)[1:-1]


def prepare() -> None:
    """Make this process one that runs steps, and does nothing else.

    It becomes the parent of whatever its children leave behind, so that it can end that.
    Source: PR_SET_CHILD_SUBREAPER in prctl(2).
    """
    os.umask(UMASK)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def run(
    argv: Sequence[str],
    folder: str,
    environment: Mapping[str, str],
    timeout: float,
    secrets: Iterable[str],
    log: BinaryIO,
) -> Ended:
    """Run *argv* in *folder* with no other *environment*, within *timeout* seconds; return Ended.

    Its output goes to the binary stream *log*, with stars in place of *secrets*. Every child that
    this process has is ended with it: see ``prepare``.
    """
    began = time.monotonic()
    tail = _Tail(log, secrets)
    try:
        process = subprocess.Popen(
            [_paths.local(argument) for argument in argv],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={name: _paths.local(value) for name, value in environment.items()},
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        tail.write(str(error).encode("utf-8", "replace"), is_last=True)
        return Ended(NOT_RUN, time.monotonic() - began, tail.text())
    reader = threading.Thread(target=_copy, args=(process.stdout, tail), daemon=True)
    reader.start()
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        status = None
    finally:
        _end(process)
        end_children()
        reader.join()
    return Ended(status, time.monotonic() - began, tail.text())


def end_children() -> None:
    """Kill what is a child of this process, again and again, until there is nothing left."""
    while True:
        children = _children()
        if not children:
            return
        for pid in children:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _children() -> list[int]:
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open("/proc/%s/stat" % name, "rb") as stream:
                # The program's name before it, in brackets, may hold anything.
                if int(stream.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.append(int(name))
    return found


class _Tail:
    """Writes output to a log with secrets masked, and keeps its end."""

    def __init__(self, log: BinaryIO, secrets: Iterable[str]) -> None:
        self._log = log
        self._mask = Mask(secrets)
        self._kept = b""

    def write(self, data: bytes, is_last: bool = False) -> None:
        shown = self._mask.hide(data, is_last)
        self._log.write(shown)
        self._log.flush()
        self._kept = (self._kept + shown)[-TAIL_BYTES:]

    def text(self) -> str:
        return self._kept.decode("utf-8", "replace")


def _copy(stream: BufferedReader, tail: _Tail) -> None:
    with stream:
        while True:
            data = stream.read1(CHUNK_BYTES)
            tail.write(data, is_last=not data)
            if not data:
                return
