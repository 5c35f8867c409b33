# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Choose the release that late, lost and new hosts are brought to: the one their fleet has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...module_utils.options._ledger import ENVIRONMENTS
from ..fleet import _reconcile
from ..fleet._waves import FleetError
from ..ledger import _hosts, _kind_run_ended
from ..ledger._journal import Ending
from ..ledger._ledger import Ledger
from ..plan._resolved import listed
from ..policy import _file as _policy_file
from ..registers import _register
from ._kept import RECONCILE
from ._task import PlanTask

ROOT = "deploy_root"


def reconciled(task: PlanTask) -> dict[str, Any]:
    """Keep, for the next play, which host gets which release; say which do not answer.

    What hosts did that is not on record is imported before, as ledger_import does.
    """
    task.refuse_extra_variables(with_plan=bool(_plan_required(task)))
    every = list(task.task_vars["ansible_play_hosts_all"])
    named = _policy_file.environment_names(task.sources.policy)
    env = None if named else task.arguments["env"]  # with a policy, environments are groups
    groups = task.task_vars["groups"]
    names = named or list(ENVIRONMENTS)
    environments = _hosts.environments(every, groups, names, env)
    releases: dict[str, str] = {}
    undecided: dict[str, list[str]] = {}  # hosts by the reason
    late = []
    with task.ledger() as ledger:
        _import(task, names, env)
        record = _Record(ledger)
        head = ledger.head()
        for host in every:
            there = _there(task, host)
            if there is None:
                late.append(host)
                continue
            root = str(task.value_of(host, ROOT) or "")
            try:
                digest = record.target(environments.get(host, ""), host, root)
            except FleetError as error:
                undecided.setdefault(str(error), []).append(host)
                continue
            if digest and there != digest:
                releases[host] = f"sha256:{digest}"
    journal = task.journal
    required = _plan_required(task)
    for host, reference in releases.items():
        governed = None
        if head and environments.get(host) in required:
            governed = {"ledger": head.ledger, "plan_required": True}
        note = {"hosts": [host], "reference": reference, "governed": governed, "plan": None}
        journal.gated(note)
    held = "; ".join([*([f"late: {listed(late)}"] if late else []), *undecided])
    journal.keep(RECONCILE, {"releases": releases, "held": held})
    if held or not releases:
        journal.close(Ending("held" if held else "done", held))
    count = len(every) - len(releases) - len(late) - sum(map(len, undecided.values()))
    said = f"{count} of {len(every)} hosts have their release" + (f"; {held}" if held else "")
    task.show(said)
    return {"changed": False, "msg": said, "next": "end" if held and not releases else "go"}


def _import(task: PlanTask, names: Sequence[str], env: str | None) -> None:
    """Record what hosts report and the ledger does not have; end runs that are over for certain.

    Another machine's run is perhaps in progress, and this may be started by a timer.
    """
    wanted = {**task.arguments, "hosts": None, "environments": names, "env": env}
    told = _hosts.told(wanted, task.task_vars)
    if told is None:
        return
    recorder = task.recorder()
    done = replace(recorder, is_alive=lambda run: not recorder.is_over(run)).found(told, task.run)
    if done["changed"]:
        task.show(done["msg"])


def _there(task: PlanTask, host: str) -> str | None:
    """Return the digest of what is committed on *host*, "" for nothing; None without an answer."""
    answer: Mapping[str, Any] = task.task_vars["hostvars"][host].get(task.arguments["answers"], {})
    deployed = answer.get("deployment")
    if not isinstance(deployed, Mapping):
        return None
    if deployed.get("trial"):
        return ""
    return str((deployed.get("live") or {}).get("digest") or "")


def _plan_required(task: PlanTask) -> set[str]:
    if not task.sources.policy:
        return set()
    return {rule.name for rule in task.policy.environments if rule.plan_required}


class _Record:
    """What a *ledger* says of fleets; each question is answered once."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._rows = ledger.rows("deployments", "host", "root")
        entries = _register.of_ledger(ledger)
        self._bad = {
            str(e.fields["release"]) for e in entries if e.is_blocker and e.text("release")
        }
        self._targets: dict[tuple[str, str], str] = {}

    def target(self, environment: str, host: str, root: str) -> str:
        """Return the release of the fleet that a *host* with this *root* is in, "" for none."""
        application = self._application(environment, host, root)
        key = (environment, application)
        if application and key not in self._targets:
            self._targets[key] = self._target(environment, application)
        return self._targets.get(key, "")

    def _application(self, environment: str, host: str, root: str) -> str:
        """Return what the root has by the ledger, or that of other hosts; "" where none has any.

        A new host is in the only fleet of its environment, or in that with the same root.
        """
        rows = [row for row in self._rows if row["environment"] == environment]
        own = {r["application"] for r in rows if (r["host"], r["root"]) == (host, root)}
        same = {row["application"] for row in rows if row["root"] == root}
        found = sorted(own or same or {row["application"] for row in rows})
        if len(found) > 1:
            raise FleetError(
                f"{host}: {root} in {environment} may be of several applications: {listed(found)}",
                code="undecided",
            )
        return found[0] if found else ""

    def _target(self, environment: str, application: str) -> str:
        rows = [
            row
            for row in self._rows
            if row["environment"] == environment and row["application"] == application
        ]
        runs = self._runs(application, environment)
        hosts = self._hosts(runs[0]) if runs else set()
        unreached = self._unreached(runs[0]["run"], application) if runs else []
        return _reconcile.target(application, environment, runs, rows, hosts, unreached, self._bad)

    def _runs(self, application: str, environment: str) -> list[dict[str, Any]]:
        runs = self._ledger.rows("runs", "sequence", application=application)
        return [
            run
            for run in reversed(runs)
            if environment in (run["environment"] or "").split(", ")
            and run["act"] in _reconcile.ACTS
            and run["verdict"] != "refused"
        ]

    def _hosts(self, run: Mapping[str, Any]) -> set[str]:
        events = self._ledger.began(run["run"], run["act"])
        return {host for event in events for host in event.body["hosts"]}

    def _unreached(self, run: str, application: str) -> Sequence[str]:
        events = self._ledger.events(kind=_kind_run_ended.NAME, subject=application)
        return [
            host["host"]
            for event in events
            if event.body["run"] == run
            for host in event.body["hosts"]
            if host["result"] in ("unreachable", "skipped")
        ]
