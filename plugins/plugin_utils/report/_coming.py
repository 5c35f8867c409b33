# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the calendar and the plans have in the next two weeks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..calendar._calendar import Calendar
from ..gates._outlook import Ahead

SPAN = timedelta(days=14)
WINDOW, FREEZE, PLAN = "window", "freeze", "plan"


@dataclass(frozen=True)
class Coming:
    """A window, a freeze, or a plan that may begin: from *begins* until *ends*, None for open."""

    kind: str
    name: str
    begins: datetime
    ends: datetime | None = None
    about: str = ""


def coming(calendar: Calendar | None, ahead: Sequence[Ahead], now: datetime) -> list[Coming]:
    """Return what begins or goes on within SPAN, in order; windows only that a plan waits for."""
    found = [*_plans(ahead, now), *_calendar(calendar, ahead, now)]
    return sorted(found, key=lambda each: (each.begins, each.kind, each.name))


def _plans(ahead: Sequence[Ahead], now: datetime) -> Iterator[Coming]:
    for each in ahead:
        if each.opens is None or not now <= each.opens < now + SPAN:
            continue
        about = f"{each.environment}, {len(each.hosts)} hosts"
        about += f"; conflict: {', '.join(each.conflicts)}" if each.conflicts else ""
        yield Coming(PLAN, each.plan, each.opens, None, about)


def _calendar(calendar: Calendar | None, ahead: Sequence[Ahead], now: datetime) -> Iterator[Coming]:
    if calendar is None:
        return
    for freeze in calendar.freezes_between(None, now, now + SPAN):
        begins, ends = calendar.freeze_span(freeze)
        yield Coming(
            FREEZE, freeze.name, begins, ends, ", ".join(freeze.environments) or "everywhere"
        )
    known = {window.name for window in calendar.windows}
    for name in sorted({each.window for each in ahead} & known):
        waiting = ", ".join(dict.fromkeys(e.plan for e in ahead if e.window == name))
        for opening in calendar.openings(name, now, now + SPAN):
            yield Coming(WINDOW, name, opening.begins, opening.ends, f"for {waiting}")
