# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask the gates before a batch of a deployment: the run goes on, or is refused with the reasons."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from ..gates import _collect, _environments, _gates
from ..gates._answer import Answer
from ..gates._facts import Facts
from ..gates._sources import GateError
from ..ledger import _kind_gates_answered, _noting
from ..ledger._event import Draft
from ..ledger._ledger import Ledger
from ..plan import _agreement, _statement_files
from ..plan._resolved import Resolved
from ..plan._statement import OVERRIDE
from ..policy._policy import NEVER_OVERRIDDEN, Policy, is_as_strong, named
from . import _chosen, _notifying
from ._task import PlanTask

Result = dict[str, Any]
PAST = timedelta(minutes=5)  # by which a prognosis may be late
FORMS = ("%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M%z", "%Y-%m-%d %H:%M")


def gate(task: PlanTask) -> Result:
    """Return what the role needs to go on; GateError, in one line, where a gate is closed."""
    ends = task.arguments["as"]
    if ends and not task.sources.plan:
        raise GateError(f"as (release_as): {ends} needs a plan (release_plan)")
    if ends == "backed_out":
        raise GateError("as (release_as): backed_out is for the playbook itops.release.deploy")
    task.refuse_extra_variables()
    if task.sources.plan:
        return _with_plan(task)
    return _without_plan(task)


def _without_plan(task: PlanTask) -> Result:
    """Refuse a deployment without a plan in an environment that requires one."""
    for name in ("at", "override", "domain"):
        if task.arguments[name]:
            raise GateError(f"{name} (release_{name}) needs a plan (release_plan)")
    policy = task.policy
    names, groups = policy.names(), task.task_vars["groups"]
    for host in task.task_vars["ansible_play_hosts_all"]:
        found = _environments.of_host(host, names, groups)
        rules = [rule for rule in policy.environments if rule.name in found]
        required = [rule.name for rule in rules if rule.plan_required]
        if required:
            raise GateError(
                f"{required[0]} requires a plan ({host}): deploy with release_plan and "
                "release_env; a rollback needs none",
                code="plan_required",
            )
        if not found and any(rule.plan_required for rule in policy.environments):
            raise GateError(
                f"{host} is in no group of an environment of policy.yml ({', '.join(names)}): put "
                "it in the group of its environment",
                code="other_environment",
            )
    if task.sources.ledger:
        with task.ledger(must_exist=False) as ledger:
            task.accept_policy(ledger, policy)
    # A host that demands a plan refuses by itself.
    return _noted(task, {"changed": False, "governed": None, "answers": []})


def _noted(task: PlanTask, result: Result) -> Result:
    """Note for the tasks that deploy which hosts may go on, and with what; return *result*."""
    batch = list(task.task_vars["ansible_play_batch"])
    said = {name: result.get(name) for name in ("reference", "governed", "plan")}
    said["only_stages"] = task.arguments["as"] == "staged"
    _noting.journal().gated({"hosts": batch, **said})
    return result


