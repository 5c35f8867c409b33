# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Back out a deployment in a later run: by what hosts say, without policy, calendar or ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from ..events import _facts
from ..fleet import _members, _waves
from ..fleet._fleet import BACK_OUT, Decision, Fleet, Rules
from ..fleet._waves import FleetError
from ..ledger import _kind_run_began
from ..plan._plan import Plan, Step
from . import _chosen, _ordering, _rolling_out
from ._after_failure import RECONCILE
from ._kept import Kept
from ._task import PlanTask


@dataclass(frozen=True)
class Found:
    """What a host answered: the release that is current, and the run that brought it.

    *is_alone*: whether no other release is there, to which it could go back.
    """

    host: str
    release: _facts.Release | None  # None for a host that does not answer
    by: str = ""
    root: str = ""
    is_alone: bool = False


def found(task: PlanTask) -> _rolling_out.Result:
    """Keep the way back for the next play; nothing to back out ends the run well."""
    task.refuse_extra_variables()
    plan, step = _named(task)
    every = task.hosts_of(step.hosts)
    going = tuple(task.task_vars["ansible_play_hosts_all"])
    hosts = [host for host in _in_order(task, step, every) if host in going]
    answers = [_found(task, host) for host in hosts]
    run, own = task.arguments["run"], _runs_of(task, plan.name)
    changed = [
        each
        for each in answers
        if _is_about(each, plan.release, run) and (own is None or each.by in own)
    ]
    is_known = own is not None and run in own  # what it brought is gone already
    if run and not changed and not is_known and any(each.release for each in answers):
        there = ", ".join(sorted({each.by for each in answers if each.by})) or "none"
        raise FleetError(
            f"run (release_run): '{run}' brought nothing that is live here; found: {there}",
            code="invalid_option",
        )
    if not changed:
        _refuse_another(plan.release, answers, own)
        task.show(f"nothing to back out: {plan.release} was brought to no host by this plan")
    digests = sorted({str(each.release.digest) for each in changed if each.release})
    if len(digests) > 1:
        raise FleetError(
            f"{plan.release} is live with {len(digests)} digests: name the run that is to be "
            "backed out (release_run)"
        )
    position = task.journal.position()
    task.journal.note(map(_fact, answers))
    _rolling_out.settle(task)
    kept = Kept(
        release=_release(changed),
        environment=step.environment,
        hosts=tuple(each.host for each in answers),
        rules=Rules(
            min_in_service=step.min_in_service,
            missing=tuple(host for host in every if host not in going),
        ),
        plan=plan.name,
        earlier=tuple(sorted({each.by for each in changed})),
        position=position,
    )
    members = _members.members(
        kept.hosts, task.journal.facts(position), kept.release["digest"], (), kept.earlier
    )
    fleet = Fleet(members, kept.rules)
    order = _waves.batches(kept.hosts, step.waves)
    return _rolling_out.backing_out(task, kept, fleet, Decision(BACK_OUT, ""), order)


def _refuse_another(
    reference: str, answers: Sequence[Found], own: Mapping[str, str] | None
) -> None:
    """Raise FleetError where the plan's runs brought another release than it names now."""
    others = {
        f"{each.release.name}:{each.release.version}"
        for each in answers
        if own and each.release and each.release.phase != "none"
        # A reconcile may have brought the release of another plan.
        if own.get(each.by, RECONCILE) != RECONCILE
    }
    if others:
        raise FleetError(
            f"the plan deployed {', '.join(sorted(others))}, and names {reference} now: back it "
            "out with the file of the revision that deployed it"
        )


def _runs_of(task: PlanTask, plan: str) -> dict[str, str] | None:
    """Return the runs of the *plan* on record, by act; None where no ledger can be read."""
    if not task.sources.ledger:
        return None
    try:
        with task.ledger() as ledger:
            own: dict[str, str] = {}
            for event in ledger.events(kind=_kind_run_began.NAME):
                body = event.body
                is_own = body.get("plan", {}).get("name") == plan
                # What a reconcile brought after a run of the plan is part of its deployment.
                if is_own or (own and body["act"] == RECONCILE):
                    own[body["run"]] = body["act"]
            return own
    except ReleaseError as error:
        task.action._display.warning(f"backed out without the ledger: {error}")
        return None


def _in_order(task: PlanTask, step: Step, hosts: Sequence[str]) -> Sequence[str]:
    """Return *hosts* in the order of the waves; a canary that has left is no reason to stop."""
    try:
        return _ordering.ordered(task, step, hosts)
    except ReleaseError:
        return hosts


def _named(task: PlanTask) -> tuple[Plan, Step]:
    """Return the plan, of a domain where it has some, and its step in the environment meant."""
    part = _chosen.part(task.plan, task.arguments)
    return part, _chosen.step(part, task.arguments)


def _found(task: PlanTask, host: str) -> Found:
    """Return what *host* answered to the task that registered the variable ``answers``."""
    answer: Mapping[str, Any] = task.task_vars["hostvars"][host].get(task.arguments["answers"], {})
    deployed = answer.get("deployment")
    if not isinstance(deployed, Mapping):
        return Found(host, None)
    current = deployed.get("trial") or deployed.get("live") or {}
    known = {key: current.get(key) for key in ("name", "version", "serial", "digest")}
    release = _facts.Release(phase=str(deployed.get("phase", "none")), **known)
    there = {each.get("digest") for each in deployed.get("releases", ())}
    is_alone = release.phase != "none" and there == {release.digest}
    by, root = str(answer.get("by") or ""), str(deployed.get("root", ""))
    return Found(host, release, by, root, is_alone)


def _is_about(found_: Found, reference: str, run: str | None) -> bool:
    """Tell whether what is current there is the release of the plan, and can be undone."""
    release = found_.release
    if release is None or not found_.by or (run and found_.by != run):
        return False
    return reference in (f"{release.name}:{release.version}", f"sha256:{release.digest}")


def _fact(found_: Found) -> _facts.Inspection:
    answered = found_.release is not None
    return _facts.Inspection(
        host=found_.host,
        root=found_.root,
        status="ok" if answered else "unreachable",
        reason=None if answered else "unreachable",
        after=found_.release,
        by=found_.by or None,
        is_alone=found_.is_alone or None,
    )


def _release(changed: Sequence[Found]) -> dict[str, str]:
    if not changed or changed[0].release is None:
        return {"digest": ""}
    one = changed[0].release
    return {"name": one.name or "", "version": one.version or "", "digest": one.digest or ""}
