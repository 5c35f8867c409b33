# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet: the hosts of one environment, what its plan demands of them, and what comes next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..plan._plan import least_in_service
from ..plan._resolved import listed
from ._members import (
    COMMITTED,
    LATE,
    LOST,
    ON_TRIAL,
    RESTORED,
    STAGED,
    UNKNOWN,
    UNWELL,
    Member,
    Members,
)
from ._waves import Batch, FleetError, batches

GO, STOP, HOLD, BACK_OUT = "go", "stop", "hold", "back_out"
SHOWN = 3  # reasons in a line


@dataclass(frozen=True)
class Rules:
    """How the hosts of an environment change: as the plan says it.

    *waves* are sizes, none is one wave; *soak* are seconds that each wave is on trial. *unhealthy*
    is stop, or allow: whether hosts that are unreachable, or not in service before, stop the run.
    """

    waves: tuple[int | str, ...] = ()
    soak: float = 0
    min_in_service: int | str = 0
    on_failure: str = BACK_OUT
    unhealthy: str = STOP
    missing: tuple[str, ...] = ()  # hosts of the plan that the run leaves out

    def to_plain(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {**asdict(self), "waves": list(self.waves), "missing": list(self.missing)}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Rules:
        """Return what ``to_plain`` gave."""
        lists = {"waves": tuple(plain["waves"]), "missing": tuple(plain["missing"])}
        return cls(**{**plain, **lists})


@dataclass(frozen=True)
class Decision:
    """What comes next: go, stop (nothing was changed), hold or back_out; and why not go."""

    next: str
    reason: str = ""


@dataclass(frozen=True)
class Fleet:
    """The *members* of a run in the order in which they change, and the *rules* for them."""

    members: Members
    rules: Rules = field(default_factory=Rules)

    @property
    def least(self) -> int:
        """How many hosts must stay in service, of all that the plan has."""
        return least_in_service(
            len(self.members) + len(self.rules.missing), self.rules.min_in_service
        )

    @property
    def in_service(self) -> int:
        """How many hosts are in service for certain; those left out are taken to be."""
        up = sum(member.is_in_service for member in self.members.values())
        return up + len(self.rules.missing)

    def in_state(self, *states: str) -> list[Member]:
        """Return the members that are in one of *states*."""
        return [member for member in self.members.values() if member.state in states]

    def after_staging(self) -> Decision:
        """Decide once all hosts have been asked, and none was changed."""
        bad = [member for member in self.members.values() if not member.is_well]
        down = [member for member in self.members.values() if member.was_well is False]
        if self.least and self.rules.missing:
            left = listed(list(self.rules.missing))
            return Decision(STOP, f"min_in_service counts all hosts, and --limit leaves out {left}")
        if self.rules.unhealthy == STOP:
            refused = bad or down
        else:
            refused = [member for member in bad if member.state != LATE]
        if refused:
            return Decision(STOP, reasons(refused))
        if all(member.state == LATE for member in self.members.values()):
            return Decision(STOP, reasons(bad))
        return Decision(GO)

    def waves(self) -> list[Batch]:
        """Return the batches in which the hosts change; FleetError where none may."""
        going = [member for member in self.members.values() if member.state != LATE]
        # What is out of service, or has the release already, takes nothing out of service.
        free = [m.host for m in going if not m.is_in_service or m.state == COMMITTED]
        hosts = [member.host for member in going]
        if self.in_service > self.least or not (self.least and free):
            return self._batches(hosts, self.rules.waves, free, self.in_service)
        # None in service may change, until those that are not have come back with the release.
        back = sum(member.host in free and not member.is_in_service for member in going)
        rest = [host for host in hosts if host not in free]
        later = self._batches(rest, self.rules.waves, (), self.in_service + back)
        return [Batch(1, tuple(free)), *(replace(b, wave=b.wave + 1) for b in later)]

    def after_wave(self, batch: Collection[str] = ()) -> Decision:
        """Decide after the hosts of a *batch* were switched, or committed."""
        silent = [
            replace(self.members[host], reason="its switch was not reported")
            for host in batch
            if self.members[host].state in (UNKNOWN, STAGED)
        ]
        bad = [m for m in self.members.values() if not m.is_well and m.state != LATE]
        bad = [member for member in bad if not self._was_as_bad(member)] + silent
        lost = [m for m in self.in_state(LATE) if self.rules.unhealthy == STOP]
        if not bad and not lost:
            return Decision(GO)
        if not any(member.is_changed for member in self.members.values()):
            touched = any(member.touched for member in self.members.values())
            holds = touched and self.rules.on_failure == HOLD
            return Decision(HOLD if holds else STOP, reasons([*bad, *lost]))
        return Decision(self.rules.on_failure, reasons([*bad, *lost]))

    def _was_as_bad(self, member: Member) -> bool:
        """Tell whether a host is as it was before the run, not in service, and that is allowed.

        Where the release works on no host yet, it is to blame.
        """
        if self.rules.unhealthy == STOP or member.state != RESTORED or member.was_well is not False:
            return False
        return any(m.state in (COMMITTED, ON_TRIAL) for m in self.members.values())

    def way_back(self, order: Sequence[Batch] = ()) -> list[Batch]:
        """Return the batches in which what the run changed is undone: the newest wave first.

        *order* are the batches in which hosts were changed. Hosts that are not in service come
        first, all at once: that takes none out of service. New hosts come last: without a release
        before, they do not come back.
        """
        changed = {host for host, member in self.members.items() if member.is_changed}
        down = [host for host in changed if not self.members[host].is_in_service]
        new = {host for host in changed if self.members[host].is_new and host not in down}
        # Once restored, they are in service again; before the next batch that is looked at.
        serving = self.in_service + len(down)
        known = {host for batch in order for host in batch.hosts}
        rest = tuple(host for host in self.members if host not in known)
        found = [tuple(host for host in self.members if host in down)]
        for batch in (*reversed(order), Batch(0, rest)):
            up = [host for host in batch.hosts if host in changed - {*down, *new}]
            # One at a time at least is planned; whether it may go is decided when its turn comes.
            capacity = max(1, serving - self.least) if self.least else None
            found += [part.hosts for part in batches(up, (), (), capacity)]
        found.append(tuple(host for host in self.members if host in new))
        return [Batch(number, hosts) for number, hosts in enumerate(filter(None, found), 1)]

    def may_go_back(self, batch: Batch) -> Decision:
        """Decide, before a *batch* is undone, whether that leaves enough hosts in service."""
        taken = [self.members[host] for host in batch.hosts if self.members[host].is_in_service]
        # Without the new ones there are as many as before the run.
        if all(member.is_new for member in taken) or self._spares(len(taken)):
            return Decision(GO)
        return Decision(HOLD, f"{self._too_few()}: {listed(list(batch.hosts))} not backed out")

    def may_go_on(self, batch: Batch) -> Decision:
        """Decide, before a *batch* is switched, whether that leaves enough hosts in service.

        Hosts that were lost meanwhile stop nothing where unhealthy is allow, and count as down.
        """
        taken = sum(self.members[host].is_in_service for host in self._to_switch(batch))
        if not taken or self._spares(taken):
            return Decision(GO)
        return Decision(HOLD, f"{self._too_few()}: {listed(list(batch.hosts))} not deployed")

    def _to_switch(self, batch: Batch) -> list[str]:
        return [host for host in batch.hosts if self.members[host].state != COMMITTED]

    def _spares(self, count: int) -> bool:
        return self.in_service - count >= self.least

    def _too_few(self) -> str:
        return f"min_in_service: {self.in_service} hosts are in service, and {self.least} must stay"

    def verdict(self, decided: Decision) -> tuple[str, str]:
        """Return how the run ended that *decided* so at last, and why not done.

        The verdict is done, refused, held, backed_out or failed. Success is all hosts of the plan:
        one that is late, or left out, holds the run.
        """
        changed = [member for member in self.members.values() if member.is_changed]
        touched = any(member.touched for member in self.members.values())
        unwell = self.in_state(UNWELL)
        if decided.next == STOP and not changed and not unwell:
            return ("backed_out" if touched else "refused"), decided.reason
        if decided.next == HOLD:
            return "held", decided.reason
        if decided.next != GO:
            if changed or unwell:
                left = _not_back(changed, unwell)
                return "failed", "; ".join(filter(None, [decided.reason, left]))
            return "backed_out", decided.reason
        incomplete = self._incomplete()
        return ("held", incomplete) if incomplete else ("done", "")

    def _batches(
        self,
        hosts: Sequence[str],
        waves: Sequence[int | str],
        down: Sequence[str],
        serving: int,
    ) -> list[Batch]:
        if not self.least:
            return batches(hosts, waves, down)
        try:
            return batches(hosts, waves, down, serving - self.least)
        except FleetError:
            out = [m.host for m in self.members.values() if not m.is_in_service]
            raise FleetError(
                f"min_in_service: {self.least} of {len(self.members) + len(self.rules.missing)} "
                f"hosts must stay in service, and {self.in_service} are"
                + (f" (not {listed(out)})" if out else "")
                + ": no host may change",
                code="min_in_service",
            ) from None

    def _incomplete(self) -> str:
        """Return which hosts of the plan do not have the release; "" where all have it."""
        late = [member.host for member in self.in_state(LATE)]
        missing = list(self.rules.missing)
        rest = [m.host for m in self.members.values() if m.state not in (COMMITTED, LATE)]
        said = [f"late: {listed(late)} (playbook reconcile brings the release)"] if late else []
        said += [f"left out by --limit: {listed(missing)}"] if missing else []
        said += [f"not deployed: {listed(rest)}"] if rest else []
        return "; ".join(said)


def _not_back(changed: Sequence[Member], unwell: Sequence[Member]) -> str:
    lost = [member.host for member in changed if member.state == LOST]
    rest = [member.host for member in changed if member.state != LOST]
    said = [f"lost: {listed(lost)}"] if lost else []
    said += [f"not backed out: {listed(rest)}"] if rest else []
    said += [f"not in service: {reasons(unwell)}"] if unwell else []
    return "; ".join(said)


def reasons(members: Sequence[Member]) -> str:
    """Return why *members* are not well, in a line: three of them, and how many more."""
    said = [f"{m.host}: {m.reason or m.state}" for m in members[:SHOWN]]
    more = len(members) - SHOWN
    return "; ".join(said) + (f"; and {more} more" if more > 0 else "")
