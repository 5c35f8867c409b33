# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs as events of the ledger: facts of a run in, drafts out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ...module_utils.formats import _canonical
from ..events import _facts
from . import _kind_history_found, _kind_run_began, _kind_run_ended
from ._event import Draft

LONGEST_REASON = 1000


def began(
    run: str,
    act: str,
    application: str,
    hosts: Sequence[str],
    release: Mapping[str, str] | None = None,
    reference: str = "",
    environment: str = "",
) -> Draft:
    """Return the event that *run* is about to do *act* with *hosts*.

    *release* has name, version and digest, as far as they are known; *reference* is how the user
    named it. A run that goes batch by batch records each batch.
    """
    body: dict[str, Any] = {"run": run, "act": act, "hosts": list(hosts)}
    body |= {"release": dict(release)} if release else {}
    body |= {"reference": reference} if reference else {}
    body |= {"environment": environment} if environment else {}
    key = f"{run}/{act}/began/{_digest(list(hosts))}"
    return Draft(_kind_run_began.NAME, application, body, key)


def ended(
    run: str,
    act: str,
    application: str,
    answers: Iterable[_facts.Deployment],
    environment: str = "",
    settled_by: str = "",
) -> Draft:
    """Return the event that *run* came to its end, with the last answer of each host."""
    last = {(answer.host, answer.root): answer for answer in answers}
    facts = list(last.values())
    body: dict[str, Any] = {
        "run": run,
        "act": act,
        "verdict": verdict(facts),
        "hosts": [_host(fact) for fact in facts],
    }
    reasons = [fact for fact in facts if fact.reason]
    if reasons:
        first = reasons[0]
        more = f" (and {len(reasons) - 1} more hosts)" if len(reasons) > 1 else ""
        body["reason"] = f"{first.host}: {first.reason}"[: LONGEST_REASON - len(more)] + more
    body |= {"environment": environment} if environment else {}
    body |= {"settled_by": settled_by} if settled_by else {}
    key = f"{run}/{act}/ended/{_digest(body['hosts'])}"
    return Draft(_kind_run_ended.NAME, application, body, key)


def verdict(facts: Sequence[_facts.Deployment]) -> str:
    """Return how a run ended: done, held, refused (nothing was changed) or failed."""
    if any(fact.status in ("failed", "unreachable") for fact in facts):
        touched = any(fact.changed or fact.switched_back for fact in facts)
        lost = any(fact.status == "unreachable" for fact in facts)
        return "failed" if touched or lost else "refused"
    on_trial = any(fact.after and fact.after.phase == "on trial" for fact in facts)
    return "held" if on_trial else "done"


def found(
    host: str,
    root: str,
    entries: Sequence[Mapping[str, Any]],
    after: Mapping[str, Any] | None = None,
    application: str = "",
    environment: str = "",
) -> Draft:
    """Return the event that *entries* of a host's history were on no record.

    *after* is what is live there now, with phase, name, version and digest.
    """
    kept = [
        {name: entry.get(name) for name in ("at", "run", "event", "tree", "from")}
        for entry in entries
    ]
    body: dict[str, Any] = {"host": host, "root": root, "entries": kept}
    body |= {"after": deployed(after)} if after is not None else {}
    body |= {"environment": environment} if environment else {}
    subject = application or str((after or {}).get("name") or host)
    return Draft(_kind_history_found.NAME, subject, body, f"found/{host}/{_digest(body)}")


def deployed(moment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the phase, name, version and digest in *moment*, without those that are not known."""
    known = {name: moment.get(name) for name in ("name", "version", "digest")}
    return {"phase": moment["phase"], **{name: value for name, value in known.items() if value}}


def _host(fact: _facts.Deployment) -> dict[str, Any]:
    said: dict[str, Any] = {"host": fact.host, "result": fact.status}
    said |= {"root": fact.root} if fact.root else {}
    said |= {"changed": True} if fact.changed or fact.switched_back else {}
    said |= {"reason": fact.reason[:LONGEST_REASON]} if fact.reason else {}
    for name in ("before", "after"):
        release = getattr(fact, name)
        if release is not None:
            said[name] = deployed(release.to_plain(with_links=False))
    return said


def _digest(value: object) -> str:
    return _canonical.sha256_hex(_canonical.dumps(value))[:16]
