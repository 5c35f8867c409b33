# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: everybody who must agree has agreed, and nobody rejected."""

from __future__ import annotations

from ..definition import _duration
from ..ledger._event import moment
from ..plan import _agreement, _demands
from ..plan._agreement import Agreement
from ..plan._plan import STANDARD
from ..plan._resolved import listed
from ..policy._policy import named
from ._answer import Answer
from ._facts import Facts

NAME = "approvals"
SHOWN = 2  # statements that do not count, in an answer


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    if facts.plan.change == STANDARD:
        return _standard(facts)
    if facts.standing is None:
        return Answer(NAME, False, "the plan is not proposed", needs="playbook plan")
    demands = facts.demands
    found = of(facts)
    if found.rejected:
        person, reason = found.rejected[0]
        said = f"rejected by {person}" + (f": {reason}" if reason else "")
        return Answer(NAME, False, said, needs=f"withdrawal by {person}, or a new revision")
    if demands.declarers:
        return _emergency(facts, found)
    said = counts(found, demands)
    if found.is_met:
        return _deployer(facts, found) or Answer(NAME, True, said or "none needed")
    if facts.now >= moment(facts.standing.expires):
        text = f"{said}; approvals of revision {facts.standing.revision} expired"
        return Answer(NAME, False, text, needs="a new proposal")
    return Answer(NAME, False, said + _ignored(found), needs=missing(facts, found))


def _standard(facts: Facts) -> Answer:
    """Return the answer of a pre-approved change: it goes to where the application is already."""
    there = {row["host"] for row in facts.deployments if row["application"] == facts.application}
    new = [host for host in facts.place.hosts if host not in there]
    if new and facts.demands.plan_required:
        text = f"{facts.application} is not on {listed(new)} yet: that is not pre-approved"
        return Answer(NAME, False, text, needs="change: normal in the plan")
    return Answer(NAME, True, f"pre-approved: {facts.application} is standard in policy.yml")


def _deployer(facts: Facts, found: Agreement) -> Answer | None:
    """Return the answer where who runs this may not deploy it, None where they may."""
    apart, deployer = set(facts.demands.separation), facts.identity.person
    parts: dict[str, str] = {}
    if {"approver", "deployer"} <= apart:
        parts |= {person: "approved" for people in found.approved.values() for person in people}
    if {"author", "deployer"} <= apart and facts.standing:
        parts |= {facts.standing.proposer: "proposed", facts.plan.author: "wrote"}
    if not parts:
        return None
    if deployer is None:
        text = f"{facts.identity.called} is not a person in policy.yml"
        return Answer(NAME, False, text, needs="a deployer known by os_user or awx")
    if deployer.id not in parts:
        return None
    return Answer(NAME, False, f"{deployer.id} {parts[deployer.id]} it", needs="another deployer")


def of(facts: Facts) -> Agreement:
    """Return who agreed so far; the plan is on record."""
    standing = facts.standing
    if standing is None:
        return Agreement({}, (), dict(facts.demands.agreeing), ())
    return _agreement.agreement(
        facts.policy,
        facts.demands,
        standing.subject(facts.ledger),
        standing.recorded,
        facts.now,
        facts.verify,
    )


def counts(found: Agreement, demands: _demands.Demands) -> str:
    """Return ``operations 0 of 1, product 1 of 1``: what is missing comes first."""
    roles = sorted(demands.agreeing, key=lambda role: (role not in found.missing, role))
    return ", ".join(
        f"{role} {len(found.approved.get(role, ()))} of {demands.agreeing[role]}" for role in roles
    )


def missing(facts: Facts, found: Agreement) -> str:
    """Return who can give the approvals that are missing: ``ada or ben``."""
    counted = {person for people in found.approved.values() for person in people}
    standing = facts.standing
    said = []
    for role in found.missing:
        able = _demands.who_may(facts.policy, facts.plan, facts.demands, [role], facts.now)
        apart = {"author", "approver"} <= set(facts.demands.separation)
        proposer = standing.proposer if standing and apart else ""
        out = counted | {proposer, found.declared} | found.withdrew
        able = [person for person in able if person.id not in out]
        said.append((role, named(able) if able else "a new revision: nobody is left"))
    if len(said) == 1:
        return said[0][1]
    return "; ".join(f"{role}: {people}" for role, people in said)


def _emergency(facts: Facts, found: Agreement) -> Answer:
    demands, standing = facts.demands, facts.standing
    if not found.declared:
        able = _demands.who_may(
            facts.policy, facts.plan, demands, demands.declarers, facts.now, "declare"
        )
        needs = f"declaration by {named(able)}"
        return Answer(NAME, False, "the emergency is not declared" + _ignored(found), needs=needs)
    declared = f"emergency, declared by {found.declared}"
    if not found.missing:
        return Answer(NAME, True, f"{declared}, ratified: {counts(found, demands)}")
    until = demands.within
    if standing is not None and facts.now >= standing.since + until:
        text = f"{declared}, not ratified within {_duration.spelled(until)}"
        return Answer(NAME, False, f"{text}: {counts(found, demands)}", needs=missing(facts, found))
    return Answer(
        NAME, True, f"{declared}; ratify within {_duration.spelled(until)}: {missing(facts, found)}"
    )


def _ignored(found: Agreement) -> str:
    said = [f"{statement.person}: {why}" for statement, why in found.ignored[:SHOWN]]
    return f"; does not count: {'; '.join(said)}" if said else ""
