# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audit: find each event that was changed, deleted or reordered, a cut tail, a second ledger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import _kinds, _tables
from ._event import NO_EVENT, Event, Head, hash_of
from ._rows import Rows

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from ._ledger import Ledger


@dataclass(frozen=True)
class Finding:
    """Something that is wrong: a *code*, where (the sequence, 0 for the whole), and a line."""

    code: str
    sequence: int
    text: str


def audit(ledger: Ledger, anchors: Iterable[tuple[str, Head]] = ()) -> list[Finding]:
    """Return all that is wrong with *ledger*, by its own chain and by *anchors*.

    *anchors* are heads that hosts keep, each with the host. The chain finds edits; a person who
    rebuilds the whole chain is found by the anchors only. Heads that were found and recorded, as
    after a restore, are known.
    """
    tables = _tables.tables()
    if not ledger.exists():
        return list(_anchored(anchors, None, {}))
    with ledger.reading() as connection:
        findings = list(_integrity(connection))
        hashes: dict[int, str] = {}
        findings += _chain(connection, tables, hashes)
        findings += _head(connection, tables, hashes)
        findings += _projections(connection, tables)
        identifier = _identifier(connection, tables)
        known = ledger.accepted_heads(connection)
    strange = [(host, head) for host, head in anchors if head not in known]
    return findings + list(_anchored(strange, identifier, hashes))


def _integrity(connection: Connection) -> Iterator[Finding]:
    if connection.dialect.name != "sqlite":
        return
    for (said,) in connection.exec_driver_sql("PRAGMA integrity_check"):
        if said != "ok":
            yield Finding("damaged", 0, f"the database is damaged: {str(said).splitlines()[0]}")


def _chain(
    connection: Connection, tables: _tables.Tables, hashes: dict[int, str]
) -> Iterator[Finding]:
    """Yield what is wrong with the chain, and note the hash of each event."""
    import sqlalchemy as sa

    previous, expected = NO_EVENT, 1
    for row in connection.execute(sa.select(tables.events).order_by(tables.events.c.sequence)):
        number = row.sequence
        if number != expected:
            gone = (
                f"event {expected} is"
                if number == expected + 1
                else (f"events {expected} to {number - 1} are")
            )
            yield Finding("deleted", expected, f"{gone} missing")
        elif row.previous != previous:
            yield Finding("reordered", number, f"event {number} does not follow event {number - 1}")
        try:
            event = Event(**{**row._mapping, "body": json.loads(row.body)})
            genuine = hash_of(event) == row.hash
        except (ValueError, TypeError):
            genuine = False
        if not genuine:
            yield Finding("edited", number, f"event {number} was changed after it was recorded")
        hashes[number] = row.hash
        previous, expected = row.hash, number + 1


def _head(
    connection: Connection, tables: _tables.Tables, hashes: Mapping[int, str]
) -> Iterator[Finding]:
    import sqlalchemy as sa

    rows = connection.execute(sa.select(tables.head)).all()
    if len(rows) != 1:
        yield Finding("head", 0, f"there are {len(rows)} heads instead of one")
        return
    (row,) = rows
    last = max(hashes, default=0)
    if (row.sequence, row.hash) != (last, hashes.get(last)):
        yield Finding("cut", last, f"the ledger ends at event {last}, its head at {row.sequence}")
    if row.schema != _tables.SCHEMA_VERSION:
        yield Finding("head", 0, f"the schema of the head is {row.schema}")
    opened = _identifier(connection, tables)
    if row.ledger != opened:
        yield Finding("head", 1, "the head names another ledger than its first event")
    time = connection.execute(sa.select(sa.func.max(tables.events.c.time))).scalar()
    if row.time != time:
        yield Finding("head", last, f"the head says {row.time}, the last event {time}")


def _identifier(connection: Connection, tables: _tables.Tables) -> str | None:
    import sqlalchemy as sa

    first = sa.select(tables.events.c.body).where(tables.events.c.sequence == 1)
    try:
        return str(json.loads(connection.execute(first).scalar() or "{}").get("ledger"))
    except (ValueError, AttributeError):
        return None


def _projections(connection: Connection, tables: _tables.Tables) -> Iterator[Finding]:
    """Yield the projections that do not follow from the events: those are replayed in memory."""
    import sqlalchemy as sa

    replayed = Rows(tables)
    for row in connection.execute(sa.select(tables.events).order_by(tables.events.c.sequence)):
        try:
            event = Event(**{**row._mapping, "body": json.loads(row.body)})
            _kinds.project(replayed, event)
        except (ValueError, TypeError, KeyError, AttributeError):
            number = row.sequence
            yield Finding("invalid", number, f"event {number} is not as this kind must be")
    for table in tables.projections:
        stored = {tuple(row) for row in connection.execute(sa.select(table))}
        if stored != replayed.content(table.name):
            yield Finding(
                "projection", 0, f"the table {table.name} does not follow from the events"
            )


def _anchored(
    anchors: Iterable[tuple[str, Head]], ledger: str | None, hashes: Mapping[int, str]
) -> Iterator[Finding]:
    """Yield what the heads that hosts keep tell against the ledger: one for a host and a cause."""
    last = max(hashes, default=0)
    found: dict[tuple[str, str, str], Finding] = {}
    for host, head in sorted(anchors, key=lambda anchor: (anchor[0], anchor[1].sequence)):
        if head.ledger != ledger:
            code, number = "second_ledger", 0
            text = f"{host} was deployed with another ledger, {head.ledger}"
        elif head.sequence > last:
            code, number = "cut", last
            text = (
                f"{host} knows event {head.sequence}, the ledger ends at {last}: its tail was cut, "
                "or an older copy was restored"
            )
        elif hashes.get(head.sequence) != head.hash:
            code, number = "rewritten", head.sequence
            text = f"{host} knows another event {head.sequence}"
        else:
            continue
        found[code, host, head.ledger] = Finding(code, number, text)
    yield from found.values()
