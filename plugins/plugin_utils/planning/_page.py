# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it: in a terminal, and as a page in Markdown and HTML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timezone
from typing import TYPE_CHECKING, Any

from ..definition import _duration
from ..gates import _collect, _gates
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
    standing, release = record.plans[resolved.plan.name], resolved.release
    zone = calendar[0].zone if calendar[0] else timezone.utc
    what = f"{release['name']} {release['version']} (sha256:{release['digest'][:12]})"
    lines = [
        f"{'plan':{LABEL}}{resolved.plan.name} revision {standing.revision}: {what}",
        f"{'why':{LABEL}}{resolved.plan.why} ({resolved.plan.change}, by {resolved.plan.author})",
    ]
    changes = _resolved.differences(before.resolved, resolved) if before else []
    lines += [f"{'new':{LABEL}}{change}" for change in changes]
    steps = []
    for step, place in zip(resolved.plan.path, resolved.places, strict=True):
        run = task.as_run()
        known = _collect.facts(
            task.policy, calendar, record, resolved, step.environment, run, task.now
        )
        answers = _gates.evaluate(known, only=_gates.ON_RECORD)
        now_there = versions(known)
        count = f"{len(place.hosts)} host{'' if len(place.hosts) == 1 else 's'}"
        lines.append(
            f"{step.environment:{LABEL}}{now_there} → {release['version']}  on {count}: "
            f"{_resolved.listed(place.hosts)}"
        )
        lines += [
            f"{'':{LABEL}}{answer.line(zone, task.now)}"
            for answer in answers
            if not answer.lets_pass
        ]
        also = [plan.plan for plan in known.others]
        if also:
            lines.append(f"{'':{LABEL}}also planned there: {_resolved.listed(also)}")
        steps.append(_step(known, answers, now_there, task))
    values = {
        "plan": resolved.plan,
        "release": release,
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


def _step(
    known: Facts, answers: tuple[Answer, ...], now_there: str, task: PlanTask
) -> dict[str, Any]:
    demands, step = known.demands, known.plan.step(known.demands.environment)
    zone = known.calendar.zone if known.calendar else timezone.utc
    return {
        "environment": demands.environment,
        "before": now_there,
        "hosts": list(known.place.hosts),
        "options": dict(known.place.options),
        "hooks": dict(known.place.hooks),
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
