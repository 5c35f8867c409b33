# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger: append events in one transaction, read them, and answer by projections."""

from __future__ import annotations

import contextlib
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from ...module_utils.formats import _canonical
from . import _kind_history_found, _kind_ledger_opened, _kinds, _place, _tables
from ._event import NO_EVENT, Actor, Draft, Event, Head, LedgerError, chained, moment, utc
from ._rows import StoredRows

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine, Row

Clock = Callable[[], datetime]
TOLERATED_SKEW = timedelta(seconds=2)
OPENER = Actor("itops.release", "claimed")
MOST_KEYS = 500  # in one question to a database


@dataclass(frozen=True)
class Appended:
    """What was recorded: the *events* of all drafts, and the *head* after them.

    *skew_seconds*: how far the clock of this machine is behind the last event, else 0.
    """

    events: tuple[Event, ...]
    head: Head
    skew_seconds: int


def now() -> datetime:
    """Return the current time."""
    return datetime.now(timezone.utc)


class Ledger:
    """A ledger at a *place*: the path of an SQLite file, or a PostgreSQL URL.

    A writer waits *busy_seconds* for another one, by default BUSY_SECONDS of ``_place``.

    All methods raise LedgerError, in one line, for what is wrong with the place or the database.
    """

    def __init__(self, place: str, clock: Clock = now, busy_seconds: float | None = None) -> None:
        self.place = place
        self._clock = clock
        self._engine: Engine = _place.engine_at(place, busy_seconds=busy_seconds)
        self._tables = _tables.tables()

    def reading(self) -> AbstractContextManager[Connection]:
        """Give a connection that sees one moment of the ledger."""
        return _place.reading(self._engine, self.place)

    def exists(self) -> bool:
        """Tell whether there are events, whatever state the ledger is in."""
        import sqlalchemy as sa

        if not _place.is_there(self.place):
            return False
        with self.reading() as connection:
            return bool(sa.inspect(connection).has_table("events"))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def append(self, drafts: Sequence[Draft], actor: Actor) -> Appended:
        """Record *drafts* in one transaction, after making the ledger where there is none.

        A draft whose key is recorded already with the same content is not recorded again; with
        other content LedgerError is raised, and nothing is recorded.
        """
        for draft in drafts:
            _kinds.check(draft)
        with _place.writing(self._engine, self.place) as connection:
            head = self._made(connection)
            known = self._known(connection, [draft.key for draft in drafts])
            time = max(utc(self._clock()), head.time)
            skew = moment(time) - self._clock()
            events: list[Event] = []
            new: list[Event] = []
            last, previous = head.sequence, head.hash
            for draft in drafts:
                event = known.get(draft.key)
                if event is None:
                    event = chained(draft, actor, last + 1, time, previous)
                    last, previous = event.sequence, event.hash
                    known[draft.key] = event
                    new.append(event)
                elif (event.kind, event.subject, dict(event.body)) != (
                    draft.kind,
                    draft.subject,
                    json.loads(_canonical.dumps(draft.body)),
                ):
                    raise LedgerError(
                        f"release_ledger: {_place.shown(self.place)}: {draft.key} is recorded "
                        f"with other content, as event {event.sequence}",
                        code="key_conflict",
                    )
                events.append(event)
            self._write(connection, new)
        seconds = int(skew.total_seconds()) if skew > TOLERATED_SKEW else 0
        return Appended(tuple(events), Head(head.ledger, last, previous), seconds)

    def head(self) -> Head | None:
        """Return the last event's Head, None where no ledger was made yet."""
        if not _place.is_there(self.place):
            return None
        with self.reading() as connection:
            if not self._is_made(connection):
                return None
            row = self._head(connection)
            return Head(row.ledger, row.sequence, row.hash)

    def events(
        self,
        after: int = 0,
        most: int | None = None,
        kind: str | None = None,
        subject: str | None = None,
        newest: bool = False,
        since: datetime | None = None,
    ) -> Iterator[Event]:
        """Yield events after the sequence *after*, oldest first; with *newest* the last *most*.

        With *since*, only those that were recorded then or later.
        """
        import sqlalchemy as sa

        table = self._tables.events
        wanted = sa.select(table).where(table.c.sequence > after)
        if kind is not None:
            wanted = wanted.where(table.c.kind == kind)
        if subject is not None:
            wanted = wanted.where(table.c.subject == subject)
        if since is not None:
            wanted = wanted.where(table.c.time >= utc(since))
        order = table.c.sequence.desc() if newest else table.c.sequence
        wanted = wanted.order_by(order).limit(most)
        if not _place.is_there(self.place):
            return
        with self.reading() as connection:
            if not self._is_made(connection):
                return
            rows: Any = connection.execute(wanted)
            for row in reversed(rows.all()) if newest else rows:
                yield event_of(row)

    def began(self, run: str, act: str) -> list[Event]:
        """Return the events by which *run* began *act*, one for each batch."""
        import sqlalchemy as sa

        table = self._tables.events
        wanted = sa.select(table).where(
            table.c.key.startswith(f"{run}/{act}/began/", autoescape=True)
        )
        with self.reading() as connection:
            rows = connection.execute(wanted.order_by(table.c.sequence)).all()
        return list(map(event_of, rows))

    def rows(
        self, name: str, *order: str, newest: int | None = None, **where: Any
    ) -> list[dict[str, Any]]:
        """Return the rows of the projection *name*, in an *order* of columns, as plain data.

        With *newest* only so many are returned, those that events changed last, newest first.
        """
        import sqlalchemy as sa

        table = self._tables.metadata.tables[name]
        wanted = sa.select(table).order_by(*(table.c[column] for column in order))
        if newest is not None:
            wanted = sa.select(table).order_by(table.c.sequence.desc()).limit(newest)
        for column, value in where.items():
            wanted = wanted.where(table.c[column] == value)
        if not _place.is_there(self.place):
            return []
        with self.reading() as connection:
            if not self._is_made(connection):
                return []
            return [dict(row._mapping) for row in connection.execute(wanted)]

    def accepted_heads(self, connection: Connection | None = None) -> set[Head]:
        """Return the heads of other or older ledgers that were found and recorded."""
        import sqlalchemy as sa

        if connection is None:
            if self.head() is None:
                return set()
            with self.reading() as own:
                return self.accepted_heads(own)
        events, found = self._tables.events, set()
        wanted = sa.select(events.c.body).where(events.c.kind == _kind_history_found.NAME)
        for (body,) in connection.execute(wanted):
            # An event that was changed is found by its hash.
            with contextlib.suppress(ValueError, AttributeError, KeyError, TypeError):
                found |= {Head.from_plain(head) for head in json.loads(body).get("heads", ())}
        return found

    def changed_by(self, runs: Sequence[str]) -> set[tuple[str, str, str]]:
        """Return (host, root, run) of what *runs* changed, as far as that is recorded or found."""
        import sqlalchemy as sa

        table, found = self._tables.changes, set()
        if not _place.is_there(self.place):
            return set()
        with self.reading() as connection:
            if not self._is_made(connection):
                return set()
            for start in range(0, len(runs), MOST_KEYS):
                some = table.c.run.in_(runs[start : start + MOST_KEYS])
                wanted = sa.select(table.c.host, table.c.root, table.c.run).where(some)
                found |= {tuple(row) for row in connection.execute(wanted)}
        return found

    def _is_made(self, connection: Connection) -> bool:
        import sqlalchemy as sa

        if not sa.inspect(connection).has_table("head"):
            return False
        version = self._head(connection).schema
        if version > _tables.SCHEMA_VERSION:
            raise LedgerError(
                f"release_ledger: {_place.shown(self.place)}: its schema {version} is of a newer "
                f"version of itops.release; this one knows {_tables.SCHEMA_VERSION}",
                code="newer_schema",
            )
        return True

    def _head(self, connection: Connection, locked: bool = False) -> Any:
        import sqlalchemy as sa

        wanted = sa.select(self._tables.head)
        row = connection.execute(wanted.with_for_update() if locked else wanted).first()
        if row is None:
            raise LedgerError(
                f"release_ledger: {_place.shown(self.place)}: it has no head; run audit",
                code="ledger_damaged",
            )
        return row

    def _made(self, connection: Connection) -> Any:
        """Return the row of the head, locked, after making what is missing."""
        import sqlalchemy as sa

        if connection.dialect.name == "postgresql" and not self._is_made(connection):
            # One of those that find no table makes it.
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_place.ADVISORY_LOCK)))
        if not self._is_made(connection):
            self._make(connection)
        return self._head(connection, locked=True)

    def _make(self, connection: Connection) -> None:
        self._tables.metadata.create_all(connection)
        is_sqlite = connection.dialect.name == "sqlite"
        for trigger in _tables.SQLITE_TRIGGERS if is_sqlite else _tables.POSTGRESQL_TRIGGERS:
            connection.exec_driver_sql(trigger)
        ledger, time = uuid.uuid4().hex, utc(self._clock())
        draft = Draft(_kind_ledger_opened.NAME, "ledger", {"ledger": ledger}, "ledger_opened")
        event = chained(draft, OPENER, 1, time, NO_EVENT)
        connection.execute(
            self._tables.head.insert().values(
                one=1,
                schema=_tables.SCHEMA_VERSION,
                ledger=ledger,
                sequence=0,
                time=time,
                hash=NO_EVENT,
            )
        )
        self._write(connection, [event])

    def _known(self, connection: Connection, keys: list[str]) -> dict[str, Event]:
        import sqlalchemy as sa

        table, found = self._tables.events, {}
        for start in range(0, len(keys), MOST_KEYS):
            wanted = sa.select(table).where(table.c.key.in_(keys[start : start + MOST_KEYS]))
            found.update({row.key: event_of(row) for row in connection.execute(wanted)})
        return found

    def _write(self, connection: Connection, events: Sequence[Event]) -> None:
        """Write *events*, and what follows from them."""
        if not events:
            return
        written = [
            {**event.__dict__, "body": _canonical.dumps(event.body).decode("utf-8")}
            for event in events
        ]
        connection.execute(self._tables.events.insert(), written)
        rows = StoredRows(self._tables, connection)
        for event in events:
            _kinds.project(rows, event)
        rows.store()
        last = events[-1]
        values = {"sequence": last.sequence, "time": last.time, "hash": last.hash}
        connection.execute(self._tables.head.update().values(**values))


def event_of(row: Row[Any]) -> Event:
    """Return the Event in a *row* of the table of events."""
    return Event(**{**row._mapping, "body": json.loads(row.body)})
