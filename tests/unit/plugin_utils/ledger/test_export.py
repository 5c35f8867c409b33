# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import csv
import io
import json

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import (
    _export,
    _outcome,
    _recording,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

OLD = _facts.Release(phase="live", name="shop", version="1", serial=1, digest="a" * 64)
NEW = _facts.Release(phase="live", name="shop", version="2", serial=2, digest="b" * 64)


def recorded(place, actor="ada"):
    ledger = Ledger(place)
    outcome = _outcome.HostOutcome("web1", "/srv", "ok", before=OLD, after=NEW, touched=True)
    intent = _recording.Intent("run-1", "deploy", "shop", ("web1",))
    began, ended = _recording.began(intent), _recording.ended(intent, [outcome])
    other = _recording.Intent("run-2", "verify", "shop", ("web1",))
    ledger.append([began, ended, _recording.began(other)], Actor(actor, "claimed"))
    return ledger


def test_each_event_is_a_line_of_json(place):
    ledger = recorded(place)

    lines = list(_export.json_lines(ledger.events()))

    assert [json.loads(line) for line in lines] == [e.to_plain() for e in ledger.events()]
    assert all(line.count("\n") == 1 for line in lines)


def test_each_run_that_changes_hosts_is_a_change_record(place):
    text = _export.change_records(recorded(place).events())

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert list(row) == _export.COLUMNS
    assert (row["id"], row["type"]) == ("run-1", "deploy shop")
    assert row["requester"] == "ada (claimed)"
    assert row["items"] == f"web1 shop 1 {'a' * 64} → 2 {'b' * 64}"
    assert (row["result"], row["closure_code"], row["back_out_used"]) == ("web1 ok", "done", "no")
    assert row["approvals"] == ""


def test_no_cell_is_a_formula(place):
    text = _export.change_records(recorded(place, actor="=cmd|'/c calc'!A1").events())

    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row["deployed_by"].startswith("'=")
