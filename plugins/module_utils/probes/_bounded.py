# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command, call a function, or search a text, for a limited time.

Arguments may hold secrets: messages name only the program of a command.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import threading
import time
from typing import IO, Callable, Optional, Sequence, Tuple

from ..files import _paths

OUTPUT_BYTES = 2000
NOT_FOUND = 127  # as a shell says


def call(work: Callable[[], None], seconds: float) -> bool:
    """Call *work*, which raises nothing; return whether it ended within *seconds*.

    Work that takes longer goes on in its thread, which does not keep the process alive.
    """
    thread = threading.Thread(target=work, name="probe", daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def found(pattern: str, text: str, seconds: float) -> Optional[bool]:
    """Return whether the regular expression *pattern* is found in *text*; None: it took too long.

    A search that backtracks without end cannot be interrupted, so a process of its own searches.
    """
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            os._exit(0 if re.search(pattern, text) else 1)
        os._exit(2)
    deadline = time.monotonic() + seconds
    pause = 0.001
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0
        time.sleep(pause)
        pause = min(0.05, pause * 2)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


def run(argv: Sequence[str], seconds: float) -> Tuple[Optional[int], str]:
    """Run *argv*; return its exit code, None when it took too long, and the end of its output.

    Output goes to a file: a daemon that keeps a pipe open must not keep us waiting.
    """
    try:
        with tempfile.TemporaryFile() as output:
            code = _wait(argv, output, seconds)
            size = output.seek(0, 2)
            output.seek(max(0, size - OUTPUT_BYTES))
            text = output.read().decode("utf-8", "replace")
    except OSError as error:
        # Its text repeats the program's name, which is all of a command that was given as text.
        return NOT_FOUND, error.strerror or type(error).__name__
    return code, " ".join(text.split())[-300:] or "no output"


def ended(argv: Sequence[str], code: Optional[int]) -> str:
    """Return in words how the command *argv* ended, with the *code* that ``run`` returned."""
    how = "took too long" if code is None else "ended with %d" % code
    program, *more = argv[0].split() or [""]
    if more and len(argv) == 1 and code == NOT_FOUND:
        how += " (it is one text: give a list of arguments)"
    return "%s %s" % (program + "…" if more else program, how)


def _wait(argv: Sequence[str], output: IO[bytes], seconds: float) -> Optional[int]:
    """Return the exit code of *argv*; None when it took too long, and it and its like are ended."""
    process = subprocess.Popen(
        [_paths.local(argument) for argument in argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        cwd="/",
        start_new_session=True,
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None
