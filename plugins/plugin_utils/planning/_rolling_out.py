# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roll a release out in waves: read what hosts answered, record it, and decide what comes next."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..fleet import _members
from ..fleet._fleet import BACK_OUT, GO, HOLD, STOP, Decision, Fleet, Rules
from ..fleet._waves import Batch, FleetError
from ..ledger._journal import Ending
from ..ledger._recording import Intent
from ..plan._plan import Plan, Step
from ..plan._resolved import listed
from . import _after_failure, _chosen, _ordering
from ._kept import WAVES, WAY_BACK, Kept
from ._task import PlanTask

Result = dict[str, Any]
SOAK, END, DONE = "soak", "end", "done"
AS_STAGED, AS_BACKED_OUT = "staged", "backed_out"
STAGED_ONLY = "staged on all hosts, and not made live"
TICK_S = 60.0  # between two lines while a wave soaks


def staged(task: PlanTask) -> Result:
    """Decide once all hosts were checked and staged; keep the waves for the next play."""
    journal = task.journal
    note, intent = journal.gate_of(str(task.task_vars["inventory_hostname"])), _intent(task)
    if note is None:
        raise FleetError("the gates were not asked in this run", code="ungated")
    plan = _chosen.part(task.planned.plan, task.arguments)
    step = _chosen.step(plan, task.arguments)
    going = tuple(task.task_vars["ansible_play_hosts_all"])
    # A canary that --limit leaves out is none of this run, but one of the plan.
    every = _ordering.ordered(task, step, task.hosts_of(step.hosts))
    hosts = tuple(host for host in every if host in going)
    release = dict(intent.release) if intent else {"digest": note["reference"].partition(":")[2]}
    settle(task)
    kept = Kept(
        release=release,
        environment=step.environment,
        hosts=hosts,
        rules=_rules(task, plan, step, going),
        plan=plan.name,
        revision=(note["plan"] or {}).get("revision", 0),
        earlier=_after_failure.unfinished(task, release.get("name", ""), step.environment),
        gone=tuple(sorted(set(going) - set(task.task_vars["ansible_play_hosts"]))),
        position=(intent.position or 0) if intent else 0,
    )
    fleet = _fleet_of(task, kept)
    decision = fleet.after_staging()
    try:
        batches = tuple(fleet.waves()) if decision.next == GO else ()
    except FleetError as error:
        decision, batches = Decision(STOP, str(error)), ()
    if decision.next == STOP:
        kept.keep(journal)
        return _concluded(task, kept, fleet, decision, kept.hosts)
    only = task.arguments["as"] == AS_STAGED
    replace(kept, batches=() if only else batches).keep(journal)
    if only:
        journal.close(Ending("done", STAGED_ONLY, kept.release["digest"]))
    late = [member.host for member in fleet.in_state(_members.LATE)]
    task.show(*_announced(batches, late, only))
    waves = [batch.to_plain() for batch in batches]
    return {"changed": False, "next": GO, "waves": waves, "soaks": bool(kept.rules.soak)}


def switched(task: PlanTask, committed: bool) -> Result:
    """Decide after the hosts of a batch were switched, or *committed* after their soak."""
    kept = _kept(task)
    fleet = _fleet_of(task, kept)
    number = kept.batch_of(WAVES, task.task_vars["ansible_play_batch"])
    batch = kept.batches[number]
    decision = fleet.after_wave(batch.hosts)
    if decision.next == GO:
        decision = _meanwhile(task, kept, kept.batches[:number])
    on_trial = kept.rules.soak and not committed and fleet.in_state(_members.ON_TRIAL)
    if decision.next == GO and on_trial:
        if batch.soaks and not task.check:
            _soak(task, batch.wave, kept.rules.soak)
        return {"changed": False, "next": SOAK}
    if decision.next == BACK_OUT:
        so_far = kept.batches[: number + 1]
        return backing_out(task, kept, fleet, decision, so_far, batch.hosts)
    if decision.next != GO:
        return _concluded(task, kept, fleet, decision, batch.hosts)
    is_last = number == len(kept.batches) - 1
    if not is_last:
        decision = fleet.may_go_on(kept.batches[number + 1])
    if decision.next != GO:
        return _concluded(task, kept, fleet, decision, batch.hosts)
    waves = kept.batches[-1].wave
    done = len(fleet.in_state(_members.COMMITTED))
    task.show(f"wave {batch.wave} of {waves}: {done} of {len(kept.hosts)} hosts done")
    if is_last:
        late = [member.host for member in fleet.in_state(_members.LATE)]
        return _concluded(task, kept, fleet, decision, [*batch.hosts, *late])
    _record(task, kept, batch.hosts, "")
    return {"changed": False, "next": GO}


