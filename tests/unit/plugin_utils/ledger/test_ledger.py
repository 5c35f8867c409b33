# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import itertools
import pathlib
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy.exc import DBAPIError

from ansible_collections.itops.release.plugins.plugin_utils.ledger import _place
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import (
    NO_EVENT,
    Actor,
    Draft,
    LedgerError,
    hash_of,
)
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

COLLECTIONS = pathlib.Path(__file__).resolve().parents[4] / ".dev"
ADA = Actor("ada", "claimed")
MOMENT = datetime(2026, 11, 30, 12, tzinfo=timezone.utc)
DIGESTS = ("a" * 64, "b" * 64)


def began(run="run-1", hosts=("web1", "web2"), act="deploy", **body):
    told = {"run": run, "act": act, "part": "shop", "hosts": list(hosts), **body}
    return Draft("run_began", "shop", told, f"{run}/{act}/began/{'+'.join(hosts)}")


def ended(run="run-1", verdict="done", version="1.0.0", digest=DIGESTS[0], hosts=("web1", "web2")):
    after = {"phase": "live", "name": "shop", "version": version, "digest": digest}
    results = [
        {"host": host, "root": "/srv/shop", "result": "ok", "changed": True, "after": after}
        for host in hosts
    ]
    told = {"run": run, "act": "deploy", "part": "shop", "verdict": verdict, "hosts": results}
    return Draft("run_ended", "shop", told, f"{run}/deploy/ended")


@pytest.fixture
def ledger(place):
    ledger = Ledger(place, clock=lambda: MOMENT)
    yield ledger
    ledger.close()


def test_a_ledger_is_made_by_what_is_recorded_first(ledger):
    assert ledger.head() is None
    assert list(ledger.events()) == []

    recorded = ledger.append([began()], ADA)

    first, second = ledger.events()
    assert (first.kind, first.sequence, first.previous) == ("ledger_opened", 1, NO_EVENT)
    assert (second.kind, second.previous, second.actor) == ("run_began", first.hash, "ada")
    assert second.time == "2026-11-30T12:00:00.000Z"
    assert second.hash == hash_of(second)
    assert recorded.events == (second,)
    assert ledger.head() == recorded.head
    assert (recorded.head.ledger, recorded.head.sequence) == (first.body["ledger"], 2)


def test_the_same_is_recorded_once(ledger):
    once = ledger.append([began()], ADA)
    again = ledger.append([began(), ended()], ADA)

    assert again.events[0] == once.events[0]
    assert [event.kind for event in ledger.events(after=1)] == ["run_began", "run_ended"]


def test_a_key_never_stands_for_two_things(ledger):
    ledger.append([began()], ADA)
    other = Draft("run_began", "shop", {**began().body, "hosts": ["db1"]}, began().key)

    with pytest.raises(LedgerError, match="recorded with other content, as event 2") as caught:
        ledger.append([ended(), other], ADA)

    assert caught.value.code == "key_conflict"
    assert ledger.head().sequence == 2  # nothing of the transaction stays


@pytest.mark.parametrize(
    ("draft", "said"),
    [
        (Draft("party", "shop", {}, "1"), "'party' is not a kind of event"),
        (Draft("run_began", "shop", {"run": "1"}, "1"), "run_began: body: 'act' is a required"),
        (Draft("run_ended", "shop", {**ended().body, "verdict": "fine"}, "1"), "verdict: 'fine'"),
        (Draft("run_ended", "shop", {**ended().body, "reason": "a\0b"}, "1"), "a NUL character"),
        (Draft("run_ended", "sh\ud800p", ended().body, "1"), "surrogates not allowed"),
    ],
)
def test_an_event_that_is_not_as_it_must_be_is_refused(ledger, draft, said):
    with pytest.raises(LedgerError, match=said) as caught:
        ledger.append([draft], ADA)

    assert "\n" not in str(caught.value)
    assert ledger.head() is None


def test_text_that_looks_like_an_escape_is_recorded_as_it_is(ledger):
    draft = Draft("run_ended", "shop", {**ended().body, "reason": r"a \u0000 b"}, "1")

    ledger.append([draft], ADA)

    assert ledger.rows("runs", "run")[0]["reason"] == r"a \u0000 b"


