# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process that a build belongs to: it outlives the call that started it, but no controller."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any, Mapping, NoReturn

from ..formats import _canonical
from ..git import _command, _commits
from ..sources import _script_digests
from . import _component, _jobs, _order, _place, _steps
from ._plan import Plan

POLLING_SECONDS = 0.1


def start(plan: Plan, variables: Mapping[str, str]) -> dict[str, Any]:
    """Start the build of *plan* with the builder's *variables*; return what a controller polls.

    Raises BuildError where it cannot begin. Whoever polls reads the lines of ``events`` from where
    it was, touches ``polled``, and removes that to end the build. The last line has ``ended``.
    """
    missing = sorted(
        {
            "%s (for %s)" % (name, component["name"])
            for component in plan["components"]
            for name in component["passed"]
            if name not in variables
        }
    )
    if missing:
        raise _place.BuildError(
            "variables to pass are not set on the build host: %s" % ", ".join(missing)
        )
    try:  # what sealing would refuse when all is built
        _script_digests.find(plan["folder"], plan["scripts"])
    except _script_digests.ScriptError as error:
        raise _place.BuildError(str(error)) from None
    os.umask(_steps.UMASK)
    if plan["check"]:
        place, held = _place.visit(plan["workspace"]), None
    else:
        place = _place.enter(plan["workspace"])
        held = _place.lock(place, plan["run"])
    polled = _place.Polled(place, plan["patience"], time.monotonic)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _be_supervisor(plan, place, variables, polled, held, writing)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        pid = int(stream.read())
    if held is not None:
        os.close(held)
    return {"pid": pid, "events": polled.events, "polled": polled.touched}


def _be_supervisor(
    plan: Plan,
    place: _place.Place,
    variables: Mapping[str, str],
    polled: _place.Polled,
    held: int | None,
    writing: int,
) -> NoReturn:
    """Leave the session of the call, tell the number of this process, supervise, and end."""
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(writing, b"%d" % os.getpid())
        os.close(writing)
        _leave()
        os.environ.clear()
        os.environ.update(variables)  # what fetches by https asks it for proxies and certificates
        ended = _supervise(plan, place, variables, polled)
        if held is not None:
            os.close(held)  # whoever reads the end may begin anew
        polled.say(ended=ended)
        if plan["check"]:
            _vanish(place, polled)
    finally:
        os._exit(0)


def _leave() -> None:
    """Hold nothing open of the call that started this, so that its connection can end."""
    os.chdir("/")
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    os.close(nothing)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_signal: None)  # what is ignored, steps would ignore too


def _supervise(
    plan: Plan, place: _place.Place, variables: Mapping[str, str], polled: _place.Polled
) -> dict[str, Any]:
    """Build, and return how that ended, for the controller."""
    told_to_end = []
    signal.signal(signal.SIGTERM, lambda *_signal: told_to_end.append(True))

    def is_waited_for() -> bool:
        return not told_to_end and polled.is_waited_for()

    building = _component.Building(plan, place, variables, polled.say, time.monotonic)
    try:
        _steps.prepare()
        ended = _order.run(building, is_waited_for, plan["check"])
    except _jobs.Cancelled:
        ended = {"failed": True, "msg": "the build was ended, for nobody waited for it any more"}
    except _place.BuildError as error:
        # What programs say comes to terminals; the log has it as it was.
        msg = _commits.shown(building.masked(str(error)))
        lines = list(map(_commits.shown, building.masked(error.tail).splitlines()))
        ended = {"failed": True, "msg": msg, "stderr_lines": lines}
    except Exception as error:  # pylint: disable=broad-except # whoever polls has to be told
        reason = error if isinstance(error, (OSError, _command.GitError)) else repr(error)
        ended = {"failed": True, "msg": building.masked(_canonical.one_line(reason))}
    return ended


def _vanish(place: _place.Place, polled: _place.Polled) -> None:
    """Leave nothing of a build that only looked, once its end was read."""
    while polled.is_waited_for():
        time.sleep(POLLING_SECONDS)
    with contextlib.suppress(OSError):
        _place.clear(place.base)
