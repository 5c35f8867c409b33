# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who agreed to a plan in an environment: statements on record in, an Agreement out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from ..ledger._event import moment
from ..policy._policy import Policy, is_as_strong
from ._demands import Demands
from ._statement import APPROVE, DECLARE, OVERRIDE, REJECT, WITHDRAW, Statement

# Returns why the signature of a recorded statement does not hold, "" where it does.
Verify = Callable[["Recorded"], str]


@dataclass(frozen=True)
class Recorded:
    """A *statement* as the ledger has it: *at* when it was taken in (UTC), and its *signature*.

    *strength* is that of the event; *actor* is who recorded it.
    """

    statement: Statement
    at: datetime
    strength: str
    signature: str = ""


@dataclass(frozen=True)
class Subject:
    """What statements must be about: one *revision* of a *plan*, for one ledger."""

    ledger: str
    plan: str
    revision: int
    plan_digest: str
    release_digest: str
    author: str
    expires: str
    proposer: str = ""
    proposer_strength: str = "claimed"


@dataclass(frozen=True)
class Agreement:
    """Who *approved* (person by role), who *rejected*, and what did not count and why.

    *missing* is how many approvals each role lacks. *declared*: who declared an emergency,
    *withdrew*: who withdrew an approval, and cannot approve this revision again.
    """

    approved: Mapping[str, tuple[str, ...]]
    rejected: tuple[tuple[str, str], ...]
    missing: Mapping[str, int]
    ignored: tuple[tuple[Statement, str], ...]
    declared: str = ""
    withdrew: frozenset[str] = frozenset()

    @property
    def is_met(self) -> bool:
        """Whether everybody who must agree did, and nobody rejected."""
        return not self.missing and not self.rejected


def agreement(
    policy: Policy,
    demands: Demands,
    subject: Subject,
    recorded: Iterable[Recorded],
    now: datetime,
    verify: Verify,
) -> Agreement:
    """Return who agreed, by what is *recorded* about *subject*, in the order of the ledger."""
    here = [
        each
        for each in recorded
        if each.statement.environment == demands.environment
        and each.statement.revision == subject.revision
        and each.statement.decision in (APPROVE, REJECT, WITHDRAW, DECLARE)
    ]
    sound, ignored = [], []
    for each in here:
        why = why_not(policy, demands, subject, each, now) or verify(each)
        if why:
            ignored.append((each.statement, why))
        else:
            sound.append(each.statement)
    withdrawn = {
        (statement.withdraws, statement.person)
        for statement in sound
        if statement.decision == WITHDRAW
    }
    # A person who withdrew an approval needs a new revision to approve again.
    again = {
        statement.person
        for statement in sound
        if statement.decision == APPROVE and (statement.digest, statement.person) in withdrawn
    }
    # Who declares an emergency does not ratify it, whatever was said first.
    sound.sort(key=lambda statement: statement.decision != DECLARE)
    approved: dict[str, list[str]] = {role: [] for role in demands.agreeing}
    counted: set[str] = set()
    rejected, declared = [], ""
    for statement in sound:
        if (statement.digest, statement.person) in withdrawn:
            ignored.append((statement, "withdrawn"))
        elif statement.decision == REJECT:
            rejected.append((statement.person, statement.reason))
        elif statement.decision == DECLARE and not declared:
            declared = statement.person
            counted.add(declared)
        elif statement.decision == APPROVE:
            why = _twice(statement.person, counted, again)
            if why:
                ignored.append((statement, why))
                continue
            approved[statement.role].append(statement.person)
            counted.add(statement.person)
    missing = {
        role: count - len(approved[role])
        for role, count in sorted(demands.agreeing.items())
        if len(approved[role]) < count
    }
    return Agreement(
        {role: tuple(people) for role, people in approved.items()},
        tuple(rejected),
        missing,
        tuple(ignored),
        declared,
        frozenset(again),
    )


def why_not(
    policy: Policy, demands: Demands, subject: Subject, recorded: Recorded, now: datetime
) -> str:
    """Return why a statement does not count, its signature apart; "" where it does."""
    said = recorded.statement
    person = policy.people.get(said.person)
    for is_wrong, why in (
        (said.ledger != subject.ledger, "it is for another ledger"),
        (said.plan != subject.plan, f"it is for the plan {said.plan}"),
        (said.revision != subject.revision, f"it is for revision {said.revision}"),
        (said.plan_digest != subject.plan_digest, "it is for another content of the plan"),
        (said.release_digest != subject.release_digest, "it is for another release digest"),
        (said.environment != demands.environment, f"it is for {said.environment}"),
        (person is None, f"{said.person} is not a person in policy.yml"),
    ):
        if is_wrong:
            return why
    if not is_as_strong(recorded.strength, demands.strength):
        return f"it is {recorded.strength}, and {demands.environment} needs {demands.strength}"
    return (
        _not_in_role(policy, demands, subject, said)
        if said.decision in (APPROVE, REJECT, DECLARE)
        else ""
    ) or _over(said, subject, now)


def _not_in_role(policy: Policy, demands: Demands, subject: Subject, said: Statement) -> str:
    roles = policy.people[said.person].roles
    if said.decision == DECLARE:
        return "" if set(roles) & set(demands.declarers) else f"{said.person} may not declare it"
    if said.decision == REJECT:
        may = set(roles) & set(demands.agreeing)
        return "" if may else f"{said.person} has no role that approves in {said.environment}"
    if said.role not in demands.agreeing:
        return f"{said.environment} needs no approval of {said.role or 'no role'}"
    if said.role not in roles:
        return f"{said.person} has not the role {said.role}"
    if {"author", "approver"} <= set(demands.separation):
        if said.person == subject.author:
            return f"{said.person} is the author of the plan"
        if said.person == subject.proposer:
            return f"{said.person} proposed the plan"
        if not is_proposed_by_somebody(demands, subject):
            return "who proposed the plan is not known: propose it with a key (release_key)"
    return ""


def is_proposed_by_somebody(demands: Demands, subject: Subject) -> bool:
    """Tell whether it is known, as strongly as approvals must be, who proposed the plan."""
    return bool(subject.proposer) and is_as_strong(subject.proposer_strength, demands.strength)


def _over(said: Statement, subject: Subject, now: datetime) -> str:
    if said.decision in (WITHDRAW, REJECT):  # which must not end by waiting
        return ""
    for expires in (said.expires, subject.expires):
        try:
            if now >= moment(expires):
                return f"it expired on {expires[:10]}"
        except ValueError:
            return "its expiry is not a time"
    return ""


def _twice(person: str, counted: Iterable[str], again: Iterable[str]) -> str:
    if person in again:
        return "approved again after a withdrawal; a new approval needs a new revision"
    if person in counted:
        return f"{person} counts once"
    return ""


def override_problem(
    policy: Policy,
    demands: Demands,
    subject: Subject,
    recorded: Recorded,
    run: str,
    now: datetime,
) -> str:
    """Return why an override does not open its gate in this *run*, "" where it does."""
    said = recorded.statement
    if said.decision != OVERRIDE:
        return "it is not an override"
    why = why_not(policy, demands, subject, recorded, now)
    if why:
        return why
    if said.run != run:
        return "it is for another run"
    roles = policy.override.get(said.gate, ())
    if not set(roles) & set(policy.people[said.person].roles):
        allowed = f"needs {' or '.join(roles)}" if roles else "policy.yml allows no override of it"
        return f"{said.person} may not override {said.gate}: {allowed}"
    return "" if said.reason.strip() else "an override needs a reason (release_reason)"
