# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ledgers that tell of many plans, hosts and runs, as real events, without running any."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.itops.release.plugins.module_utils.formats import _canonical
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Draft
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.plan import _file
from ansible_collections.itops.release.plugins.plugin_utils.plan._resolved import Place, Resolved
from ansible_collections.itops.release.tests.fakes.memory_ledger import MemoryLedger

BEGIN = datetime(2026, 11, 2, 9, 0, tzinfo=timezone.utc)
ACTOR = Actor("ada@control1", "claimed")
ROOT = "/srv/shop"


class Clock:
    """A clock that goes on as it is told to."""

    def __init__(self, now=BEGIN):
        self.now = now

    def __call__(self):
        return self.now

    def pass_(self, **time):
        self.now += timedelta(**time)


class ToldLedger:
    """A ledger at *place*, else in memory, and what is told to it, as the collection records it."""

    def __init__(self, place=None, begin=BEGIN):
        self.clock = Clock(begin)
        if place is None:
            self.ledger = MemoryLedger(clock=self.clock)
        else:
            self.ledger = Ledger(str(place), clock=self.clock)
        self.runs = 0
        self._live = {}  # releases by host

    def append(self, *drafts, actor=ACTOR):
        return self.ledger.append(list(drafts), actor)

    def propose(self, name, version, hosts, revision=1, application="shop", **plan):
        """Propose a plan that brings a *version* to *hosts*, names by environment."""
        plain = {
            "format": 1,
            "plan": name,
            "author": "ada",
            "release": f"{application}:{version}",
            "why": "Checkout in two steps",
            "change": "normal",
            "path": [{"environment": e, "hosts": e, "waves": [1, "100%"]} for e in hosts],
            **plan,
        }
        release = {
            "name": application,
            "version": version,
            "digest": _canonical.sha256_hex(f"{application} {version}".encode()),
        }
        places = tuple(
            Place(e, tuple(names), dict.fromkeys(names, ROOT)) for e, names in hosts.items()
        )
        resolved = Resolved(_file.of_plain(plain), release, places)
        body = {
            "plan": name,
            "revision": revision,
            "digest": resolved.digest,
            "resolved": resolved.to_plain(),
            "expires": "2027-01-01T00:00:00.000Z",
            "policy": "0" * 64,
        }
        self.append(Draft("plan_proposed", name, body, f"plan/{name}/{revision}"))
        return resolved

    def deploy(self, resolved, environment, waves, verdict="done", reason="", wrong=()):
        """Record a run of a plan over *waves* (lists of hosts); those in *wrong* fail."""
        self.runs += 1
        run = f"run-{self.runs}"
        name, release = resolved.release["name"], dict(resolved.release)
        hosts = [host for wave in waves for host in wave]
        plan = {"name": resolved.plan.name, "revision": 1}
        about = {"run": run, "act": "deploy", "part": name, "environment": environment}
        answers = [{"gate": "window", "open": True}, {"gate": "approvals", "open": True}]
        asked = {"run": run, "environment": environment, "answers": answers}
        asked |= {"plan": plan["name"], "revision": 1}
        began = {**about, "hosts": hosts, "release": release, "plan": plan}
        self.append(
            Draft("gates_answered", plan["name"], asked, f"gates/{run}"),
            Draft("run_began", name, began, f"{run}/began"),
        )
        for number, wave in enumerate(waves, 1):
            self.clock.pass_(minutes=3)
            is_last = number == len(waves)
            told = [self._told(host, release, host in wrong, reason) for host in wave]
            ended = {**about, "release": release, "hosts": told}
            ended |= {"verdict": verdict if is_last else "done", "more": not is_last}
            ended |= {"reason": reason, "whole": True} if is_last and reason else {}
            self.append(Draft("run_ended", name, ended, f"{run}/ended/{number}"))
        return run

    def _told(self, host, release, is_wrong, reason):
        before = self._live.get(host)
        there = {"phase": "live", **before} if before else {"phase": "none"}
        if is_wrong:
            after, result = there, "failed"
        else:
            self._live[host] = release
            after, result = {"phase": "live", **release}, "ok"
        told = {"host": host, "root": ROOT, "result": result, "before": there, "after": after}
        return {**told, "changed": not is_wrong, **({"reason": reason} if is_wrong else {})}

    def remove(self, resolved, environment, hosts):
        """Record that an application was removed from *hosts*."""
        self.runs += 1
        name, run = resolved.release["name"], f"run-{self.runs}"
        about = {"run": run, "act": "uninstall", "part": name, "environment": environment}
        self.append(Draft("run_began", name, {**about, "hosts": hosts}, f"{run}/began"))
        told = [
            {
                "host": host,
                "root": ROOT,
                "result": "ok",
                "before": {"phase": "live", **self._live.pop(host)},
                "after": {"phase": "none"},
                "changed": True,
            }
            for host in hosts
        ]
        ended = {**about, "hosts": told, "verdict": "done", "more": False}
        self.append(Draft("run_ended", name, ended, f"{run}/ended/1"))

    def end(self, plan, how="closed"):
        """Record that a *plan* ended."""
        body = {"plan": plan, "revision": 1, "how": how}
        self.append(Draft("plan_ended", plan, body, f"plan/{plan}/1/ended"))

    def issue(self, id_, change="opened", **fields):
        body = {"register": "issue", "id": id_, "change": change, "fields": fields}
        self.append(Draft("register_changed", id_, body, f"register/issue/{id_}/{change}"))


def many(place, plans, hosts):
    """Return a ledger with so many *plans* for two environments, over so many *hosts*.

    All but the last ten are closed.
    """
    told = ToldLedger(place)
    names = [f"web{number:04}.example.org" for number in range(1, hosts + 1)]
    part = max(1, hosts // 10)
    where = {"staging": names[:part], "production": names[part:] or names}
    for number in range(1, plans + 1):
        resolved = told.propose(f"shop-1.{number}", f"1.{number}.0", where)
        told.clock.pass_(hours=1)
        for environment, here in where.items():
            canary, rest = here[:1], here[1:]
            wrong = rest[-1:] if number % 10 == 0 and environment == "production" else ()
            why = f"{wrong[0]}: probe failed: answered 500" if wrong else ""
            verdict = "backed_out" if wrong else "done"
            waves = [wave for wave in (canary, rest) if wave]
            run = told.deploy(resolved, environment, waves, verdict, why, wrong)
            if wrong:
                told.issue(f"I-{number}", title=f"shop 1.{number}.0: {why}", blocker=True, run=run)
            told.clock.pass_(hours=2)
        if number <= plans - 10:
            told.end(f"shop-1.{number}")
    return told
