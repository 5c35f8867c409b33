# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _finding, _recording
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    Actor,
    LedgerError,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._journal import Journal
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._recorder import Recorder

ADA = Actor("ada", "claimed")
ROOT = "/srv/shop"
RELEASE = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}
NEW = _facts.Release(phase="live", serial=2, **RELEASE)


class Run:
    """A run of this test: what it warned of, and its recorder."""

    def __init__(self, folder, place=None, check=False, alive=(), over=()):
        self.place = str(folder / "ledger.db") if place is None else place
        self.warnings = []
        self.journal = Journal(str(folder))
        self.recorder = Recorder(
            self.place,
            ADA,
            self.journal,
            check,
            self.warnings.append,
            alive.__contains__,
            over.__contains__,
        )

    def began(self, run="run-1", required=True, **known):
        known = {"release": RELEASE, "root": ROOT, **known}
        intent = _recording.Intent(run, "deploy", "shop", ("web1",), **known)
        return _recording.Intent.from_plain(self.recorder.began(intent, required)["intent"])

    def deployed(self, before=_facts.NOTHING):
        fact = _facts.Deployment(
            host="web1", root=ROOT, status="ok", changed=True, before=before, after=NEW
        )
        self.journal.note([fact])

    def rows(self):
        return Ledger(self.place).rows("runs", "sequence")


def test_the_intent_is_recorded_with_the_head_for_the_hosts(tmp_path):
    run = Run(tmp_path)
    intent = run.began()

    assert intent.head == Ledger(run.place).head()
    (row,) = run.rows()
    assert (row["verdict"], row["actor"]) == (None, "ada")
    assert stat.S_IMODE(os.stat(run.place).st_mode) == 0o600


def test_the_outcome_is_recorded_and_told_to_awx(tmp_path):
    run = Run(tmp_path)
    run.deployed()  # of something before, which is not part of this
    intent = run.began()
    run.deployed()

    result = run.recorder.ended(intent, ())

    assert result["verdict"] == "done"
    assert result["ansible_stats"] == {
        "data": {"release_verdict": "done", "release_digest": "b" * 64},
        "per_host": False,
        "aggregate": False,
    }
    (row,) = run.rows()
    assert (row["verdict"], row["version"], row["hosts"]) == ("done", "2.0.0", 1)


def test_without_a_ledger_there_is_a_verdict_and_nothing_else(tmp_path):
    run = Run(tmp_path, place="")
    intent = run.began()
    run.deployed()

    assert run.recorder.ended(intent, ())["verdict"] == "done"
    assert (os.listdir(tmp_path), run.warnings) == ([os.path.basename(run.journal._path)], [])


def test_what_must_be_recorded_and_cannot_be_is_refused(tmp_path):
    run = Run(tmp_path, place=str(tmp_path / "gone/ledger.db"))

    with pytest.raises(LedgerError, match="does not exist"):
        run.began()

    assert run.journal.ending().verdict == "refused"


def test_a_way_back_goes_on_and_warns(tmp_path):
    run = Run(tmp_path, place=str(tmp_path / "gone/ledger.db"))
    intent = run.began(required=False)
    run.deployed()
    result = run.recorder.ended(intent, ())

    assert (intent.head, result["verdict"]) == (None, "done")
    assert [line.rpartition("; ")[2] for line in run.warnings] == ["ledger_import finds it"]


def test_an_outcome_that_cannot_be_recorded_is_a_warning(tmp_path):
    run = Run(tmp_path)
    intent = run.began()
    os.rename(run.place, run.place + ".gone")
    os.mkdir(run.place)

    assert run.recorder.ended(intent, ())["verdict"] == "done"
    assert run.warnings[0].endswith("the next run settles it")


def test_a_dry_run_records_nothing(tmp_path):
    run = Run(tmp_path, check=True)
    run.recorder.ended(run.began(), ())

    assert not os.path.exists(run.place)


def test_a_run_that_is_going_on_is_not_settled(tmp_path):
    Run(tmp_path).began("killed")
    Run(tmp_path).began("alive")
    last = Run(tmp_path, alive=("alive",))
    intent = last.began("next")
    last.deployed()
    last.recorder.ended(intent, ())

    rows = {row["run"]: (row["verdict"], row["settled_by"]) for row in last.rows()}
    assert rows == {"killed": ("failed", "next"), "alive": (None, None), "next": ("done", None)}


def test_a_stopped_run_is_settled_before_a_wave_by_what_its_hosts_had_then(tmp_path):
    Run(tmp_path).began("killed")
    run = Run(tmp_path)
    intent = run.began("next")
    run.deployed(before=_facts.NOTHING)
    run.recorder.settle(intent)
    run.recorder.wave(intent, ["web1"], (), RELEASE)
    run.recorder.settle(intent)

    rows = {row["run"]: (row["verdict"], row["settled_by"]) for row in run.rows()}
    assert rows["killed"] == ("failed", "next")
    (row,) = Ledger(run.place).rows("deployments")
    assert (row["version"], row["run"]) == ("2.0.0", "next")


def test_a_run_that_stops_between_waves_has_its_staged_hosts_on_record(tmp_path):
    run = Run(tmp_path)
    intent = run.began()
    staged = {"host": "web1", "root": ROOT, "status": "ok", "before": _facts.NOTHING}
    run.journal.note([_facts.Deployment(state="staged", changed=True, **staged)])

    run.recorder.stopped("a gate closed")

    (row,) = run.rows()
    assert (row["verdict"], row["reason"]) == ("refused", "a gate closed")
    assert Ledger(run.place).changed_by([intent.run]) == {("web1", ROOT, intent.run)}


def test_a_rollback_is_named_by_what_the_ledger_knows_of_its_host(tmp_path):
    run = Run(tmp_path)
    intent = run.began()
    run.deployed()
    run.recorder.ended(intent, ())
    back = _recording.Intent("back", "rollback", "", ("web1",), ROOT, reference="previous")
    run.recorder.began(back, required=False)

    assert [row["application"] for row in run.rows()] == ["shop", "shop"]


def test_what_is_imported_is_said_and_imported_once(tmp_path):
    run = Run(tmp_path)
    run.recorder.ended(run.began(), ())
    entry = {"at": "2026-11-30T12:00:00Z", "run": "eve@laptop.1", "event": "accepted", "tree": "t"}
    live = {"root": ROOT, "phase": "live", "live": {**RELEASE, "serial": 2}}
    told = _finding.Told({("web1", ROOT): live}, {("web1", ROOT): [entry]}, {"web1": "test"})

    first = run.recorder.found(told, "import")
    second = run.recorder.found(told, "import")

    assert first["msg"] == "1 unrecorded change on 1 host imported as found"
    assert (second["changed"], second["imported"]) == (False, [])
    (row,) = Ledger(run.place).rows("deployments")
    assert (row["actor"], row["since"]) == ("eve@laptop", "2026-11-30T12:00:00.000Z")
    assert row["environment"] == "test"
