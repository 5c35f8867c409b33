# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _kinds, _recording
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor, Head
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger
from ansible_collections.itops.release.plugins.plugin_utils.ledger._outcome import HostOutcome

ADA = Actor("ada", "claimed")
RUN = "ada@control.1.2-boot-place"
OLD = _facts.Release(phase="live", name="shop", version="1.0.0", serial=1, digest="a" * 64)
NEW = _facts.Release(phase="live", name="shop", version="2.0.0", serial=2, digest="b" * 64)
RELEASE = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}


def intent(run=RUN, act="deploy", hosts=("web1", "web2"), **known):
    known = {"release": RELEASE, "reference": "shop:2.0.0", **known}
    return _recording.Intent(run, act, "shop", hosts, **known)


def outcome(host, **known):
    known = {"result": "ok", "before": OLD, "after": NEW, "touched": True, **known}
    return HostOutcome(host, "/srv/shop", **known)


def failed(host, reason="probe failed"):
    return outcome(host, result="failed", reason=reason, after=OLD)


def test_an_intent_survives_its_plain_form():
    known = intent(environments={"web1": "test"}, position=7, head=Head("l", 2, "f" * 64))

    assert _recording.Intent.from_plain(known.to_plain()) == known


def test_a_run_is_recorded_from_intent_to_outcome(place):
    ledger, wanted = Ledger(place), intent(environments={"web1": "test", "web2": "test"})
    ledger.append([_recording.began(wanted)], ADA)
    (open_run,) = ledger.rows("runs", "run")

    outcomes = [outcome("web1"), failed("web2")]
    ledger.append([_recording.ended(wanted, outcomes, RELEASE)], ADA)

    assert (open_run["verdict"], open_run["ended"], open_run["hosts"]) == (None, None, 2)
    (run,) = ledger.rows("runs", "run")
    assert (run["verdict"], run["reason"]) == ("failed", "web2: probe failed")
    rows = ledger.rows("deployments", "host")
    assert {row["host"]: row["version"] for row in rows} == {"web1": "2.0.0", "web2": "1.0.0"}
    assert {row["environment"] for row in rows} == {"test"}
    lines = [_kinds.line(event).split("  ", 3)[3] for event in ledger.events(after=1)]
    assert lines == [
        f"deploy shop 2.0.0 on 2 hosts in test began ({RUN})",
        f"deploy shop 2.0.0 ended: failed: web2: probe failed ({RUN})",
    ]


def test_a_batch_that_failed_is_not_forgotten_by_the_next(place):
    ledger = Ledger(place)
    for host, result in (("web1", failed), ("web2", outcome)):
        batch = intent(hosts=(host,))
        ledger.append([_recording.began(batch)], ADA)
        ledger.append([_recording.ended(batch, [result(host)])], ADA)

    (run,) = ledger.rows("runs")
    assert (run["verdict"], run["hosts"]) == ("failed", 2)
    assert run["reason"] == "web1: probe failed"


def test_what_a_run_says_itself_replaces_what_another_settled(place):
    ledger, wanted = Ledger(place), intent(hosts=("web1",))
    ledger.append([_recording.began(wanted)], ADA)
    settled = _recording.ended(wanted, [outcome("web1")], None, "another", "failed", "stopped")
    ledger.append([settled], ADA)
    ledger.append([_recording.ended(wanted, [outcome("web1")])], ADA)

    (run,) = ledger.rows("runs")
    assert (run["verdict"], run["reason"], run["settled_by"]) == ("done", None, None)


def test_each_host_has_its_own_environment(place):
    ledger, wanted = Ledger(place), intent(environments={"web1": "test", "web2": "production"})
    ledger.append([_recording.ended(wanted, [outcome("web1"), outcome("web2")])], ADA)

    rows = ledger.rows("deployments", "host")
    assert [row["environment"] for row in rows] == ["test", "production"]
    (run,) = ledger.rows("runs")
    assert run["environment"] == "production, test"


def test_what_was_removed_is_live_no_more(place):
    ledger = Ledger(place)
    ledger.append([_recording.ended(intent(), [outcome("web1")])], ADA)
    gone = outcome("web1", before=NEW, after=_facts.NOTHING)

    ledger.append([_recording.ended(intent("another", "uninstall"), [gone])], ADA)

    assert ledger.rows("deployments", "host") == []


def test_what_is_live_already_keeps_its_date_and_its_run(place):
    ledger = Ledger(place)
    ledger.append([_recording.ended(intent(), [outcome("web1")])], ADA)
    again = outcome("web1", before=NEW, touched=False)

    ledger.append([_recording.ended(intent("another"), [again])], ADA)

    (row,) = ledger.rows("deployments", "host")
    assert row["run"] == RUN


def test_text_of_any_length_is_recorded(place):
    ledger = Ledger(place)
    long = failed("web1", reason="x" * 5000)

    ledger.append([_recording.ended(intent(), [long, failed("web2")])], ADA)

    (run,) = ledger.rows("runs", "run")
    assert run["reason"].endswith("x (and 1 more host)")
