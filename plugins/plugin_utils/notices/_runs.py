# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs of plans, as notices see them: begun, ended, and what was live before and after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ..ledger import _bodies, _kind_run_began, _kind_run_ended
from ..ledger._event import Event
from ..plan._resolved import Resolved
from ..plan._standing import Standing

DEPLOY, BACK_OUT = "deploy", "back_out"
ACTS = (DEPLOY, BACK_OUT)
Key = tuple[str, str, str]


@dataclass
class Run:
    """A run of a *plan*, None for another; *part* is the plan of the domain that it is about.

    *began* and *end* are its first and last event, *before* and *after* the versions by host.
    *release* has name, version and digest, as far as the events have them.
    """

    act: str
    plan: Standing | None = None
    part: Resolved | None = None
    began: Event | None = None
    end: Event | None = None
    environment: str = ""
    release: dict[str, str] = field(default_factory=dict)
    verdict: str = ""
    reason: str = ""
    is_settled: bool = False
    hosts: list[str] = field(default_factory=list)
    before: dict[str, str] = field(default_factory=dict)
    after: dict[str, str] = field(default_factory=dict)

    @property
    def is_back_out(self) -> bool:
        """Whether it took a release back, whole, as it was asked to or on its own."""
        return self.verdict == "backed_out" or (self.act, self.verdict) == (BACK_OUT, "done")

    def begin(self, event: Event) -> None:
        """Take in that the run began, or a batch of it."""
        self.began = self.began or event
        self.environment = event.body.get("environment", self.environment)
        self.release |= event.body.get("release", {})
        self.hosts += [host for host in event.body["hosts"] if host not in self.hosts]

    def finish(self, event: Event) -> None:
        """Take in how the run ended, or a batch of it, as the projection of runs does."""
        body = event.body
        is_first = not self.verdict or self.is_settled or body.get("whole")
        self.reason = body.get("reason", "" if is_first else self.reason)
        self.verdict = (
            body["verdict"] if is_first else _bodies.combined(self.verdict, body["verdict"])
        )
        self.is_settled = bool(body.get("settled_by"))
        goes_on = body.get("more") and self.verdict in ("done", "held")
        self.end = None if goes_on else event
        self.environment = body.get("environment", self.environment)
        self.release |= body.get("release", {})
        for host in body["hosts"]:
            if "before" in host:
                self.before.setdefault(host["host"], host["before"].get("version", ""))
            if "after" in host:
                self.after[host["host"]] = host["after"].get("version", "")


def key(event: Event) -> Key:
    """Return what the events of one run have in common."""
    return event.body["run"], event.body["act"], event.body["part"]


def of(events: Iterable[Event], plans: Mapping[str, Standing]) -> dict[Key, Run]:
    """Return the runs in *events*, each with its plan of *plans* where it has one."""
    found: dict[Key, Run] = {}
    for event in events:
        if event.kind == _kind_run_began.NAME:
            found.setdefault(key(event), Run(event.body["act"])).begin(event)
        elif event.kind == _kind_run_ended.NAME:
            found.setdefault(key(event), Run(event.body["act"])).finish(event)
    for run in found.values():
        if run.act in ACTS:
            run.plan = _plan_of(run, plans)
            run.part = _part_of(run, run.plan)
    return found


def _plan_of(run: Run, plans: Mapping[str, Standing]) -> Standing | None:
    named = run.began.body.get("plan") if run.began else None
    if named:
        plan = plans.get(named["name"])
        return replace(plan, revision=named["revision"]) if plan else None
    if run.act != BACK_OUT:
        return None
    # A way back asks for no plan: it is of the last one that brings what was taken back.
    for plan in reversed(list(plans.values())):
        if plan.resolved.plan.step(run.environment) and _part_of(run, plan):
            return plan
    return None


def _part_of(run: Run, plan: Standing | None) -> Resolved | None:
    """Return the part of *plan* with the release of the *run*, None where none has it."""
    digest, parts = run.release.get("digest"), plan.resolved.each() if plan else ()
    return next((part for part in parts if part.release["digest"] == digest), None)
