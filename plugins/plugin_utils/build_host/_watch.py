# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch over a build on a build host: progress, its end, and when to give it up."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType
from typing import Any

from ...module_utils.formats import _canonical
from ._conversation import BuildHostError
from ._machine import Machine

POLLING_SECONDS = 1.0
FIRST_SECONDS = 0.1
PATIENCE_SECONDS = 60  # after so long without a poll of the controller a build host ends its build


@dataclass(frozen=True)
class Started:
    """A build that was started: its process, and two files beside it on the build host.

    The process appends a line of JSON to *events* for each event. Whoever waits touches *polled*;
    the build ends when that file is removed, or not touched for long.
    """

    pid: int
    events: str
    polled: str

    @classmethod
    def from_plain(cls, plain: Any) -> Started:
        """Return the build in an answer of the build host; raise BuildHostError for other data."""
        try:
            return cls(int(plain["pid"]), str(plain["events"]), str(plain["polled"]))
        except (KeyError, TypeError, ValueError) as error:
            reason = _canonical.one_line(repr(error))
            raise BuildHostError(f"not a valid answer to the start of a build: {reason}") from None


def watch(
    machine: Machine, started: Started, patience: float, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Wait for a build to end and return its result; meanwhile ``tell(text)`` reports progress.

    The machine is polled by a small command. When it cannot be reached, it is polled again for
    half as long as the build host has *patience*, in seconds. A signal that ends this process ends
    the build, too. Raises BuildHostError for a build whose process was killed.
    """

    def forget() -> None:
        machine.run_command(f"rm -f {shlex.quote(started.polled)}")

    with _ended_by_signals(forget):
        seen, pause, heard = 0, FIRST_SECONDS, time.monotonic()
        while True:
            time.sleep(pause)
            pause = min(POLLING_SECONDS, pause * 1.5)
            try:
                printed = machine.run_command(_poll(started, seen))
            except machine.lost:
                if time.monotonic() - heard > patience / 2:
                    raise
                continue
            heard = time.monotonic()
            found = list(_events(printed))
            for event in found:
                seen += "alive" not in event
                if "say" in event:
                    tell(_canonical.one_line(event["say"]))
                if "ended" in event:
                    forget()
                    ended: dict[str, Any] = event["ended"]
                    return ended
            if not any("alive" in event for event in found):
                raise BuildHostError(
                    "the process of the build was killed on the build host; what its steps said is "
                    "in .build/log of the workspace"
                )


def _poll(started: Started, seen: int) -> str:
    """Return the command that prints the events after the first *seen*, and touches *polled*."""
    polled, events = shlex.quote(started.polled), shlex.quote(started.events)
    # A process that its parent has not waited for yet is over, too.
    state = f"grep -q '^State:.[^XZ]' /proc/{started.pid}/status 2>/dev/null"
    alive = json.dumps({"alive": True})
    return f"{state} && echo '{alive}'; touch -c {polled}; tail -n +{seen + 1} {events}"


def _events(text: str) -> Iterator[dict[str, Any]]:
    """Yield the events in whole lines of *text*, without what a login prints beside them."""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n") and line.startswith("{"):
            with contextlib.suppress(ValueError):
                yield json.loads(line)


class _Interrupted(BaseException):
    """A signal that ends this process came, but something must be done before."""


@contextlib.contextmanager
def _ended_by_signals(forget: Callable[[], None]) -> Iterator[None]:
    """Call *forget* before a signal, or a failure, ends this process."""
    before: dict[int, Any] = {}

    def interrupt(number: int, _frame: FrameType | None) -> None:
        for each in before:
            signal.signal(each, lambda *_signal: None)  # a second one would be too early
        raise _Interrupted(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, interrupt)
    try:
        yield
    except BaseException as error:  # such as that the time of the task is over
        with contextlib.suppress(Exception):
            forget()
        _restore(before)
        if isinstance(error, _Interrupted):
            os.kill(os.getpid(), error.args[0])
        raise
    finally:
        _restore(before)


def _restore(handlers: dict[int, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