def _meanwhile(task: PlanTask, kept: Kept, done: Sequence[Batch]) -> Decision:
    """Hold a run where another one has changed hosts since their wave was recorded."""
    hosts = {host for batch in done for host in batch.hosts}
    if not hosts or not task.sources.ledger or task.check:
        return Decision(GO)
    try:
        with task.ledger() as ledger:
            rows = ledger.rows("deployments", application=kept.release.get("name", ""))
    except ReleaseError:  # which is reported where it is written to
        return Decision(GO)
    others = [
        f"{row['host']} has {row['version']} since, by {row['run']}"
        for row in rows
        if row["host"] in hosts
        and row["environment"] == kept.environment
        and row["digest"] != kept.release["digest"]
    ]
    return Decision(HOLD, "changed by another run: " + listed(others)) if others else Decision(GO)


def reverted(task: PlanTask) -> Result:
    """Decide after the hosts of a batch were backed out."""
    kept = _kept(task)
    fleet = _fleet_of(task, kept)
    number = kept.batch_of(WAY_BACK, task.task_vars["ansible_play_batch"])
    batch, following = kept.way_back[number], kept.way_back[number + 1 :]
    decision = Decision(BACK_OUT, kept.reason)
    if following:
        may = fleet.may_go_back(following[0])
        if may.next == GO:
            _record(task, kept, batch.hosts, kept.reason)
            return {"changed": False, "next": GO}
        decision = Decision(BACK_OUT, "; ".join(filter(None, [kept.reason, may.reason])))
    return _concluded(task, kept, fleet, decision, batch.hosts)


def backing_out(
    task: PlanTask,
    kept: Kept,
    fleet: Fleet,
    decision: Decision,
    order: Sequence[Batch],
    hosts: Sequence[str] = (),
) -> Result:
    """Keep the way back for the next play; *hosts* are those of the batch that was just done.

    *order* are the batches in which hosts were changed.
    """
    batches = fleet.way_back(order)
    gone = set(task.task_vars["ansible_play_hosts_all"]) - set(task.task_vars["ansible_play_hosts"])
    reachable = [
        replace(batch, hosts=tuple(host for host in batch.hosts if host not in gone))
        for batch in batches
    ]
    batches = [batch for batch in reachable if batch.hosts]
    earlier = set(kept.earlier)
    runs = {m.host: m.by for m in fleet.members.values() if m.by and m.by in earlier}
    going_back = replace(
        kept,
        way_back=tuple(batches),
        reason=decision.reason,
        runs=runs,
        gone=tuple(sorted({*kept.gone, *gone})),
    )
    may = fleet.may_go_back(batches[0]) if batches else Decision(GO)
    if not batches or may.next != GO:
        reason = "; ".join(filter(None, [decision.reason, may.reason]))
        return _concluded(task, kept, fleet, replace(decision, reason=reason), hosts)
    going_back.keep(task.journal)
    if decision.reason:
        _record(task, kept, hosts, decision.reason)
        task.show(f"failed: {decision.reason}")
    count = sum(len(batch.hosts) for batch in batches)
    task.show(f"backing out {count} of {len(kept.hosts)} hosts")
    return {"changed": False, "next": BACK_OUT}


