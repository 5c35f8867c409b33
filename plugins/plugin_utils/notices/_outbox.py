# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outbox: notices that the events of the ledger ask for, and that were not sent yet."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from ..gates import _approvals, _collect
from ..gates._collect import OnRecord
from ..ledger import (
    _kind_gates_answered,
    _kind_notice_sent,
    _kind_plan_proposed,
    _kind_run_began,
    _kind_run_ended,
)
from ..ledger._event import Event, moment
from ..ledger._words import counted
from ..plan._resolved import Resolved, listed
from ..plan._standing import Standing
from ..policy._policy import Policy
from . import _runs
from ._notice import (
    BACKED_OUT,
    DONE,
    HELD,
    LONGEST_TITLE,
    POSTPONED,
    PROPOSED,
    STARTING,
    WANTED,
    Notice,
    id_of,
    plain,
    text_of,
)

KEPT = timedelta(days=14)  # what could not be sent by then is given up
LOOKED_BACK = 2 * KEPT  # so that each postponement within KEPT is compared with those before it
KINDS = (
    _kind_plan_proposed.NAME,
    _kind_gates_answered.NAME,
    _kind_run_began.NAME,
    _kind_run_ended.NAME,
    _kind_notice_sent.NAME,
)
BY_TIME = ("window", "freeze")  # gates that open by themselves
ENDINGS = {"done": DONE, "backed_out": BACKED_OUT, "refused": POSTPONED}  # else HELD
NEXT = {
    HELD: "a later run that continues it, or backs it out",
    POSTPONED: "a later run; nothing was changed",
}
Line = tuple[str, str]  # label and content


@dataclass(frozen=True)
class _Happening:
    """What an *event* means to an audience: *about*, of a *plan*, in words."""

    event: Event
    about: str
    plan: Standing
    lines: tuple[Line, ...]
    environment: str = ""
    domain: str = ""

    @property
    def where(self) -> str:
        """Plan, environment and domain in words."""
        there = f" in {self.environment}" if self.environment else ""
        return f"{self.plan.plan}{there}{f' ({self.domain})' if self.domain else ''}"


def outbox(
    events: Sequence[Event], record: OnRecord, policy: Policy, now: datetime, pages: str = ""
) -> list[Notice]:
    """Return what is to be sent, oldest first.

    *events* are those of KINDS of the time LOOKED_BACK, in their order, and *record* is what the
    ledger says now. *pages* is the directory with the pages of plans, "" for none.
    """
    sent = {event.body["notice"] for event in events if event.kind == _kind_notice_sent.NAME}
    found = []
    for happening in _happenings(events, record, policy, now):
        if now - moment(happening.event.time) > KEPT:
            continue
        for channel, audience in _channels(happening.plan).items():
            notice = _notice(happening, record.ledger, channel, audience, pages)
            if notice.id not in sent:
                found.append(notice)
    return found


def _channels(plan: Standing) -> dict[str, str]:
    """Return the audience of each channel: a channel gets one notice for all who have it."""
    found: dict[str, list[str]] = {}
    for audience, channels in plan.resolved.plan.notify.items():
        for channel in channels:
            found.setdefault(channel, []).append(audience)
    return {channel: plain(", ".join(dict.fromkeys(names))) for channel, names in found.items()}


def _notice(happening: _Happening, ledger: str, channel: str, audience: str, pages: str) -> Notice:
    event, plan, about = happening.event, happening.plan, happening.about
    id_ = id_of(ledger, event.sequence, about, channel)
    why = f"{plan.resolved.plan.why} ({plan.resolved.plan.change}, by {plan.resolved.plan.author})"
    lines = [
        (about, plain(f"{happening.where}, revision {plan.revision}")),
        ("why", plain(why)),
        *happening.lines,
        ("recorded", plain(f"{event.time[:16].replace('T', ' ')} UTC, by {event.actor}")),
        ("page", plain(os.path.join(pages, f"{plan.plan}.html"), 1000) if pages else ""),
        # Who has this can prove later that the ledger up to here was not rewritten.
        ("event", f"{event.sequence} {event.hash} of ledger {ledger}"),
    ]
    return Notice(
        id=id_,
        plan=plan.plan,
        sequence=event.sequence,
        about=about,
        audience=audience,
        channel=channel,
        title=plain(f"{happening.where}: {about}", LONGEST_TITLE),
        text=text_of(lines, f"id: {id_}"),
    )


def _happenings(
    events: Sequence[Event], record: OnRecord, policy: Policy, now: datetime
) -> Iterator[_Happening]:
    runs = _runs.of(events, record.plans)
    postponed: dict[tuple[Any, ...], datetime] = {}
    for event in events:
        if event.kind == _kind_plan_proposed.NAME:
            yield from _of_proposal(event, record, policy, now)
        elif event.kind == _kind_gates_answered.NAME:
            yield from _of_gates(event, record, postponed)
        elif event.kind in (_kind_run_began.NAME, _kind_run_ended.NAME):
            run = runs[_runs.key(event)]
            if run.plan is not None:
                yield from _of_run(event, run, run.plan, record)


