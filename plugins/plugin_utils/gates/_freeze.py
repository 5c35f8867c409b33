# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: no freeze of the calendar holds."""

from __future__ import annotations

from ._answer import Answer
from ._facts import Facts

NAME = "freeze"


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    if facts.plan.is_emergency:
        return Answer(NAME, True, "emergency")
    if facts.calendar_problem:
        return Answer(NAME, False, facts.calendar_problem, needs="a valid calendar")
    if facts.calendar is None:
        return Answer(NAME, True, "no calendar is set")
    freeze = facts.calendar.freeze_at(facts.demands.environment, facts.now)
    if freeze is None:
        return Answer(NAME, True, "none")
    opens = facts.calendar.next_opening(None, facts.demands.environment, facts.now)
    return Answer(NAME, False, freeze.name, opens=opens)
