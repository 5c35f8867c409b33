# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run did on each host, and its verdict: facts in, outcomes out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils.formats import _canonical
from ..events import _facts

LONGEST_REASON, LONGEST_WORD = 1000, 500
DIGEST = re.compile("[0-9a-f]{64}")
BAD = ("failed", "unreachable")
CHANGING = (
    "back_out",
    "deploy",
    "reconcile",
    "rollback",
    "uninstall",
)  # acts that change what is live


@dataclass(frozen=True)
class HostOutcome:
    """What a run did under one *root* of a *host*.

    *result* is ok, failed, unreachable, or skipped where the run did not come to it. *before* and
    *after* are what was live or on trial, None where that is not known. *touched*: whether the run
    changed what is live or on trial, even if it restored that. *changed*: whether it built or
    sealed something. *may_differ*: whether it was lost while it changed what is live. *answered*:
    whether a module of the collection ran there.
    """

    host: str
    root: str = ""
    result: str = "skipped"
    reason: str = ""
    before: _facts.Release | None = None
    after: _facts.Release | None = None
    touched: bool = False
    changed: bool = False
    may_differ: bool = False
    answered: bool = False

    def to_plain(self) -> dict[str, Any]:
        """Return this as the body of an event has it."""
        said: dict[str, Any] = {"host": self.host, "result": self.result}
        said |= {"root": self.root[:LONGEST_WORD]} if self.root else {}
        said |= {"changed": True} if self.changed or self.touched else {}
        reason = _canonical.printable(self.reason)[:LONGEST_REASON]
        said |= {"reason": reason} if reason else {}
        for name in ("before", "after"):
            release = getattr(self, name)
            if release is not None:
                said[name] = deployed(release.to_plain(with_links=False))
        return said


def of_hosts(
    hosts: Sequence[str],
    facts: Iterable[_facts.Event],
    lost: Collection[str] = (),
    act: str = "deploy",
) -> list[HostOutcome]:
    """Return the outcomes on *hosts*, in their order, one for each root that *facts* are about.

    *lost* are hosts that left the run, which did *act*, and reported nothing.
    """
    found: dict[str, dict[str, list[_facts.Answer]]] = {host: {} for host in hosts}
    pruned, failures = {}, {}
    for fact in facts:
        if isinstance(fact, _facts.Failure):
            failures[fact.host] = fact.reason
        if isinstance(fact, _facts.Pruning):
            pruned[fact.host] = HostOutcome(fact.host, result="ok", changed=fact.changed)
        if isinstance(fact, _facts.Answer) and fact.host in found and fact.status != "skipped":
            found[fact.host].setdefault(fact.root, []).append(fact)
    outcomes = []
    for host, roots in found.items():
        if host in pruned:
            outcomes.append(pruned[host])
            continue
        failure = failures.get(host, "")
        here = [_of_root(host, root, answers, failure, act) for root, answers in roots.items()]
        here = here or [
            HostOutcome(host, result="failed" if failure else "skipped", reason=failure)
        ]
        if host in lost and not any(outcome.result in BAD for outcome in here):
            here = [_lost(each) for each in here]
        outcomes += here
    return outcomes


def verdict(act: str, outcomes: Sequence[HostOutcome]) -> str:
    """Return how a run that did *act* with these *outcomes* ended.

    done; held: something is on trial; refused: nothing was changed; backed_out: what was changed
    was restored everywhere; failed.
    """
    if any(outcome.result in BAD for outcome in outcomes):
        if act not in CHANGING:
            return "failed" if any(outcome.answered for outcome in outcomes) else "refused"
        if any(_differs(outcome) or outcome.may_differ for outcome in outcomes):
            return "failed"
        return "backed_out" if any(outcome.touched for outcome in outcomes) else "refused"
    on_trial = any(each.after and each.after.phase == "on trial" for each in outcomes)
    return "held" if on_trial else "done"


def has_switched(hosts: Sequence[str], facts: Sequence[_facts.Event]) -> bool:
    """Tell whether a run changed what is live on *hosts*, or answers for it from now on.

    It takes a trial over from the run that began it, also where that changes nothing else.
    """
    took_over = any(
        isinstance(fact, _facts.Deployment)
        and fact.state == "live"
        and fact.status == "ok"
        and fact.after is not None
        and fact.after.phase == "on trial"
        for fact in facts
    )
    return took_over or any(each.touched or each.may_differ for each in of_hosts(hosts, facts))


