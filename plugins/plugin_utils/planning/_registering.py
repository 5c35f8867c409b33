# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Open, change and close entries of registers."""

from __future__ import annotations

from typing import Any

from ..gates import _collect
from ..handover import _early_life, _items
from ..ledger._event import Actor, LedgerError
from ..ledger._ledger import Ledger
from ..plan import _demands
from ..plan._standing import Standing
from ..policy._policy import STRENGTHS, Person, is_as_strong, named
from ..registers import _register
from ..registers._register import ACCEPTANCE, ACKNOWLEDGEMENT, ISSUE, RISK_REVIEW, RegisterError
from ._task import PlanTask

Result = dict[str, Any]
ATTEMPTS = 20  # to get a number for an issue, where others open some at the same time


def register(task: PlanTask) -> Result:
    """Record the entry that the task describes."""
    if task.sources.policy or "release_policy" in task.task_vars:
        task.refuse_extra_variables()
    with task.ledger(must_exist=False) as ledger:
        if task.sources.policy and not task.check:
            task.accept_policy(ledger, task.policy)
        for attempt in range(ATTEMPTS):
            try:
                return _once(task, ledger)
            except LedgerError as error:
                if error.code != "key_conflict" or attempt == ATTEMPTS - 1:
                    raise
    raise RegisterError("the entry could not be recorded")


def _once(task: PlanTask, ledger: Ledger) -> Result:
    entries = _register.of_ledger(ledger)
    kind = task.arguments["kind"]
    standing = _standing(task, ledger)
    _check_known(task, kind, standing)
    _warn_of_no_effect(task, ledger)
    if kind == ACCEPTANCE and task.sources.policy:
        task.acting.demand_person("to accept")
    person = _who(task)
    id_ = _id(task, kind, entries, standing)
    change = _register.CLOSED if task.arguments["state"] == "closed" else _register.OPENED
    draft = _register.changed(
        entries,
        kind,
        id_,
        change,
        _fields(task, kind),
        plan=standing.plan if standing else "",
        revision=standing.revision if standing else 0,
        person=person.id if person else "",
    )
    if task.sources.policy and any(e.id == id_ and e.is_blocker for e in entries):
        task.acting.demand_person(f"to change {id_}, which blocks releases,")
    if draft and not task.check:
        is_signed = person is not None and task.acting.proven.strength == "signed"
        actor = Actor(person.id, "signed") if person and is_signed else task.actor
        ledger.append([draft], actor)
        entries = _register.of_ledger(ledger)
    entry = next((e for e in entries if (e.register, e.id) == (kind, id_)), None)
    name = kind.replace("_", " ")
    said = f"{name} {id_} {draft.body['change'] if draft else 'unchanged'}"
    task.show(said)
    return {
        "changed": draft is not None,
        "id": id_,
        "msg": said,
        **({"entry": entry.to_plain()} if entry else {}),
    }


def _standing(task: PlanTask, ledger: Ledger) -> Standing | None:
    """Return the plan that the entry is about, if any."""
    if not task.sources.plan:
        return None
    name = task.planned.plan.name
    standing = _collect.OnRecord.of(ledger).plans.get(name)
    if standing is None:
        raise RegisterError(f"there is no plan {name} on record: run the playbook plan first")
    return standing


def _who(task: PlanTask) -> Person | None:
    """Return the person who records the entry, by their key or account, if the policy has them."""
    return task.acting.proven.person if task.sources.policy else None