def _with_plan(task: PlanTask) -> Result:
    step = _chosen.step(task.planned.plan, task.arguments)
    environment = step.environment
    in_waves = step.waves or step.canary or step.min_in_service or step.wave_soak
    if in_waves and not task.arguments["in_waves"]:
        raise GateError(
            f"{environment} has waves, canary, min_in_service or wave_soak, which only the "
            "playbook itops.release.deploy carries out: use that, or a copy of deploy_plan.yml"
        )
    resolved = _of_domain(task, task.resolved())
    release = resolved.release
    given = task.arguments["release"] or ""
    if given and given not in (
        resolved.plan.release,
        f"{release['name']}:{release['version']}",
        f"sha256:{release['digest']}",
    ):
        raise GateError(
            f"deploy_release is {given}, and the plan deploys {resolved.plan.release}: leave "
            "deploy_release out"
        )
    at = _moment(task)
    with task.ledger() as ledger:
        task.accept_policy(ledger, task.policy)
        record = task.take_in(ledger, _collect.OnRecord.of(ledger))
        hosts = tuple(task.task_vars["ansible_play_hosts_all"])
        rule = task.policy.environment(environment)
        run = task.as_run(hosts, networks=bool(rule and rule.networks))
        run = replace(run, only_stages=task.arguments["as"] == "staged")
        calendar = (task.planned.calendar, task.planned.calendar_problem)
        now = at or task.now
        known = _collect.facts(task.policy, calendar, record, resolved, environment, run, now)
        known = _complete(task, known, record, now)
        answers = _gates.evaluate(known)
        overrides = _overrides(task, ledger, known, {a.gate for a in _gates.closed(answers)})
        answers = _gates.overridden(answers, overrides)
        if not task.check:
            ledger.append([_answered(task, known, answers)], task.actor)
    _show(task, known, answers)
    closed = _gates.closed(answers)
    if closed:
        # No later task of this run is sure to come: this is where a postponement is sent.
        _notifying.send(task)
        raise GateError(refusal(known, answers))
    result = {
        "changed": False,
        "reference": f"sha256:{release['digest']}",
        "called": f"{release['name']}:{release['version']}",
        "governed": {"ledger": record.ledger, "plan_required": known.demands.plan_required},
        "plan": {
            "name": resolved.plan.name,
            "revision": known.standing.revision if known.standing else 0,
        },
        "environment": environment,
        **({"domain": resolved.domain} if resolved.domain else {}),
        "answers": [answer.to_plain() for answer in answers],
    }
    return _noted(task, result)


def _of_domain(task: PlanTask, resolved: Resolved) -> Resolved:
    """Return the plan of the domain that the run is about; a plan without domains has none."""
    name = task.arguments["domain"] or ""
    return resolved.of_domain(name) if name or resolved.parts else resolved


def _about(known: Facts) -> str:
    """Return what the gates are asked about: ``shop-1.5 → production``, and which domain."""
    domain = f" ({known.resolved.domain})" if known.resolved.domain else ""
    return f"{known.plan.name} → {known.demands.environment}{domain}"


def refusal(known: Facts, answers: Sequence[Answer]) -> str:
    """Return all closed gates in one line, as status has it: shop-1.5 → production: closed: …"""
    zone = known.calendar.zone if known.calendar else timezone.utc
    lines = [answer.line(zone, known.now) for answer in _gates.closed(answers)]
    return f"{_about(known)}: {' · '.join(lines)}"


def _moment(task: PlanTask) -> datetime | None:
    """Return the time that a prognosis is for; without a zone it is in that of the calendar."""
    text = (task.arguments["at"] or "").strip()
    if not text:
        return None
    if not task.check:
        raise GateError("at (release_at) is for a prognosis: run with --check")
    calendar = task.planned.calendar
    for form in FORMS:
        with contextlib.suppress(ValueError):
            found = datetime.strptime(text.replace("Z", "+0000"), form)
            zone = calendar.zone if calendar else timezone.utc
            found = found if found.tzinfo else found.replace(tzinfo=zone)
            if found < task.now - PAST:
                raise GateError(f"at (release_at): {text} is over", code="invalid_option")
            return found
    raise GateError(
        f"at (release_at): '{text}' is not a time (example: 2026-12-01T22:00Z, or 2026-12-01 22:00 "
        "in the time zone of the calendar)",
        code="invalid_option",
    )


def _complete(task: PlanTask, known: Facts, record: _collect.OnRecord, now: datetime) -> Facts:
    """Return the facts with those that the media library and commands know."""
    library, trust = task.sources.media_library, task.sources.trust
    release = _collect.of_release(library, trust, known, record.deployments, now)
    own = _collect.own_answers(known, known.demands, task.check)
    return replace(known, of_release=release, own=own)


