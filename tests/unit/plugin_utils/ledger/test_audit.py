# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
import sqlalchemy as sa

from ansible_collections.itops.release.plugins.plugin_utils.ledger import (
    _audit,
    _kinds,
    _place,
    _tables,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    Event,
    Head,
    LedgerError,
    chained,
    hash_of,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

ADA = Actor("ada", "claimed")
DIGEST = "a" * 64


@pytest.fixture
def recorded(place):
    """Return the place of a ledger with three runs of a host."""
    ledger = Ledger(place)
    for run in ("run-1", "run-2", "run-3"):
        after = {"phase": "live", "name": "shop", "version": "1", "digest": DIGEST}
        host = {"host": "web1", "root": "/srv", "result": "ok", "changed": True, "after": after}
        told = {"run": run, "act": "deploy", "part": "shop", "hosts": ["web1"]}
        over = {"run": run, "act": "deploy", "part": "shop", "verdict": "done", "hosts": [host]}
        ledger.append([Draft("run_began", "shop", told, f"{run} began")], ADA)
        ledger.append([Draft("run_ended", "shop", over, f"{run} ended")], ADA)
    ledger.close()
    return place


def audit(place, anchors=()):
    ledger = Ledger(place)
    try:
        return _audit.audit(ledger, dict(anchors).items())
    finally:
        ledger.close()


def change(place, *statements):
    """Do what someone does who may write to the database, and knows of the triggers."""
    engine = _place.engine_at(place)
    of_table = " ON events" if engine.dialect.name == "postgresql" else ""
    with _place.writing(engine, place) as connection:
        for trigger in ("events_stay", "events_are_kept"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {trigger}{of_table}")
        for statement in statements:
            if isinstance(statement, str):
                connection.exec_driver_sql(statement)
            else:
                connection.execute(statement)
    engine.dispose()


def changes(place):
    """Yield for each value that is stored what it is, how to change it, and how to put it back."""
    engine = _place.engine_at(place)
    with engine.connect() as connection:
        for table in _tables.tables().metadata.sorted_tables:
            keys = list(table.primary_key.columns)
            for row in connection.execute(sa.select(table)).all():
                for column in table.columns:
                    value = getattr(row, column.name)
                    is_number = isinstance(column.type, sa.Integer)
                    other = (value or 0) + 1 if is_number else f"{value or ''}1"
                    here, there = [], []
                    for key in keys:
                        own = getattr(row, key.name)
                        here.append(key == own)
                        there.append(key == (other if key is column else own))
                    yield (
                        f"{table.name}.{column.name} of {row}",
                        table.update().where(*here).values({column.name: other}),
                        table.update().where(*there).values({column.name: value}),
                    )
    engine.dispose()


def test_a_ledger_that_nobody_touched_is_well(recorded):
    assert audit(recorded) == []


def test_whatever_is_changed_is_found(recorded):
    cases = list(changes(recorded))
    assert len(cases) > 100

    for what, do, undo in cases:
        try:
            change(recorded, do)
        except LedgerError:
            continue  # the database itself refuses: a key that is taken, the only head
        assert audit(recorded), what
        change(recorded, undo)
    assert audit(recorded) == []


@pytest.mark.parametrize(
    ("statements", "codes"),
    [
        (["DELETE FROM events WHERE sequence = 3"], {"deleted"}),
        (["DELETE FROM events WHERE sequence = 7"], {"cut"}),
        (["DELETE FROM events"], {"cut"}),
        (["DELETE FROM head"], {"head"}),
        (["DELETE FROM deployments"], {"projection"}),
        (
            [
                "UPDATE events SET sequence = 100 WHERE sequence = 4",
                "UPDATE events SET sequence = 4 WHERE sequence = 5",
                "UPDATE events SET sequence = 5 WHERE sequence = 100",
            ],
            {"edited", "reordered"},
        ),
    ],
)
def test_what_is_missing_or_moved_is_named(recorded, statements, codes):
    change(recorded, *statements)

    assert codes <= {finding.code for finding in audit(recorded)}


def rebuild(place):
    """Rewrite the last event, its hash and the head, so that the chain holds."""
    last = list(Ledger(place).events())[-1]
    forged = Event(**{**last.__dict__, "actor": "eve"})
    digest = hash_of(forged)
    change(
        place,
        f"UPDATE events SET actor = 'eve', hash = '{digest}' WHERE sequence = {last.sequence}",
        f"UPDATE head SET hash = '{digest}'",
    )


def test_a_chain_that_was_rebuilt_is_found_by_what_hosts_keep(recorded):
    head = Ledger(recorded).head()
    assert audit(recorded, {"web1": head}) == []

    rebuild(recorded)

    assert audit(recorded) == []  # the chain alone cannot know
    (found,) = audit(recorded, {"web1": head})
    assert (found.code, found.text) == ("rewritten", "web1 knows another event 7")


def test_an_older_copy_and_another_ledger_are_found_by_what_hosts_keep(recorded):
    head = Ledger(recorded).head()
    later = Head(head.ledger, head.sequence + 2, "f" * 64)
    other = Head("0" * 32, 1, "f" * 64)

    cut, second = audit(recorded, {"web1": later, "web2": other})

    assert cut.code == "cut"
    assert "web1 knows event 9, the ledger ends at 7" in cut.text
    assert (second.code, second.text.split()[0]) == ("second_ledger", "web2")


def test_an_event_that_no_projection_can_follow_is_named_and_hides_nothing(recorded):
    """Somebody who may append writes an event with a hash that is right, and a body that is not."""
    ledger = Ledger(recorded)
    last = list(ledger.events())[-1]
    odd = chained(
        Draft("run_began", "shop", {}, "odd"), ADA, last.sequence + 1, last.time, last.hash
    )
    events, head = _tables.tables().events, _tables.tables().head
    change(
        recorded,
        events.insert().values(**{**odd.__dict__, "body": "{}"}),
        head.update().values(sequence=odd.sequence, hash=odd.hash),
        "UPDATE runs SET actor = 'mallory'",
    )

    assert [finding.code for finding in audit(recorded)] == ["invalid", "projection"]
    assert "run_began shop" in _kinds.line(odd)
