# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import sqlite3

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _audit, _place
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    Draft,
    Event,
    Head,
    hash_of,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

ADA = Actor("ada", "claimed")
DIGEST = "a" * 64


@pytest.fixture
def place(tmp_path):
    """Return the path of a ledger with three runs of two hosts."""
    place = str(tmp_path / "ledger.db")
    ledger = Ledger(place)
    for run in ("run-1", "run-2", "run-3"):
        after = {"phase": "live", "name": "shop", "version": "1", "digest": DIGEST}
        host = {"host": "web1", "root": "/srv", "result": "ok", "changed": True, "after": after}
        told = {"run": run, "act": "deploy", "hosts": ["web1"]}
        over = {"run": run, "act": "deploy", "verdict": "done", "hosts": [host]}
        ledger.append([Draft("run_began", "shop", told, f"{run} began")], ADA)
        ledger.append([Draft("run_ended", "shop", over, f"{run} ended")], ADA)
    ledger.close()
    return place


def audit(place, anchors=()):
    engine = _place.engine_at(place)
    try:
        return _audit.audit(engine, place, dict(anchors))
    finally:
        engine.dispose()


def change(place, *statements):
    """Do what someone does who may write to the file, and knows of the triggers."""
    connection = sqlite3.connect(place)
    for trigger in ("events_stay", "events_are_kept"):
        connection.execute(f"DROP TRIGGER {trigger}")
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def columns(place):
    """Yield (table, column, row) of all that is stored."""
    with sqlite3.connect(place) as connection:
        for table in ("events", "head", "runs", "deployments", "changes"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            rows = connection.execute(f"SELECT rowid FROM {table}").fetchall()
            yield from ((table, name, row) for name in names for (row,) in rows)


def test_a_ledger_that_nobody_touched_is_well(place):
    assert audit(place) == []


def test_whatever_is_changed_is_found(place, tmp_path):
    original = sqlite3.connect(place)
    copy = str(tmp_path / "copy.db")
    cases = list(columns(place))
    assert len(cases) > 100

    for table, column, row in cases:
        with sqlite3.connect(copy) as target:
            original.backup(target)
        target.close()
        changed = f"UPDATE {table} SET {column} = COALESCE({column}, '') || '1' WHERE rowid = {row}"
        if column == "one":
            continue  # a check of the database holds it
        change(copy, changed)
        assert audit(copy), (table, column, row)


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
def test_what_is_missing_or_moved_is_named(place, statements, codes):
    change(place, *statements)

    assert codes <= {finding.code for finding in audit(place)}


def rebuild(place):
    """Rewrite the last event, its hash and the head, so that the chain holds."""
    *_, last = Ledger(place).events()
    forged = Event(**{**last.__dict__, "actor": "eve"})
    digest = hash_of(forged)
    change(
        place,
        f"UPDATE events SET actor = 'eve', hash = '{digest}' WHERE sequence = {last.sequence}",
        f"UPDATE head SET hash = '{digest}'",
    )


def test_a_chain_that_was_rebuilt_is_found_by_what_hosts_keep(place):
    head = Ledger(place).head()
    assert audit(place, {"web1": head}) == []

    rebuild(place)

    assert audit(place) == []  # the chain alone cannot know
    (found,) = audit(place, {"web1": head})
    assert (found.code, found.text) == ("rewritten", "web1 knows another event 7")


def test_an_older_copy_and_another_ledger_are_found_by_what_hosts_keep(place):
    head = Ledger(place).head()
    later = Head(head.ledger, head.sequence + 2, "f" * 64)
    other = Head("0" * 32, 1, "f" * 64)

    cut, second = audit(place, {"web1": later, "web2": other})

    assert cut.code == "cut"
    assert "web1 knows event 9, the ledger ends at 7" in cut.text
    assert (second.code, second.text.split()[0]) == ("second_ledger", "web2")
