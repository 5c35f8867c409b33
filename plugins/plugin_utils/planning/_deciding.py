# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A person decides about a plan: approve, reject, withdraw, comment, declare an emergency."""

from __future__ import annotations

import os
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..gates import _approvals, _collect
from ..gates._facts import Facts
from ..plan import _agreement, _demands, _statement_files
from ..plan._agreement import Recorded
from ..plan._standing import Standing
from ..plan._statement import APPROVE, COMMENT, DECLARE, REJECT, WITHDRAW, Statement
from ..policy._policy import Person, is_as_strong, named
from ..policy._sshsig import APPROVAL
from ._task import PlanTask

Result = dict[str, Any]


class DecisionError(ReleaseError):
    """A decision is not possible; the text says why and what would be."""

    code = "decision_refused"


def decide(task: PlanTask) -> Result:
    """Record the decision that the task asks for, signed where a key is at hand."""
    task.refuse_extra_variables()
    name, decision = task.planned.plan.name, task.arguments["decision"]
    with task.ledger() as ledger:
        task.accept_policy(ledger, task.policy)
        record = task.take_in(ledger, _collect.OnRecord.of(ledger))
        standing = record.plans.get(name)
        if standing is None:
            raise DecisionError(f"there is no plan {name} on record: run the playbook plan first")
        known = _facts(task, record, standing)
        person = _person(task)
        statement = _statement_of(task, known, standing, record.ledger, person)
        if statement is None:
            said = f"{person.id} has approved {name} for {known.demands.environment} already"
            task.show(said)
            return {"changed": False, "plan": name, "msg": said}
        _demand_strength(task, known, standing, statement)
        recorded = task.acting.recorded(statement)
        task.record(ledger, standing, recorded)
        record = _collect.with_statements(record, [recorded])
        if decision == WITHDRAW and not task.check:
            _move_away(task, standing, statement)
        known = _facts(task, record, standing)
    answer = _approvals.answer(known)
    role = f" as {statement.role}" if statement.role else ""
    said = f"{person.id}{role}: {decision} {name} revision {standing.revision}"
    task.show(f"{said} for {statement.environment}", answer.line())
    return {
        "changed": True,
        "plan": name,
        "revision": standing.revision,
        "environment": statement.environment,
        "decision": decision,
        "person": person.id,
        "role": statement.role,
        "strength": task.acting.strength,
        "approvals": answer.to_plain(),
    }


def _facts(task: PlanTask, record: _collect.OnRecord, standing: Standing) -> Facts:
    """Return the facts of the environment that the decision is about."""
    path = standing.resolved.plan.path
    environment = task.arguments["env"]
    if not environment:
        names = [
            step.environment
            for step in path
            if _demands.of_step(task.policy, standing.resolved.plan, step).agreeing
        ]
        if len(names) != 1:
            known = ", ".join(step.environment for step in path)
            raise DecisionError(f"env (release_env) is required; valid: {known}")
        environment = names[0]
    run = task.as_run()
    return _collect.facts(
        task.policy, (None, ""), record, standing.resolved, environment, run, task.now
    )


def _person(task: PlanTask) -> Person:
    """Return who decides, by their key or else their account."""
    person = task.acting.person
    if person is None:
        raise DecisionError(
            f"{task.acting.identity.called} is not known in policy.yml: give the key of a person "
            "(release_key), or add os_user or awx to a person"
        )
    return person


def _statement_of(
    task: PlanTask, known: Facts, standing: Standing, ledger: str, person: Person
) -> Statement | None:
    """Return the statement to be made; None where the person approved already."""
    environment, decision = known.demands.environment, task.arguments["decision"]
    reason = task.arguments["reason"] or ""
    about = (standing, ledger, environment, person.id, decision)
    if decision == APPROVE:
        agreed = _approvals.of(known)
        if person.id in [who for who, _reason in agreed.rejected]:
            raise DecisionError(
                f"{person.id} rejected this revision: withdraw that first "
                "(release_decision=withdraw)"
            )
        if any(person.id in people for people in agreed.approved.values()):
            return None
        return _statement_files.of(*about, role=_role(task, known, person), reason=reason)
    if decision == WITHDRAW:
        withdrawn = {
            each.statement.withdraws
            for each in standing.recorded
            if each.statement.decision == WITHDRAW
        }
        mine = [
            each.statement
            for each in standing.recorded
            if each.statement.person == person.id
            and each.statement.environment == environment
            and each.statement.revision == standing.revision
            and each.statement.decision in (APPROVE, REJECT, DECLARE)
            and each.statement.digest not in withdrawn
        ]
        if not mine:
            raise DecisionError(f"{person.id} has decided nothing for {environment} to withdraw")
        # A rejection keeps the gate closed whatever else was said.
        last = next((each for each in mine if each.decision == REJECT), mine[-1])
        task.show(f"{person.id} withdraws: {last.decision} {standing.plan} for {environment}")
        return _statement_files.of(*about, reason=reason, withdraws=last.digest)
    if decision in (REJECT, COMMENT) and not reason.strip():
        raise DecisionError(f"reason (release_reason) is required to {decision}")
    return _statement_files.of(*about, reason=reason)


def _role(task: PlanTask, known: Facts, person: Person) -> str:
    """Return the role in which *person* approves: as asked for, or the first that needs it."""
    wanted, demands = task.arguments["role"], known.demands
    if wanted and wanted not in demands.agreeing:
        needed = ", ".join(sorted(demands.agreeing)) or "none"
        raise DecisionError(
            f"role (release_role): {demands.environment} needs no approval of '{wanted}'; valid: "
            f"{needed}"
        )
    if wanted:
        return str(wanted)
    agreed = _approvals.of(known)
    for role in [*agreed.missing, *sorted(demands.agreeing)]:
        if role in person.roles:
            return role
    needed = " or ".join(sorted(demands.agreeing))
    if not needed:
        raise DecisionError(f"{demands.environment} needs no approval")
    able = _demands.who_may(task.policy, known.plan, demands, sorted(demands.agreeing), task.now)
    raise DecisionError(
        f"{person.id} has not the role {needed}: {demands.environment} needs {named(able)}"
    )


def _demand_strength(
    task: PlanTask, known: Facts, standing: Standing, statement: Statement
) -> None:
    """Refuse a decision that is weaker than demanded, after writing what is to be signed."""
    strength = task.acting.strength
    if is_as_strong(strength, known.demands.strength):
        return
    signed = Recorded(statement, task.now, "signed")
    subject = standing.subject(known.ledger)
    why = _agreement.why_not(task.policy, known.demands, subject, signed, task.now)
    if why:
        raise DecisionError(why)
    how = "give the key of a person (release_key)"
    if task.sources.approvals and not task.check:
        folder = os.path.join(task.sources.approvals, standing.plan)
        role = statement.role or statement.decision
        name = f"{statement.environment}-{role}.{statement.person}{_statement_files.SUFFIX}"
        path = os.path.join(folder, name)
        _statement_files.put_one(path, statement)
        how += f", or sign: ssh-keygen -Y sign -n {APPROVAL} -f <key> {path}"
    raise DecisionError(
        f"{known.demands.environment} needs {known.demands.strength}, and {statement.person} is "
        f"{strength} here: {how}",
        code="too_weak",
    )


def _move_away(task: PlanTask, standing: Standing, statement: Statement) -> None:
    """Move the file of a withdrawn statement away, so that it is not taken for one to be signed."""
    if task.sources.approvals:
        folder = os.path.join(task.sources.approvals, standing.plan)
        _statement_files.withdraw(folder, statement.withdraws)
