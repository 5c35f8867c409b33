# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a run, and how far each of them is, by what tasks reported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..events import _facts

UNKNOWN = "unknown"  # not asked yet
STAGED = "staged"
REFUSED = "refused"  # nothing was changed: it cannot be staged, or failed before its switch
LATE = "late"  # unreachable before its switch
ON_TRIAL, COMMITTED = "on trial", "committed"
FAILED = "failed"  # on the new release; a hook, a handler or the way back failed
RESTORED = "restored"  # failed, and on the release before
UNWELL = "unwell"  # on the release before, which does not work
BACK = "backed out"
LOST = "lost"  # unreachable after its switch began: what is live there is not known

ON_THE_RELEASE = (ON_TRIAL, COMMITTED, FAILED, LOST)
BAD = (REFUSED, FAILED, RESTORED, UNWELL, LOST)


@dataclass(frozen=True)
class Member:
    """A host of the run: its *state*, and why it is not well.

    *was_well*: whether it was in service before, None where no probe could tell. *is_new*: whether
    nothing was live there before. *works*: whether what the run made live there works, None where
    it made nothing live, or did not probe what it restored. *touched*: whether a run of this
    deployment changed what is live there. *by*: the run that brought what is live.
    """

    host: str
    state: str = UNKNOWN
    reason: str = ""
    was_well: bool | None = None
    is_new: bool = False
    works: bool | None = None
    touched: bool = False
    by: str = ""

    @property
    def is_in_service(self) -> bool:
        """Whether it serves for certain, as far as its probes can tell."""
        if self.state in (LATE, LOST, FAILED, UNWELL):
            return False
        if self.works is not None:
            return self.works
        return not self.is_new and self.was_well is not False

    @property
    def is_changed(self) -> bool:
        """Whether the release is perhaps live there, by a run of this deployment."""
        return self.touched and self.state in ON_THE_RELEASE

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong with it by this run."""
        return self.state not in (*BAD, LATE)


Members = Mapping[str, Member]


def members(
    hosts: Sequence[str],
    facts: Iterable[_facts.Event],
    digest: str,
    gone: Collection[str] = (),
    earlier: Collection[str] = (),
) -> dict[str, Member]:
    """Return the members of a run that brings the release with this *digest* to *hosts*.

    *gone* are hosts that Ansible took out of the play. What one of the *earlier* runs of the same
    deployment brought counts as changed by this one.
    """
    found = {host: Member(host) for host in hosts}
    for fact in facts:
        member = found.get(getattr(fact, "host", ""))
        if member is None:
            continue
        if isinstance(fact, _facts.Deployment):
            found[member.host] = _after(member, fact, digest, earlier)
        elif isinstance(fact, _facts.Inspection):
            found[member.host] = _inspected(member, fact, digest, earlier)
        elif isinstance(fact, _facts.Failure):
            found[member.host] = _failed(member, fact)
    for host in gone:
        if host in found and found[host].is_well:
            found[host] = _gone(found[host])
    return found


def _after(
    member: Member, fact: _facts.Deployment, digest: str, earlier: Collection[str]
) -> Member:
    """Return the *member* after an answer of its host."""
    by = fact.by or member.by
    if fact.state in ("staged", "checked"):
        return _staged(replace(member, by=by), fact, digest, earlier)
    # A host that was lost in its switch is perhaps changed.
    lost = fact.state == "live" and fact.status == "unreachable"
    touched = member.touched or fact.changed or fact.switched_back or lost
    member = replace(member, touched=touched, by=by, reason=fact.reason or member.reason)
    if fact.state == "live" and fact.status == "ok":
        # A run that goes on with the trial of an earlier one answers for it from then on.
        member = replace(member, by="")
    if fact.state == "live":
        works = True if fact.status == "ok" else None
        return replace(member, state=_switched(member, fact, digest), works=works)
    if fact.state == "reverted":
        if member.state in (STAGED, REFUSED) and _is_there(fact, digest):
            # What made it live was not answered, as when its process died after the commit.
            member = replace(member, state=FAILED, touched=True)
        has_nothing = fact.after is not None and fact.after.phase == "none"
        state = _reverted(member, fact, digest)
        return replace(
            member,
            state=state,
            touched=touched or state == FAILED,  # A host that cannot tell is perhaps changed.
            works=fact.in_service,
            is_new=member.is_new or has_nothing,
        )
    return member


def _staged(
    member: Member, fact: _facts.Deployment, digest: str, earlier: Collection[str]
) -> Member:
    if fact.status != "ok":
        state = LATE if fact.status == "unreachable" else REFUSED
        return replace(member, state=state, reason=fact.reason or "")
    there = fact.after or fact.before or _facts.NOTHING
    is_there = there.digest == digest and there.phase != "none"
    known = replace(
        member,
        state=STAGED if not is_there else COMMITTED if there.phase == "live" else ON_TRIAL,
        touched=is_there and member.by in earlier,
        is_new=there.phase == "none",
    )
    if fact.in_service is None:
        return known
    return replace(known, was_well=fact.in_service, reason=fact.out_of_service or "")


def _inspected(
    member: Member, fact: _facts.Inspection, digest: str, earlier: Collection[str]
) -> Member:
    """Return the *member* that was asked what is live, to be backed out."""
    if fact.status != "ok":
        return replace(member, state=LOST, touched=True, reason=fact.reason or "")
    there = fact.after or _facts.NOTHING
    is_there = bool(digest) and there.digest == digest and (fact.by or "") in earlier
    state = ON_TRIAL if there.phase == "on trial" else COMMITTED
    return replace(
        member,
        state=state if is_there else STAGED,
        is_new=there.phase == "none" or bool(is_there and fact.is_alone),
        works=True if is_there else None,
        touched=is_there,
        by=fact.by or "",
    )


def _switched(member: Member, fact: _facts.Deployment, digest: str) -> str:
    if fact.status == "ok":
        return ON_TRIAL if fact.after and fact.after.phase == "on trial" else COMMITTED
    if fact.status == "unreachable":
        return LOST
    if fact.after is None:  # refused before anything was done
        return member.state if member.state in (ON_TRIAL, COMMITTED) else REFUSED
    return FAILED if fact.after.digest == digest else RESTORED


def _reverted(member: Member, fact: _facts.Deployment, digest: str) -> str:
    if fact.status == "unreachable":
        return LOST
    is_there = _is_there(fact, digest)
    if fact.status != "ok":
        return UNWELL if fact.after and not is_there else FAILED
    if is_there and not fact.changed:  # a release that was committed stays
        return member.state
    return RESTORED if member.state in BAD else BACK


def _is_there(fact: _facts.Deployment, digest: str) -> bool:
    """Tell whether the release is live, or on trial, after what a host answered."""
    return bool(fact.after and fact.after.digest == digest and fact.after.phase != "none")


def _failed(member: Member, fact: _facts.Failure) -> Member:
    """Return the *member* whose role ended by a failure."""
    state = member.state
    if state in (UNKNOWN, STAGED):
        state = REFUSED
    elif state in (ON_TRIAL, COMMITTED):
        state = FAILED
    elif state == BACK:
        state = RESTORED
    return replace(member, state=state, reason=member.reason or fact.reason)


def _gone(member: Member) -> Member:
    """Return the *member* that a hook or a handler could not reach."""
    state = LOST if member.touched or member.state in ON_THE_RELEASE else LATE
    return replace(member, state=state, reason="unreachable in a hook or a handler")