def _of_proposal(
    event: Event, record: OnRecord, policy: Policy, now: datetime
) -> Iterator[_Happening]:
    latest = record.plans[event.subject]
    plan = latest
    if latest.revision != event.body["revision"]:
        resolved = Resolved.from_plain(event.body["resolved"])
        plan = replace(latest, revision=event.body["revision"], resolved=resolved)
    lines = tuple(
        (plain(place.environment), f"{_change(part, record, place.hosts)} on {_on(place.hosts)}")
        for part in plan.resolved.each()
        for place in part.places
    )
    yield _Happening(event, PROPOSED, plan, lines)
    # Of an older revision, or one that ended or is agreed on, nothing is wanted any more.
    if plan is latest and latest.is_standing:
        waits = tuple(("waits for", plain(line)) for line in _waits(plan, record, policy, now))
        if waits:
            yield _Happening(event, WANTED, plan, (*lines, *waits))


def _waits(plan: Standing, record: OnRecord, policy: Policy, now: datetime) -> Iterator[str]:
    """Yield for each environment of a plan whose approvals are missing, if any."""
    for step in plan.resolved.plan.path:
        if policy.environment(step.environment) is None or now >= moment(plan.expires):
            continue
        part = plan.resolved.each()[0]  # the approvals are those of all domains
        about = (policy, (None, ""), record, part, step.environment, _collect.Run(), now)
        # Signatures were verified when they were recorded, and gates verify them again.
        known = replace(_collect.facts(*about), verify=lambda recorded: "")
        agreed = _approvals.of(known)
        if agreed.missing and not agreed.rejected:
            counts = _approvals.counts(agreed, known.demands)
            yield f"{step.environment}: {counts} ({_approvals.missing(known, agreed)})"


def _of_gates(
    event: Event, record: OnRecord, before: dict[tuple[Any, ...], datetime]
) -> Iterator[_Happening]:
    """Yield that a run was refused by window or freeze; once, for one time at which they open."""
    body, plan = event.body, record.plans.get(event.subject)
    closed = [a for a in body["answers"] if not a["open"] and not a.get("override")]
    if plan is None or not any(a["gate"] in BY_TIME or a.get("opens") for a in closed):
        return
    opens = tuple((a["gate"], a.get("opens", "")) for a in closed)
    key = (plan.plan, body["revision"], body["environment"], body.get("domain", ""), opens)
    last, before[key] = before.get(key), moment(event.time)
    if last is not None and before[key] - last <= KEPT:
        return
    lines = [("closed", plain(f"{a['gate']} {a.get('text', '')}")) for a in closed]
    lines += [
        ("waits for", plain(f"{a['gate']}: {_wait(a)}"))
        for a in closed
        if a.get("opens") or a.get("needs")
    ]
    environment, domain = body["environment"], body.get("domain", "")
    yield _Happening(event, POSTPONED, plan, tuple(lines), environment, domain)


def _wait(answer: Mapping[str, str]) -> str:
    opens = answer.get("opens", "").replace("T", " ").replace("Z", " UTC")
    return "; ".join(filter(None, [f"opens {opens}" if opens else "", answer.get("needs", "")]))


def _of_run(event: Event, run: _runs.Run, plan: Standing, record: OnRecord) -> Iterator[_Happening]:
    part = run.part or plan.resolved.each()[0]
    place = part.place(run.environment)
    was = _versions(run.before.values()) or _live(part, record, place.hosts if place else ())
    release = {**part.release, **run.release}
    name, version = release["name"], release["version"]
    where = (run.environment, run.part.domain if run.part else "")
    hosts = ("hosts", _on(run.hosts) if run.hosts else "")
    if event is run.began and run.act == _runs.DEPLOY:
        change = ("release", plain(f"{name} {was} → {version}"))
        yield _Happening(event, STARTING, plan, (change, hosts), *where)
    if event is not run.end:
        return
    about = BACKED_OUT if run.is_back_out else ENDINGS.get(run.verdict, HELD)
    change = ("release", plain(f"{name} {was} → {version}"))
    if about == BACKED_OUT:
        change = ("release", plain(f"{name} {version} → {_versions(run.after.values()) or was}"))
    lines = (
        change,
        hosts,
        ("verdict", plain(run.verdict)),
        ("reason", plain(run.reason)),
        ("waits for", NEXT.get(about, "")),
    )
    yield _Happening(event, about, plan, lines, *where)


def _change(part: Resolved, record: OnRecord, hosts: Sequence[str]) -> str:
    release = part.release
    return plain(f"{release['name']} {_live(part, record, hosts)} → {release['version']}")


def _live(part: Resolved, record: OnRecord, hosts: Sequence[str]) -> str:
    name = part.release["name"]
    rows = [r for r in record.deployments if r["application"] == name and r["host"] in hosts]
    return _versions(row["version"] for row in rows) or "nothing"


def _versions(found: Iterable[str]) -> str:
    return listed(sorted({each or "nothing" for each in found}))


def _on(hosts: Sequence[str]) -> str:
    return plain(f"{counted(len(hosts), 'host')}: {listed(hosts)}")
