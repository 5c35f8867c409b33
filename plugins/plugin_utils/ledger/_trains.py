# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trains on record: what each domain went through, and how the train ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from . import _kind_domain_changed, _kind_train_began, _kind_train_ended
from ._event import Draft, Event
from ._ledger import Ledger
from ._words import shortened

KINDS = (_kind_train_began.NAME, _kind_domain_changed.NAME, _kind_train_ended.NAME)
BEGAN, RUNNING, ENDED = "began", "running", "ended"
LONGEST_REASON = 1000
# What a job did, and does, in words.
DID = {"staged": "staged", "live": "deployed", "backed_out": "backed out", "settled": "settled"}
DOES = {
    "staged": "staging",
    "live": "deploying",
    "backed_out": "backing out",
    "settled": "settling",
}


@dataclass(frozen=True)
class Change:
    """A *job* for a *domain* began, is running or ended: *change*.

    *run* is how the job names itself to hosts and in the ledger, once that is known.
    """

    domain: str
    job: str
    change: str
    verdict: str = ""
    reason: str = ""
    run: str = ""
    output: str = ""


@dataclass(frozen=True)
class Train:
    """A train on record, the *number*-th of its plan in its environment.

    *run* is the process that has it, the *attempt*-th. *way* is deploy or back_out. *done* are
    domains that were deployed before. *verdict* is "" while it has not ended.
    """

    plan: str
    revision: int
    environment: str
    number: int
    attempt: int
    run: str
    way: str
    domains: tuple[str, ...]
    done: tuple[str, ...] = ()
    actor: str = ""
    since: str = ""
    changes: tuple[Change, ...] = ()
    verdict: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """What its events have in their keys; no two processes have the same."""
        return f"train/{self.plan}/{self.environment}/{self.number}/{self.attempt}"

    def began(self) -> Draft:
        """Return the event that it began."""
        body = {
            "plan": self.plan,
            "revision": self.revision,
            "environment": self.environment,
            "number": self.number,
            "attempt": self.attempt,
            "run": self.run,
            "way": self.way,
            "domains": list(self.domains),
            "done": list(self.done),
        }
        return Draft(_kind_train_began.NAME, self.plan, body, self.key)

    def changed(self, change: Change) -> Draft:
        """Return the event of a *change* that comes after all that are known."""
        said = {name: value for name, value in change.__dict__.items() if value}
        for name in ("reason", "output"):
            if name in said:
                said[name] = shortened(said[name], LONGEST_REASON)
        key = f"{self.key}/{len(self.changes)}"
        return Draft(_kind_domain_changed.NAME, self.plan, {**self._named(), **said}, key)

    def ended(self, verdict: str, reason: str) -> Draft:
        """Return the event that it ended."""
        body = {**self._named(), "verdict": verdict}
        body |= {"reason": shortened(reason, LONGEST_REASON)} if reason else {}
        return Draft(_kind_train_ended.NAME, self.plan, body, f"{self.key}/ended")

    def with_change(self, change: Change) -> Train:
        """Return the train after *change*."""
        return replace(self, changes=(*self.changes, change))

    def _named(self) -> dict[str, str | int]:
        names = ("plan", "environment", "number", "attempt")
        return {name: getattr(self, name) for name in names}

    def line(self) -> str:
        """Return the train in one line: where each domain is."""
        last: dict[str, str] = {}
        for each in self.changes:
            last[each.domain] = DID[each.job] if each.verdict == "done" else each.verdict
            last[each.domain] = last[each.domain].replace("_", " ") or DOES[each.job]
        said = [f"{name}: {last.get(name) or self._at_first(name)}" for name in self.domains]
        what = "train" if self.way == "deploy" else "back-out"
        where = f"{self.plan} → {self.environment}"
        return f"{where}  {what} {self.number}: {', '.join(said)}; by {self.actor} ({self.run})"

    def _at_first(self, name: str) -> str:
        return "deployed before" if name in self.done else "waits"


def of_ledger(ledger: Ledger, plan: str | None = None) -> list[Train]:
    """Return the trains on record, of one *plan* or all, in the order of their beginning."""
    events = [event for kind in KINDS for event in ledger.events(kind=kind, subject=plan)]
    return list(fold(sorted(events, key=lambda event: event.sequence)))


def fold(events: Iterable[Event]) -> Iterator[Train]:
    """Yield the trains that *events*, in their order, leave on record.

    What a process says of a train that another one has taken over does not count any more.
    """
    trains: dict[tuple[str, str, int], Train] = {}
    for event in events:
        body = event.body
        key = (body["plan"], body["environment"], body["number"])
        known = trains.get(key)
        if event.kind == _kind_train_began.NAME:
            trains[key] = _began(event, known)
        elif known is None or body["attempt"] != known.attempt:
            continue
        elif event.kind == _kind_domain_changed.NAME:
            said = {name: body[name] for name in Change.__dataclass_fields__ if name in body}
            trains[key] = known.with_change(Change(**said))
        else:
            reason = body.get("reason", "")
            trains[key] = replace(known, verdict=body["verdict"], reason=reason)
    yield from trains.values()


def _began(event: Event, known: Train | None) -> Train:
    body = event.body
    return Train(
        plan=body["plan"],
        revision=body["revision"],
        environment=body["environment"],
        number=body["number"],
        attempt=body["attempt"],
        run=body["run"],
        way=body["way"],
        domains=tuple(body["domains"]),
        done=tuple(body.get("done", ())),
        actor=event.actor,
        since=known.since if known else event.time,
        changes=known.changes if known else (),
    )
