# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as its page shows it: what it says, who agreed, what was done, and what it waits for."""

from __future__ import annotations

import graphlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ..definition import _duration
from ..gates import _promotion
from ..handover import _early_life, _items
from ..handover._early_life import EarlyLife
from ..handover._items import Answered, Known, OfPackage
from ..ledger._runs import NOTHING, Run
from ..measures._of_release import Way
from ..plan import _resolved
from ..plan._agreement import Recorded
from ..plan._demands import Demands
from ..plan._resolved import Place, Resolved
from ..plan._standing import Standing
from ..registers._register import ACCEPTANCE, ACKNOWLEDGEMENT, ISSUE, RISK_REVIEW, Entry

NO_PACKAGE = OfPackage()
NO_EARLY_LIFE = EarlyLife(None, None, ())
LIVE, PARTLY, NOT_YET = "live", "partly", "not yet"


@dataclass(frozen=True)
class Part:
    """The release of a *domain* ("" without domains) in one environment: *before* → *version*.

    *before* are the versions that its hosts had before the plan's runs. *options* and *hooks* are
    digests by name.
    """

    domain: str
    application: str
    before: str
    version: str
    hosts: tuple[str, ...]
    missing: tuple[str, ...]
    options: Mapping[str, str]
    hooks: Mapping[str, str]


@dataclass(frozen=True)
class Step:
    """One environment of a plan: *state* is live, partly or not yet; *since* is when it was whole.

    *waits* are closed gates, a line each; *runs* are the plan's own, newest first.
    """

    environment: str
    state: str
    since: str
    parts: tuple[Part, ...]
    waits: tuple[str, ...]
    opens: str
    needs: Mapping[str, int]
    strength: str
    window: str
    soak: str
    waves: tuple[str, ...]
    acknowledge: tuple[str, ...]
    runs: tuple[Run, ...]

    @property
    def hosts(self) -> int:
        """How many hosts it has."""
        return sum(len(part.hosts) for part in self.parts)


@dataclass(frozen=True)
class Decision:
    """What a person decided about a plan, *at* a time as the ledger writes it."""

    at: str
    person: str
    role: str
    environment: str
    decision: str
    strength: str
    revision: int
    reason: str
    withdrawn: bool


@dataclass(frozen=True)
class Override:
    """A closed *gate* that a *person* let a run pass."""

    at: str
    gate: str
    environment: str
    person: str
    text: str
    run: str


@dataclass(frozen=True)
class PlanView:
    """All that a page about a plan shows. *sentence* is its state, in one sentence.

    *last* is the sequence of the last event that is about it.
    """

    standing: Standing
    sentence: str
    is_good: bool
    steps: tuple[Step, ...]
    decisions: tuple[Decision, ...]
    overrides: tuple[Override, ...]
    issues: tuple[Entry, ...]
    acknowledged: tuple[Entry, ...]
    reviews: Mapping[str, Entry]
    accepted: tuple[Entry, ...]
    changes: tuple[str, ...]
    runs: tuple[Run, ...]
    last: int
    replaced: Mapping[str, str]
    answers: tuple[Answered, ...] = ()
    early_life: EarlyLife = NO_EARLY_LIFE
    ways: tuple[Way, ...] = ()

    @property
    def name(self) -> str:
        """Its name."""
        return self.standing.plan

    @property
    def parts(self) -> list[Resolved]:
        """The plan of each domain, those that others need first; or the plan itself."""
        return each_part(self.standing)

    @property
    def title(self) -> str:
        """Its releases, as in ``shop 1.5.0, billing 2.0.0``."""
        parts = [part.release for part in self.parts]
        return ", ".join(f"{release['name']} {release['version']}" for release in parts)

    def digests(self) -> list[tuple[str, str]]:
        """Return the digest of each release, and that of what it replaces, "" for none."""
        return [
            (part.release["digest"], self.replaced.get(part.release["name"], ""))
            for part in self.parts
        ]