def _overrides(
    task: PlanTask, ledger: Ledger, known: Facts, closed: Collection[str]
) -> dict[str, str]:
    """Return who overrides which gate in this run, in this or an earlier batch."""
    standing, policy = known.standing, task.policy
    wanted = list(dict.fromkeys(task.arguments["override"] or ()))
    if not wanted or standing is None:
        return {}
    verify, found = known.verify, {}
    subject = standing.subject(known.ledger)
    for each in standing.recorded:
        said = each.statement
        about = (policy, known.demands, subject, each, known.run, known.now)
        if said.decision == OVERRIDE and said.environment == known.demands.environment:
            if not _agreement.override_problem(*about) and not verify(each):
                found[said.gate] = said.person
    for gate_name in wanted:
        _check_name(policy, gate_name)
        if gate_name not in found and gate_name in closed:
            found[gate_name] = _override(task, ledger, known, gate_name)
    return {name: person for name, person in found.items() if name in wanted}


def _check_name(policy: Policy, gate_name: str) -> None:
    """Refuse to override what is not a gate, or can never be overridden."""
    names = [*_gates.GATES, *(own.name for own in policy.gates)]
    if gate_name not in names:
        raise GateError(
            f"override (release_override): {gate_name} is not a gate; valid: {', '.join(names)}"
        )
    if gate_name in NEVER_OVERRIDDEN:
        raise GateError(f"override (release_override): {gate_name} can never be overridden")


def _override(task: PlanTask, ledger: Ledger, known: Facts, gate_name: str) -> str:
    """Record that the gate is overridden in this run; return the person who does that."""
    policy, standing = task.policy, known.standing
    if standing is None:
        raise GateError("the plan is not proposed: nothing is to be overridden")
    if not (task.arguments["reason"] or "").strip():
        raise GateError("reason (release_reason) is required with release_override")
    able = named(policy.having(policy.override.get(gate_name, ())))
    person, strength = task.acting.person, task.acting.strength
    if person is None or not is_as_strong(strength, known.demands.strength):
        raise GateError(
            f"override (release_override): {gate_name} needs the key of {able} (release_key): "
            f"{task.acting.identity.called} is {strength}, and {known.demands.environment} needs "
            f"{known.demands.strength}"
        )
    statement = _statement_files.of(
        standing,
        known.ledger,
        known.demands.environment,
        person.id,
        OVERRIDE,
        reason=task.arguments["reason"],
        gate=gate_name,
        run=known.run,
    )
    task.record(ledger, standing, task.acting.recorded(statement), run=known.run)
    return person.id


def _answered(task: PlanTask, known: Facts, answers: Sequence[Answer]) -> Draft:
    body = {
        "run": task.run,
        "plan": known.plan.name,
        "revision": known.standing.revision if known.standing else 0,
        "environment": known.demands.environment,
        **({"domain": known.resolved.domain} if known.resolved.domain else {}),
        "answers": [answer.to_plain() for answer in answers],
    }
    first = task.task_vars["inventory_hostname"]
    key = f"{task.run}/gates/{known.plan.name}/{first}/{known.now.timestamp():.3f}"
    return Draft(_kind_gates_answered.NAME, known.plan.name, body, key)


def _show(task: PlanTask, known: Facts, answers: Sequence[Answer]) -> None:
    """Print the prognosis whole; of a run what is closed, and overrides. Once, if all pass."""
    batch, hosts = task.task_vars["ansible_play_batch"], task.task_vars["ansible_play_hosts_all"]
    asked = batch[0] != hosts[0] or _noting.journal().gate_of(batch[0]) is not None
    if asked and not _gates.closed(answers):
        return
    zone = known.calendar.zone if known.calendar else timezone.utc
    if task.check:
        task.show(f"{_about(known)}, prognosis:")
    shown = [answer for answer in answers if task.check or not answer.is_open]
    task.show(*(answer.line(zone, known.now) for answer in shown))
    if not shown:
        task.show(f"{_about(known)}: {len(answers)} gates open")
