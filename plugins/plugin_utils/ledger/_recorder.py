# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the run that goes on: its intent before, its outcome after, and runs that were stopped."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from . import _finding, _outcome, _place, _recording, _settling
from ._event import Actor, Head
from ._journal import Ending, Journal
from ._ledger import Ledger
from ._recording import Intent
from ._words import counted

Result = dict[str, Any]
WAIT_ON_THE_WAY_BACK_S = 5  # for a ledger that another holds
NOT_LISTED = "not in the inventory any more"


@dataclass(frozen=True)
class Recorder:
    """Records for *actor* in the ledger at *place*, if any; a dry run (*check*) records nothing.

    ``warn(line)`` reports what could not be recorded; ``is_alive(run)`` and ``is_over(run)`` tell
    whether a run is certainly going on, or over; ``opens(place, busy_seconds=…)`` opens a ledger.
    """

    place: str | None
    actor: Actor
    journal: Journal
    check: bool
    warn: Callable[[str], None]
    is_alive: Callable[[str], bool]
    is_over: Callable[[str], bool]
    opens: Callable[..., Ledger] = Ledger

    def began(self, intent: Intent, required: bool) -> Result:
        """Record *intent*; return it with the head of the ledger after it.

        Where that is not *required*, as on the way back, a ledger that fails is a warning only.
        """
        intent = replace(intent, position=self.journal.position())
        if not self.place:
            return self._opened(intent)
        try:
            seconds = _place.BUSY_SECONDS if required else WAIT_ON_THE_WAY_BACK_S
            with contextlib.closing(self.opens(self.place, busy_seconds=seconds)) as ledger:
                intent = self._named(ledger, intent)
                head = ledger.head() if self.check else self._append(ledger, intent)
        except ReleaseError as error:
            if required:
                self.journal.close(Ending("refused", str(error)))
                raise
            self.warn(f"this run is not recorded: {error}; ledger_import finds it")
            head = None
        return self._opened(replace(intent, head=head))

    def _opened(self, intent: Intent) -> Result:
        self.journal.open(intent.to_plain())
        return {"changed": False, "intent": intent.to_plain()}

    def ended(self, intent: Intent, lost: Collection[str]) -> Result:
        """Record how the run of *intent* ended, by the facts that were noted since.

        Returns ``verdict`` and ``reason`` of this part of the run, and ``ansible_stats`` for the
        whole run so far. A ledger that fails is a warning: the next run settles this one.
        """
        facts = self.journal.facts(intent.position)
        outcomes = _outcome.of_hosts(intent.hosts, facts, lost)
        release = _outcome.release(facts) or dict(intent.release)
        verdict, reason = _outcome.verdict(intent.act, outcomes), _outcome.reason(outcomes)
        ending = self.journal.close(Ending(verdict, reason, release.get("digest", "")))
        # What could not be recorded when it began was reported then, and is imported later.
        if self.place and intent.head and not self.check:
            try:
                self._end(intent, outcomes, release)
            except ReleaseError as error:
                self.warn(f"how this run ended is not recorded: {error}; the next run settles it")
        stats = {"release_verdict": ending.verdict, "release_digest": ending.digest}
        return {
            "changed": False,
            "verdict": verdict,
            "reason": reason,
            "ansible_stats": {"data": stats, "per_host": False, "aggregate": False},
        }

    def wave(
        self,
        intent: Intent,
        hosts: Collection[str],
        lost: Collection[str],
        release: Mapping[str, str],
        reason: str = "",
        ending: Ending | None = None,
    ) -> Result:
        """Record what the run of *intent*, about a *release*, did on *hosts*, in one transaction.

        Without an *ending* the run goes on; *reason* says what is wrong so far. With one, returns
        ``ansible_stats`` for the whole run. A ledger that fails is a warning: the next run settles
        this one.
        """
        facts = self.journal.facts(intent.position)
        outcomes = _outcome.of_hosts(list(hosts), facts, lost, intent.act)
        release = {name: value for name, value in release.items() if value}
        verdict = ending.verdict if ending else "held" if reason else "done"
        draft = _recording.ended(
            replace(intent, more=ending is None),
            outcomes,
            release,
            verdict=verdict,
            reason=(ending.reason if ending else reason),
            whole=ending is not None,
        )
        self._try_append(intent, draft)
        if ending is None:
            return {}
        whole = self.journal.close(replace(ending, digest=release.get("digest", "")))
        stats = {
            "release_verdict": whole.verdict,
            "release_digest": whole.digest,
            "release_run": intent.run,
            "release_reason": whole.reason,
        }
        return {"ansible_stats": {"data": stats, "per_host": False, "aggregate": False}}

    def settle(self, intent: Intent) -> None:
        """Settle runs that were stopped, by what hosts answered first in the run of *intent*."""
        if not self.place or not intent.head or self.check:
            return
        there = _outcome.found_there(self.journal.facts(intent.position))
        known = _settling.Known(there, part=intent.part)
        try:
            with contextlib.closing(self.opens(self.place)) as ledger:
                ledger.append(self._settled(ledger, known, intent.run), self.actor)
        except ReleaseError as error:
            self.warn(f"runs that were stopped are not settled: {error}; the next run settles them")

    def _try_append(self, intent: Intent, *drafts: _recording.Draft) -> None:
        if not self.place or not intent.head or self.check:
            return
        try:
            with contextlib.closing(self.opens(self.place)) as ledger:
                ledger.append(list(drafts), self.actor)
        except ReleaseError as error:
            self.warn(f"how this run ended is not recorded: {error}; the next run settles it")

    def stopped(self, reason: str) -> None:
        """Record that the run stops for a *reason*: refused, or held after an earlier batch."""
        begun = self.journal.last_intent()
        in_waves = self.journal.is_open()
        if not begun or not (begun["more"] or in_waves):
            self.journal.close(Ending("refused", reason))
            return
        intent = replace(Intent.from_plain(begun), more=False)
        verdict, staged = "held", []
        if in_waves:
            facts = self.journal.facts(intent.position)
            outcomes = _outcome.of_hosts(intent.hosts, facts, (), intent.act)
            # The others are on record with their wave.
            staged = [each for each in outcomes if each.answered and not each.touched]
            verdict = "held" if _outcome.has_switched(intent.hosts, facts) else "refused"
        self.journal.close(Ending(verdict, reason))
        end = _recording.ended(
            intent, staged, intent.release, verdict=verdict, reason=reason, whole=in_waves
        )
        self._try_append(intent, end)

    def found(self, told: _finding.Told, run: str) -> Result:
        """Import what hosts did that is not on record, and settle runs that were stopped.

        Returns ``changed``, ``imported`` (a list of unrecorded entries) and ``settled`` (runs).
        """
        with contextlib.closing(self.opens(str(self.place))) as ledger:
            return self._found(ledger, told, run)

    def _found(self, ledger: Ledger, told: _finding.Told, run: str) -> Result:
        unrecorded = _finding.unrecorded(ledger, told)
        rows = ledger.rows("deployments")
        known = _settling.Known(told.known, rows, gone={**told.unknown, **self._gone(ledger, told)})
        settled = self._settled(ledger, known, run)
        drafts = [*settled, *_finding.drafts(ledger, told, unrecorded)]
        if drafts and not self.check:
            ledger.append(drafts, self.actor)
        heads = {tuple(head.values()) for draft in drafts for head in draft.body.get("heads", ())}
        hosts = counted(len({entry.host for entry in unrecorded}), "host")
        done = [f"{counted(len(unrecorded), 'unrecorded change')} on {hosts} imported as found"]
        done += [f"{counted(len(settled), 'stopped run')} settled"] if settled else []
        if heads:
            done.append(f"{counted(len(heads), 'head')} of another or an older ledger accepted")
        said = ("would be done: " if self.check else "") + "; ".join(done)
        said = said if drafts else "nothing to import"
        open_ = len(ledger.rows("runs", ended=None)) - (len(settled) if self.check else 0)
        if open_:
            said += (
                f"; {counted(open_, 'run')} without an end: in progress, or not all hosts answer"
            )
        if told.unknown:
            said += f"; {counted(len(told.unknown), 'host')} could not be asked"
        return {
            "changed": bool(drafts),
            "msg": said,
            "imported": [entry.to_plain() for entry in unrecorded],
            "settled": [draft.body["run"] for draft in settled],
            "unknown": dict(told.unknown),
        }

    def _gone(self, ledger: Ledger, told: _finding.Told) -> dict[str, str]:
        """Return the hosts of open runs that have left the inventory."""
        gone = {}
        for row in ledger.rows("runs", "began", ended=None):
            for event in ledger.began(row["run"], row["act"]):
                gone.update(dict.fromkeys(set(event.body["hosts"]) - told.inventory, NOT_LISTED))
        return gone

    def _end(
        self,
        intent: Intent,
        outcomes: list[_outcome.HostOutcome],
        release: Mapping[str, str],
    ) -> None:
        there = {
            (each.host, each.root): each.before for each in outcomes if each.before is not None
        }
        known = _settling.Known(there, part=intent.part)
        with contextlib.closing(self.opens(str(self.place))) as ledger:
            head = ledger.head()
            if intent.head and (head is None or head.ledger != intent.head.ledger):
                self.warn(
                    f"release_ledger: {_place.shown(str(self.place))} is another ledger than when "
                    "this run began"
                )
            drafts = self._settled(ledger, known, intent.run)
            ledger.append([*drafts, _recording.ended(intent, outcomes, release)], self.actor)

    def _append(self, ledger: Ledger, intent: Intent) -> Head:
        appended = ledger.append([_recording.began(intent)], self.actor)
        if appended.skew_seconds:
            self.warn(
                f"the clock of this machine is {appended.skew_seconds} seconds behind the last "
                "event of the ledger"
            )
        return appended.head

    def _settled(self, ledger: Ledger, known: _settling.Known, run: str) -> list[_recording.Draft]:
        open_runs = [
            row
            for row in ledger.rows("runs", "began", ended=None)
            if self._may_settle(row, imports=known.part is None)
        ]
        return list(_settling.drafts(open_runs, ledger.began, known, run))

    def _may_settle(self, row: Mapping[str, Any], imports: bool) -> bool:
        """Tell whether an open run is to be settled: by the way only where hosts can tell."""
        if imports or row["act"] in _outcome.CHANGING:
            return not self.is_alive(row["run"])
        return self.is_over(row["run"])

    def _named(self, ledger: Ledger, intent: Intent) -> Intent:
        """Return *intent* with the application that the ledger knows where it names none."""
        if intent.release.get("name"):
            return replace(intent, application=intent.release["name"])
        if intent.application and intent.application not in _recording.HOST_ONLY:
            return intent
        rows = ledger.rows("deployments", host=intent.hosts[0], root=intent.root)
        names = {row["application"] for row in rows}
        return replace(intent, application=names.pop() if len(names) == 1 else "")