@dataclass(frozen=True)
class About:
    """What is on record around a plan: *before* is its revision before the last, if any."""

    runs: Sequence[Run]
    deployments: Sequence[Mapping[str, Any]]
    entries: Sequence[Entry]
    before: Resolved | None
    last: int
    demands: Mapping[str, Demands]
    lines: Mapping[str, Sequence[str]]  # closed gates by environment
    opens: Mapping[str, str]
    every_run: Sequence[Run]
    now: datetime
    package: OfPackage = NO_PACKAGE
    ways: Sequence[Way] = ()


def view(standing: Standing, about: About) -> PlanView:
    """Return the view of the plan *standing* so."""
    plan = standing.resolved.plan
    steps = tuple(_step(standing, step.environment, about) for step in plan.path)
    ids = {run.run for run in about.runs}
    digests = {part.release["digest"] for part in each_part(standing)}
    own = [entry for entry in about.entries if entry.plan == plan.name]
    live = datetime.fromisoformat(steps[-1].since) if steps[-1].since else None
    known = Known(standing, about.every_run, about.entries, about.package, _versions(steps[-1]))
    issues = tuple(
        entry
        for entry in about.entries
        if entry.register == ISSUE
        if entry.plan == plan.name
        or _concerns(entry, ids, digests)
        or (live and _early_life.is_incident(entry, known, live))
    )
    sentence, is_good = _sentence(standing, steps, issues)
    return PlanView(
        standing,
        sentence,
        is_good,
        steps,
        tuple(_decisions(standing.recorded)),
        tuple(_overrides(about.runs)),
        issues,
        tuple(entry for entry in own if entry.register == ACKNOWLEDGEMENT),
        {e.id.rpartition("/")[2]: e for e in own if e.register == RISK_REVIEW},
        tuple(e for e in own if e.register == ACCEPTANCE and e.id.count("/") == 1),
        tuple(_resolved.differences(about.before, standing.resolved) if about.before else ()),
        tuple(about.runs),
        about.last,
        _replaced(standing, about),
        tuple(_items.answered(known)),
        _early_life.early_life(known, live, about.now),
        tuple(about.ways),
    )


def each_part(standing: Standing) -> list[Resolved]:
    """Return the plan of each domain, those that others need first; or the plan itself."""
    resolved = standing.resolved
    if not resolved.plan.domains:
        return [resolved]
    needs = {domain.name: domain.needs for domain in resolved.plan.domains}
    order = graphlib.TopologicalSorter(needs).static_order()
    return [resolved.of_domain(name) for name in order]


def _versions(last: Step) -> dict[str, str]:
    """Return the version that each application had in the *last* environment before the plan."""
    return {
        part.application: part.before
        for part in last.parts
        if part.before not in (NOTHING, part.version)
    }


def _replaced(standing: Standing, about: About) -> dict[str, str]:
    """Return the digest that each application had before the plan, as far as it is on record."""
    found: dict[str, str] = {}
    for resolved in each_part(standing):
        name, own = resolved.release["name"], resolved.release["digest"]
        live = [row["digest"] for row in about.deployments if row["application"] == name]
        before = [
            told.before_digest
            for run in about.runs
            if run.application == name
            for wave in run.waves
            for told in wave.hosts
        ]
        others = [digest for digest in (*before, *live) if digest and digest != own]
        found |= {name: others[0]} if others else {}
    return found


def _concerns(entry: Entry, runs: set[str], digests: set[str]) -> bool:
    return entry.fields.get("run") in runs or entry.fields.get("release") in digests


