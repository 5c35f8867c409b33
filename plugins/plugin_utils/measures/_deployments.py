# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments on record: what each run brought where, and when all planned hosts had it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from ..ledger import _kind_history_found, _kind_plan_proposed, _kind_run_began, _kind_run_ended
from ..ledger._event import Event, moment
from ..plan._plan import Plan
from ..plan._resolved import Resolved
from ._deployment import ACTS, BACK_OUT, DEPLOY, DONE, FAILED, HELD, ROLLBACK, Deployment
from ._runs import LIVE, Live, Place, RunOnRecord, early_life_of, part_of


def fold(events: Iterable[Event]) -> tuple[Deployment, ...]:
    """Return what *events* of the ledger, in their order, have on record, as the runs began.

    A run in several environments is one deployment in each. A deployment that leaves out hosts of
    the plan is whole, and accepted, once other runs have brought its release to the rest, unless
    one of them covers all of them itself.
    """
    folding = _Folding()
    for event in events:
        folding.note(event)
    return tuple(folding.deployments())


class _Folding:
    """Events in, one after another; deployments out."""

    def __init__(self) -> None:
        self._plans: dict[tuple[str, int], Resolved] = {}
        self._live: dict[str, dict[str, Live]] = {}  # by host and root
        self._runs: dict[tuple[str, str, str], RunOnRecord] = {}
        self._accepted: dict[Place, RunOnRecord] = {}  # what was accepted last
        self._failed: set[tuple[Place, str]] = set()  # what hosts may have, and was not accepted
        self._unfinished: dict[Place, RunOnRecord] = {}  # deployments that lack planned hosts

    def note(self, event: Event) -> None:
        body = event.body
        if event.kind == _kind_plan_proposed.NAME:
            self._plans[event.subject, body["revision"]] = Resolved.from_plain(body["resolved"])
        elif event.kind == _kind_history_found.NAME and "after" in body:
            self._now_live(event.subject, body)
            for place in list(self._unfinished):
                self._finish(place, moment(event.time))
        elif event.kind == _kind_run_began.NAME:
            key = (body["run"], body["act"], body["part"])
            run = self._runs.setdefault(key, RunOnRecord(*key, began=moment(event.time)))
            run.begin(event, self._digests_on(body["hosts"], event.subject))
        elif event.kind == _kind_run_ended.NAME:
            self._end(event)

    def _end(self, event: Event) -> None:
        body, at = event.body, moment(event.time)
        key = (body["run"], body["act"], body["part"])
        run = self._runs.setdefault(key, RunOnRecord(*key, began=at))
        run.end(event)
        for host in body["hosts"]:
            if "root" in host and "after" in host:
                self._now_live(event.subject, host)
        for environment in run.environments() if run.ended else ():
            self._decide(run, environment, at)

    def _decide(self, run: RunOnRecord, environment: str, at: datetime) -> None:
        """Decide what a run that ended *at* a time was in an *environment*."""
        place = (run.application, environment)
        run.resolved = run.resolved or part_of(self._plans, run)
        if environment not in run.accepted:
            before = self._accepted.get(place)
            was_accepted = before is not None and before.digest == run.digest
            is_there = run.had_already(environment) and (place, run.digest) not in self._failed
            run.was_live[environment] = was_accepted or is_there
        is_whole = self._covers(run, environment) and self._is_committed(run, environment)
        if run.act in (DEPLOY, ROLLBACK) and run.verdict == DONE and is_whole:
            self._accept(run, environment, at)
        elif run.act == BACK_OUT and run.verdict in (DONE, *FAILED):
            self._forget(place, run.digest)
        elif run.act == "uninstall" and run.verdict == DONE:
            self._forget(place, None)
        elif run.act == DEPLOY and run.verdict in FAILED:
            self._failed.add((place, run.digest))
            begun = self._unfinished.get(place)
            if begun is not None and begun.digest == run.digest:
                del self._unfinished[place]
        elif run.act == DEPLOY and run.verdict in (DONE, HELD) and run.digest:
            begun = self._unfinished.get(place)
            if begun is None or begun.digest != run.digest:
                self._unfinished[place] = run
        self._finish(place, at)

    def _accept(self, run: RunOnRecord, environment: str, at: datetime) -> None:
        place = (run.application, environment)
        run.accepted[environment] = at
        self._failed.discard((place, run.digest))
        before = self._accepted.get(place)
        # The hosts of a redeployment may be a few of those that have it.
        if not (before and before.digest == run.digest and not run.plans_all(before, environment)):
            self._accepted[place] = run
        self._unfinished.pop(place, None)

    def _forget(self, place: Place, digest: str | None) -> None:
        """Forget that *digest* was brought there, None for whatever was."""
        for known in (self._accepted, self._unfinished):
            run = known.get(place)
            if run is not None and digest in (None, run.digest):
                del known[place]

    def _finish(self, place: Place, at: datetime) -> None:
        """Accept the deployment that lacked hosts, where others have brought them its release."""
        begun = self._unfinished.get(place)
        if begun is not None and self._is_committed(begun, place[1]):
            begun.completed.add(place[1])
            self._accept(begun, place[1], at)

    def _is_committed(self, run: RunOnRecord, environment: str) -> bool:
        """Tell whether all planned hosts have the release of *run* live, and committed."""
        planned, release = run.planned(environment), Live(run.application, run.digest)
        there = [release in self._live.get(host, {}).values() for host in planned]
        return bool(planned) and bool(run.digest) and all(there)

    def _covers(self, run: RunOnRecord, environment: str) -> bool:
        """Tell whether *run* is about all planned hosts; a rollback about those deployed last."""
        before = self._accepted.get((run.application, environment))
        if run.act == ROLLBACK and before is not None:
            return set(before.planned(environment)) <= set(run.hosts_in(environment))
        return run.covers(environment)

    def _now_live(self, subject: str, told: Mapping[str, Any]) -> None:
        after, roots = told["after"], self._live.setdefault(told["host"], {})
        roots.pop(told["root"], None)
        if after["phase"] == LIVE:
            roots[told["root"]] = Live(after.get("name", subject), after.get("digest", ""))

    def _digests_on(self, hosts: Iterable[str], application: str) -> dict[str, set[str]]:
        there = {host: self._live.get(host, {}).values() for host in hosts}
        return {
            host: {live.digest for live in found if live.application == application}
            for host, found in there.items()
        }

    def deployments(self) -> Iterator[Deployment]:
        """Yield the deployments so far."""
        for run in self._runs.values():
            for environment in run.environments() if run.act in ACTS else ():
                resolved = run.resolved or part_of(self._plans, run)
                yield _deployment(run, environment, resolved.plan if resolved else None)


def _deployment(run: RunOnRecord, environment: str, plan: Plan | None) -> Deployment:
    return Deployment(
        application=run.application,
        environment=environment,
        digest=run.digest,
        version=run.version,
        run=run.run,
        act=run.act,
        began=run.began,
        hosts=run.hosts_in(environment),
        ended=run.ended,
        accepted=run.accepted.get(environment),
        troubled=run.troubled,
        verdict=run.verdict if run.ended else "",
        whole=run.covers(environment) or environment in run.completed,
        was_live=run.was_live.get(environment, False),
        replaced=frozenset(run.replaced(environment)),
        plan=run.plan_name,
        revision=run.revision,
        change=plan.change if plan else "",
        fixes=plan.fixes if plan else (),
        early_life=early_life_of(plan),
    )
