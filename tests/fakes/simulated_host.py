# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pretended host: what its deployment root remembers, without files, for many hosts at once.

It answers as ``module_utils/deployment`` does to the calls that a deployment in waves makes, about
releases of one application, with a probe, without leases and restarts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace

NAME, ROOT = "shop", "/srv/shop"
LOST = {"failed": True, "code": "host_lost", "msg": "no route to host"}
MOVES = ("activated", "went back", "accepted", "put back", "settled")


@dataclass(frozen=True)
class Change:
    """*run* made *to* live, where *back* was before."""

    run: str
    to: str
    back: str | None


@dataclass
class SimulatedHost:
    """A host with what is *live*, and on *trial*; releases are digests.

    Releases that are *bad* do not work here. *flaps* tells whether a probe fails for no reason.
    """

    name: str
    live: str | None = None
    bad: set = field(default_factory=set)
    is_reachable: bool = True
    flaps: object = lambda: False
    trial: str | None = None
    change: Change | None = None
    tried: Change | None = None
    history: list = field(default_factory=list)
    clock: object = field(default_factory=lambda: itertools.count(1))

    @property
    def current(self):
        return self.trial or self.live

    @property
    def phase(self):
        return "on trial" if self.trial else "live" if self.live else "none"

    @property
    def serves(self):
        """Whether it is in service in truth."""
        return self.is_reachable and self.current is not None and self.current not in self.bad

    @property
    def by(self):
        """The run that brought what is current; one that went back to an older one did not."""
        for change, tree in ((self.tried, self.trial), (self.change, self.live)):
            if change and tree and change.to == tree == self.current:
                return None if change.back and tree < change.back else change.run
        return None

    @property
    def is_first(self):
        """Whether nothing was live before what is current."""
        change = self.tried if self.trial else self.change
        return bool(change and change.back is None)

    def snapshot(self):
        """Return what a run that changes nothing leaves as it is."""
        return (self.live, self.trial, self.change, self.tried)

    def stage(self, digest):
        """Answer to ``state: staged`` with a baseline."""
        if not self.is_reachable:
            return dict(LOST)
        baseline = {"in_service": None, "out_of_service": None}
        if self.phase != "none":
            problem = self._problem()
            baseline = {"in_service": not problem, "out_of_service": problem or None}
        is_live = self.live == digest and not self.trial
        return {**self._outcome(self._brief(), False, self.by), **baseline, "is_live": is_live}

    def bring(self, digest, run, commits=True, probes=True, holds=False):
        """Answer to ``state: live``; one that holds the root answers for the trial of another."""
        if not self.is_reachable:
            return dict(LOST)
        before, by = self._brief(), self.by
        changed = self.current != digest
        if changed:
            self._activate(digest, run)
        elif not self.trial:
            return self._outcome(before, False, by)
        if (probes or commits or holds) and self.trial and self.tried:
            self.tried = replace(self.tried, run=run)
        if probes:
            problem = self._problem()
            if problem and self.trial:
                failed = self._withdraw(run)
                said = {"failed": True, "code": "rolled_back", "msg": f"{failed}: {problem}"}
                return {**self._outcome(before, True, by), **said, "switched_back": True}
            if problem:
                return {"failed": True, "code": "probe_failed", "msg": problem}
        if commits and self.trial:
            self._accept(run)
            changed = True
        return self._outcome(before, changed, by)

    def revert(self, wanted, run, commit=True, probes=True):
        """Answer to ``state: reverted`` of the run *wanted*, to a call of *run*."""
        if not self.is_reachable:
            return dict(LOST)
        before, by = self._brief(), self.by
        change, refusal = self._to_undo(wanted, commit)
        if refusal:
            return {"failed": True, "code": "changed_since", "msg": refusal}
        if change is None and not (probes and self._is_unfinished(wanted)):
            return self._outcome(before, False, by)
        if change is not None:
            if self.live != change.back:
                self.live, self.trial = change.back, change.to
                self.change, self.tried = None, change
            self._note(run, "reverted", change.to, change.run)
            self._withdraw(run)
        said = {**self._outcome(before, change is not None, by), "switched_back": bool(change)}
        if not (probes and self.live):
            return said
        problem = self._problem()
        said["probes"] = [{"kind": "command", "ok": not problem}]
        if problem:
            return {**said, "failed": True, "code": "probe_failed", "msg": problem}
        return said

    def look(self):
        """Answer to release_deployment_info."""
        if not self.is_reachable:
            return {**LOST, "msg": "unreachable: no route to host"}
        here = {each["tree"] for each in self.history if each["tree"]}
        return {
            "changed": False,
            "by": self.by,
            "deployment": {
                "root": ROOT,
                "phase": self.phase,
                "current": self.current,
                "live": _described(self.live),
                "trial": _described(self.trial),
                "since": "2026-12-01T00:00:00Z",
                "releases": [{"tree": d, "digest": d, "version": version_of(d)} for d in here],
            },
            "history": list(self.history),
        }

    def _problem(self):
        if self.current in self.bad:
            return "the probe failed"
        return "the probe failed this time" if self.flaps() else ""

    def _activate(self, digest, run):
        if digest != self.live:
            self.tried = Change(run, digest, self.live)
        self._note(run, "activated", digest, self.current)
        self._point_to(digest)

    def _point_to(self, digest):
        self.trial = None if digest == self.live else digest
        if self.tried and self.tried.to != digest:
            self.tried = None

    def _withdraw(self, run):
        failed = self.trial
        self._point_to(self.live)
        self.trial = None
        self._note(run, "put back", self.live, failed)
        return failed

    def _accept(self, run):
        """Commit the trial; what *run* committed before is part of the change."""
        tried, commit = self.tried, self.change
        change = None
        if tried and tried.to == self.trial:
            change = replace(tried, run=run)
            if commit and commit.to == self.live and commit.run == run:
                change = replace(change, back=commit.back)
            if change.to == change.back:
                change = None
        self.change, self.live, self.trial, self.tried = change, self.trial, None, None
        self._note(run, "accepted", self.live, None)

    def _to_undo(self, run, commit):
        """Return the Change of *run* that is to be undone, if any, or why that cannot be."""
        tried = self.tried if self.trial and self.tried and self.tried.to == self.trial else None
        tried = tried if tried and tried.run == run else None
        if not commit:
            return tried, ""
        done = self.change
        if done and done.run == run and done.to == self.live:
            if tried:
                return (done if tried.to == done.back else replace(done, to=tried.to)), ""
            return (None, "something else became live since") if self.trial else (done, "")
        if tried is None and self._stands(run):
            return None, "something else became live since"
        return tried, ""

    def _stands(self, run):
        """Tell whether something stands of what *run* changed, by the history."""
        events = [each for each in self.history if each["event"] in (*MOVES, "reverted")]
        own = [n for n, each in enumerate(events) if each["run"] == run and each["event"] in MOVES]
        if not own or events[own[-1]]["event"] == "put back":
            return False
        since = events[own[-1] + 1 :]
        if any((each["event"], each["from"]) == ("reverted", run) for each in since):
            return False
        last, before = events[own[-1]], self._live_before(events[: own[-1]], run)
        if not since:
            return bool(self.trial) or self.live != before
        after, was_tried = since[0], last["event"] == "activated"
        went_back = was_tried and after["event"] == "activated" and after["tree"] == before
        return after["event"] != "put back" and not went_back

    @staticmethod
    def _live_before(events, run):
        others = [e for e in events if e["event"] in ("accepted", "put back") and e["run"] != run]
        return others[-1]["tree"] if others else None

    def _is_unfinished(self, run):
        if self.trial:
            return False
        for event in reversed(self.history):
            if event["event"] == "reverted":
                return event["from"] == run
            if event["event"] in MOVES and event["event"] not in ("put back", "settled"):
                return False
        return False

    def _note(self, run, event, tree, came_from):
        at = next(self.clock)
        time = f"2026-12-01T{at // 3600 % 24:02d}:{at // 60 % 60:02d}:{at % 60:02d}Z"
        self.history.append(
            {"at": time, "run": run, "event": event, "tree": tree, "from": came_from}
        )

    def _brief(self):
        nothing = dict.fromkeys(("name", "version", "serial", "digest"))
        return {"phase": self.phase, **(_described(self.current) or nothing)}

    def _outcome(self, before, changed, by):
        return {
            "changed": changed,
            "before": before,
            "after": self._brief(),
            "by": by,
            "code": "ok",
            "switched_back": False,
            "probes": [],
        }


def version_of(digest):
    """Return the version of the release with this *digest*, whose digits are all the same."""
    return f"{int(digest[0], 16)}.0.0"


def _described(digest):
    if digest is None:
        return None
    return {
        "name": NAME,
        "version": version_of(digest),
        "serial": int(digest[0], 16),
        "digest": digest,
    }
