# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a train does next: the state of its domains in, jobs to be started or the end out."""

from __future__ import annotations

import graphlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..ledger._trains import BEGAN, RUNNING, Change

STAGED, LIVE, BACKED_OUT, SETTLED = "staged", "live", "backed_out", "settled"  # jobs
DEPLOY, BACK_OUT = "deploy", "back_out"  # ways of a train
DONE, REFUSED, HELD, FAILED, LOST = "done", "refused", "held", "failed", "lost"
WAITING = (REFUSED, HELD)  # verdicts after which a later run goes on; nothing is backed out


@dataclass(frozen=True)
class Domain:
    """A domain by *name*: what it *needs*, and what is backed out when it is."""

    name: str
    needs: tuple[str, ...] = ()
    back_out_with: tuple[str, ...] = ()


@dataclass(frozen=True)
class Known:
    """What is known of a domain.

    *is_done*: the release is committed on all its hosts; *touched*: it may be on some of them.
    *is_back*: it was backed out. *running* and *interrupted* are jobs: one that goes on, and one
    that a process left. *failed* is the verdict of the *job* that went wrong, *reason* why.
    *unsettled*: what a run did on its hosts is not on record.
    """

    is_staged: bool = False
    is_done: bool = False
    is_back: bool = False
    touched: bool = False
    unsettled: bool = False
    running: str = ""
    interrupted: str = ""
    failed: str = ""
    job: str = ""
    reason: str = ""

    def after(self, change: Change) -> Known:
        """Return what is known after *change*."""
        if change.change == BEGAN:
            return replace(self, running=change.job, interrupted="")
        if change.change == RUNNING:
            return self
        known = replace(self, running="")
        if change.job == SETTLED:  # whatever it found: the jobs that follow look at the hosts
            return replace(known, unsettled=False)
        if change.job == LIVE and change.verdict != REFUSED:
            known = replace(known, touched=True)
        if change.verdict != DONE:
            reason = f"{self.reason}; {change.reason}" if self.failed else change.reason
            known = replace(known, failed=change.verdict, job=change.job, reason=reason)
            return replace(known, unsettled=change.verdict == LOST)
        if change.job == STAGED:
            return replace(known, is_staged=True)
        if change.job == LIVE:
            return replace(known, is_done=True, is_back=False)
        return replace(known, is_done=False, is_back=True, is_staged=False, touched=False)

    def resumed(self) -> Known:
        """Return what another process knows: no job of the one before goes on."""
        left = self.interrupted if self.running in ("", SETTLED) else self.running
        touched = self.touched or left == LIVE
        return replace(self, running="", interrupted=left, touched=touched)


State = Mapping[str, Known]