def reason(outcomes: Iterable[HostOutcome]) -> str:
    """Return why the run did not go well, in a line: the first host, and how many more."""
    bad = [outcome for outcome in outcomes if outcome.result in BAD]
    if not bad:
        return ""
    count = len(bad) - 1
    more = f" (and {count} more {'host' if count == 1 else 'hosts'})" if count else ""
    said = _canonical.printable(f"{bad[0].host}: {bad[0].reason or bad[0].result}")
    return said[: LONGEST_REASON - len(more)] + more


def release(facts: Iterable[_facts.Event]) -> dict[str, str]:
    """Return the name, version and digest of the release that *facts* are about, as known."""
    known: dict[str, str] = {}
    for fact in facts:
        if isinstance(fact, _facts.WorkspaceAnswer):
            known |= fact.release
        elif isinstance(fact, _facts.Deployment) and fact.status == "ok":
            after = fact.after
            if fact.state == "live" and after and after.phase != "none":
                known |= deployed(after.to_plain(with_links=False))
        elif not known.get("name"):  # what it was about, without what became of it
            there = getattr(fact, "before", None) or getattr(fact, "after", None)
            if isinstance(there, _facts.Release) and there.name:
                known["name"] = deployed(there.to_plain(with_links=False))["name"]
    return {name: known[name] for name in ("name", "version", "digest") if name in known}


def deployed(moment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the phase, name, version and digest in *moment*, without those that are not known."""
    known = {
        name: _canonical.printable(str(moment.get(name) or "")) for name in ("name", "version")
    }
    known["digest"] = str(moment.get("digest") or "")
    if not DIGEST.fullmatch(known["digest"]):  # of one that was adopted it is not known
        known["digest"] = ""
    short = {name: value[:LONGEST_WORD] for name, value in known.items() if value}
    return {"phase": moment["phase"], **short}


def found_there(facts: Iterable[_facts.Event]) -> dict[tuple[str, str], _facts.Release]:
    """Return what a run found live or on trial, by host and root, before it changed anything."""
    there: dict[tuple[str, str], _facts.Release] = {}
    for fact in facts:
        if isinstance(fact, _facts.Deployment) and fact.before is not None:
            there.setdefault((fact.host, fact.root), fact.before)
        elif isinstance(fact, _facts.Inspection) and fact.after is not None:
            there.setdefault((fact.host, fact.root), fact.after)
    return there


def _of_root(
    host: str, root: str, answers: Sequence[_facts.Answer], failure: str, act: str
) -> HostOutcome:
    deployments = [answer for answer in answers if isinstance(answer, _facts.Deployment)]
    before = next((each.before for each in deployments if each.before), None)
    after = next((each.after for each in reversed(deployments) if each.after), before)
    wrong = [answer for answer in answers if answer.status in BAD]
    last = answers[-1]
    result, why = "ok", ""
    if wrong:
        result, why = wrong[0].status, wrong[0].reason or ""
    elif failure or (act != "back_out" and any(each.state == "reverted" for each in deployments)):
        result, why = "failed", failure
    elif isinstance(last, _facts.Inspection) and last.ok is False:
        result, why = "failed", f"drifted: {', '.join(last.first_drift or ())}"
    changed = any(each.changed for each in deployments if each.state != "staged")
    touched = changed or any(each.switched_back for each in deployments)
    return HostOutcome(
        host,
        root,
        result,
        why,
        before,
        after,
        touched=touched,
        answered=True,
        may_differ=result == "unreachable" and any(map(_switches, deployments)),
        changed=any(isinstance(a, _facts.WorkspaceAnswer) and a.changed for a in answers),
    )


def _lost(outcome: HostOutcome) -> HostOutcome:
    """Return *outcome* of a host that left the run and reported nothing."""
    on_trial = bool(outcome.after and outcome.after.phase == "on trial")
    return replace(
        outcome,
        result="unreachable",
        reason="the host was lost",
        after=None if outcome.touched or on_trial else outcome.after,
        may_differ=outcome.touched or on_trial,
    )


def _switches(answer: _facts.Deployment) -> bool:
    return answer.state in ("live", "reverted", "absent")


def _differs(outcome: HostOutcome) -> bool:
    before, after = outcome.before or _facts.NOTHING, outcome.after or _facts.NOTHING
    return (before.digest, before.phase) != (after.digest, after.phase)
