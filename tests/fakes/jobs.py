# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs of a train that deploy to hosts in memory, and record that as deployments do."""

from __future__ import annotations

import itertools

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _recording
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import HostOutcome
from ansible_collections.itops.release.plugins.plugin_utils.ledger._recording import Intent
from ansible_collections.itops.release.plugins.plugin_utils.train._job import Result
from ansible_collections.itops.release.plugins.plugin_utils.train._train import (
    BACKED_OUT,
    DONE,
    HELD,
    LIVE,
    LOST,
    REFUSED,
    SETTLED,
    STAGED,
)

ACTOR = Actor("ada@control", "claimed")
ROOT = "/srv/shop"
MOST_WAITS = 500
ANSWERS = 3600.0  # seconds that a job which does not answer has been silent


class Hosts:
    """What is live on the hosts of a plan with domains, and by which run."""

    def __init__(self, whole, environment, ledger, verdicts=None):
        self.whole, self.environment, self.ledger = whole, environment, ledger
        self.verdicts = dict(verdicts or {})  # by (domain, job), else done
        self.live = {}  # the run that brought the release of the plan, by host
        self.locks = {}  # the run that hosts are locked by, by domain
        self.names = itertools.count(1)

    def of(self, domain):
        return self.whole.of_domain(domain).place(self.environment).hosts

    def there(self):
        """Return the domains that have the release on some host."""
        return {name for name in self.whole.parts if any(h in self.live for h in self.of(name))}

    def intent(self, domain, act, run):
        part, hosts = self.whole.of_domain(domain), self.of(domain)
        return Intent(
            run,
            act,
            part.release["name"],
            hosts,
            ROOT,
            dict(part.release),
            environments=dict.fromkeys(hosts, self.environment),
            plan={"name": self.whole.plan.name, "revision": 1} if act == "deploy" else {},
        )

    def outcomes(self, domain, result="ok", touched=True, phase="live"):
        release = dict(self.whole.of_domain(domain).release)
        found = []
        for host in self.of(domain):
            there = host in self.live
            after = _facts.Release(phase=phase, **release) if there else _facts.NOTHING
            found.append(HostOutcome(host, ROOT, result, after=after, touched=touched))
        return found

    def record(self, domain, act, run, verdict, settled_by="", **more):
        intent = self.intent(domain, act, run)
        reason = "" if verdict == DONE else "why"
        release = dict(intent.release)
        more |= {"phase": "on trial"} if verdict == HELD else {}
        outcomes = self.outcomes(domain, **more)
        draft = _recording.ended(intent, outcomes, release, settled_by, verdict, reason)
        self.ledger.append([draft], ACTOR)


class FakeJob:
    """A job that goes on until it is waited for; one that is lost does so until it is stopped."""

    output = "job.log"

    def __init__(self, hosts, start, is_over):
        self.hosts, self.start, self.result = hosts, start, None
        self.run = f"run-{next(hosts.names)}"
        self.verdict = hosts.verdicts.get((start.domain, start.job), DONE)
        self.phase, self.is_over = 0, is_over

    def silent_s(self):
        return ANSWERS if self.verdict == LOST and self.phase else 0.0

    def stop(self):
        self.hosts.locks.pop(self.start.domain, None)  # its run is over
        self.result = Result(-15)

    def begin(self):
        """Do the first half: a deployment is live on the first host, and has no end on record."""
        locked = self.hosts.locks.get(self.start.domain)
        if locked and locked != self.start.takeover and not self.is_over(locked):
            self.verdict = REFUSED
        if self.start.job == LIVE and self.verdict != REFUSED:
            self.hosts.locks[self.start.domain] = self.run
            intent = self.hosts.intent(self.start.domain, "deploy", self.run)
            self.hosts.ledger.append([_recording.began(intent)], ACTOR)
            self.hosts.live.setdefault(self.hosts.of(self.start.domain)[0], self.run)

    def end(self):
        """Do the rest."""
        hosts, domain, run = self.hosts, self.start.domain, self.run
        if self.verdict == LOST:
            return
        if self.start.job == LIVE and self.verdict != REFUSED:
            hosts.locks.pop(domain, None)
            self.settle(but=run)
            new = {host: run for host in hosts.of(domain) if host not in hosts.live}
            if self.verdict == DONE:
                hosts.live |= new
            elif self.verdict == "backed_out":
                for host in hosts.of(domain):
                    hosts.live.pop(host, None)
            hosts.record(domain, "deploy", run, self.verdict)
        elif self.start.job == BACKED_OUT and self.verdict == DONE:
            for host in hosts.of(domain):
                if not self.start.runs or hosts.live.get(host) in self.start.runs:
                    hosts.live.pop(host, None)
            hosts.record(domain, "back_out", run, DONE)
        elif self.start.job == SETTLED:
            self.settle()
        told = "" if self.start.job in (STAGED, SETTLED) else self.verdict
        self.result = Result(0 if self.verdict == DONE else 2, told, "why", run)

    def settle(self, but=""):
        """Record an end of the other runs that have none, by what is live."""
        part = self.hosts.whole.of_domain(self.start.domain)
        name = part.release["name"]
        for row in self.hosts.ledger.rows("runs", ended=None, application=name):
            if row["run"] == but:
                continue
            more = {"settled_by": self.run, "touched": False}
            self.hosts.record(self.start.domain, "deploy", row["run"], "failed", **more)


class FakeJobs:
    """Jobs that go on one step a wait; ``moment()`` is called after each."""

    def __init__(self, hosts, is_over=lambda run: False):
        self.hosts, self.is_over = hosts, is_over
        self.going, self.started, self.starts = [], [], []
        self.moment, self.waits = lambda: None, itertools.count()

    def start(self, start):
        job = FakeJob(self.hosts, start, self.is_over)
        self.starts.append(start)
        self.going.append(job)
        self.started.append((start.domain, start.job))
        return job

    def wait(self, seconds):
        del seconds
        if next(self.waits) > MOST_WAITS:
            raise AssertionError("the train waits for ever")
        told = self.go_on()
        self.moment()
        return told

    def go_on(self):
        for job in self.going:
            job.phase += 1
            if job.phase == 1:
                job.begin()
            if job.phase < 3:
                return [(job.start.domain, "it goes on")]
        for job in list(self.going):
            job.end()
            if job.result is not None:
                self.going.remove(job)
                return []
        return []
