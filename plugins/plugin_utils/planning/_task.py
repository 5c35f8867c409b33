# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task that is about a plan: the files that it rests on, who acts, and the ledger."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from functools import cached_property
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ...module_utils.formats import _canonical
from ..adapter import _play
from ..gates import _addresses, _collect, _environments, _outlook, _redirection, _sources
from ..gates._sources import GateError, Planned, Sources
from ..ledger import _actor, _noting, _recorder
from ..ledger._event import Actor
from ..ledger._journal import Journal
from ..ledger._ledger import Ledger
from ..plan import _file as _plan_file
from ..plan import _statement_files, _taking_in
from ..plan._agreement import Recorded
from ..plan._plan import Plan, Step
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..policy import _file as _policy_file
from ..policy import _in_force
from ..policy._policy import Policy, identify
from ..registers import _register
from ..run import _identity
from . import _ordering
from ._acting import Acting

# Options that are sentences.
TEXTS = ("reason", "title", "workaround", "corrective_action", "by", "item", "at")
AWX_USER = ("awx_user_name", "tower_user_name")


class PlanTask:
    """The task of an *action* with its *arguments*; each part is read when it is needed first."""

    def __init__(
        self, action: Any, arguments: Mapping[str, Any], task_vars: Mapping[str, Any]
    ) -> None:
        self.action = action
        self.arguments = self._with_whole_texts(arguments)
        self.task_vars = task_vars
        self.check = bool(action._task.check_mode)
        self.now = datetime.now(timezone.utc)

    @staticmethod
    def _with_whole_texts(arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return *arguments* with the texts of the command line as people wrote them."""
        prefix = str(arguments["variables"] or "")
        whole = _play.whole_texts({prefix + name for name in TEXTS if name in arguments})
        cut = {
            name.removeprefix(prefix): text
            for name, text in whole.items()
            if arguments[name.removeprefix(prefix)] == text.split()[0]
        }
        return {**arguments, **cut}

    @cached_property
    def sources(self) -> Sources:
        """What the task rests on; what a plan needs is taken from the variables of its hosts."""
        names = ("plan", "policy", "calendar", "ledger", "media_library", "trust", "approvals")
        given = {name: self.arguments[name] or "" for name in names}
        return Sources(**given)

    @property
    def journal(self) -> Journal:
        """The journal of the run."""
        return _noting.journal()

    def hosts_of(self, pattern: str) -> tuple[str, ...]:
        """Return the hosts of the inventory that *pattern* selects, whatever --limit says."""
        return _play.hosts_of(self.action, pattern, self.task_vars)

    def value_of(self, host: str, name: str) -> Any:
        """Return the variable *name* of *host*, None where it has none."""
        return _play.value_of(self.task_vars, host, name)

    @cached_property
    def plan(self) -> Plan:
        """The file of the plan alone: a way back needs neither policy nor calendar."""
        return _plan_file.read(os.path.expanduser(self.sources.plan))[0]

    @cached_property
    def planned(self) -> Planned:
        """Plan, policy and calendar."""
        if not self.sources.plan:
            raise GateError("plan (release_plan) is required", code="invalid_option")
        return _sources.read(self.sources)

    @cached_property
    def policy(self) -> Policy:
        """The policy; GateError without one."""
        if self.sources.plan:
            return self.planned.policy
        if not self.sources.policy:
            raise GateError("release_policy is required: set it in the inventory")
        return _policy_file.read(self.sources.policy)

    @cached_property
    def actor(self) -> Actor:
        """Who acts, by what surrounds the run."""
        return _actor.of_run(self.task_vars, os.environ)

    @cached_property
    def run(self) -> str:
        """The id of the run."""
        return _identity.run_id(self.task_vars)

    @cached_property
    def acting(self) -> Acting:
        """Who acts, as the policy knows them."""
        awx = next((str(self.task_vars[n]) for n in AWX_USER if self.task_vars.get(n)), None)
        if awx is None and self.actor.strength == "awx":
            awx = ""
        identity = identify(self.policy, _identity.user_name(), awx, self.actor.name)
        return Acting(self.policy, identity, self.arguments["key"] or "", self.now, self.run)

    @contextlib.contextmanager
    def ledger(self, must_exist: bool = True) -> Iterator[Ledger]:
        """Give the ledger; without *must_exist* the first event makes it."""
        if not self.sources.ledger:
            raise GateError("release_ledger is required: set it in the inventory")
        opened = Ledger(self.sources.ledger) if not must_exist else _sources.opened(self.sources)
        with contextlib.closing(opened) as ledger:
            self.now = _sources.time_of(ledger, self.now)
            yield ledger

    def refuse_extra_variables(self, with_plan: bool = False) -> None:
        """Raise GateError where extra variables would redirect what the plan rests on.

        *with_plan*: options of the role are fixed, as they are where a plan is used.
        """
        given = _play.extra_variables(self.action)
        _redirection.refuse(given, self.task_vars, with_plan or bool(self.sources.plan))

    def accept_policy(self, ledger: Ledger, policy: Policy) -> None:
        """Record that the policy came into force, where another one was; or PolicyError."""
        drafts = _in_force.changes(ledger, _sources.inputs(self.sources, policy), self.now)
        if drafts and not self.check:
            ledger.append(drafts, self.actor)

    def resolved(self) -> Resolved:
        """Return the plan as it is now."""
        for step in self._steps():
            hosts = self.hosts_of(step.hosts)
            if not hosts:
                raise GateError(
                    f"{self.sources.plan}: hosts '{step.hosts}' of {step.environment}: no host of "
                    "the inventory"
                )
            self._check_environment(step)
            _ordering.ordered(self, step, hosts)  # refuses a canary that is not there
        return _sources.resolve(self.library_named(), self.planned, self.inventory, self.now)

    def _steps(self) -> list[Step]:
        """Return the steps of the plan, of each of its domains, with their hosts."""
        return [step for part in self.planned.plan.parts().values() for step in part.path]

    def _check_environment(self, step: Step) -> None:
        """Refuse hosts of another environment than the step says, by the inventory."""
        hosts = self.hosts_of(step.hosts)
        names, groups = self.policy.names(), self.task_vars["groups"]
        if step.environment not in names:
            return  # which is reported with file and line
        _environments.demand(hosts, step.environment, names, groups)

    def media_library(self) -> str:
        """Return the media library of the plan's hosts, "" where none is named."""
        return self.sources.media_library or self._of_hosts("deploy_media_library")

    def library_named(self) -> Sources:
        """Return the sources with the media library and trust of the plan's hosts."""
        given = dict(self.sources.__dict__)
        for name in ("media_library", "trust"):
            given[name] = given[name] or self._of_hosts(f"deploy_{name}")
        self.sources = Sources(**given)
        if not self.sources.media_library:
            raise GateError("deploy_media_library is required: set it in the inventory")
        return self.sources

    def inventory(self, step: Step) -> list[_play.HostOptions]:
        """Return the hosts that *step* is about, with their role options."""
        hosts = self.hosts_of(step.hosts)
        return _play.role_options(self.action, self.task_vars, hosts)

    def take_in(self, ledger: Ledger, record: _collect.OnRecord) -> _collect.OnRecord:
        """Take signed statements into *ledger*; return what is on *record* after that."""
        taken: list[Recorded] = []
        for name in record.plans if self.sources.approvals else ():
            folder = os.path.join(self.sources.approvals, name)
            taken += _taking_in.take_in(
                ledger,
                self.policy,
                record.plans,
                _statement_files.signed(folder),
                self.now,
                self.action._display.warning,
                keep=not self.check,
            )
        for each in taken:
            said = each.statement
            self.show(f"taken in: {said.decision} of {said.person} for {said.environment}")
        if self.check:
            return _collect.with_statements(record, taken)
        if taken:
            record = _collect.OnRecord.of(ledger)
        return self._open_issues(ledger, record)

    def _open_issues(self, ledger: Ledger, record: _collect.OnRecord) -> _collect.OnRecord:
        """Open an issue for each emergency that was not ratified in time."""
        opened = False
        for standing, environment, who in _outlook.unratified(self.policy, record, self.now):
            id_ = f"E-{standing.plan}-{standing.revision}"
            if any(entry.id == id_ for entry in record.entries):
                continue
            fields: dict[str, Any] = {
                "title": f"Emergency {standing.plan} was not ratified in time in {environment}",
                "severity": "high",
                "reason": f"needs {who}",
            }
            about = {"plan": standing.plan, "revision": standing.revision}
            draft = _register.changed([], _register.ISSUE, id_, _register.OPENED, fields, **about)
            ledger.append([draft] if draft else [], self.actor)
            self.show(f"issue {id_} opened: {fields['title']}")
            opened = True
        return _collect.OnRecord.of(ledger) if opened else record

    def record(self, ledger: Ledger, standing: Standing, recorded: Recorded, run: str = "") -> None:
        """Check *recorded*, and record it unless this is a dry run."""
        head = ledger.head()
        _taking_in.check(
            self.policy,
            standing,
            recorded,
            head.ledger if head else "",
            self.now,
            _taking_in.verifier(self.policy),
            run,
        )
        if not self.check:
            actor = Actor(recorded.statement.person, recorded.strength)
            ledger.append([_taking_in.draft(recorded)], actor)

    def as_run(self, hosts: Sequence[str] = (), networks: bool = False) -> _collect.Run:
        """Return this run, which is about *hosts*, as gates see it, with addresses for *networks*.

        The job of AWX is named by an extra variable: an override is bound to the process, and a run
        on record is this one only if it began here.
        """
        begun = _noting.journal().last_intent()
        takeover = str(self.arguments.get("takeover") or "")
        return _collect.Run(
            _identity.process_id(),
            self.acting.identity,
            tuple(hosts),
            self.addresses(hosts) if networks else {},
            own_run=begun["run"] if begun else "",
            takes_over="" if _identity.is_alive(takeover) else takeover,
            is_over=_identity.is_over,
        )

    def addresses(self, hosts: Sequence[str]) -> dict[str, tuple[str, ...] | str]:
        """Return the addresses of *hosts*, or why those of a host are not known."""
        found: dict[str, tuple[str, ...] | str] = {}
        for each in _play.connections(self.action, self.task_vars, hosts):
            target = _addresses.Target(each.host, each.plugin, each.address, each.ssh_arguments)
            try:
                found[each.host] = _addresses.addresses(target)
            except ReleaseError as error:
                found[each.host] = str(error)
        return found

    def recorder(self) -> _recorder.Recorder:
        """Return what records this run in the ledger."""
        return _recorder.Recorder(
            self.sources.ledger,
            self.actor,
            _noting.journal(),
            self.check,
            self.action._display.warning,
            _identity.is_alive,
            _identity.is_over,
        )

    def show(self, *lines: str) -> None:
        """Print *lines* for people."""
        for line in lines:
            self.action._display.display(_canonical.printable(line))

    def _of_hosts(self, name: str) -> str:
        for step in self._steps():
            for host in self.hosts_of(step.hosts):
                value = self.value_of(host, name)
                if value:
                    return os.path.expanduser(str(value))
        return ""
