# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run that failed leaves on record: an issue, and runs that a later one goes on with."""

from __future__ import annotations

from ...module_utils.errors._release_error import ReleaseError
from ..fleet._fleet import Fleet
from ..ledger import _kind_run_began
from ..ledger._ledger import Ledger
from ..registers import _register
from ._kept import Kept
from ._task import PlanTask

MOST_RUNS = 200  # that are looked through, the newest first
TRIES = 20  # at the number of a new issue, which another run may take
ENDED = {"done", "backed_out"}  # verdicts after which nothing is left to go on with
RECONCILE = "reconcile"
OF_RELEASE = ("deploy", "back_out")


def open_issue(
    task: PlanTask, kept: Kept, fleet: Fleet, verdict: str, reason: str, run: str
) -> str:
    """Open the issue of a deployment that failed or was backed out; return its id, "" for none.

    It is a blocker: its release is bad in all environments until the issue is closed.
    """
    name, version = kept.release.get("name", ""), kept.release.get("version", "")
    hosts = "; ".join(f"{m.host}: {m.state}" for m in fleet.members.values() if not m.is_well)
    fields = {
        "title": f"{name} {version} in {kept.environment}: {verdict}: {reason}"[:500],
        "severity": "high",
        "blocker": True,
        "environment": kept.environment,
        "affects": name,
        "release": kept.release.get("digest", ""),
        "run": run,
        "reason": hosts[:1000],
    }
    about = {"plan": kept.plan, "revision": kept.revision}
    try:
        with task.ledger() as ledger:
            for _attempt in range(TRIES):
                entries = _register.of_ledger(ledger)
                id_ = _register.next_issue(entries)
                draft = _register.changed(
                    entries, _register.ISSUE, id_, _register.OPENED, fields, **about
                )
                try:
                    ledger.append([draft] if draft else [], task.actor)
                    return id_
                except ReleaseError as error:
                    if error.code != "key_conflict":
                        raise
            task.action._display.warning("no issue was opened: others take its number")
    except ReleaseError as error:
        task.action._display.warning(f"no issue was opened: {error}")
    return ""


def unfinished(task: PlanTask, application: str, environment: str) -> tuple[str, ...]:
    """Return the earlier runs of the plan there that have not come to an end, the newest first.

    What they changed is part of the deployment that this run goes on with.
    """
    if not task.sources.ledger:
        return ()
    with task.ledger(must_exist=False) as ledger:
        return _unfinished(ledger, task.planned.plan.name, application, environment, task.run)


def _unfinished(
    ledger: Ledger, plan: str, application: str, environment: str, this: str
) -> tuple[str, ...]:
    kind, subject = _kind_run_began.NAME, application or None
    events = list(ledger.events(kind=kind, subject=subject, newest=True, most=MOST_RUNS))
    found: dict[str, None] = {}
    reconciled: dict[str, None] = {}  # since: part of the deployment that they completed
    for event in reversed(events):
        body = event.body
        if body["act"] == RECONCILE and body.get("environment") == environment:
            reconciled[body["run"]] = None
        if body["run"] in (this, *found) or body["act"] not in OF_RELEASE:
            continue
        if body.get("plan", {}).get("name") != plan or body.get("environment") != environment:
            continue
        rows = ledger.rows("runs", run=body["run"], act=body["act"])
        # A run without an end has the verdict of its waves so far.
        verdicts = {row["verdict"] if row["ended"] else None for row in rows}
        if verdicts & ENDED:
            break
        if body["act"] == "deploy" and verdicts != {"refused"}:
            found |= reconciled
            found[body["run"]] = None
    return tuple(found)
