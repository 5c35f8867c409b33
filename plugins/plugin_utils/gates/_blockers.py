# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: no open issue blocks the release, and every risk has a response or a review."""

from __future__ import annotations

from ..plan._resolved import listed
from ..registers._register import RISK_REVIEW, Entry
from ._answer import Answer
from ._facts import Facts

NAME = "blockers"


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    blocking = [e for e in facts.entries if e.is_blocker and concerns(e, facts)]
    reviewed = {e.id for e in facts.entries if e.register == RISK_REVIEW}
    risks = [
        risk.id
        for risk in facts.plan.risks
        if not risk.response and f"{facts.plan.name}/{risk.id}" not in reviewed
    ]
    said, needs = [], []
    if blocking:
        said.append("open: " + listed([f"{e.id} ({e.text('title')})" for e in blocking]))
        failed = any(e.is_about(facts.resolved.release["digest"]) for e in blocking)
        needs.append("the issue closed" + ("" if failed else ", or in fixes of the plan"))
    if risks:
        said.append("not reviewed: " + listed(risks))
        needs.append(f"a response in the plan, or a review of {listed(risks)}")
    if said:
        return Answer(NAME, False, "; ".join(said), needs="; ".join(needs))
    return Answer(NAME, True, "none open")


def concerns(entry: Entry, facts: Facts) -> bool:
    """Tell whether an issue is about the plan's application and environment, and not fixed by it.

    An issue that names nothing affected is about everything. A release that failed is bad in all
    environments, and does not fix itself.
    """
    if entry.is_about(facts.resolved.release["digest"]):
        return True
    if entry.id in facts.plan.fixes:
        return False
    where = entry.text("environment")
    if where and where != facts.demands.environment:
        return False
    services = facts.plan.plain.get("affects", {}).get("services", ())
    named = {facts.application, facts.plan.name, *services}
    return not entry.affected or bool(entry.affected & named)