def _id(
    task: PlanTask, kind: str, entries: list[_register.Entry], standing: Standing | None
) -> str:
    given = task.arguments["id"]
    if kind == ISSUE and given and given not in [entry.id for entry in entries]:
        raise RegisterError(
            f"id (release_id): there is no issue {given}; leave it out for a new one"
        )
    if kind == ISSUE:
        return given or _register.next_issue(entries)
    if standing is None:
        raise RegisterError(f"plan (release_plan) is required for {kind}")
    if kind == ACKNOWLEDGEMENT:
        if not task.arguments["by"]:
            raise RegisterError("by (release_by) is required: the stakeholder who acknowledges")
        where = f" in {task.arguments['env']}" if task.arguments["env"] else ""
        return f"{standing.plan}/{standing.revision}/{task.arguments['by']}{where}"
    if kind == RISK_REVIEW:
        known = [risk.id for risk in standing.resolved.plan.risks]
        if task.arguments["risk"] not in known:
            valid = ", ".join(known) or "the plan has no risks"
            raise RegisterError(f"risk (release_risk) is not in the plan; valid: {valid}")
        return f"{standing.plan}/{task.arguments['risk']}"
    if kind == ACCEPTANCE:
        environment = task.arguments["env"] or standing.resolved.plan.path[-1].environment
        if standing.resolved.plan.step(environment) is None:
            names = ", ".join(step.environment for step in standing.resolved.plan.path)
            raise RegisterError(f"env (release_env): the plan has no {environment}; valid: {names}")
        item = task.arguments["item"]
        _check_item(task, standing)
        if item:
            last = standing.resolved.plan.path[-1].environment
            return _items.id_of(standing.plan, standing.revision, last, item)
        return f"{standing.plan}/{environment}"
    return str(given)


def _check_item(task: PlanTask, standing: Standing) -> None:
    """Refuse an item that the acceptance list does not have, and one without an answer."""
    item = task.arguments["item"]
    if not item:
        return
    known = [each.id for each in _items.ITEMS]
    known += [_early_life.LEVEL + name for name in _items.levels(standing)]
    if item not in known:
        raise RegisterError(
            f"item (release_item): '{item}' is not on the acceptance list; valid: "
            f"{', '.join(known)}"
        )
    if not (task.arguments["reason"] or "").strip():
        raise RegisterError(f"reason (release_reason) is required: the answer to {item}")


def _check_known(task: PlanTask, kind: str, standing: Standing | None) -> None:
    """Refuse an environment or a stakeholder that is not known: it would have no effect."""
    environment, by = task.arguments["env"], task.arguments["by"]
    names = task.policy.names() if task.sources.policy else ()
    if environment and names and environment not in names:
        raise RegisterError(
            f"env (release_env): {environment} is not in policy.yml; valid: {', '.join(names)}"
        )
    if kind != ACKNOWLEDGEMENT or standing is None or not by:
        return
    steps = standing.resolved.plan.path
    guides = standing.resolved.plan.plain.get("service", {}).get("guides", ())
    valid = sorted(
        {who for step in steps for who in step.acknowledge}
        | {guide["audience"] for guide in guides}
    )
    if by not in valid:
        raise RegisterError(
            f"by (release_by): the plan needs no acknowledgement of '{by}'; valid: "
            f"{', '.join(valid) or 'none'}"
        )
    people = task.policy.having([by])
    who = task.acting.proven
    least = max(
        (_demands.of_step(task.policy, standing.resolved.plan, step).strength for step in steps),
        key=STRENGTHS.index,
    )
    if people and (who.person not in people or not is_as_strong(who.strength, least)):
        raise RegisterError(
            f"by (release_by): {by} is a role of policy.yml: acknowledge as {named(people)}, known "
            f"as {least} (release_key)"
        )


def _warn_of_no_effect(task: PlanTask, ledger: Ledger) -> None:
    """Warn of a blocker that affects nothing that is known."""
    affected = task.arguments["affects"]
    if not task.arguments["blocker"] or not affected:
        return
    record = _collect.OnRecord.of(ledger)
    known = {row["application"] for row in record.deployments}
    for plan in record.plans.values():
        services = plan.resolved.plan.plain.get("affects", {}).get("services", ())
        known |= {plan.plan, *plan.resolved.applications, *services}
    if not known & set(affected):
        task.action._display.warning(
            f"affects (release_affects): {', '.join(affected)}: no application, service or plan of "
            "this name is known: it blocks nothing now"
        )


def _fields(task: PlanTask, kind: str) -> dict[str, Any]:
    names = ("title", "severity", "workaround", "corrective_action", "reason")
    fields: dict[str, Any] = {name: task.arguments[name] for name in names}
    fields["environment"] = task.arguments["env"]
    fields["affects"] = ", ".join(task.arguments["affects"] or ())
    for name in ("blocker", "known_error"):
        fields[name] = task.arguments[name]
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    if kind == RISK_REVIEW:
        given.pop("environment", None)
    if kind == ACKNOWLEDGEMENT:
        given["by"] = task.arguments["by"]
    return given
