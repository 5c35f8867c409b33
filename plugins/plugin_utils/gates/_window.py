# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the window of the plan is open."""

from __future__ import annotations

from ._answer import Answer, spelled
from ._facts import Facts

NAME = "window"


def answer(facts: Facts) -> Answer:
    """Return the answer; a closed window opens where it does so outside of all freezes."""
    window = facts.demands.window
    if not window:
        return Answer(NAME, True, "none demanded")
    if facts.plan.is_emergency:
        return Answer(NAME, True, "emergency")
    if facts.calendar is None:
        reason = facts.calendar_problem or "no calendar is set"
        needs = "a valid calendar" if facts.calendar_problem else "release_calendar"
        return Answer(NAME, False, reason, needs=f"{needs} with the window {window}")
    opening = facts.calendar.opening_at(window, facts.now)
    if opening is not None:
        until = spelled(opening.ends, facts.calendar.zone, facts.now)
        return Answer(NAME, True, f"{window} until {until}")
    opens = facts.calendar.next_opening(window, facts.demands.environment, facts.now)
    needs = "" if opens else f"a window {window} outside of freezes within the next 400 days"
    return Answer(NAME, False, opens=opens, needs=needs)
