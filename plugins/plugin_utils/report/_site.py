# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that the pages show, read once from the ledger, the policy and the calendar."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone, tzinfo
from typing import Any

from ..calendar._calendar import Calendar
from ..gates import _outlook
from ..gates._collect import OnRecord
from ..gates._outlook import Ahead, Outlook
from ..handover import _package, _runbook
from ..handover._items import OfPackage
from ..handover._runbook import Place, Runbook
from ..ledger import _finding, _kind_plan_proposed, _matrix, _runs, _status
from ..ledger._event import Event, Head
from ..ledger._ledger import Ledger
from ..ledger._runs import Run
from ..measures import _of_release
from ..measures._dora import Dora
from ..measures._of_run import OfRun
from ..plan import _demands, _standing
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..policy._policy import Policy
from ..registers._register import ISSUE, Entry
from . import _coming, _files, _hosts, _measured, _plans, _records
from ._coming import Coming
from ._hosts import Host
from ._plans import PlanView

LAST_RUNS = 10


@dataclass(frozen=True)
class Inputs:
    """What pages are made from: *told* is what hosts answered, None where they were not asked.

    *policy* is None without one. *problem* is why policy or calendar cannot be read. *package_of*
    returns what the media library has for the handover of a plan, *options_of* the role options of
    a host, and *root_of* its ``deploy_root``; *inventories* are what ``-i`` gave, *pages* is the
    folder of the pages. *media_library* is "" without one; *record* is that of the callback
    metrics.
    """

    ledger: Ledger
    policy: Policy | None
    calendar: tuple[Calendar | None, str]
    environments: Sequence[str]
    now: datetime
    told: _finding.Told | None = None
    problem: str = ""
    package_of: Callable[[Standing], OfPackage] = lambda standing: _plans.NO_PACKAGE
    options_of: Callable[[str], Mapping[str, Any]] = lambda host: {}
    root_of: Callable[[str], str] = lambda host: ""
    inventories: tuple[str, ...] = ()
    pages: str = ""
    media_library: str = ""
    record: str = ""


@dataclass(frozen=True)
class Site:
    """All pages: *head* is the event up to which they are true, *zone* that of their times."""

    head: Head
    now: datetime
    zone: tzinfo
    environments: tuple[str, ...]
    cells: tuple[_matrix.Cell, ...]
    status: _status.Status
    outlook: Outlook | None
    coming: tuple[Coming, ...]
    runs: tuple[Run, ...]
    plans: tuple[PlanView, ...]
    hosts: tuple[Host, ...]
    problem: str = ""
    runbooks: tuple[Runbook, ...] = ()
    dora: Dora | None = None  # of the last environment
    issues: tuple[Entry, ...] = ()  # that are open
    times: Mapping[str, OfRun] = field(default_factory=dict)  # by run, of those in a record

    @property
    def last_runs(self) -> list[Run]:
        """The last runs, the newest first."""
        return list(reversed(self.runs[-LAST_RUNS:]))

    @property
    def applications(self) -> list[str]:
        """The applications that are deployed somewhere."""
        return list(dict.fromkeys(cell.application for cell in self.cells))

    def cell(self, application: str, environment: str) -> _matrix.Cell | None:
        """Return what is live of an *application* in an *environment*, None for nothing."""
        for cell in self.cells:
            if (cell.application, cell.environment) == (application, environment):
                return cell
        return None


def read(inputs: Inputs, head: Head) -> Site:
    """Return the Site by the ledger up to its *head*."""
    ledger, now = inputs.ledger, inputs.now
    events = list(ledger.events())
    record = OnRecord.of(ledger)
    runs = _runs.fold(events, ledger.rows("runs"))
    policy = inputs.policy
    ahead = _outlook.outlook(policy, inputs.calendar, record, now) if policy else None
    status = replace(_status.of_ledger(ledger, inputs.told), ahead=ahead)
    cells = tuple(_matrix.cells(status.deployments))
    calendar = inputs.calendar[0]
    return Site(
        head,
        now,
        calendar.zone if calendar else timezone.utc,
        _columns(inputs.environments, cells),
        cells,
        status,
        ahead,
        tuple(_coming.coming(calendar, ahead.ahead if ahead else (), now)),
        tuple(runs),
        tuple(_plan_views(inputs, record, ahead, runs, events)),
        tuple(_hosts.fold(events, runs, record.deployments)),
        inputs.problem,
        tuple(_runbooks(inputs, record, runs, events)),
        _dora(inputs, events, runs),
        tuple(e for e in record.entries if e.register == ISSUE and e.is_open),
        _records.read(inputs.record),
    )


def _dora(inputs: Inputs, events: Sequence[Event], runs: Sequence[Run]) -> Dora | None:
    """Return the measures of the last environment to which something was deployed."""
    used = {name for run in runs if run.act == "deploy" for name in run.environment.split(", ")}
    known = [name for name in inputs.environments if name in used]
    if not known:
        return None
    return _measured.measured(events, known[-1], inputs.media_library, inputs.now)


def _runbooks(
    inputs: Inputs, record: OnRecord, runs: Sequence[Run], events: Sequence[Event]
) -> Iterator[Runbook]:
    """Yield a runbook for each application that was deployed; without places where it is gone."""
    by_run = {run.run: run for run in runs if run.plan}
    revisions = _bodies(events)
    places: dict[str, dict[str, list[Mapping[str, Any]]]] = {
        run.application: {} for run in runs if run.act == "deploy" and run.application
    }
    for row in record.deployments:
        here = places.setdefault(row["application"], {})
        here.setdefault(row["environment"] or _matrix.NOWHERE, []).append(row)
    order = {name: number for number, name in enumerate(inputs.environments)}
    for application, here in sorted(places.items()):
        names = sorted(here, key=lambda name: (order.get(name, len(order)), name))
        found = [_place(inputs, application, n, here[n], by_run, revisions) for n in names]
        digests = dict.fromkeys(str(row["digest"]) for rows in here.values() for row in rows)
        requires = _package.requires_of(inputs.media_library, digests)
        yield _runbook.runbook(application, found, inputs.inventories, record.entries, requires)


