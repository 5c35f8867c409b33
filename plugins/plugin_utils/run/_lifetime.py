# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ends: its workers with the process of ansible-playbook, and that one not in silence.

Ansible's workers lead sessions of their own, so that one outlives a main process that was killed,
and goes on with what it was told to do. Upon SIGTERM a worker ends with all its process group:
with ssh, and with a module on this very machine. A module on another host goes on, and is stopped
there by the token that the next run takes. Connections that ssh keeps for later stay, as they are
meant to; each has a session of its own.

``python _lifetime.py <main> <program> [argument …]`` becomes the *program*, which gets SIGTERM when
the process *main*, that started it, is gone.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with(main: int) -> None:
    """Let this process, a worker of the process *main*, get SIGTERM when that is gone.

    Only Linux can do so; elsewhere this does nothing, and a worker lives until its task ends.
    """
    if not sys.platform.startswith("linux") or main == os.getpid():
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != main:  # it was gone before the kernel knew
        os.kill(os.getpid(), signal.SIGTERM)


def end_workers_with_this_process() -> None:
    """Let every worker that this process forks from now on end with it, whatever its task is."""
    main = os.getpid()
    forked: list[bool] = []

    def in_child() -> None:
        if forked:
            return  # a child of a worker is the worker's concern
        forked.append(True)
        # Until the worker has handlers of its own, it is not to run those of the main process.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        end_with(main)

    os.register_at_fork(after_in_child=in_child)


def tell_of_the_end(tell: Callable[[str], None]) -> None:
    """Have ``tell(cause)`` called once before this process ends, unless it is killed.

    Upon SIGTERM that is at once, since Ansible then ends without a further step; after SIGINT, or
    for any other cause, it is at the exit. What a signal would have done is done afterwards.
    """
    end = _End(tell)
    atexit.register(end.tell)
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            end.before[number] = signal.signal(number, end.on_signal) or signal.SIG_DFL


def _interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
    """Raise a KeyboardInterrupt again that came where Python drops it, as while a worker is forked.

    Ansible passes SIGINT on only once; without this the run would go on.
    """
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # A moment later: here it would be dropped as well.
        threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGINT]).start()
    else:
        sys.__unraisablehook__(unraisable)


class _End:
    """The end of this process, told once."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.before: dict[int, Any] = {}  # by signal: what it would have done
        self._tell: Callable[[str], None] | None = tell
        self._cause = "an error"

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Let the signal *number* do what it would have done; before SIGTERM does, tell."""
        signal.signal(number, self.before[number])  # a second one is not kept waiting
        if number == signal.SIGINT:
            sys.unraisablehook = _interrupt_again
        self._cause = signal.Signals(number).name
        try:
            if number == signal.SIGTERM:
                self.tell()
        finally:
            os.kill(os.getpid(), number)

    def tell(self) -> None:
        """Tell the cause of the end, unless it was told."""
        tell, self._tell = self._tell, None
        if tell:
            tell(self._cause)


if __name__ == "__main__":
    end_with(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
