# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which events of a ledger are about a plan: its own, those of its runs, its issues, the policy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..ledger import (
    _kind_plan_ended,
    _kind_plan_proposed,
    _kind_policy_changed,
    _kind_register_changed,
    _kind_run_began,
    _kind_run_ended,
)
from ..ledger._event import Event
from ..plan._resolved import Resolved


@dataclass
class Selection:
    """Sees all events of a ledger, in their order, and selects those about the *plan*.

    *digests* are those of the releases of each revision, *latest* those of the last one.
    """

    plan: str
    revision: int = 0
    resolved: Resolved | None = None
    ended: str = ""
    digests: set[str] = field(default_factory=set)
    _own: list[int] = field(default_factory=list)
    _runs: set[tuple[str, str, str]] = field(default_factory=set)
    _policies: list[int] = field(default_factory=list)
    # Events of an entry of a register, and whether one of them is about the plan by itself.
    _entries: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    _fields: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=dict)

    @property
    def latest(self) -> tuple[str, ...]:
        """The digests of the releases of the last revision."""
        parts = self.resolved.each() if self.resolved else ()
        return tuple(part.release["digest"] for part in parts)

    def see(self, event: Event) -> None:
        """Take the next *event* into account."""
        if event.kind == _kind_policy_changed.NAME:
            self._policies.append(event.sequence)
        elif event.kind == _kind_register_changed.NAME:
            self._see_entry(event)
        elif event.kind == _kind_run_ended.NAME:
            self._own += [event.sequence] if _run(event.body) in self._runs else []
        elif self.plan in (_plan_of(event.body), event.body.get("by")):
            self._own.append(event.sequence)
            self._see_own(event)

    def sequences(self) -> list[int]:
        """Return the numbers of the events about the plan, and of the first of the ledger."""
        runs = {run for run, _act, _part in self._runs}
        own = list(self._own)
        for key, fields in self._fields.items():
            if any(
                (name == "plan" and value == self.plan)
                or (name == "run" and value in runs)
                or (name == "release" and value in self.digests)
                for name, value in fields
            ):
                own += self._entries[key]
        return sorted({1, *own, *self._policies_between(own)})

    def _see_own(self, event: Event) -> None:
        if event.kind == _kind_run_began.NAME:
            self._runs.add(_run(event.body))
        if event.kind == _kind_plan_proposed.NAME:
            self.revision = event.body["revision"]
            self.resolved = Resolved.from_plain(event.body["resolved"])
            self.digests.update(self.latest)
            self.ended = ""
        if event.kind == _kind_plan_ended.NAME and event.subject == self.plan:
            self.ended = event.body["how"]

    def _see_entry(self, event: Event) -> None:
        body = event.body
        key = (body["register"], body["id"])
        self._entries.setdefault(key, []).append(event.sequence)
        said = {("plan", body.get("plan", ""))}
        said |= {(name, str(body["fields"].get(name, ""))) for name in ("run", "release")}
        self._fields.setdefault(key, set()).update(said)

    def _policies_between(self, own: list[int]) -> Iterator[int]:
        """Yield the policy that was in force at the first of the events *own*, and later ones."""
        if not own:
            return
        before = [number for number in self._policies if number < min(own)]
        yield from before[-1:]
        yield from (number for number in self._policies if min(own) <= number <= max(own))


def _plan_of(body: Mapping[str, Any]) -> str:
    plan = body.get("plan")
    return str(plan["name"] if isinstance(plan, Mapping) else plan or "")


def _run(body: Mapping[str, Any]) -> tuple[str, str, str]:
    return body["run"], body["act"], body["part"]
