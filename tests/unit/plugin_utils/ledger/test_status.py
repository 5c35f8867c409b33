# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from datetime import datetime, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import (
    _finding,
    _questions,
    _recording,
    _status,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import HostOutcome

ADA = Actor("ada", "claimed")
ROOT = "/srv/shop"
NOW = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
BEFORE = datetime(2026, 11, 27, 19, tzinfo=timezone.utc)
RELEASE = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}
NEW = _facts.Release(phase="live", serial=2, **RELEASE)
HOSTS = ("web1", "web2", "web9")
ENVIRONMENTS = {"web1": "production", "web2": "production", "web9": "staging"}


def answer(phase="live", history=(), **known):
    release = {**RELEASE, "serial": 2}
    there = {"root": ROOT, "phase": phase, "live": release, "trial": None, "since": None}
    if phase == "on trial":
        there |= {"trial": release, "live": None, "run": "eve@laptop.7", "since": None}
    return {"deployment": {**there, **known}, "history": list(history)}


@pytest.fixture
def ledger(tmp_path):
    ledger = Ledger(str(tmp_path / "ledger.db"), clock=lambda: BEFORE)
    intent = _recording.Intent(
        "run-1", "deploy", "shop", HOSTS, release=RELEASE, environments=ENVIRONMENTS
    )
    outcomes = [HostOutcome(host, ROOT, "ok", after=NEW, touched=True) for host in HOSTS]
    ledger.append([_recording.began(intent), _recording.ended(intent, outcomes, RELEASE)], ADA)
    yield ledger
    ledger.close()


def told(**answers):
    return _finding.Told.of_answers(answers, ENVIRONMENTS)


def test_status_of_a_ledger_and_its_hosts(ledger):
    entry = {"at": "2026-11-30T11:00:00Z", "run": "eve@laptop.7", "event": "activated", "tree": "t"}
    found = _status.of_ledger(
        ledger,
        told(web1=answer(), web2=answer("on trial", [entry]), web9={"unreachable": True}),
    )

    assert found.lines(["staging", "production"], NOW) == [
        "on trial     web2  shop 2.0.0  by eve@laptop",
        "locked       web2 /srv/shop by eve@laptop.7",
        "unrecorded   1:",
        "             web2 /srv/shop  2026-11-30T11:00:00Z  activated t  by eve@laptop",
        "unknown      web9: unreachable",
        "",
        "application  staging          production",
        "shop         2.0.0  2 d 17 h  2.0.0, 1 on trial  2 d 17 h",
        "",
        "last runs    2 d 17 h ago  deploy shop 2.0.0 in production, staging  done  by ada",
    ]
    plain = found.to_plain(NOW)
    assert [(row["host"], row["asked"]) for row in plain["deployments"]] == [
        ("web9", False),
        ("web1", True),
        ("web2", True),
    ]
    assert [row["host"] for row in plain["held"]] == ["web2"]


def test_status_without_a_ledger_knows_what_hosts_know():
    found = _status.of_hosts(told(web1=answer(since="2026-11-30T10:00:00Z"), web2=answer()))

    assert found.lines(["production"], NOW) == [
        "",
        "application  production",
        "shop         2.0.0  2 h",
    ]
    assert found.to_plain(NOW)["unrecorded"] is None


def test_one_host_has_its_history_too():
    entry = {
        "at": "2026-11-30T11:00:00Z",
        "run": "ada@control.1",
        "event": "accepted",
        "tree": "2.0.0-b",
        "from": "1.0.0-a",
    }
    reply = _questions.status(None, told(web1=answer(history=[entry])), [], NOW)

    assert reply.lines[-2:] == [
        "web1 /srv/shop: shop 2.0.0 live",
        "  2026-11-30T11:00:00Z  accepted      2.0.0-b from 1.0.0-a  by ada@control.1",
    ]
    assert reply.data["status"]["history"] == {"web1:/srv/shop": [entry]}
