# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan as people read it in a terminal."""

from __future__ import annotations

from datetime import timezone
from typing import TYPE_CHECKING

from ..gates import _collect, _gates, _merged
from ..gates._facts import Facts
from ..plan import _resolved
from ..plan._resolved import Resolved
from ..plan._standing import Standing

if TYPE_CHECKING:
    from ._task import PlanTask

LABEL = 12  # columns


def of(
    task: PlanTask,
    record: _collect.OnRecord,
    resolved: Resolved,
    before: Standing | None,
    again: str = "",
) -> tuple[str, ...]:
    """Return the lines of a plan for a terminal, by what is on *record*.

    *before* is its last revision, if any; *again* is why there is another one of the same plan.
    """
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
    lines += [f"{'new':{LABEL}}{change}" for change in [*changes, again] if change]
    for step in resolved.plan.path:
        about = (task.policy, calendar, record)
        parts = [
            _collect.facts(*about, part, step.environment, task.as_run(), task.now)
            for part in resolved.each()
        ]
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
    return tuple(lines)


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
