# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect the Facts of one environment of a plan, from the ledger and the media library."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..calendar._calendar import Calendar
from ..ledger._ledger import Ledger
from ..library._catalogue import Catalogue
from ..plan import _demands, _standing, _taking_in
from ..plan._agreement import Recorded
from ..plan._demands import Demands
from ..plan._resolved import Resolved
from ..plan._standing import Standing
from ..policy._policy import Identity, Policy
from ..registers import _register
from . import _domains, _issues_of, _own, _release_facts
from ._answer import Answer
from ._facts import Facts, OfRelease
from ._issues_of import Issues


@dataclass(frozen=True)
class Run:
    """The run that asks: its id, who it is, the *hosts* it is about, and their *addresses*.

    *id* is of its process; *own_run* is how the ledger names it, once it began. *addresses* has a
    text where those of a host are not known. ``is_over(run)`` tells whether another run has ended,
    whatever the ledger says; *takes_over* names one of which the user says so.
    """

    id: str = ""
    identity: Identity = field(default_factory=lambda: Identity(None, "claimed", ""))
    hosts: tuple[str, ...] = ()
    addresses: Mapping[str, tuple[str, ...] | str] = field(default_factory=dict)
    own_run: str = ""
    only_stages: bool = False
    takes_over: str = ""
    is_over: Callable[[str], bool] = lambda run: False


@dataclass(frozen=True)
class OnRecord:
    """What the ledger says: plans, registers, deployments and runs without an end."""

    ledger: str
    plans: Mapping[str, Standing]
    entries: list[_register.Entry]
    deployments: list[dict[str, Any]]
    open_runs: list[dict[str, Any]]

    @classmethod
    def of(cls, ledger: Ledger) -> OnRecord:
        """Return what *ledger*, which exists, says now."""
        head = ledger.head()
        return cls(
            head.ledger if head else "",
            _standing.of_ledger(ledger),
            _register.of_ledger(ledger),
            ledger.rows("deployments", "application", "host", "root"),
            ledger.rows("runs", "began", ended=None),
        )


def with_statements(record: OnRecord, taken: Sequence[Recorded]) -> OnRecord:
    """Return *record* as it would be once statements are *taken* in, for a dry run."""
    plans = dict(record.plans)
    for each in taken:
        name = each.statement.plan
        plans[name] = replace(plans[name], recorded=(*plans[name].recorded, each))
    return replace(record, plans=plans)


def with_plan(record: OnRecord, standing: Standing) -> OnRecord:
    """Return *record* as it would be once a plan is *standing* so, for a dry run."""
    return replace(record, plans={**record.plans, standing.plan: standing})


def facts(
    policy: Policy,
    calendar: tuple[Calendar | None, str],
    record: OnRecord,
    resolved: Resolved,
    environment: str,
    run: Run,
    now: datetime,
) -> Facts:
    """Return the Facts that need neither the media library nor commands."""
    step = resolved.plan.step(environment)
    if step is None:
        names = ", ".join(each.environment for each in resolved.plan.path)
        raise ReleaseError(
            f"env (release_env): '{environment}' is not in the plan; valid: {names}",
            code="invalid_option",
        )
    application = resolved.release["name"]
    needed = [name for part in resolved.needed() for name in part.applications]
    return Facts(
        now=now,
        policy=policy,
        demands=_demands.of_step(policy, resolved.plan, step),
        resolved=resolved,
        standing=record.plans.get(resolved.plan.name),
        ledger=record.ledger,
        identity=run.identity,
        verify=_taking_in.verifier(policy),
        run=run.id,
        own_run=run.own_run,
        only_stages=run.only_stages,
        hosts=run.hosts,
        calendar=calendar[0],
        calendar_problem=calendar[1],
        deployments=[row for row in record.deployments if row["application"] == application],
        of_needed=[row for row in record.deployments if row["application"] in needed],
        open_runs=[row for row in record.open_runs if not run.is_over(row["run"])],
        takes_over=run.takes_over,
        entries=record.entries,
        others=others(record.plans, resolved, environment),
        addresses=run.addresses,
    )


def others(plans: Mapping[str, Standing], resolved: Resolved, environment: str) -> list[Standing]:
    """Return the other plans that stand for an application of this one and the environment."""
    return [
        plan
        for plan in plans.values()
        if plan.plan != resolved.plan.name
        and plan.is_standing
        and set(plan.resolved.applications) & set(resolved.applications)
        and plan.resolved.plan.step(environment)
    ]


def of_release(
    media_library: str, trust: str, known: Facts, deployments: list[dict[str, Any]], now: datetime
) -> OfRelease:
    """Return what the media library says of the release, for the gates that need that.

    *deployments* are rows of that projection for all applications.
    """
    from ..library._store import Library

    environment = known.demands.environment
    try:
        library = Library(media_library)
        label = library.find("sha256:" + known.resolved.release["digest"])
        hosts = known.place.hosts
        there = [r for r in deployments if r["environment"] == environment or r["host"] in hosts]
        after = _domains.after_needed(known, there)
        return OfRelease(
            _issues(library, known, deployments),
            tuple(_release_facts.signature_problems(library, label, trust, now)),
            tuple(_release_facts.compatibility_problems(library, label, after)),
            trust,
        )
    except (ReleaseError, OSError) as error:
        return OfRelease(trust=trust, problem=" ".join(str(error).split()))


def _issues(
    library: Catalogue, known: Facts, deployments: Sequence[Mapping[str, Any]]
) -> Issues | None:
    """Return the issues of all releases of the plan, None where it has no scope.

    Its scope is about all domains. Of one that is deployed nothing is left to be brought.
    """
    if known.plan.scope is None:
        return None
    found: set[str] = set()
    for part in known.resolved.all_domains():
        place, application = part.place(known.demands.environment), part.release["name"]
        hosts = place.hosts if place else ()
        rows = [r for r in deployments if r["application"] == application and r["host"] in hosts]
        before = {row["digest"] for row in rows} - {part.release["digest"]}
        if not before and len({row["host"] for row in rows}) == len(hosts):
            found.update(known.plan.scope)
            continue
        label = library.find("sha256:" + part.release["digest"])
        issues = _issues_of.issues_since(library, label, sorted(filter(None, before)))
        if issues.problem:
            return issues
        found.update(issues.found)
    return Issues(tuple(sorted(found)))


def own_answers(known: Facts, demands: Demands, check: bool) -> tuple[Answer, ...]:
    """Return the answers of the organisation's own gates, which are asked now."""
    release, standing = known.resolved.release, known.standing
    said = {
        "plan": known.plan.name,
        "domain": known.resolved.domain,
        "revision": str(standing.revision if standing else 0),
        "environment": demands.environment,
        "application": release["name"],
        "version": release["version"],
        "digest": release["digest"],
        "change": known.plan.change,
        "hosts": ",".join(known.place.hosts),
        "time": known.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "check": "true" if check else "false",
    }
    return tuple(
        _own.answer(gate, said)
        for gate in known.policy.gates
        if not gate.environments or demands.environment in gate.environments
    )
