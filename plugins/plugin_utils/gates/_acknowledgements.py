# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: all stakeholders that the plan names have acknowledged it."""

from __future__ import annotations

from ..plan._resolved import listed
from ..policy._policy import Policy, is_as_strong
from ..registers._register import ACKNOWLEDGEMENT, Entry
from ._answer import Answer
from ._facts import Facts

NAME = "acknowledgements"


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    wanted = facts.demands.acknowledge
    if not wanted:
        return Answer(NAME, True, "none needed")
    if facts.standing is None:
        return Answer(NAME, False, "the plan is not proposed", needs="playbook plan")
    revision = facts.standing.revision
    given = {
        entry.text("by")
        for entry in facts.entries
        if entry.register == ACKNOWLEDGEMENT
        and entry.is_open
        and (entry.plan, entry.revision) == (facts.plan.name, revision)
        and entry.text("environment") in ("", facts.demands.environment)
        and may_acknowledge(facts.policy, facts.demands.strength, entry)
    }
    waiting = [who for who in wanted if who not in given]
    if waiting:
        done = len(wanted) - len(waiting)
        return Answer(NAME, False, f"{done} of {len(wanted)}", needs=listed(waiting))
    return Answer(NAME, True, f"{len(wanted)} of {len(wanted)}")


def may_acknowledge(policy: Policy, strength: str, entry: Entry) -> bool:
    """Tell whether who made *entry* may speak for the stakeholder.

    Where the policy has a role of the stakeholder's name, that takes a person with the role, known
    at least with *strength*.
    """
    stakeholder = entry.text("by")
    if not policy.having([stakeholder]):
        return True
    person = policy.people.get(entry.person)
    is_known = person is not None and is_as_strong(entry.strength, strength)
    return person is not None and is_known and stakeholder in person.roles