def test_time_never_goes_back(place):
    times = iter([MOMENT, MOMENT, MOMENT - timedelta(minutes=5), MOMENT - timedelta(minutes=5)])
    ledger = Ledger(place, clock=lambda: next(times, MOMENT - timedelta(minutes=5)))

    ledger.append([began()], ADA)
    late = ledger.append([ended()], ADA)

    assert late.events[0].time == "2026-11-30T12:00:00.000Z"
    assert late.skew_seconds == 300


def test_what_is_live_follows_from_what_was_recorded(ledger):
    ledger.append([began(), ended()], ADA)
    ledger.append([began("run-2"), ended("run-2", "failed", "1.1.0", DIGESTS[1], ["web1"])], ADA)

    told = {
        row["host"]: (row["version"], row["run"], row["since"])
        for row in ledger.rows("deployments", "host")
    }
    assert told == {
        "web1": ("1.1.0", "run-2", "2026-11-30T12:00:00.000Z"),
        "web2": ("1.0.0", "run-1", "2026-11-30T12:00:00.000Z"),
    }
    runs = {row["run"]: (row["verdict"], row["hosts"]) for row in ledger.rows("runs", "sequence")}
    assert runs == {"run-1": ("done", 2), "run-2": ("failed", 2)}
    assert {row["run"] for row in ledger.rows("changes", "run", host="web1")} == {"run-1", "run-2"}


def test_batches_add_their_hosts_to_the_run(ledger):
    ledger.append([began(hosts=["web1"])], ADA)
    ledger.append([began(hosts=["web2", "web3"])], ADA)

    (row,) = ledger.rows("runs", "run")
    assert (row["hosts"], row["ended"]) == (3, None)


@pytest.mark.parametrize("change", ["UPDATE events SET actor = 'eve'", "DELETE FROM events"])
def test_what_was_recorded_cannot_be_changed_or_deleted(ledger, place, change):
    ledger.append([began()], ADA)
    engine = _place.engine_at(place)

    with engine.connect() as connection, pytest.raises(DBAPIError, match="events of the ledger"):
        connection.exec_driver_sql(change)
    engine.dispose()


APPEND = """
import sys
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _event, _ledger
place, number = sys.argv[1:]
ledger = _ledger.Ledger(place)
for turn in range(10):
    run = f"run-{number}-{turn}"
    body = {"run": run, "act": "deploy", "part": "shop", "hosts": ["web1"]}
    draft = _event.Draft("run_began", "shop", body, run)
    ledger.append([draft], _event.Actor(f"user{number}", "claimed"))
"""


def test_processes_that_append_at_once_lose_nothing(place):
    """From no ledger on: one of them makes it."""
    command = [sys.executable, "-c", APPEND, place]
    going = [
        subprocess.Popen([*command, str(number)], cwd=COLLECTIONS, stderr=subprocess.PIPE)
        for number in range(10)
    ]
    for process in going:
        _out, said = process.communicate()
        assert (process.returncode, said) == (0, b"")

    events = list(Ledger(place).events())
    assert [event.sequence for event in events] == list(range(1, 102))
    assert len({event.body["run"] for event in events[1:]}) == 100
    assert all(after.previous == before.hash for before, after in itertools.pairwise(events))


def test_questions_may_be_narrowed(ledger):
    ledger.append([began(f"run-{number}") for number in range(5)], ADA)
    other = Draft("run_began", "billing", began("other").body, "other")
    ledger.append([other], ADA)

    assert [event.sequence for event in ledger.events(newest=True, most=2)] == [6, 7]
    assert [event.sequence for event in ledger.events(after=5)] == [6, 7]
    assert [event.subject for event in ledger.events(subject="billing")] == ["billing"]
    assert [event.kind for event in ledger.events(kind="ledger_opened")] == ["ledger_opened"]
    assert len(list(ledger.events(since=MOMENT))) == 7
    assert list(ledger.events(since=MOMENT + timedelta(milliseconds=1))) == []
