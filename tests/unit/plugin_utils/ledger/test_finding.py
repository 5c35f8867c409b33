# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import (
    _audit,
    _finding,
    _recording,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import HostOutcome

ADA = Actor("ada", "claimed")
ROOT = "/srv/shop"
RELEASE = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}
NEW = _facts.Release(phase="live", serial=2, **RELEASE)
INTENT = _recording.Intent("run-1", "deploy", "shop", ("web1",), release=RELEASE)


def entry(run, head=None):
    said = {"at": "2026-11-30T12:00:00Z", "run": run, "event": "accepted", "tree": "2.0.0-b"}
    return {**said, "ledger": head.to_plain()} if head else said


def told(*entries, live=None):
    live = {**RELEASE, "serial": 2} if live is None else live
    there = {"root": ROOT, "phase": "live" if live else "none", "live": live, "trial": None}
    answer = {"deployment": there, "history": list(entries)}
    return _finding.Told.of_answers({"web1": answer}, {})


@pytest.fixture
def ledger(tmp_path):
    """Return a ledger with a deployment to web1."""
    ledger = Ledger(str(tmp_path / "ledger.db"))
    outcome = HostOutcome("web1", ROOT, "ok", after=NEW, touched=True)
    ledger.append([_recording.began(INTENT), _recording.ended(INTENT, [outcome], RELEASE)], ADA)
    yield ledger
    ledger.close()


def unrecorded(ledger, answers):
    return [(each.run, each.event) for each in _finding.unrecorded(ledger, answers)]


def test_what_a_recorded_run_did_is_recorded(ledger):
    assert unrecorded(ledger, told(entry("run-1"))) == []


def test_what_another_did_is_not(ledger):
    assert unrecorded(ledger, told(entry("run-1"), entry("by hand"))) == [("by hand", "accepted")]


def test_a_release_that_no_run_brought_is_unrecorded_without_a_history(ledger):
    other = {"name": "shop", "version": "3", "serial": 3, "digest": "c" * 64}

    assert unrecorded(ledger, told(entry("run-1"), live=other)) == [("unknown", "live")]
    assert unrecorded(ledger, told(entry("run-1"), live={})) == [("unknown", "none")]


def test_a_host_on_which_a_run_goes_on_is_let_be(ledger):
    going_on = _recording.Intent("run-2", "deploy", "shop", ("web1",))
    ledger.append([_recording.began(going_on)], ADA)
    other = {"name": "shop", "version": "3", "serial": 3, "digest": "c" * 64}

    assert unrecorded(ledger, told(entry("run-1"), entry("run-2"), live=other)) == []


def test_hosts_that_do_not_answer_are_unknown_and_have_a_reason():
    answers = {
        "web1": None,
        "web2": {"failed": True, "code": "host_lost", "msg": "unreachable: timeout"},
        "web3": {"results": [{"failed": True, "msg": "state.json\ncannot be read"}]},
        "web4": {"results": []},
    }

    assert _finding.Told.of_answers(answers, {}).unknown == {
        "web1": "was not asked",
        "web2": "unreachable",
        "web3": "state.json cannot be read",
    }


def test_heads_of_a_lost_part_of_the_ledger_are_imported_with_the_history(ledger, tmp_path):
    other = Ledger(str(tmp_path / "other.db"))
    head = other.append([_recording.began(INTENT)], ADA).head
    answers = told(entry("run-1", ledger.head()), entry("lost", head))
    before = [finding.code for finding in _audit.audit(ledger, answers.heads)]

    found = _finding.unrecorded(ledger, answers)
    ledger.append(list(_finding.drafts(ledger, answers, found)), ADA)

    assert before == ["second_ledger"]
    assert _audit.audit(ledger, answers.heads) == []
    assert ledger.accepted_heads() == {head}
    assert not next(_finding.drafts(ledger, answers, found)).body.get("heads")
    assert unrecorded(ledger, answers) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"run": None},
        {"run": ["a"]},
        {"run": ""},
        {"run": "x" * 501},
        {"at": 7},
        {"event": "\x1b[2J"},
        {"tree": {}},
        {"from": "\ud800"},
        {"ledger": "x"},
        {"ledger": {"ledger": "a"}},
        {"ledger": {"ledger": "a" * 32, "sequence": -1, "hash": "f" * 64}},
        {"ledger": {"ledger": "a" * 32, "sequence": True, "hash": "f" * 64}},
    ],
)
def test_a_host_whose_history_is_malformed_is_unknown(wrong):
    answers = told({**entry("run-1"), **wrong})

    assert answers.unknown == {"web1": "its answer is malformed"}
    assert (answers.known, answers.heads) == ({}, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"root": None},
        {"phase": "gone"},
        {"live": "x"},
        {"live": {"name": "shop", "version": 7}},
        {"live": {"name": "shop", "version": "1", "digest": "short"}},
        {"since": 7},
        {"current": ["a"]},
    ],
)
def test_a_host_whose_state_is_malformed_is_unknown(wrong):
    there = {"root": ROOT, "phase": "live", "live": {**RELEASE, "serial": 2}, "trial": None}
    answers = _finding.Told.of_answers({"web1": {"deployment": {**there, **wrong}}}, {})

    assert answers.unknown == {"web1": "its answer is malformed"}


def test_an_adopted_release_is_well_formed():
    adopted = {"name": "old", "version": "2019", "serial": 0, "digest": None}

    assert told(live=adopted).known["web1", ROOT].version == "2019"
