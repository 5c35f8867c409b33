# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretended controller: it does what the plays of deploy_plan.yml and reconcile.yml do.

What decides is the collection's own code; Ansible is pretended, with what it does to lost hosts.
"""

from __future__ import annotations

import contextlib
import tempfile
from types import SimpleNamespace

from ansible_collections.itops.release.plugins.module_utils.errors._release_error import (
    ReleaseError,
)
from ansible_collections.itops.release.plugins.plugin_utils.events import _answers, _facts
from ansible_collections.itops.release.plugins.plugin_utils.gates._sources import Planned, Sources
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _finding, _recorder
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import Journal
from ansible_collections.itops.release.plugins.plugin_utils.ledger._recording import Intent
from ansible_collections.itops.release.plugins.plugin_utils.planning import (
    _going_back,
    _kept,
    _reconciling,
    _rolling_out,
)
from ansible_collections.itops.release.plugins.plugin_utils.planning._task import PlanTask
from ansible_collections.itops.release.tests.fakes.memory_ledger import MemoryJournal
from ansible_collections.itops.release.tests.fakes.simulated_fleet import (
    ACTOR,
    ALL,
    ENVIRONMENT,
    Broken,
)
from ansible_collections.itops.release.tests.fakes.simulated_host import (
    LOST,
    NAME,
    ROOT,
    version_of,
)
from ansible_collections.itops.release.tests.fakes.simulated_promises import Promises

ANSWERS = "__release_found"


class Killed(BaseException):
    """The controller was killed."""


class SimulatedTask(PlanTask):
    """Implements PlanTask for a task of a *run*, on its first *host*."""

    def __init__(self, run, play, batch, **arguments):
        fleet = run.fleet
        self.action = SimpleNamespace(_display=SimpleNamespace(warning=fleet.tell))
        self.check = False
        here = [host for host in batch if host not in run.removed]
        names = list(fleet.hosts)
        self.task_vars = {
            "inventory_hostname": here[0],
            "ansible_play_hosts_all": list(play),
            "ansible_play_hosts": [host for host in play if host not in run.removed],
            "ansible_play_batch": here,
            "groups": {"all": names, ENVIRONMENT: names},
            "hostvars": {host: {ANSWERS: run.answers.get(host, {})} for host in names},
        }
        self.arguments = {"domain": None, "env": ENVIRONMENT, "run": None, "answers": ANSWERS}
        self.arguments |= {"as": run.as_, "variables": "", **arguments}
        self.plan = fleet.plan
        self.sources = Sources(ledger="memory" if run.records else "", plan="plan.yml")
        self.planned = Planned(fleet.plan, {}, None, None, "")
        self.actor, self.run = ACTOR, run.id
        self._run, self._fleet = run, fleet

    @property
    def journal(self):
        return self._run.journal

    def refuse_extra_variables(self, with_plan=False):
        pass

    def hosts_of(self, pattern):
        return tuple(self._fleet.hosts) if pattern == ALL else (pattern,)

    def value_of(self, host, name):
        return ROOT if name == _reconciling.ROOT else self._fleet.racks.get(host)

    def addresses(self, hosts):
        return {host: (f"10.0.0.{number}",) for number, host in enumerate(hosts, 1)}

    @contextlib.contextmanager
    def ledger(self, must_exist=True):
        yield self._run.ledger

    def recorder(self):
        return self._run.recorder()

    def show(self, *lines):
        for line in lines:
            self._fleet.tell(f"    {line}")


class SteppingLedger:
    """A ledger before and after whose transactions the controller may be killed."""

    def __init__(self, ledger, step):
        self._ledger, self._step = ledger, step

    def append(self, drafts, actor):
        self._step()
        appended = self._ledger.append(drafts, actor)
        self._step()
        return appended

    def close(self):
        pass

    def __getattr__(self, name):
        return getattr(self._ledger, name)


class Run:
    """A run of ansible-playbook: of deploy with the plan of *fleet*, of reconcile or ledger_import.

    *killed_at*: the step at which its controller is killed, None for never. *records*: whether it
    has a ledger.
    """

    def __init__(self, fleet, as_=None, killed_at=None, records=True):
        fleet.runs += 1
        self.fleet, self.as_, self.records = fleet, as_, records
        self.id = f"run-{fleet.runs}"
        self.ledger = SteppingLedger(fleet.ledger, self._count)
        self.journal = (
            Journal(tempfile.mkdtemp(dir=fleet.folder)) if fleet.folder else MemoryJournal()
        )
        self.removed = set()  # hosts that Ansible took out of the play
        self.answers = {}
        self.releases = {}  # what reconcile brings, by host
        self.verdict = None
        self.is_broken_off = False  # all hosts of a batch were lost
        self._killed_at, self._steps = killed_at, 0
        self._is_live = {}
        self.up = {}  # whether each host is in service, by what it answered
        self.act = "back_out" if as_ == "backed_out" else "deploy"
        self.lost = set()  # hosts that did not answer any more
        self.reached = set()  # hosts that answered when they were staged, or asked
        self.switched = []  # batches, in the order in which they were
        self.promises = Promises(self)

    # What the playbooks do.

    def deploy(self, limit=None):
        """Do what deploy_plan.yml does; return the verdict, None where it was broken off."""
        hosts = [h for h in self.fleet.hosts if limit is None or h in limit]
        self.fleet.tell(f"{self.id}: {self.act}" + (f" limited to {limit}" if limit else ""))
        with self._alive():
            self._deploy(hosts, self.act)
        if self.verdict != "refused" and self.as_ != "staged":
            self.fleet.log.append(self)
        return self.verdict

    def reconcile(self):
        """Do what reconcile.yml does; return why it was refused, None where it was not."""
        self.fleet.tell(f"{self.id}: reconcile")
        hosts = list(self.fleet.hosts)
        self._ask(hosts)
        try:
            _reconciling.reconciled(self._task(hosts, hosts))
        except ReleaseError as error:
            self.recorder().stopped(str(error))
            self.fleet.tell(f"  refused: {error}")
            return str(error)
        play = _kept.play(self.journal, _kept.RECONCILE)
        undecided = [why for why in play["held"].split("; ") if why and not why.startswith("late")]
        if undecided:
            self.fleet.tell(f"  undecided: {undecided}")
            return undecided[0]
        self.releases = {h: r.partition(":")[2] for h, r in play["releases"].items()}
        self.promises.check_reconciled()
        if self.releases:
            self.bring(self.releases, "reconcile")
        return None

    def import_(self):
        """Do what ledger_import.yml does."""
        self.fleet.tell(f"{self.id}: ledger_import")
        self._ask(list(self.fleet.hosts))
        names = list(self.fleet.hosts)
        environments = dict.fromkeys(names, ENVIRONMENT)
        told = _finding.Told.of_answers(self.answers, environments, frozenset(names))
        self.fleet.tell(f"  {self.recorder().found(told, self.id)['msg']}")

    def bring(self, releases, act):
        """Do what the role does without waves: bring each host its release of *releases*."""
        hosts = list(releases)
        intent = self._begin(hosts, act, releases[hosts[0]])
        well = [host for host in hosts if self._stage(host, releases[host])]
        for host in well:
            if not self._is_live[host]:
                self._bring(host, releases[host], commits=True)
        self.recorder().ended(intent, self.removed)

    def recorder(self):
        return _recorder.Recorder(
            "memory" if self.records else None,
            ACTOR,
            self.journal,
            check=False,
            warn=self.fleet.tell,
            is_alive=lambda run: False,
            is_over=lambda run: True,
            opens=lambda place, busy_seconds=None: self.ledger,
        )

    # The plays of deploy_plan.yml.

    def _deploy(self, hosts, act):
        if act == "deploy" and not self._gate(hosts, hosts):
            return
        if self.records and self.as_ != "staged":
            self._begin(hosts, act, self.fleet.digest)
        if act == "deploy":
            self._stage_all(hosts)
        else:
            self._ask(hosts, notes=True)
        self.promises.begin(hosts)
        if self._all_lost(hosts):
            return
        if not self._decided(self._first_decision(hosts, act)):
            return
        for batch in self.batches(_kept.WAVES):
            if not self._wave(batch):
                break
        if self.verdict or self.is_broken_off:
            return
        for batch in self.batches(_kept.WAY_BACK):
            if not self._back_out(batch):
                break
        if not (self.verdict or self.is_broken_off or self.as_ == "staged"):
            raise Broken("the run came to its end without a verdict")

    def _first_decision(self, hosts, act):
        task = self._task(hosts, hosts)
        try:
            return _rolling_out.staged(task) if act == "deploy" else _going_back.found(task)
        except ReleaseError as error:
            self.recorder().stopped(str(error))
            return {"next": "end", "verdict": self.journal.ending().verdict, "reason": str(error)}

    def _stage_all(self, hosts):
        chances = self.fleet.chances
        for host in hosts:
            self._count()
            if self._stage(host, self.fleet.digest) and self.fleet.hooks:
                self._hook(host)
        if self.fleet.hooks and self.fleet.happens(chances.whole_batch):
            self._lose_in_hook(hosts)

    def _wave(self, batch):
        """Do what the second play does with a *batch*; tell whether another one follows."""
        play = self._hosts_of(_kept.WAVES)
        if not self._gate(play, batch):
            return False
        active = [host for host in batch if not self._is_live[host]]
        self.promises.check_capacity(active)
        soaks = self._soaks
        self.switched.append(batch)
        self._each(active, lambda host: self._switch(host, commits=not soaks))
        self._maybe_lose_all(batch)
        if self._all_lost(batch):
            return False
        self.fleet.tell(f"  {self.id}: switched {', '.join(batch)}")
        result = _rolling_out.switched(self._task(play, batch), committed=False)
        if not self._decided(result):
            return False
        if result["next"] != _rolling_out.SOAK:
            return True
        self._each([h for h in active if h not in self.removed], self._commit)
        if self._all_lost(batch):
            return False
        result = _rolling_out.switched(self._task(play, batch), committed=True)
        return self._decided(result)

    def _back_out(self, batch):
        """Do what the third play does with a *batch*; tell whether another one follows."""
        play = self._hosts_of(_kept.WAY_BACK)
        self.promises.check_capacity(batch)
        self.promises.check_order(batch)
        runs = _kept.play(self.journal, _kept.WAY_BACK)["runs"]
        self._each(batch, lambda host: self._revert(host, runs.get(host, self.id)))
        self._maybe_lose_all(batch)
        if self._all_lost(batch):
            return False
        self.fleet.tell(f"  {self.id}: backed out {', '.join(batch)}")
        return self._decided(_rolling_out.reverted(self._task(play, batch)))

    def _decided(self, result):
        """Take in what was decided; tell whether the play goes on."""
        self.promises.check_service()
        self._soaks = result.get("soaks", getattr(self, "_soaks", False))
        if "verdict" in result:
            self._end(result["verdict"], result["reason"])
            return False
        self._count()
        for host in self.fleet.hosts.values():
            host.is_reachable = host.is_reachable or self.fleet.happens(self.fleet.chances.back)
            if host.current and self.fleet.happens(self.fleet.chances.decay):
                host.bad.add(host.current)
                self.fleet.tell(f"    {host.name} stops working")
        return result["next"] != _rolling_out.BACK_OUT or not self.batches(_kept.WAVES)

    def _gate(self, play, batch):
        """Ask the gates before a *batch*; tell whether they are open."""
        task = self._task(play, batch)
        bad = self.fleet.digest in self.fleet.bad_releases()
        closes = play is not batch and self.fleet.happens(self.fleet.chances.gate)
        if bad or closes:
            why = "blockers" if bad else "window"
            self.recorder().stopped(why)
            ending = self.journal.ending()
            self._end(ending.verdict, why)
            return False
        reference = f"sha256:{self.fleet.digest}"
        plan = {"name": self.fleet.plan.name, "revision": 1}
        note = {"reference": reference, "governed": None, "plan": plan, "only_stages": False}
        self.journal.gated({"hosts": task.task_vars["ansible_play_batch"], **note})
        return True

    def _begin(self, hosts, act, digest):
        release = {"name": NAME, "version": version_of(digest), "digest": digest}
        intent = Intent(
            run=self.id,
            act=act,
            application=NAME,
            hosts=tuple(hosts),
            root=ROOT,
            release=release,
            reference=f"sha256:{digest}",
            environments=dict.fromkeys(hosts, ENVIRONMENT),
            plan={"name": self.fleet.plan.name, "revision": 1} if act == "deploy" else {},
        )
        return Intent.from_plain(self.recorder().began(intent, required=True)["intent"])

    # What happens on a host.

    def _stage(self, host, digest):
        there = self.fleet.hosts[host]
        there.flaps = lambda: self.fleet.happens(self.fleet.chances.flap)
        result = self._called(host, lambda: there.stage(digest))
        if not result.get("failed") and self.fleet.happens(self.fleet.chances.hook / 10):
            result = {"failed": True, "code": "system_error", "msg": "no space left"}
        self._note(host, "staged", result)
        self._is_live[host] = result.get("is_live", False)
        if result.get("failed"):
            self._fail(host, result["msg"], staged=False)
            return False
        self.reached.add(host)
        serves = result["in_service"]
        self.up[host] = serves if serves is not None else result["before"]["phase"] != "none"
        return True

    def _switch(self, host, commits):
        if self.fleet.hooks:
            if not self._hook(host) or not self._bring(host, self.fleet.digest, False, False):
                return
            if not self._hook(host):
                return
        self._bring(host, self.fleet.digest, commits)

    def _commit(self, host):
        if not self.fleet.hooks or self._hook(host):
            self._bring(host, self.fleet.digest, commits=True)

    def _bring(self, host, digest, commits, probes=True):
        there = self.fleet.hosts[host]

        def act():
            return there.bring(digest, self.id, commits, probes, holds=not commits)

        result = self._called(host, act)
        self._note(host, "live", result, release=f"sha256:{digest}")
        if result.get("failed"):
            if result["code"] == "host_lost":
                self.up[host] = False
            self._fail(host, result["msg"])
            return False
        self.up[host] = True if probes else None
        return True

    def _revert(self, host, wanted):
        there = self.fleet.hosts[host]
        for probes in (False, True) if self.fleet.hooks else (True,):

            def act(probes=probes):
                return there.revert(wanted, self.id, probes=probes)

            result = self._called(host, act)
            self._note(host, "reverted", result)
            if result.get("code") == "changed_since" and host not in self.lost:
                raise Broken(f"{self.id} cannot undo {wanted} on {host}: {result['msg']}")
            if result.get("failed"):
                self.up[host] = False
                self.journal.note([_failure(host, result["msg"])])
                return
            self.up[host] = result["after"]["phase"] != "none"
            if not probes and self._is_lost_in_hook(host):
                return

    def _fail(self, host, reason, staged=True):
        """Do what failed.yml does."""
        there = self.fleet.hosts[host]
        if staged:

            def act():
                return there.revert(self.id, self.id, commit=False, probes=False)

            result = self._called(host, act)
            self._note(host, "reverted", result)
            if not result.get("failed"):
                if self.up.get(host) is None:
                    self.up[host] = self.promises.began_up(host)
        self.journal.note([_failure(host, reason)])

    def _hook(self, host):
        """Run a hook; tell whether the host goes on."""
        if self._is_lost_in_hook(host):
            return False
        if self.fleet.happens(self.fleet.chances.hook):
            self._fail(host, "the hook failed")
            return False
        return True

    def _is_lost_in_hook(self, host):
        there = self.fleet.hosts[host]
        if there.is_reachable and not self.fleet.happens(self.fleet.chances.lost_in_hook):
            return False
        self._lose_in_hook([host])
        return True

    def _lose_in_hook(self, hosts):
        for host in hosts:
            self.fleet.hosts[host].is_reachable = False
            self.up[host] = False
            self.removed.add(host)
            self.lost.add(host)
            self.fleet.tell(f"    {host} is lost in a hook")

    def _maybe_lose_all(self, batch):
        if self.fleet.hooks and self.fleet.happens(self.fleet.chances.whole_batch):
            self._lose_in_hook(batch)

    def _called(self, host, act):
        """Return what *host* answers; it may be lost before or after it did what it was asked."""
        self._count()
        there = self.fleet.hosts[host]
        if there.is_reachable and self.fleet.happens(self.fleet.chances.lost):
            if self.fleet.happens(0.5):
                act()
            there.is_reachable = False
            self.lost.add(host)
            self.fleet.tell(f"    {host} is lost")
            return dict(LOST)
        return act()

    def _note(self, host, state, result, **arguments):
        status = "failed" if result.get("failed") else "ok"
        arguments = {"root": ROOT, "state": state, **arguments}
        self.journal.note([_answers.deployment(host, status, arguments, result)])
        if result.get("failed"):
            self.fleet.tell(f"    {host}: {state}: {result['msg']}")
            if state == "staged":
                self.up[host] = False

    def _ask(self, hosts, notes=False):
        for host in hosts:
            self._count()
            result = self._called(host, self.fleet.hosts[host].look)
            self.answers[host] = result
            if result.get("failed"):
                self.up[host] = False
                if notes:
                    arguments = {"root": ROOT}
                    self.journal.note([_answers.inspection(host, "failed", arguments, result)])
            else:
                self.reached.add(host)
                self.up[host] = result["deployment"]["phase"] != "none"

    def _each(self, hosts, act):
        """Do *act* with each of *hosts*; some go on by themselves when the controller is killed."""
        for number, host in enumerate(hosts):
            try:
                act(host)
            except Killed:
                for left in hosts[number:]:
                    self._leave(left)
                raise

    def _leave(self, host):
        """Leave a host in the middle of a call, as a killed controller does."""
        there = self.fleet.hosts[host]
        if self.fleet.happens(0.5):
            there.bring(self.fleet.digest, self.id, commits=self.fleet.happens(0.5))

    # What Ansible and the controller do.

    def _end(self, verdict, reason):
        self.fleet.tell(f"  {self.id}: {verdict}: {reason}")
        self.verdict = verdict
        self.promises.check_end()

    @contextlib.contextmanager
    def _alive(self):
        try:
            yield
        except Killed:
            self.fleet.tell(f"  {self.id}: killed at step {self._steps}")

    def _count(self):
        self._steps += 1
        if self._steps == self._killed_at:
            raise Killed

    def _task(self, play, batch, **arguments):
        return SimulatedTask(self, play, batch, **arguments)

    def batches(self, part):
        play = _kept.play(self.journal, part)
        if play["hosts"] == _kept.NOBODY["hosts"]:
            return []
        hosts, found = list(play["hosts"]), []
        for size in play["serial"]:
            batch, hosts = hosts[:size], hosts[size:]
            found.append([host for host in batch if host not in self.removed])
        return [batch for batch in found if batch]

    def _hosts_of(self, part):
        return _kept.play(self.journal, part)["hosts"]

    def _all_lost(self, batch):
        """Tell whether Ansible ends the run, since all hosts of a *batch* are lost."""
        self.is_broken_off = all(host in self.removed for host in batch)
        if self.is_broken_off:
            self.fleet.tell(f"  {self.id}: all hosts of a batch are lost")
        return self.is_broken_off


def _failure(host, reason):
    return _facts.Failure(host=host, status="failed", reason=reason)
