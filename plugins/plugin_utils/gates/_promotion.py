# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the same digest is committed on all hosts of the environment before, for long enough."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ..definition import _duration
from ..ledger._event import moment
from ..plan._resolved import Place, listed
from ._answer import Answer
from ._facts import Facts

NAME = "promotion"


@dataclass(frozen=True)
class Soaked:
    """Which hosts lack a release, and since when the last of the others has it committed."""

    missing: tuple[str, ...]
    since: datetime | None


def soaked(place: Place, release: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> Soaked:
    """Return how far a *release* is committed in a *place*, by *rows* of the ledger's deployments.

    A host counts from when its deployment root has the digest; where its root is not known, from
    when the last of its roots of the application has it.
    """
    hosts, digest = place.hosts, release["digest"]
    since: dict[str, datetime | None] = {}
    for row in rows:
        if row["application"] != release["name"] or row["host"] not in hosts:
            continue
        if row["root"] != place.roots.get(row["host"], row["root"]):
            continue
        is_there = row["digest"] == digest and row["phase"] == "live"
        at = moment(row["since"]) if is_there else None
        before = since.get(row["host"], at)
        since[row["host"]] = None if at is None or before is None else max(at, before)
    missing = tuple(host for host in hosts if since.get(host) is None)
    return Soaked(missing, max((at for at in since.values() if at is not None), default=None))


def answer(facts: Facts) -> Answer:
    """Return the answer."""
    before = facts.plan.before(facts.demands.environment)
    if before is None:
        return Answer(NAME, True, "the first environment of the plan")
    if facts.plan.is_emergency:
        return Answer(NAME, True, "emergency")
    place = facts.resolved.place(before.environment)
    if place is None or not place.hosts:
        return Answer(NAME, False, f"{before.environment} has no hosts", needs="hosts there")
    found = soaked(place, facts.resolved.release, facts.deployments)
    if found.missing or found.since is None:
        text = f"not committed in {before.environment} on {listed(found.missing)}"
        return Answer(NAME, False, text, needs=f"a deployment to {before.environment}")
    age = max(facts.now - found.since, timedelta())
    soak = facts.demands.soak
    text = f"in {before.environment} for {_duration.spelled(age)}"
    if not soak:
        return Answer(NAME, True, text)
    text += f" of {_duration.spelled(soak)}"
    if age >= soak:
        return Answer(NAME, True, text)
    return Answer(NAME, False, text, opens=found.since + soak)
