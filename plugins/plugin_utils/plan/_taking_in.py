# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take signed statements into the ledger: each is verified, and counts from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from ...module_utils.errors._release_error import ReleaseError
from ..ledger import _kind_statement_recorded
from ..ledger._event import Actor, Draft
from ..ledger._ledger import Ledger
from ..policy import _sshsig
from ..policy._policy import Policy
from . import _agreement, _demands
from ._agreement import Recorded
from ._standing import Standing
from ._statement import APPROVE, COMMENT, OVERRIDE, WITHDRAW, Statement, StatementError
from ._statement_files import Signed


def verifier(policy: Policy) -> _agreement.Verify:
    """Return a function that tells why a recorded statement's signature does not hold, or ""."""
    known: dict[tuple[str, str], str] = {}

    def verify(recorded: Recorded) -> str:
        if recorded.strength != "signed":
            return ""
        key = (recorded.statement.digest, recorded.signature)
        if key not in known:
            known[key] = _problem(policy, recorded)
        return known[key]

    return verify


def _problem(policy: Policy, recorded: Recorded) -> str:
    person = policy.people.get(recorded.statement.person)
    if person is None:
        return f"{recorded.statement.person} is not a person in policy.yml"
    valid = [key.line for key in person.keys if not key.why_not(recorded.at)]
    try:
        _sshsig.verify(recorded.statement.data, recorded.signature, valid, person.id)
    except _sshsig.SignatureError as error:
        for key in person.keys:  # a key that does not count any more is the better reason
            why = key.why_not(recorded.at)
            if why and _holds(recorded, key.line):
                return f"{why} ({person.id})"
        return str(error)
    return ""


def _holds(recorded: Recorded, key: str) -> bool:
    said = recorded.statement
    try:
        return bool(_sshsig.verify(said.data, recorded.signature, [key], said.person))
    except _sshsig.SignatureError:
        return False


def check(
    policy: Policy,
    standing: Standing,
    recorded: Recorded,
    ledger: str,
    now: datetime,
    verify: _agreement.Verify,
    run: str = "",
) -> None:
    """Raise StatementError, with the reason, where a statement is not to be recorded."""
    said = recorded.statement
    step = standing.resolved.plan.step(said.environment)
    if step is None:
        raise StatementError(f"{standing.plan} does not go to {said.environment}")
    demands = _demands.of_step(policy, standing.resolved.plan, step)
    subject = standing.subject(ledger)
    if said.decision == OVERRIDE:
        why = _agreement.override_problem(policy, demands, subject, recorded, run, now)
    else:
        why = _agreement.why_not(policy, demands, subject, recorded, now)
    why = why or ("" if standing.is_standing else f"the plan is {standing.ended}")
    why = why or verify(recorded) or _conflict(standing, said)
    if why:
        raise StatementError(why)


def _conflict(standing: Standing, said: Statement) -> str:
    """Return why what was recorded before keeps *said* from counting, "" where it does not."""
    before = [
        each.statement
        for each in standing.recorded
        if each.statement.revision == said.revision
        and each.statement.environment == said.environment
        and each.statement.person == said.person
    ]
    if said.decision == WITHDRAW:
        known = {each.digest for each in before if each.decision not in (WITHDRAW, COMMENT)}
        return "" if said.withdraws in known else "it withdraws nothing that is on record"
    withdrawn = {each.withdraws for each in before if each.decision == WITHDRAW}
    if said.digest in withdrawn:
        return "it was withdrawn; a new approval needs a new revision"
    if said.decision == APPROVE:
        for each in before:
            if each.decision == APPROVE and each.digest in withdrawn:
                return "an approval was withdrawn; a new approval needs a new revision"
            if each.decision == APPROVE and each.digest != said.digest:
                return f"{said.person} approved as {each.role} already, and counts once"
    return ""


def _is_withdrawn(standing: Standing, said: Statement) -> bool:
    return any(
        each.statement.decision == WITHDRAW
        and each.statement.withdraws == said.digest
        and each.statement.person == said.person
        for each in standing.recorded
    )


def draft(recorded: Recorded) -> Draft:
    """Return the event that records a statement; the same statement is recorded once."""
    said = recorded.statement
    body = {
        "plan": said.plan,
        "revision": said.revision,
        "environment": said.environment,
        "decision": said.decision,
        "person": said.person,
        "digest": said.digest,
        "statement": said.data.decode("utf-8"),
    }
    body |= {"role": said.role} if said.role else {}
    body |= {"signature": recorded.signature} if recorded.signature else {}
    return Draft(_kind_statement_recorded.NAME, said.plan, body, f"statement/{said.digest}")


def take_in(
    ledger: Ledger,
    policy: Policy,
    plans: Mapping[str, Standing],
    found: Iterable[Signed],
    now: datetime,
    warn: Callable[[str], None],
    keep: bool = True,
) -> list[Recorded]:
    """Record the signed statements *found* that are not on record; warn of those that do not count.

    Without *keep*, as in a dry run, nothing is recorded. Returns what was, or would be, recorded.
    """
    head = ledger.head()
    verify = verifier(policy)
    taken = []
    for each in found:
        said = each.statement
        if said is None or said.decision == OVERRIDE:  # which is signed within its run only
            if each.problem:
                warn(f"{each.path}: {each.problem}: it is not taken in")
            continue
        standing = plans.get(said.plan)
        if standing and any(r.statement.digest == said.digest for r in standing.recorded):
            if _is_withdrawn(standing, said):
                warn(f"{each.path}: it was withdrawn; a new approval needs a new revision")
            continue
        recorded = Recorded(said, now, "signed", each.signature)
        try:
            if standing is None:
                raise StatementError(f"there is no plan {said.plan} on record")
            check(policy, standing, recorded, head.ledger if head else "", now, verify)
            if keep:
                ledger.append([draft(recorded)], Actor(said.person, "signed"))
        except ReleaseError as error:
            warn(f"{each.path}: not taken in: {error}")
            continue
        taken.append(recorded)
    return taken
