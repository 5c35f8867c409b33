# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Work on what nobody vouches for: in a child process of limited memory, time and output."""

from __future__ import annotations

import errno
import gc
import json
import os
import resource
import signal
from typing import Any, Callable, NamedTuple, NoReturn, Tuple, Type

from ..errors._release_error import ReleaseError

ANSWER_BYTES = 256 * 1024 * 1024
PLENTY_BYTES = 4 * 1024**3  # where nobody tells how much memory a process has
LOOKING_SECONDS = 1.0  # how soon the child sees that its parent is gone
Expected = Tuple[Type[Exception], ...]


class ConfinedError(ReleaseError):
    """The child found something wrong, or a limit ended it; the text says which in a line."""

    code = "child_failed"


class Limits(NamedTuple):
    """What a child may use: memory beyond what it begins with, CPU time, the size of a file."""

    memory_bytes: int
    cpu_seconds: int
    file_bytes: int


def run(act: Callable[[], Any], limits: Limits, expected: Expected) -> Any:
    """Return what ``act()`` returns in a child; it is made of what JSON has.

    Raises ConfinedError with the text of one of the exceptions *expected*, or with the limit that
    ended the child, and OSError where *act* did.
    """
    reading, writing = os.pipe()
    parent, child = os.getpid(), os.fork()
    if not child:
        try:
            os.close(reading)
            _be_child(act, limits, expected, parent, writing)
        finally:
            os._exit(1)
    os.close(writing)
    is_over = False
    try:
        with os.fdopen(reading, "rb") as stream:
            answer = stream.read(ANSWER_BYTES)
            is_over = not stream.read(1)
    finally:
        if not is_over:  # it says more than it may, or nobody listens any more
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
    if not is_over:
        raise ConfinedError("it takes more than %d bytes to say what is in it" % ANSWER_BYTES)
    return _understood(answer, status, limits)


def _be_child(
    act: Callable[[], Any], limits: Limits, expected: Expected, parent: int, writing: int
) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    _end_with(parent)
    gc.disable()  # what is made here is needed until the end
    _limit(limits)
    try:
        answer: dict[str, Any] = {"result": act()}
    except MemoryError:
        answer = {"refused": "to read it takes more than %d bytes of memory" % limits.memory_bytes}
    except OSError as error:
        answer = {"errno": error.errno or errno.EIO}
    except expected as error:
        answer = {"refused": str(error)}
    except Exception as error:  # pylint: disable=broad-except # hostile input ends in a line
        answer = {"refused": "it cannot be read: %s: %s" % (type(error).__name__, error)}
    with os.fdopen(writing, "wb") as stream:
        stream.write(json.dumps(answer).encode("ascii"))
    os._exit(0)


def _end_with(parent: int) -> None:
    """Let this process look now and then whether its *parent* is still there, and end if not."""

    def look(*_signal: object) -> None:
        if os.getppid() != parent:
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, LOOKING_SECONDS, LOOKING_SECONDS)


def _limit(limits: Limits) -> None:
    for name, most in (
        (resource.RLIMIT_AS, _memory_bytes() + limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_seconds),
        (resource.RLIMIT_FSIZE, limits.file_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(name)[1]
        if hard != resource.RLIM_INFINITY:
            most = min(most, hard)
        resource.setrlimit(name, (most, hard))


def _memory_bytes() -> int:
    """Return how much address space this process has already."""
    try:
        with open("/proc/self/statm", "rb") as stream:
            return int(stream.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError):
        return PLENTY_BYTES


def _understood(answer: bytes, status: int, limits: Limits) -> Any:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            raise ConfinedError("to read it takes more than %d s of CPU" % limits.cpu_seconds)
        raise ConfinedError("what read it was ended by signal %d" % number)
    if status:
        raise ConfinedError("what read it ended without an answer")
    said = json.loads(answer.decode("ascii"))
    if "errno" in said:
        raise OSError(said["errno"], os.strerror(said["errno"]))
    if "refused" in said:
        raise ConfinedError(said["refused"])
    return said["result"]
