# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it: in a terminal, and as a page in Markdown and HTML."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING, Any

from ..definition import _duration
from ..gates import _collect, _gates, _merged
from ..gates._answer import Answer, spelled
from ..gates._facts import Facts
from ..notes import _files
from ..plan import _resolved
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..rendering import _html, _markdown, _templates

if TYPE_CHECKING:
    from ._task import PlanTask

LABEL = 12  # columns
FOLDER = "plans"


@dataclass(frozen=True)
class Page:
    """What a page about a plan says: *lines* for a terminal, *values* for the templates."""

    name: str
    lines: tuple[str, ...]
    values: Mapping[str, Any]


def of(
    task: PlanTask, record: _collect.OnRecord, resolved: Resolved, before: Standing | None
) -> Page:
    """Return the Page of a plan by what is on *record*; *before* is its last revision, if any."""
    calendar = (task.planned.calendar, task.planned.calendar_problem)
    standing = record.plans[resolved.plan.name]
    zone = calendar[0].zone if calendar[0] else timezone.utc
    what = ", ".join(
        f"{release['name']} {release['version']} (sha256:{release['digest'][:12]})"
        for release in [part.release for part in resolved.each()]
    )
    lines = [
        f"{'plan':{LABEL}}{resolved.plan.name} revision {standing.revision}: {what}",
        f"{'why':{LABEL}}{resolved.plan.why} ({resolved.plan.change}, by {resolved.plan.author})",
    ]
    changes = _resolved.differences(before.resolved, resolved) if before else []
    lines += [f"{'new':{LABEL}}{change}" for change in changes]
    steps = []
    for step in resolved.plan.path:
        about = (task.policy, calendar, record)
        parts = [
            _collect.facts(*about, part, step.environment, task.as_run(), task.now)
            for part in resolved.each()
        ]
        known = parts[0]
        by_domain = {
            part.resolved.domain: _gates.evaluate(part, only=_gates.ON_RECORD) for part in parts
        }
        answers = _merged.merged(by_domain)
        lines += [_line(part) for part in parts]
        lines += [
            f"{'':{LABEL}}{answer.line(zone, task.now)}"
            for answer in answers
            if not answer.lets_pass
        ]
        also = list(dict.fromkeys(plan.plan for part in parts for plan in part.others))
        if also:
            lines.append(f"{'':{LABEL}}also planned there: {_resolved.listed(also)}")
        steps.append(_step(known, answers, parts, task))
    values = {
        "plan": resolved.plan,
        "releases": [{**part.release, "domain": part.domain} for part in resolved.each()],
        "domains": [domain.__dict__ for domain in resolved.plan.domains],
        "revision": standing.revision,
        "digest": standing.digest,
        "proposed": spelled(standing.proposed, zone),
        "expires": standing.expires[:10],
        "changes": changes,
        "steps": steps,
        "risks": [risk.__dict__ for risk in resolved.plan.risks],
        "scope": list(resolved.plan.scope or ()),
        "excused": dict(resolved.plan.excused),
        "affects": {key: ", ".join(v) for key, v in resolved.plan.plain.get("affects", {}).items()},
        "on_failure": resolved.plan.plain.get("on_failure", "back_out"),
    }
    return Page(resolved.plan.name, tuple(lines), values)


def put(task: PlanTask, page: Page) -> list[str]:
    """Write the page to the folder of pages, and return the paths; a dry run writes nothing."""
    folder = os.path.join(task.arguments["pages"], FOLDER)
    paths = []
    for suffix, text in (
        ("md", _markdown.render(_templates.text("plan.md.j2"), "plan.md.j2", page.values)),
        ("html", _html.render("plan.html.j2", page.values)),
    ):
        path = os.path.join(folder, f"{page.name}.{suffix}")
        if not task.check and task.arguments["state"] != "checked":
            os.makedirs(folder, exist_ok=True)
            _files.put(path, text, keep=True)
        paths.append(path)
    return paths


def versions(known: Facts) -> str:
    """Return which versions are live in the environment: ``1.4.2``, ``1.4.2 and 1.5.0``."""
    hosts = known.place.hosts
    found = {row["version"] for row in known.deployments if row["host"] in hosts}
    return " and ".join(sorted(filter(None, found))) or "nothing"


def _line(known: Facts) -> str:
    """Return what happens to the hosts of a domain, or of a plan without domains, in a line."""
    hosts, domain = known.place.hosts, known.resolved.domain
    count = f"{len(hosts)} host{'' if len(hosts) == 1 else 's'}"
    return (
        f"{known.demands.environment:{LABEL}}{f'{domain}: ' if domain else ''}{versions(known)} → "
        f"{known.resolved.release['version']}  on {count}: {_resolved.listed(hosts)}"
    )


def _step(
    known: Facts, answers: tuple[Answer, ...], parts: Sequence[Facts], task: PlanTask
) -> dict[str, Any]:
    demands, step = known.demands, known.plan.step(known.demands.environment)
    zone = known.calendar.zone if known.calendar else timezone.utc
    return {
        "environment": demands.environment,
        "parts": [
            {
                "domain": part.resolved.domain,
                "before": versions(part),
                "version": part.resolved.release["version"],
                "hosts": list(part.place.hosts),
                "options": dict(part.place.options),
                "hooks": dict(part.place.hooks),
            }
            for part in parts
        ],
        "approvals": [f"{role}: {count}" for role, count in sorted(demands.agreeing.items())],
        "strength": demands.strength,
        "window": demands.window,
        "soak": _duration.spelled(demands.soak) if demands.soak else "",
        "waves": [str(wave) for wave in step.waves] if step else [],
        "acknowledge": list(demands.acknowledge),
        "gates": [
            {"open": answer.lets_pass, "line": answer.line(zone, task.now)} for answer in answers
        ],
    }