def _concluded(
    task: PlanTask, kept: Kept, fleet: Fleet, decision: Decision, hosts: Sequence[str]
) -> Result:
    """Record how the run ended; open an issue where that was badly."""
    verdict, reason = fleet.verdict(decision)
    intent = _intent(task)
    asked = task.arguments["as"] == AS_BACKED_OUT
    if asked and verdict == "backed_out":  # as it was asked to
        verdict, reason = "done", ""
    result: Result = {"changed": False, "next": DONE if verdict == "done" else END}
    if intent is None:  # nothing is on record of a run that only stages
        task.journal.close(Ending(verdict, reason, kept.release["digest"]))
    else:
        if verdict in ("backed_out", "failed") and not task.check:
            issue = _after_failure.open_issue(task, kept, fleet, verdict, reason, intent.run)
            reason += f" (issue {issue})" if issue else ""
        # Hosts that were staged only are on record too.
        staged_only = [member.host for member in fleet.in_state(_members.STAGED)]
        hosts = list(dict.fromkeys([*hosts, *staged_only]))
        ending, out = Ending(verdict, reason), _out_of_play(task, kept)
        result |= task.recorder().wave(intent, hosts, out, kept.release, ending=ending)
    said = f"{verdict}: {reason}" if reason else verdict
    return {**result, "verdict": verdict, "reason": reason, "msg": said}


def settle(task: PlanTask) -> None:
    """Record how earlier runs ended that were stopped, once their hosts have been asked."""
    intent = _intent(task)
    if intent is not None:
        task.recorder().settle(intent)


def _record(task: PlanTask, kept: Kept, hosts: Sequence[str], reason: str) -> None:
    intent = _intent(task)
    if intent is not None:
        task.recorder().wave(intent, hosts, _out_of_play(task, kept), kept.release, reason)


def _intent(task: PlanTask) -> Intent | None:
    begun = task.journal.last_intent()
    return Intent.from_plain(begun) if begun else None


def _kept(task: PlanTask) -> Kept:
    kept = Kept.of(task.journal)
    if kept is None:
        raise FleetError("the hosts were not staged in this run", code="unstaged")
    return kept


def _out_of_play(task: PlanTask, kept: Kept) -> set[str]:
    here = set(task.task_vars["ansible_play_hosts_all"])
    return (here - set(task.task_vars["ansible_play_hosts"])) | set(kept.gone)


def _fleet_of(task: PlanTask, kept: Kept) -> Fleet:
    """Return the fleet as it is now, by what tasks noted."""
    facts = task.journal.facts(kept.position)
    gone = _out_of_play(task, kept)
    digest = kept.release["digest"]
    return Fleet(_members.members(kept.hosts, facts, digest, gone, kept.earlier), kept.rules)


def _rules(task: PlanTask, plan: Plan, step: Step, going: Sequence[str]) -> Rules:
    every = task.hosts_of(step.hosts)
    return Rules(
        waves=step.waves,
        soak=step.wave_soak.total_seconds(),
        min_in_service=step.min_in_service,
        on_failure=plan.on_failure,
        # An emergency is there for what does not work.
        unhealthy=step.unhealthy or ("allow" if plan.is_emergency else STOP),
        missing=tuple(host for host in every if host not in going),
    )


def _soak(task: PlanTask, wave: int, seconds: float) -> None:
    """Wait while a wave is on trial; a line a minute says how long."""
    end = time.monotonic() + seconds
    task.show(f"wave {wave} soaks for {seconds:g} s")
    while True:
        left = end - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(TICK_S, left))
        if left > TICK_S:
            task.show(f"wave {wave} soaks: {left - TICK_S:.0f} s left")


def _announced(batches: Sequence[Any], late: Sequence[str], only: bool) -> list[str]:
    lines = ["staged on all hosts" if not late else f"late: {listed(list(late))}"]
    if only or len(batches) < 2:
        return lines
    shown = [f"{batch.wave}: {listed(list(batch.hosts))}" for batch in batches[:10]]
    more = f" · … ({len(batches)} batches)" if len(batches) > 10 else ""
    return [*lines, "waves " + " · ".join(shown) + more]
