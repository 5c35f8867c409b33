# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Propose a plan, show what would be proposed, and end a plan."""

from __future__ import annotations

import json
import os
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..definition import _schema_file
from ..gates import _approvals, _collect, _plan, _promotion
from ..handover import _early_life, _items, _package
from ..ledger import _kind_plan_ended, _kind_plan_proposed, _runs
from ..ledger._event import Draft, moment, utc
from ..ledger._ledger import Ledger
from ..plan import _demands, _resolved, _statement_files
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..plan._statement import APPROVE, WITHDRAW
from ..policy._policy import is_as_strong
from . import _lines
from ._task import PlanTask

Result = dict[str, Any]


class PlanError(ReleaseError):
    """A plan cannot be proposed or ended; the text says why."""

    code = "plan_refused"


def propose(task: PlanTask, keep: bool) -> Result:
    """Propose the plan; without *keep*, as in a dry run, show what would be proposed."""
    task.refuse_extra_variables()
    resolved = task.resolved()
    # Not with the gates: a channel that was taken away must not stop a plan that was agreed on.
    with _schema_file.located(task.sources.plan, task.planned.lines):
        _demands.check_channels(task.policy, resolved.plan)
    with task.ledger(must_exist=False) as ledger:
        if keep:
            task.accept_policy(ledger, task.policy)
        record = task.take_in(ledger, _collect.OnRecord.of(ledger))
        before = record.plans.get(resolved.plan.name)
        again = _why_again(task, record, before) if before else ""
        is_new = before is None or before.digest != resolved.digest or bool(again)
        diff = _diff(before, resolved)
        if is_new:
            _demand_proposer(task, resolved)
        if is_new and before is not None and before.is_standing:
            _demand_proposer(task, before.resolved)
        if is_new and keep:
            ledger.append(_drafts(task, resolved, record), task.actor)
        if is_new:
            record = _with_proposal(task, ledger, record, resolved, keep)
        standing = record.plans[resolved.plan.name]
        written = _write_statements(task, standing, record.ledger) if keep else []
        if keep and resolved.plan.is_emergency:
            record = _declare(task, ledger, record, standing)
    lines = _lines.of(task, record, resolved, before if is_new else None, again)
    task.show(*lines, *(f"sign        {path}" for path in written))
    return {
        "changed": is_new or bool(written),
        "plan": resolved.plan.name,
        "revision": standing.revision,
        "digest": standing.digest,
        "release_digest": resolved.release["digest"],
        "statements": written,
        "lines": list(lines),
        **({"diff": diff} if is_new and task.action._task.diff else {}),
    }


def _demand_proposer(task: PlanTask, resolved: Resolved) -> None:
    """Refuse a proposal of somebody unknown where author and approver must not be one person."""
    for step in resolved.plan.path:
        if task.policy.environment(step.environment) is None:
            continue
        demands = _demands.of_step(task.policy, resolved.plan, step)
        if not demands.plan_required and not demands.agreeing:
            continue
        if not {"author", "approver"} <= set(demands.separation):
            continue
        who = task.acting.proven
        if who.person is None or not is_as_strong(who.strength, demands.strength):
            raise PlanError(
                f"{step.environment} keeps author and approver apart: propose the plan with the "
                f"key of a person of policy.yml (release_key); {who.called} is {who.strength}"
            )
        unmet = _demands.unmet(task.policy, resolved.plan, demands, task.now, who.person.id)
        if unmet:
            raise PlanError(f"{step.environment}: {unmet}")


def _why_again(task: PlanTask, record: _collect.OnRecord, standing: Standing) -> str:
    """Return why a revision needs a new one, although nothing in the plan changed; "" if not."""
    here = [r.statement for r in standing.recorded if r.statement.revision == standing.revision]
    approved = {said.digest for said in here if said.decision == APPROVE}
    if not standing.is_standing:
        return f"revision {standing.revision} is {standing.ended}"
    if task.now >= moment(standing.expires):
        return f"approvals of revision {standing.revision} expired"
    if any(said.withdraws in approved for said in here if said.decision == WITHDRAW):
        return f"an approval of revision {standing.revision} was withdrawn"
    for part in standing.resolved.each():
        rows = [r for r in record.deployments if r["application"] == part.release["name"]]
        for step in standing.resolved.plan.path:
            demands = _demands.of_step(task.policy, standing.resolved.plan, step)
            changed = _plan.changed_since(standing, part, demands, rows)
            if changed:
                return changed
    return ""