def _place(
    inputs: Inputs,
    application: str,
    environment: str,
    rows: Sequence[Mapping[str, Any]],
    by_run: Mapping[str, Run],
    revisions: Mapping[tuple[str, int], Any],
) -> Place:
    (cell,) = _matrix.cells([{**row, "environment": environment} for row in rows])
    last = max(rows, key=lambda row: str(row["since"]))
    run = by_run.get(last["run"])
    body = revisions.get((run.plan, run.revision)) if run else None
    resolved = Resolved.from_plain(body) if body else None
    pattern = domain = ""
    for part in resolved.each() if resolved else ():
        step = part.plan.step(environment)
        if part.release["name"] == application and step:
            pattern, domain = step.hosts, part.domain
    hosts = tuple(dict.fromkeys(row["host"] for row in rows))
    file = _files.plan_file(application, environment)
    return Place(
        application,
        environment,
        cell.versions,
        hosts,
        tuple(dict.fromkeys(row["root"] for row in rows)),
        inputs.options_of(hosts[0]),
        pattern,
        run.plan if run and resolved else "",
        os.path.join(inputs.pages, file) if resolved else "",
        resolved.plan.plain if resolved else {},
        domain,
        any(row["root"] != inputs.root_of(row["host"]) for row in rows),
    )


def _columns(environments: Sequence[str], cells: Sequence[_matrix.Cell]) -> tuple[str, ...]:
    here = {cell.environment for cell in cells}
    known = [name for name in environments if name in here]
    return (*known, *sorted(here - set(known)))


def _plan_views(
    inputs: Inputs,
    record: OnRecord,
    ahead: Outlook | None,
    runs: Sequence[Run],
    events: Sequence[Event],
) -> Iterator[PlanView]:
    """Yield a view of each plan, the newest first."""
    rules = inputs.policy or Policy("", {}, ())
    of_plan: dict[str, list[Run]] = {}
    for run in runs:
        of_plan.setdefault(run.plan, []).append(run)
    revisions, last = _revisions(events), _last_events(events)
    by_plan = _by_plan(events, runs)
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in record.deployments:
        rows.setdefault(row["application"], []).append(row)
    waiting: dict[str, list[Ahead]] = {}
    for each in ahead.ahead if ahead else ():
        waiting.setdefault(each.plan, []).append(each)
    zone = ahead.zone if ahead else timezone.utc
    for standing in reversed(list(record.plans.values())):
        plan, name = standing.resolved.plan, standing.plan
        own = of_plan.get(name, [])
        about = _plans.About(
            own,
            [row for used in standing.resolved.applications for row in rows.get(used, ())],
            record.entries,
            revisions.get((name, standing.revision - 1)),
            max([last.get(name, 0), *(last.get(run.run, 0) for run in own)]),
            {step.environment: _demands.of_step(rules, plan, step) for step in plan.path},
            {
                each.environment: [
                    a.line(zone, inputs.now) for a in each.answers if not a.lets_pass
                ]
                for each in waiting.get(name, ())
            },
            {e.environment: e.opens.isoformat() for e in waiting.get(name, ()) if e.opens},
            runs,
            inputs.now,
            inputs.package_of(standing) if standing.is_standing else _plans.NO_PACKAGE,
            [
                _of_release.way(by_plan.get(name, ()), part.release["digest"])
                for part in _plans.each_part(standing)
            ],
        )
        yield _plans.view(standing, about)


def _by_plan(events: Sequence[Event], runs: Sequence[Run]) -> dict[str, list[Event]]:
    """Return the events that are about each plan, its runs, and the sealing of its releases."""
    of_run = {run.run: run.plan for run in runs if run.plan}
    of_digest: dict[str, list[str]] = {}
    for run in runs:
        of_digest.setdefault(run.digest, []).append(run.plan)
    found: dict[str, list[Event]] = {}
    for event in events:
        if event.kind in _standing.KINDS:
            names = [event.subject]
        elif event.body.get("act") == "seal":
            digest = event.body.get("release", {}).get("digest", "")
            names = list(dict.fromkeys(filter(None, of_digest.get(digest, ()))))
        else:
            names = [of_run.get(str(event.body.get("run")), "")]
        for name in filter(None, names):
            found.setdefault(name, []).append(event)
    return found


def _revisions(events: Sequence[Event]) -> dict[tuple[str, int], Resolved]:
    """Return the revisions of plans that were followed by another one."""
    bodies = _bodies(events)
    return {
        (name, revision): Resolved.from_plain(resolved)
        for (name, revision), resolved in bodies.items()
        if (name, revision + 1) in bodies
    }


def _bodies(events: Sequence[Event]) -> dict[tuple[str, int], Any]:
    """Return all revisions of plans, as the ledger has them, by name and number."""
    return {
        (event.subject, event.body["revision"]): event.body["resolved"]
        for event in events
        if event.kind == _kind_plan_proposed.NAME
    }


def _last_events(events: Sequence[Event]) -> dict[str, int]:
    """Return the sequence of the last event that is about each plan, and about each run."""
    found: dict[str, int] = {}
    for event in events:
        body = event.body
        named = [event.subject, body.get("run"), body.get("fields", {}).get("run")]
        plan = body.get("plan")
        named.append(plan.get("name") if isinstance(plan, Mapping) else plan)
        for name in named:
            if isinstance(name, str):
                found[name] = event.sequence
    return found
