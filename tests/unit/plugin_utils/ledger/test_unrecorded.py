# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _recording, _unrecorded
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

ADA = Actor("ada", "claimed")
PLACE = ("web1", "/srv/shop")


def entry(run, event="activated", at="2026-11-30T12:00:00Z"):
    return {"at": at, "run": run, "event": event, "tree": "2.0.0-b", "from": None}


def unrecorded(ledger, *entries):
    runs = ledger.rows("runs", "run")
    open_runs = [row["run"] for row in runs if row["ended"] is None]
    return _unrecorded.find(
        ledger.changed_by([entry["run"] for entry in entries]), open_runs, {PLACE: entries}
    )


def test_what_no_run_recorded_is_told_with_host_time_and_user(place):
    (found,) = unrecorded(Ledger(place), entry("eve@laptop.4711.8f-boot-place"))

    assert (found.host, found.at, found.user) == ("web1", "2026-11-30T12:00:00Z", "eve@laptop")
    assert found.to_plain()["event"] == "activated"


def test_what_is_staged_only_changed_nothing(place):
    found = unrecorded(Ledger(place), entry("eve", "staged"), entry("eve", "activated"))

    assert [each.event for each in found] == ["activated"]


def test_a_job_of_awx_is_its_own_user(place):
    (found,) = unrecorded(Ledger(place), entry("awx-job-7"))

    assert found.user == "awx-job-7"


def test_a_run_that_is_going_on_is_not_unrecorded(place):
    ledger = Ledger(place)
    intent = _recording.Intent("mine", "deploy", "shop", ("web1",))
    ledger.append([_recording.began(intent)], ADA)

    assert unrecorded(ledger, entry("mine")) == []


def test_what_was_imported_is_found_and_not_unrecorded_any_more(place):
    ledger = Ledger(place)
    entries = [entry("by hand"), entry("by hand", "accepted")]
    after = {"phase": "live", "name": "shop", "version": "2.0.0", "digest": "b" * 64}

    for _time in range(2):  # the same is imported once
        ledger.append([_recording.found(*PLACE, entries, after)], ADA)

    assert unrecorded(ledger, *entries) == []
    assert [row["origin"] for row in ledger.rows("changes", "run")] == ["found"]
    (live,) = ledger.rows("deployments", "host")
    assert (live["application"], live["version"], live["run"]) == ("shop", "2.0.0", "by hand")
    assert ledger.head().sequence == 2