def _drafts(task: PlanTask, resolved: Resolved, record: _collect.OnRecord) -> list[Draft]:
    name = resolved.plan.name
    before = record.plans.get(name)
    revision = before.revision + 1 if before else 1
    person = task.acting.proven.person
    body: dict[str, Any] = {
        "plan": name,
        "revision": revision,
        "digest": resolved.digest,
        "resolved": resolved.to_plain(),
        "expires": utc(task.now + task.policy.expires),
        "policy": task.policy.digest,
    }
    body |= {"person": person.id, "strength": task.acting.proven.strength} if person else {}
    drafts = [Draft(_kind_plan_proposed.NAME, name, body, f"plan/{name}/{revision}")]
    if resolved.plan.supersedes:
        task.acting.demand_person("to supersede a plan")
    for other in resolved.plan.supersedes:
        there = record.plans.get(other)
        if there is None:
            raise PlanError(f"{task.sources.plan}: supersedes: there is no plan {other} on record")
        if not set(there.resolved.applications) & set(resolved.applications):
            raise PlanError(f"{task.sources.plan}: supersedes: {other} is of another application")
        if there.is_standing:
            drafts.append(ending(there, "superseded", by=name))
    return drafts


def ending(standing: Standing, how: str, reason: str = "", by: str = "") -> Draft:
    """Return the event that a plan ended."""
    body: dict[str, Any] = {"plan": standing.plan, "revision": standing.revision, "how": how}
    body |= {"reason": reason} if reason else {}
    body |= {"by": by} if by else {}
    key = f"plan/{standing.plan}/{standing.revision}/ended"
    return Draft(_kind_plan_ended.NAME, standing.plan, body, key)


def _with_proposal(
    task: PlanTask,
    ledger: Ledger,
    record: _collect.OnRecord,
    resolved: Resolved,
    keep: bool,
) -> _collect.OnRecord:
    """Return what is on record after the proposal, or would be."""
    if keep:
        return _collect.OnRecord.of(ledger)
    before = record.plans.get(resolved.plan.name)
    would_be = Standing(
        plan=resolved.plan.name,
        revision=before.revision + 1 if before else 1,
        digest=resolved.digest,
        resolved=resolved,
        proposed=task.now,
        expires=utc(task.now + task.policy.expires),
        recorded=before.recorded if before else (),
    )
    return _collect.with_plan(record, would_be)


def _write_statements(task: PlanTask, standing: Standing, ledger: str) -> list[str]:
    """Write the statements that people may sign, where somebody must sign or may."""
    if not task.sources.approvals:
        return []
    plan = standing.resolved.plan
    demands = [_demands.of_step(task.policy, plan, step) for step in plan.path]
    wanted = _statement_files.wanted(task.policy, standing, demands, ledger, task.now)
    if not wanted:
        return []
    return _statement_files.put(os.path.join(task.sources.approvals, standing.plan), wanted)


def _declare(
    task: PlanTask, ledger: Ledger, record: _collect.OnRecord, standing: Standing
) -> _collect.OnRecord:
    """Declare the emergency in the name of who proposes the plan, where they may."""
    person, strength = task.acting.person, task.acting.strength
    for step in standing.resolved.plan.path:
        demands = _demands.of_step(task.policy, standing.resolved.plan, step)
        is_strong = is_as_strong(strength, demands.strength)
        if person is None or not is_strong or not set(person.roles) & set(demands.declarers):
            continue
        statement = _statement_files.of(
            standing, record.ledger, step.environment, person.id, "declare", reason=_why(task)
        )
        if any(each.statement.digest == statement.digest for each in standing.recorded):
            continue
        task.record(ledger, standing, task.acting.recorded(statement))
        task.show(f"declared    emergency in {step.environment} by {person.id}")
    return _collect.OnRecord.of(ledger)


def _why(task: PlanTask) -> str:
    return task.arguments["reason"] or task.planned.plan.why


