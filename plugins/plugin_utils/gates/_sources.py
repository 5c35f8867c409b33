# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files and places that a plan rests on, read together: closed where one cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from ...module_utils.errors._release_error import ReleaseError
from ..calendar import _file as _calendar_file
from ..calendar._calendar import Calendar
from ..definition import _schema_file
from ..definition._schema_file import Lines
from ..ledger import _place
from ..ledger._event import moment
from ..ledger._ledger import Ledger
from ..plan import _demands, _resolving
from ..plan import _file as _plan_file
from ..plan._plan import Plan
from ..plan._resolved import Resolved
from ..policy import _file as _policy_file
from ..policy import _in_force
from ..policy._policy import Policy


class GateError(ReleaseError):
    """A run is refused: a gate is closed, or what gates need is missing; one line."""

    code = "gate_closed"


@dataclass(frozen=True)
class Sources:
    """Paths and URLs as the inventory names them, "" where it does not."""

    policy: str = ""
    calendar: str = ""
    ledger: str = ""
    media_library: str = ""
    trust: str = ""
    approvals: str = ""
    plan: str = ""


@dataclass(frozen=True)
class Planned:
    """What was read: the *plan* (with the *lines* of its keys), the *policy* and the *calendar*."""

    plan: Plan
    lines: Lines
    policy: Policy
    calendar: Calendar | None
    calendar_problem: str


def read(sources: Sources) -> Planned:
    """Return what *sources* name; FileError or GateError where something is missing."""
    if not sources.policy:
        raise GateError("release_policy is required where a plan is used: set it in the inventory")
    if not sources.ledger:
        raise GateError("release_ledger is required where a plan is used: set it in the inventory")
    policy = _policy_file.read(sources.policy)
    plan, lines = _plan_file.read(sources.plan)
    calendar, problem = read_calendar(sources.calendar, policy)
    return Planned(plan, lines, policy, calendar, problem)


def read_calendar(path: str, policy: Policy) -> tuple[Calendar | None, str]:
    """Return the calendar at *path*, or None and the problem; both are nothing without a path.

    A freeze of an environment that the *policy* does not have would freeze nothing: a problem.
    """
    if not path:
        return None, ""
    try:
        calendar = _calendar_file.read(path)
    except (ReleaseError, OSError) as error:
        return None, " ".join(str(error).split())
    for freeze in calendar.freezes:
        for name in freeze.environments:
            if policy.environment(name) is None:
                return None, f"{path}: freeze {freeze.name}: {name} is not in policy.yml"
    return calendar, ""


def inputs(sources: Sources, policy: Policy) -> _in_force.Inputs:
    """Return the digests by which the ledger knows what people decided beforehand."""
    signature = ""
    try:
        with open(sources.policy + ".sig", encoding="ascii") as stream:
            signature = stream.read(10_000)
    except (OSError, UnicodeDecodeError):
        pass
    trust, calendar = _in_force.digest_of(sources.trust), _in_force.digest_of(sources.calendar)
    return _in_force.Inputs(policy, trust, calendar, signature)


def resolve(
    sources: Sources, planned: Planned, inventory: _resolving.Inventory, now: datetime
) -> Resolved:
    """Return the plan as it is now, checked against the policy; FileError names file and line."""
    from ..library._store import Library

    library, parts = Library(sources.media_library), planned.plan.parts()
    labels = {name: library.find(part.release) for name, part in parts.items()}
    with _schema_file.located(sources.plan, planned.lines):
        for label in labels.values():
            _demands.check(planned.policy, planned.plan, label.name, now)
        _check_windows(planned)
        return _resolving.resolve(planned.plan, labels, inventory)


def _check_windows(planned: Planned) -> None:
    """Refuse a window that the calendar does not have: it would never open."""
    for index, step in enumerate(planned.plan.path):
        name = _demands.of_step(planned.policy, planned.plan, step).window
        if not name or planned.calendar_problem:
            continue  # the gate names the problem
        names = [window.name for window in planned.calendar.windows] if planned.calendar else []
        if name not in names:
            known = f"expected one of {', '.join(names)}" if names else "it has no windows"
            known = known if planned.calendar else "release_calendar is not set"
            raise _schema_file.Mistake(
                ["path", index, "window"], f"{name} is not in the calendar; {known}"
            )


def opened(sources: Sources) -> Ledger:
    """Return the ledger, which must exist: a run with a plan does not begin a new one."""
    ledger = Ledger(sources.ledger)
    if ledger.head() is None:
        raise GateError(
            f"release_ledger: there is no ledger at {_place.shown(sources.ledger)}: run the "
            "playbook plan, which makes it, or correct the place"
        )
    return ledger


def time_of(ledger: Ledger, now: datetime) -> datetime:
    """Return *now*, or the time of the last event where the clock is behind that."""
    last = next(ledger.events(most=1, newest=True), None)
    return max(now, moment(last.time)) if last else now.astimezone(timezone.utc)
