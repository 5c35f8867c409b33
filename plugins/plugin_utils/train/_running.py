# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of ``release_train``: a plan, its ledger and its command line in, a verdict out."""

from __future__ import annotations

import os
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..adapter import _command_line, _run_folder
from ..definition import _duration
from ..gates import _collect
from ..ledger import _trains
from ..ledger._journal import Ending
from ..ledger._trains import DID, DOES, Change
from ..plan._plan import Plan, Step
from ..plan._resolved import Resolved
from ..planning import _chosen
from ..planning._task import PlanTask
from ..run import _identity
from . import _jobs, _rehearsal
from ._conducting import Conductor
from ._record import Process, Record, TrainError
from ._train import BACK_OUT, BACKED_OUT, DEPLOY, DONE, LIVE, Domain, Order

Result = dict[str, Any]
PRIVATE = "itops-release-trains"
STATE = "~/.local/state/itops-release/trains"


def run(task: PlanTask) -> Result:
    """Run the train that the task describes; only a train that cannot begin fails the task."""
    _command_line.refuse_parts("a train")
    task.refuse_extra_variables()
    resolved = task.resolved()
    if not resolved.parts:
        raise TrainError(
            f"plan (release_plan): {resolved.plan.name} has no domains: deploy it with the "
            "playbook deploy"
        )
    step = _chosen.step(resolved.plan, task.arguments)
    way = BACK_OUT if task.arguments["as"] else DEPLOY
    limit = _silence(task, step)
    process = _identity.process_id()
    # Beside the temporary directory of this run, which Ansible makes for this user alone.
    private = os.path.join(os.path.dirname(_run_folder.path()), PRIVATE)
    _jobs.sweep(private, _identity.is_over)
    output = os.path.join(_output(task), f"{resolved.plan.name}-{step.environment}")
    if task.check:
        output = os.path.join(output, "check")
        jobs = _started(task, resolved.plan, step, output, os.path.join(private, process))
        try:
            return _rehearsal.rehearse(task.show, jobs, output, tuple(resolved.parts), way, limit)
        finally:
            jobs.close()
    with task.ledger() as ledger:
        record = Record(ledger, task.actor, resolved, step.environment, _revision(task, resolved))
        state = record.begin(_process(task), way)
        output = os.path.join(output, f"{record.train.number}.{record.train.attempt}")
        jobs = _started(task, resolved.plan, step, output, os.path.join(private, process))
        order = _order(resolved.plan)
        silence = dict.fromkeys(order.names, limit)
        try:
            conductor = Conductor(order, record, jobs, task.show, silence)
            task.show(f"train {record.train.number}: {resolved.plan.name} → {step.environment}")
            verdict, reason = conductor.run(state, way)
        finally:
            jobs.close()
    task.journal.close(Ending(verdict, reason or _became(record.train)))
    return result(record.train, verdict, reason, output)


def result(train: _trains.Train, verdict: str, reason: str, output: str) -> Result:
    """Return the result of the task for a *train* that ended."""
    where = f"{train.plan} → {train.environment}"
    stats = {"release_verdict": verdict, "release_reason": reason}
    done = [each for each in train.changes if each.verdict == DONE]
    return {
        "changed": any(each.job in (LIVE, BACKED_OUT) for each in done),
        "verdict": verdict,
        "reason": reason,
        "msg": f"{where}: {verdict}" + (f": {reason}" if reason else ""),
        "number": train.number,
        "output": output,
        "domains": _domains(train),
        "ansible_stats": {"data": stats, "per_host": False, "aggregate": False},
    }


def _domains(train: _trains.Train) -> dict[str, dict[str, str]]:
    """Return what became of each domain: its last job."""
    found = {name: {"state": "deployed before"} for name in train.done}
    for each in train.changes:
        found[each.domain] = _told(each)
    return {name: found.get(name, {"state": "waits"}) for name in train.domains}


def _became(train: _trains.Train) -> str:
    """Return what became of each domain, in a line."""
    return ", ".join(f"{name} {said['state']}" for name, said in _domains(train).items())


def _told(change: Change) -> dict[str, str]:
    state = DID[change.job] if change.verdict == DONE else change.verdict or DOES[change.job]
    said = {"state": state, "reason": change.reason, "run": change.run, "output": change.output}
    return {name: text for name, text in said.items() if text}


def _revision(task: PlanTask, resolved: Resolved) -> int:
    """Return the revision that stands; TrainError for a plan that does not."""
    with task.ledger() as ledger:
        standing = _collect.OnRecord.of(ledger).plans.get(resolved.plan.name)
    if standing is None:
        raise TrainError(f"{resolved.plan.name} is not proposed: run the playbook plan first")
    if not standing.is_standing and not task.arguments["as"]:
        raise TrainError(f"{resolved.plan.name} is {standing.ended}: propose it again")
    return standing.revision


def _process(task: PlanTask) -> Process:
    takeover = task.arguments["takeover"] or ""
    return Process(task.run, _identity.is_over, _identity.is_alive, takeover)


def _order(plan: Plan) -> Order:
    domains = tuple(Domain(each.name, each.needs, each.back_out_with) for each in plan.domains)
    return Order(domains, holds=plan.plain.get("on_failure") == "hold")


def _silence(task: PlanTask, step: Step) -> float:
    """Return after how many seconds without a sign of life a job is lost."""
    text = task.arguments["silence"]
    try:
        return (_duration.parse(text) + step.wave_soak).total_seconds()
    except ValueError as error:
        raise ReleaseError(
            f"silence (release_train_silence): {error}", code="invalid_option"
        ) from None


def _output(task: PlanTask) -> str:
    """Return the directory for what jobs print."""
    if task.arguments["output"]:
        return os.path.abspath(task.arguments["output"])
    place = os.path.abspath(os.path.expanduser(task.sources.ledger))
    beside = os.path.join(os.path.dirname(place), "trains")
    there = beside if os.path.isdir(beside) else os.path.dirname(beside)
    is_usable = "://" not in task.sources.ledger and os.access(there, os.W_OK)
    return beside if is_usable else os.path.expanduser(STATE)


def _started(task: PlanTask, plan: Plan, step: Step, output: str, private: str) -> _jobs.RunnerJobs:
    """Return what starts jobs like this run: as the command line has it."""
    os.makedirs(private, mode=0o700, exist_ok=True)
    line = _command_line.of_run(task.action, private)
    awx = {name: str(task.task_vars[name]) for name in _jobs.AWX_JOBS if task.task_vars.get(name)}
    setting = _jobs.Setting(
        sources=line.sources,
        arguments=line.arguments,
        hosts={each.name: each.hosts_in(step.environment) for each in plan.domains},
        environment=_command_line.environment(),
        output=output,
        private=private,
        awx=awx,
    )
    return _jobs.RunnerJobs(setting)
