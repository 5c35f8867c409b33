# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Events of a ledger, at times that a test chooses: runs, plans, statements and issues."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    chained,
    utc,
)
from ansible_collections.itops.release.plugins.plugin_utils.plan import _statement_files
from ansible_collections.itops.release.tests.fakes import plans

START = datetime(2026, 12, 1, tzinfo=timezone.utc)
ROOT = "/srv/shop"


def at(hours):
    """Return the time so many *hours* after START."""
    return START + timedelta(hours=hours)


def digest(version):
    """Return the release digest of a *version*."""
    return (version.replace(".", "") * 64)[:64]


def release(version):
    """Return name, version and digest of the application shop."""
    return {"name": "shop", "version": version, "digest": digest(version)}


class History:
    """Collects *events*; each is checked against its schema. Times are hours after START."""

    def __init__(self):
        self.events = []
        self._live = {}
        self._plans = {}

    def note(self, hours, kind, subject, **body):
        """Add an event."""
        key = f"{len(self.events)}"
        draft = Draft(kind, subject, body, key)
        _kinds.check(draft)
        sequence = len(self.events) + 1
        actor = Actor("ada@control", "claimed")
        self.events.append(chained(draft, actor, sequence, utc(at(hours)), "0" * 64))

    def began(self, hours, run, version, hosts="ab", act="deploy", env="production", **more):
        """A run began on *hosts*, each a letter."""
        plan = more.pop("plan", None)
        more |= {"plan": {"name": plan, "revision": self._plans[plan].revision}} if plan else {}
        more |= {"environment": env} if env else {}
        body = {"run": run, "act": act, "part": "shop", "hosts": list(hosts), **more}
        self.note(hours, "run_began", "shop", **body, release=release(version))

    def ended(
        self, hours, run, version, hosts="ab", act="deploy", env="production", after=None, **more
    ):
        """A run, or a batch of it, ended; *after* is the version that is live then."""
        phase = more.pop("phase", "live")
        after = version if after is None else after
        told = [self._host(host, after, phase) for host in hosts]
        more |= {"environment": env} if env else {}
        body = {"run": run, "act": act, "part": "shop", "verdict": more.pop("verdict", "done")}
        self.note(hours, "run_ended", "shop", **body, hosts=told, release=release(version), **more)

    def ran(self, begin, end, run, version, hosts="ab", act="deploy", env="production", **more):
        """A run went from *begin* to *end*."""
        plan = {"plan": more.pop("plan")} if "plan" in more else {}
        self.began(begin, run, version, hosts, act, env, **plan)
        self.ended(end, run, version, hosts, act, env, **more)

    def back_out(self, begin, end, run, version, back, hosts="ab", env="production", **more):
        """A run backed a *version* out; *back* is live then."""
        self.ran(begin, end, run, version, hosts, "back_out", env, after=back, **more)

    def propose(self, hours, plain=None, revision=1, version="2", hosts=None):
        """A plan was proposed."""
        places = hosts or {"test": "t", "staging": "s", "production": "ab"}
        what = plans.resolved(plain, release(version), places)
        stands = plans.standing(what, revision=revision, proposed=at(hours))
        self._plans[what.plan.name] = stands
        self.note(
            hours,
            "plan_proposed",
            what.plan.name,
            plan=what.plan.name,
            revision=revision,
            digest=what.digest,
            resolved=what.to_plain(),
            expires=stands.expires,
        )

    def say(self, hours, person, role="", decision="approve", env="production", **more):
        """A person decided about the plan that was proposed last; returns the statement."""
        stands = list(self._plans.values())[-1]
        said = _statement_files.of(stands, plans.LEDGER, env, person, decision, role=role, **more)
        self.note(
            hours,
            "statement_recorded",
            said.plan,
            plan=said.plan,
            revision=said.revision,
            environment=env,
            decision=decision,
            person=person,
            digest=said.digest,
            statement=said.data.decode(),
        )
        return said

    def issue(self, hours, id_="I-1", change="opened", **fields):
        """An issue was opened, or changed."""
        fields = {"title": "Payments fail", **fields} if change == "opened" else fields
        body = {"register": "issue", "id": id_, "change": change, "fields": fields}
        self.note(hours, "register_changed", id_, **body)

    def _host(self, host, version, phase):
        told = {"host": host, "root": ROOT, "result": "ok", "before": {"phase": "none"}}
        if host in self._live:
            told["before"] = self._live[host]
        told["after"] = {"phase": "none"}
        if version:
            told["after"] = {"phase": phase, **release(version)}
        self._live[host] = told["after"]
        return told
