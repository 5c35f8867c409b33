# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A ledger and a journal in memory, for runs of which there are thousands."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds, _tables
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    NO_EVENT,
    Head,
    LedgerError,
    chained,
    utc,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import ENDED, Journal
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Appended
from ansible_collections.itops.release.plugins.plugin_utils.ledger._rows import Rows

BEGIN = datetime(2026, 12, 1, tzinfo=timezone.utc)
LEDGER = "1" * 32


class MemoryLedger:
    """Implements ``ledger._ledger.Ledger``, by the same kinds and projections.

    Its *clock* returns the time, else goes on by a millisecond with each transaction. With
    *checks*, events are checked against their schemas.
    """

    place = "memory"

    def __init__(self, checks=True, clock=None):
        self._checks = checks
        self._clock = clock or (lambda: BEGIN + timedelta(milliseconds=self._appended))
        self._events, self._keys = [], {}
        self._rows = Rows(_tables.tables())
        self._appended = 0

    def close(self):
        pass

    def append(self, drafts, actor):
        for draft in drafts if self._checks else ():
            _kinds.check(draft)
        self._appended += 1
        time = utc(self._clock())
        found = []
        for draft in drafts:
            event = self._keys.get(draft.key)
            body = json.loads(json.dumps(draft.body))
            if event is None:
                previous = self._events[-1].hash if self._events else NO_EVENT
                event = chained(draft, actor, len(self._events) + 1, time, previous)
                self._events.append(event)
                self._keys[draft.key] = event
                _kinds.project(self._rows, event)
            elif (event.kind, event.subject, dict(event.body)) != (draft.kind, draft.subject, body):
                raise LedgerError(f"{draft.key} has other content", code="key_conflict")
            found.append(event)
        return Appended(tuple(found), self.head(), 0)

    def head(self):
        if not self._events:
            return None
        return Head(LEDGER, len(self._events), self._events[-1].hash)

    def events(self, after=0, most=None, kind=None, subject=None, newest=False, since=None):
        found = [
            event
            for event in self._events[after:]
            if (kind is None or event.kind == kind)
            and (subject is None or event.subject == subject)
            and (since is None or event.time >= utc(since))
        ]
        if most is not None:
            found = found[-most:] if newest else found[:most]
        return iter(found)

    def began(self, run, act):
        prefix = f"{run}/{act}/began/"
        return [event for event in self._events if event.key.startswith(prefix)]

    def rows(self, name, *order, newest=None, **where):
        columns = [column.name for column in _tables.tables().metadata.tables[name].columns]
        rows = [dict(zip(columns, row, strict=True)) for row in self._rows.content(name)]
        rows = [row for row in rows if all(row[key] == value for key, value in where.items())]
        if newest is not None:
            return sorted(rows, key=lambda row: -row["sequence"])[:newest]
        return sorted(rows, key=lambda row: [row[column] for column in order])

    def accepted_heads(self, connection=None):
        return set()

    def changed_by(self, runs):
        wanted = set(runs)
        rows = self.rows("changes")
        return {(row["host"], row["root"], row["run"]) for row in rows if row["run"] in wanted}


class MemoryJournal(Journal):
    """The journal of a run, in memory: a position is a number of lines."""

    def __init__(self):
        self._noted, self._kept_values = [], {}

    def note(self, facts):
        self._noted += facts

    def keep(self, name, value):
        self._kept_values[name] = json.dumps(dict(value))

    def kept(self, name):
        kept = self._kept_values.get(name)
        return None if kept is None else json.loads(kept)

    def position(self):
        return len(self._noted)

    def facts(self, start=None):
        lines = self._noted[start or 0 :]
        if start is None:
            ends = [
                n for n, line in enumerate(lines, 1) if isinstance(line, dict) and ENDED in line
            ]
            lines = lines[max(ends, default=0) :]
        return [line for line in lines if isinstance(line, _facts.Event)]

    def _add(self, lines):
        self._noted += [json.loads(json.dumps(line)) for line in lines]

    def _lines(self, start):
        return [line for line in self._noted[start:] if isinstance(line, dict)]
