# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gate: the domains that this one needs are committed on all their hosts of the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..plan._resolved import Place, Resolved, listed
from . import _promotion
from ._answer import Answer
from ._facts import Facts

NAME = "domains"


def answer(facts: Facts) -> Answer:
    """Return the answer. A run that only stages does not wait for the others."""
    needed = facts.resolved.needed()
    names = [part.domain for part in needed]
    if not needed:
        return Answer(NAME, True, "no domain is needed before")
    missing = {part.domain: _missing(facts, part) for part in needed}
    lacking = [name for name in names if missing[name]]
    if not lacking:
        return Answer(NAME, True, f"{listed(names)} committed")
    said = [f"{name} is not committed on {listed(missing[name])}" for name in lacking]
    if facts.only_stages:
        return Answer(NAME, True, f"nothing is switched; {'; '.join(said)}")
    return Answer(NAME, False, "; ".join(said), needs=f"a deployment of {listed(lacking)} before")


def after_needed(facts: Facts, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return *rows* of deployments as they are once the domains that this one needs are deployed.

    It is switched only then: what it requires of them is in the plan.
    """
    environment, known = facts.demands.environment, list(rows)
    for part in facts.resolved.needed():
        name, place = part.release["name"], _place(facts, part)
        known = [r for r in known if r["application"] != name or r["host"] not in place.hosts]
        release = {key: part.release[key] for key in ("version", "digest")}
        known += [
            {"application": name, "environment": environment, "host": host, **release}
            for host in place.hosts
        ]
    return known


def _missing(facts: Facts, part: Resolved) -> tuple[str, ...]:
    """Return the hosts of the plan of a domain that have not its release."""
    return _promotion.soaked(_place(facts, part), part.release, facts.of_needed).missing


def _place(facts: Facts, part: Resolved) -> Place:
    place = part.place(facts.demands.environment)
    return place or Place(facts.demands.environment, ())