def _diff(before: Standing | None, resolved: Resolved) -> dict[str, str]:
    return {
        "before": _text(before.resolved) if before else "",
        "after": _text(resolved),
        "before_header": f"{resolved.plan.name} revision {before.revision if before else 0}",
        "after_header": f"{resolved.plan.name} as it is now",
    }


def _text(resolved: Resolved) -> str:
    """Return a plan for a diff: a line for each key, host, and digest."""
    plain = resolved.plan.plain
    lines = [f"{key}: {_short(plain[key])}" for key in sorted(plain)]
    for part in resolved.each():
        domain = f"{part.domain} " if part.domain else ""
        lines.append(f"{domain}release digest: {part.release['digest']}")
        for place in part.places:
            where = f"{domain}{place.environment}"
            lines += [f"{where} host: {host}" for host in place.hosts]
            named = {**place.options, **{f"hook {name}": d for name, d in place.hooks.items()}}
            lines += [f"{where} {name}: {named[name][:12]}" for name in named]
    return "".join(line + "\n" for line in lines)


def _short(value: Any) -> str:
    return (
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
    )


def end(task: PlanTask, how: str) -> Result:
    """End the plan: *how* is cancelled, which needs a reason, or closed, once all is deployed."""
    task.refuse_extra_variables()
    name, reason = task.planned.plan.name, " ".join((task.arguments["reason"] or "").split())
    with task.ledger() as ledger:
        task.accept_policy(ledger, task.policy)
        record = task.take_in(ledger, _collect.OnRecord.of(ledger))
        standing = record.plans.get(name)
        if standing is None:
            raise PlanError(f"there is no plan {name} on record: it was never proposed")
        if standing.ended == how:
            task.show(f"{name} is {how} already")
            return {"changed": False, "plan": name, "msg": f"{name} is {how} already"}
        if not standing.is_standing:
            raise PlanError(f"{name} is {standing.ended} already")
        task.acting.demand_person(f"to end a plan ({how})")
        if how == "cancelled" and not reason:
            raise PlanError("reason (release_reason) is required to cancel a plan")
        if how == "closed":
            left = _left(task, standing, record) + _early(task, ledger, standing, record)
            if left:
                raise PlanError(
                    f"{name} cannot be closed: {'; '.join(left)}; do that, or cancel the plan "
                    "(release_as=cancelled)"
                )
        if not task.check:
            ledger.append([ending(standing, how, reason)], task.actor)
    task.show(f"{name} {how}" + (f": {reason}" if reason else ""))
    return {"changed": True, "plan": name, "revision": standing.revision}


def _early(
    task: PlanTask, ledger: Ledger, standing: Standing, record: _collect.OnRecord
) -> list[str]:
    """Return what early life and handover of a plan still lack."""
    plain = standing.resolved.plan.plain
    if not {"early_life", "handover", "service"} & set(plain):
        return []
    runs = _runs.fold(ledger.events(), ledger.rows("runs"))
    known = _items.Known(
        standing, runs, record.entries, _package.of_plan(task.media_library(), standing)
    )
    last = standing.resolved.plan.path[-1].environment
    since = [
        _promotion.soaked(place, part.release, record.deployments).since
        for part in standing.resolved.each()
        for place in part.places
        if place.environment == last
    ]
    live = max((at for at in since if at), default=None)
    return _early_life.early_life(known, live, task.now).left


def _left(task: PlanTask, standing: Standing, record: _collect.OnRecord) -> list[str]:
    """Return what is left to do before a plan can be closed."""
    left = []
    for part in standing.resolved.each():
        domain = f"{part.domain}: " if part.domain else ""
        for place in part.places:
            found = _promotion.soaked(place, part.release, record.deployments)
            if found.missing:
                missing = _resolved.listed(found.missing)
                left.append(f"{domain}not committed in {place.environment} on {missing}")
    for step in standing.resolved.plan.path:
        if not standing.resolved.plan.is_emergency:
            break
        known = _collect.facts(
            task.policy,
            (None, ""),
            record,
            standing.resolved,
            step.environment,
            task.as_run(),
            task.now,
        )
        agreed = _approvals.of(known)
        if agreed.missing:
            left.append(f"not ratified in {step.environment} (playbook approve)")
    return left
