# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a build, side by side: each in a process of its own that ends with all its children."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import tempfile
import time
from typing import IO, Any, Callable, Iterable, NamedTuple, NoReturn, Tuple

from ..formats import _canonical
from . import _place, _steps

PR_SET_PDEATHSIG = 1
LOOKING_SECONDS = 0.05


class Cancelled(Exception):
    """Nobody waits for the build any more."""


class Job(NamedTuple):
    """What *act*, without arguments, does once the jobs named in *after* are done."""

    name: str
    act: Callable[[], Any]
    after: Tuple[str, ...] = ()


def run(jobs: Iterable[Job], most: int, is_waited_for: Callable[[], bool]) -> dict[str, Any]:
    """Run *jobs*, at most *most* at once; return {name: what its act returned, as JSON has it}.

    Raises BuildError for the first one that fails, and Cancelled; then the others were ended.
    """
    waiting = list(jobs)
    running: dict[int, tuple[Job, IO[bytes]]] = {}  # by their processes
    done: dict[str, Any] = {}
    try:
        while waiting or running:
            if not is_waited_for():
                raise Cancelled
            for job in [job for job in waiting if all(name in done for name in job.after)]:
                if len(running) < most:
                    waiting.remove(job)
                    pid, answer = _start(job)
                    running[pid] = (job, answer)
            ended, status = os.waitpid(-1, os.WNOHANG)
            if ended in running:
                job, answer = running.pop(ended)
                done[job.name] = _result(job, answer, status)
            elif not ended:
                time.sleep(LOOKING_SECONDS)
        return done
    finally:
        _steps.end_children()
        for _job, answer in running.values():
            answer.close()


def _start(job: Job) -> tuple[int, IO[bytes]]:
    """Start *job*; return the number of its process and the file that its answer comes in."""
    answer = tempfile.TemporaryFile()
    parent, child = os.getpid(), os.fork()
    if child:
        return child, answer
    status = 1
    try:
        _end_with(parent)
        _steps.prepare()
        answer.write(json.dumps(_answer(job)).encode("ascii"))
        answer.flush()
        status = 0
    finally:
        os._exit(status)


def _answer(job: Job) -> dict[str, Any]:
    try:
        return {"result": job.act()}
    except _place.BuildError as error:
        return {"refused": str(error), "tail": error.tail}
    except (ValueError, OSError) as error:
        return {"refused": "%s: %s" % (job.name, _canonical.one_line(error)), "tail": ""}
    except Exception as error:  # pylint: disable=broad-except # it must end in a line, too
        kind = type(error).__name__
        return {"refused": "%s: %s: %s" % (job.name, kind, _canonical.one_line(error)), "tail": ""}


def _end_with(parent: int) -> None:
    """Let this process end, and its children with it, when *parent* is killed."""

    def end(*_signal: object) -> NoReturn:
        with contextlib.suppress(OSError):
            _steps.end_children()
        os._exit(1)

    signal.signal(signal.SIGTERM, end)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        end()


def _result(job: Job, answer: IO[bytes], status: int) -> Any:
    with answer:
        answer.seek(0)
        said = answer.read()
    if status or not said:
        raise _place.BuildError("%s: what built it was killed" % job.name)
    told = json.loads(said.decode("ascii"))
    if "refused" in told:
        raise _place.BuildError(told["refused"], told["tail"])
    return told["result"]
