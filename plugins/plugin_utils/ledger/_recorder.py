# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record the run that goes on: its intent before, its outcome after, and runs that were stopped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...module_utils.errors._release_error import ReleaseError
from . import _finding, _outcome, _recording, _settling
from ._event import Actor
from ._journal import Ending, Journal
from ._ledger import Ledger
from ._recording import Intent

Result = dict[str, Any]


@dataclass(frozen=True)
class Recorder:
    """Records for *actor* in the ledger at *place*, if any; a dry run (*check*) records nothing.

    ``warn(line)`` reports what could not be recorded; ``is_alive(run)`` tells whether a run is
    certainly going on.
    """

    place: str | None
    actor: Actor
    journal: Journal
    check: bool
    warn: Callable[[str], None]
    is_alive: Callable[[str], bool]

    def began(self, intent: Intent, required: bool) -> Result:
        """Record *intent*; return it with the head of the ledger after it.

        Where that is not *required*, as on the way back, a ledger that fails is a warning only.
        """
        intent = replace(intent, position=self.journal.position())
        if not self.place:
            return {"changed": False, "intent": intent.to_plain()}
        try:
            ledger = Ledger(self.place)
            intent = self._named(ledger, intent)
            if self.check:
                head = ledger.head()
            else:
                appended = ledger.append([_recording.began(intent)], self.actor)
                head = appended.head
                if appended.skew_seconds:
                    self.warn(
                        f"the clock of this machine is {appended.skew_seconds} seconds behind the "
                        "last event of the ledger"
                    )
        except ReleaseError as error:
            if required:
                self.journal.close(Ending("refused", str(error)))
                raise
            self.warn(f"this run is not recorded: {error}; ledger_import finds it")
            return {"changed": False, "intent": intent.to_plain()}
        return {"changed": False, "intent": replace(intent, head=head).to_plain()}

    def ended(self, intent: Intent, failures: Mapping[str, str], lost: Collection[str]) -> Result:
        """Record how the run of *intent* ended, by the facts that were noted since.

        Returns ``verdict`` and ``reason`` of this part of the run, and ``ansible_stats`` for the
        whole run so far. A ledger that fails is a warning: the next run settles this one.
        """
        facts = self.journal.facts(intent.position)
        outcomes = _outcome.of_hosts(intent.hosts, facts, failures, lost)
        release = _outcome.release(facts) or dict(intent.release)
        verdict, reason = _outcome.verdict(intent.act, outcomes), _outcome.reason(outcomes)
        ending = self.journal.close(Ending(verdict, reason, release.get("digest", "")))
        if self.place and not self.check:
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

    def found(self, told: _finding.Told, run: str) -> Result:
        """Import what hosts did that is not on record, and settle runs that were stopped.

        Returns ``changed``, ``imported`` (a list of unrecorded entries) and ``settled`` (runs).
        """
        ledger = Ledger(str(self.place))
        unrecorded = _finding.unrecorded(ledger, told)
        rows = ledger.rows("deployments")
        known = _settling.Known(told.known, rows, gone=told.unknown)
        settled = self._settled(ledger, known, run)
        drafts = [*settled, *_finding.drafts(ledger, told, unrecorded)]
        if drafts and not self.check:
            ledger.append(drafts, self.actor)
        hosts = {entry.host for entry in unrecorded}
        said = f"{len(unrecorded)} unrecorded changes on {len(hosts)} hosts imported as found"
        if settled:
            said += f"; {len(settled)} stopped runs settled"
        if told.unknown:
            said += f"; {len(told.unknown)} hosts could not be asked"
        return {
            "changed": bool(drafts),
            "msg": said,
            "imported": [entry.to_plain() for entry in unrecorded],
            "settled": [draft.body["run"] for draft in settled],
            "unknown": dict(told.unknown),
        }

    def _end(
        self,
        intent: Intent,
        outcomes: list[_outcome.HostOutcome],
        release: Mapping[str, str],
    ) -> None:
        ledger = Ledger(str(self.place))
        there = {
            (each.host, each.root): each.before for each in outcomes if each.before is not None
        }
        drafts = self._settled(ledger, _settling.Known(there, part=intent.part), intent.run)
        ledger.append([*drafts, _recording.ended(intent, outcomes, release)], self.actor)

    def _settled(self, ledger: Ledger, known: _settling.Known, run: str) -> list[_recording.Draft]:
        open_runs = [
            row for row in ledger.rows("runs", "began", ended=None) if not self.is_alive(row["run"])
        ]
        return list(_settling.drafts(open_runs, ledger.began, known, run))

    def _named(self, ledger: Ledger, intent: Intent) -> Intent:
        """Return *intent* with the application that the ledger knows where it names none."""
        if intent.release.get("name"):
            return replace(intent, application=intent.release["name"])
        if intent.application and intent.application not in _recording.HOST_ONLY:
            return intent
        rows = ledger.rows("deployments", host=intent.hosts[0], root=intent.root)
        names = {row["application"] for row in rows}
        return replace(intent, application=names.pop() if len(names) == 1 else "")