@dataclass(frozen=True)
class Decision:
    """Jobs to *start*, as (domain, job); or how the train ends: *verdict* and *reason*.

    Without either, the train waits for jobs that go on.
    """

    start: tuple[tuple[str, str], ...] = ()
    verdict: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Order:
    """The *domains* of a plan, their order, and what happens when one fails."""

    domains: tuple[Domain, ...]
    holds: bool = False
    at_once: int = 8
    below: Mapping[str, frozenset[str]] = field(init=False)  # what each needs, whatever is between

    def __post_init__(self) -> None:
        below: dict[str, frozenset[str]] = {}
        named = {domain.name: domain for domain in self.domains}
        graph = {domain.name: domain.needs for domain in self.domains}
        for name in graphlib.TopologicalSorter(graph).static_order():
            needs = named[name].needs
            below[name] = frozenset(needs).union(*(below[need] for need in needs))
        object.__setattr__(self, "below", below)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all domains, in the order of the plan."""
        return tuple(domain.name for domain in self.domains)

    def decide(self, state: State, way: str = DEPLOY, trouble: str = "") -> Decision:
        """Return what a train does next.

        *trouble* is why nothing more may be deployed, "" where it may: it does not keep domains
        from being backed out.
        """
        running = [name for name in self.names if state[name].running]
        decision = self._decide(state, way, trouble, running)
        if running and decision.verdict:
            return Decision()
        return replace(decision, start=decision.start[: max(self.at_once - len(running), 0)])

    def _decide(self, state: State, way: str, trouble: str, running: list[str]) -> Decision:
        going_back = way == BACK_OUT or self._goes_back(state)
        if going_back and any(state[name].running == LIVE for name in running):
            return Decision()  # it may need what is to be backed out
        unsettled = [n for n in self.names if state[n].unsettled and n not in running]
        if unsettled:
            return Decision(tuple((name, SETTLED) for name in unsettled))
        failed = [name for name in self.names if state[name].failed]
        if failed and way == DEPLOY and not trouble:
            left = self._interrupted(state)
            if left:
                return Decision(tuple(left))
        if going_back:
            return self._back(state, way)
        if failed or trouble:
            changed = any(known.touched or known.is_done for known in state.values())
            verdict = HELD if changed else REFUSED
            said = "; ".join(_named(name, state[name]) for name in failed) or trouble
            return Decision(verdict=verdict, reason=said)
        return self._forward(state)

    def _forward(self, state: State) -> Decision:
        left = [name for name in self.names if not state[name].is_done]
        if not left:
            return Decision(verdict=DONE)
        unstaged = [name for name in left if not state[name].is_staged]
        if unstaged:
            return Decision(_started(state, unstaged, STAGED))
        ready = [name for name in left if all(state[each].is_done for each in self.below[name])]
        return Decision(_started(state, ready, LIVE))

    def _goes_back(self, state: State) -> bool:
        """Tell whether a domain failed in a way after which domains are backed out."""
        return not self.holds and any(map(_is_broken, state.values()))

    def _interrupted(self, state: State) -> list[tuple[str, str]]:
        """Return domains whose deployment a process left in the middle: it is run to its end.

        It began before another one failed, so it has all that it needs.
        """
        return [(name, LIVE) for name in self.names if state[name].interrupted == LIVE]

    def going_back(self, state: State, way: str = DEPLOY) -> list[str]:
        """Return the domains that must not keep the release, in the order of the plan."""
        there = {name for name in self.names if _was_there(state[name])}
        if way == BACK_OUT:
            return [name for name in self.names if name in there]
        named = {domain.name: domain for domain in self.domains}
        found = {name for name in self.names if _is_broken(state[name])}
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            more = {*named[name].back_out_with}
            more |= {each for each in self.names if name in self.below[each]}
            new = (more & there) - found
            found |= new
            waiting += new
        return [name for name in self.names if name in found]

    def _back(self, state: State, way: str) -> Decision:
        """Back out, last first: a domain only when none that needs it has the release any more."""
        going = self.going_back(state, way)
        left = [name for name in going if not _is_as_before(state[name])]
        stuck = [name for name in left if state[name].job == BACKED_OUT and state[name].failed]
        ready = [
            name
            for name in left
            if name not in stuck and not any(name in self.below[other] for other in left)
        ]
        if ready:
            return Decision(_started(state, ready, BACKED_OUT))
        failures = [name for name in self.names if state[name].failed]
        said = [_named(name, state[name]) for name in failures]
        if left:
            return Decision(verdict=FAILED, reason="; ".join([*said, f"not back: {_list(left)}"]))
        said += [f"backed out: {_list(going)}"] if going else []
        kept = [name for name in self.names if state[name].is_done]
        said += [f"deployed: {_list(kept)}"] if kept else []
        verdict = DONE if way == BACK_OUT else BACKED_OUT
        waiting = [n for n in failures if state[n].failed in WAITING and n not in going]
        verdict = HELD if any(state[name].touched for name in waiting) else verdict
        return Decision(verdict=verdict, reason="; ".join(said))


def after(state: State, changes: Iterable[Change]) -> dict[str, Known]:
    """Return the *state* after *changes*."""
    known = dict(state)
    for change in changes:
        known[change.domain] = known[change.domain].after(change)
    return known


def _started(state: State, names: Sequence[str], job: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, job) for name in names if not state[name].running)


def _is_broken(known: Known) -> bool:
    """Tell whether a domain failed while it was deployed."""
    if known.job == LIVE:
        return bool(known.failed) and known.failed not in WAITING
    return known.job == BACKED_OUT


def _is_as_before(known: Known) -> bool:
    """Tell whether the hosts of a domain have what they had before."""
    return known.is_back or (known.job == LIVE and known.failed == BACKED_OUT)


def _was_there(known: Known) -> bool:
    """Tell whether hosts of a domain have the release, may have it, or had it."""
    return known.is_done or known.is_back or known.touched


def _named(name: str, known: Known) -> str:
    job = {STAGED: "staging ", BACKED_OUT: "back-out "}.get(known.job, "")
    reason = f": {known.reason}" if known.reason else ""
    return f"{name}: {job}{known.failed.replace('_', ' ')}{reason}"


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)