def _step(standing: Standing, environment: str, about: About) -> Step:
    step = standing.resolved.plan.step(environment)
    runs = [run for run in reversed(about.runs) if environment in run.environment.split(", ")]
    parts, since = [], []
    for resolved in each_part(standing):
        place = resolved.place(environment) or Place(environment, ())
        found = _promotion.soaked(place, resolved.release, about.deployments)
        since.append(found.since if not found.missing else None)
        parts.append(_part(resolved, place, found.missing, runs, about.deployments))
    whole = all(since) and not any(part.missing for part in parts)
    some = any(len(part.missing) < len(part.hosts) for part in parts)
    demands = about.demands[environment]
    return Step(
        environment,
        LIVE if whole else PARTLY if some else NOT_YET,
        max(at for at in since if at).isoformat() if whole else "",
        tuple(parts),
        tuple(about.lines.get(environment, ())) if standing.is_standing and not whole else (),
        about.opens.get(environment, ""),
        demands.agreeing,
        demands.strength,
        demands.window,
        _duration.spelled(demands.soak) if demands.soak else "",
        tuple(map(str, step.waves)) if step else (),
        demands.acknowledge,
        tuple(runs),
    )


def _part(
    resolved: Resolved,
    place: Place,
    missing: tuple[str, ...],
    runs: Sequence[Run],
    deployments: Sequence[Mapping[str, Any]],
) -> Part:
    application, version = resolved.release["name"], resolved.release["version"]
    before: dict[str, str] = {}
    for row in deployments:
        if row["application"] == application and row["host"] in place.hosts:
            before[row["host"]] = row["version"]
    for run in runs:  # the newest first, so that what was before the first is left
        for wave in reversed(run.waves):
            for told in wave.hosts:
                if told.host in place.hosts and told.before:
                    before[told.host] = told.before
    versions = sorted({each for each in before.values() if each})
    return Part(
        resolved.domain,
        application,
        " and ".join(versions) or "nothing",
        version,
        place.hosts,
        missing,
        place.options,
        place.hooks,
    )


def _decisions(recorded: Sequence[Recorded]) -> list[Decision]:
    withdrawn = {each.statement.withdraws for each in recorded if each.statement.withdraws}
    return [
        Decision(
            each.at.isoformat(),
            each.statement.person,
            each.statement.role,
            each.statement.environment,
            each.statement.decision,
            each.strength,
            each.statement.revision,
            each.statement.reason,
            each.statement.digest in withdrawn,
        )
        for each in recorded
    ]


def _overrides(runs: Sequence[Run]) -> list[Override]:
    found = {
        (run.run, answer["gate"], asked.environment): Override(
            asked.at,
            answer["gate"],
            asked.environment,
            answer["override"],
            answer.get("text", ""),
            run.run,
        )
        for run in runs
        for asked in reversed(run.rounds)
        for answer in asked.answers
        if answer.get("override")
    }
    return sorted(found.values(), key=lambda each: each.at)


def _sentence(
    standing: Standing, steps: Sequence[Step], issues: Sequence[Entry]
) -> tuple[str, bool]:
    """Return the state of a plan in one sentence, and whether nothing is wrong."""
    live = [step.environment for step in steps if step.state == LIVE]
    blocking = [entry.id for entry in issues if entry.is_blocker]
    where = f"Live in {_resolved.listed(live)}" if live else "Not live anywhere"
    if standing.ended:
        why = f": {standing.end_reason}" if standing.end_reason else ""
        return f"{standing.ended.capitalize()}{why}. {where}.", standing.ended != "cancelled"
    last = next((run for step in reversed(steps) for run in step.runs), None)
    bad = last is not None and last.verdict in ("held", "backed_out", "failed")
    if last is not None and bad and len(live) < len(steps):
        verdict = last.verdict.replace("_", " ")
        said = f"The last run, in {last.environment}, is {verdict}"
        said += f": {last.reason}" if last.reason else ""
        return f"{said}. {where}.", False
    if blocking:
        return f"{where}. Blocked by {_resolved.listed(blocking)}.", False
    if len(live) == len(steps):
        return f"{where}: in all its environments; to be closed.", True
    nxt = next(step for step in steps if step.state != LIVE)
    if nxt.state == PARTLY:
        return f"{where}. {nxt.environment} is not complete.", False
    waits = f" ({nxt.waits[0]})" if nxt.waits else ""
    return f"{where}. Next is {nxt.environment}{waits}.", True
