# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run while the events of the ledger about it are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ..definition import _duration
from ..ledger import _bodies
from ..ledger._event import Event, moment
from ..plan._plan import Plan
from ..plan._resolved import Resolved

LIVE = "live"
Place = tuple[str, str]  # application and environment


@dataclass(frozen=True)
class Live:
    """A release that is live, and committed, under a deployment root."""

    application: str
    digest: str


@dataclass
class RunOnRecord:
    """What is known of a *run* so far, of what it does (*act*) with one application (*part*).

    *before* has the releases that were live on each host; *accepted* and *was_live* are by
    environment; *completed* are environments in which other runs brought what this one lacked.
    """

    run: str
    act: str
    part: str
    began: datetime
    application: str = ""
    digest: str = ""
    version: str = ""
    environment: str = ""
    plan_name: str = ""
    revision: int = 0
    resolved: Resolved | None = None
    ended: datetime | None = None
    verdict: str = ""
    settled: bool = False
    troubled: datetime | None = None
    hosts: dict[str, str] = field(default_factory=dict)  # their environments, "" where not known
    before: dict[str, set[str]] = field(default_factory=dict)
    accepted: dict[str, datetime] = field(default_factory=dict)
    was_live: dict[str, bool] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)

    def begin(self, event: Event, before: Mapping[str, set[str]]) -> None:
        """Take in that it began, or goes on with another batch; *before* is what is live there."""
        body = event.body
        self._about(event)
        self.ended = None
        plan = body.get("plan", {})
        self.plan_name = plan.get("name", self.plan_name)
        self.revision = plan.get("revision", self.revision)
        for host in body["hosts"]:
            self.hosts.setdefault(host, self._only_environment(event))
            self.before.setdefault(host, before.get(host, set()))

    def end(self, event: Event) -> None:
        """Take in that it ended, or a batch of it; as the ledger's projection of runs does."""
        body = event.body
        self._about(event)
        verdict, at = body["verdict"], moment(event.time)
        in_trouble = verdict == "held" and body.get("more") and body.get("reason")
        if self.troubled is None and (verdict in ("failed", "backed_out") or in_trouble):
            self.troubled = at
        if self.verdict and not self.settled and not body.get("whole"):
            verdict = _bodies.combined(self.verdict, verdict)
        self.verdict, self.settled = verdict, bool(body.get("settled_by"))
        self.ended = None if body.get("more") and verdict in ("done", "held") else at
        for host in body["hosts"]:
            known = self.hosts.get(host["host"]) or self._only_environment(event)
            self.hosts[host["host"]] = host.get("environment") or known
        self.before |= _before(body["hosts"])

    def _about(self, event: Event) -> None:
        body = event.body
        release = body.get("release", {})
        self.application = release.get("name") or self.application or event.subject
        self.digest = release.get("digest", self.digest)
        self.version = release.get("version", self.version)
        self.environment = body.get("environment") or self.environment

    def _only_environment(self, event: Event) -> str:
        """Return the environment that *event* is about, "" where there are several."""
        environment = str(event.body.get("environment", ""))
        return "" if ", " in environment else environment

    def environments(self) -> list[str]:
        """Return the environments it is in; "" for one that is not known."""
        named = {environment for environment in self.hosts.values() if environment}
        told = [name for name in self.environment.split(", ") if name]
        return [*told, *sorted(named - {*told})] or [""]

    def hosts_in(self, environment: str) -> tuple[str, ...]:
        """Return its hosts in an *environment*; in the only one, all that are in no other."""
        unknown = "" if self.environments() == [environment] else environment
        return tuple(host for host, name in self.hosts.items() if name in (environment, unknown))

    def planned(self, environment: str) -> tuple[str, ...]:
        """Return the hosts that its plan has in an *environment*; without a plan, its own."""
        place = self.resolved.place(environment) if self.resolved else None
        return place.hosts if place else self.hosts_in(environment)

    def covers(self, environment: str) -> bool:
        """Tell whether it is about all planned hosts."""
        return set(self.planned(environment)) <= set(self.hosts_in(environment))

    def plans_all(self, other: RunOnRecord, environment: str) -> bool:
        """Tell whether its planned hosts are those of an *other* run, or more."""
        return set(other.planned(environment)) <= set(self.planned(environment))

    def replaced(self, environment: str) -> set[str]:
        """Return the releases that were live on its hosts before, but its own."""
        there = [self.before.get(host, set()) for host in self.hosts_in(environment)]
        found = {digest for digests in there for digest in digests}
        return found - {"", self.digest}

    def had_already(self, environment: str) -> bool:
        """Tell whether all its hosts had its release, and nothing else, live before."""
        hosts = self.hosts_in(environment)
        return bool(hosts) and all(self.before.get(host) == {self.digest} for host in hosts)


def _before(hosts: Sequence[Mapping[str, Any]]) -> dict[str, set[str]]:
    """Return the releases that were live on each of *hosts*, as far as the end of a run says."""
    found: dict[str, set[str]] = {}
    for host in hosts:
        if "before" in host:
            there = found.setdefault(host["host"], set())
            there |= {host["before"].get("digest", "")} if host["before"]["phase"] == LIVE else {""}
    return found


def part_of(plans: Mapping[tuple[str, int], Resolved], run: RunOnRecord) -> Resolved | None:
    """Return the plan that *run* follows, of a domain where it has some; None without one."""
    resolved = plans.get((run.plan_name, run.revision))
    parts = resolved.each() if resolved else ()
    by_digest = [part for part in parts if run.digest and part.release["digest"] == run.digest]
    by_name = [part for part in parts if part.release["name"] == run.application]
    return next(iter([*by_digest, *by_name]), None)


def early_life_of(plan: Plan | None) -> timedelta | None:
    """Return the time of early-life support that a *plan* has, None where it has none."""
    text = plan.plain.get("early_life") if plan else None
    return _duration.parse(text) if text else None
