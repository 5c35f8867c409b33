# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _recording, _settling
from ansible_collections.itops.release.plugins.plugin_utils.ledger._event import Actor
from ansible_collections.itops.release.plugins.plugin_utils.ledger._ledger import Ledger

ADA = Actor("ada", "claimed")
ROOT = "/srv/shop"
RELEASE = {"name": "shop", "version": "2.0.0", "digest": "b" * 64}
OLD = _facts.Release(phase="live", name="shop", version="1.0.0", serial=1, digest="a" * 64)
NEW = _facts.Release(phase="live", serial=2, **RELEASE)
TRIAL = _facts.Release(phase="on trial", serial=2, **RELEASE)


@pytest.fixture
def ledger(tmp_path):
    """Return a ledger in which a deployment to two hosts has no end."""
    ledger = Ledger(str(tmp_path / "ledger.db"))
    intent = _recording.Intent("killed", "deploy", "shop", ("web1", "web2"), release=RELEASE)
    ledger.append([_recording.began(intent)], ADA)
    yield ledger
    ledger.close()


def settle(ledger, there, part="shop", **known):
    rows = ledger.rows("runs", "began", ended=None)
    known = _settling.Known({(host, ROOT): r for host, r in there.items()}, part=part, **known)
    found = list(_settling.drafts(rows, ledger.began, known, "next"))
    ledger.append(found, ADA)
    return found


@pytest.mark.parametrize(
    ("first", "second", "verdict", "reason"),
    [
        (NEW, NEW, "done", None),
        (OLD, OLD, "failed", "the run was stopped before its end: live: 2.0.0 on 0 of 2 hosts"),
        (NEW, OLD, "failed", "the run was stopped before its end: live: 2.0.0 on 1 of 2 hosts"),
        (TRIAL, OLD, "held", "the run was stopped before its end"),
        (
            _facts.NOTHING,
            NEW,
            "failed",
            "the run was stopped before its end: live: 2.0.0 on 1 of 2 hosts",
        ),
    ],
)
def test_a_stopped_run_ends_by_what_its_hosts_have_now(ledger, first, second, verdict, reason):
    settle(ledger, {"web1": first, "web2": second})

    (row,) = ledger.rows("runs")
    assert (row["verdict"], row["reason"], row["settled_by"]) == (verdict, reason, "next")
    live = {row["host"]: row["version"] for row in ledger.rows("deployments")}
    assert live == {
        host: release.version
        for host, release in (("web1", first), ("web2", second))
        if release.version
    }
    assert ledger.changed_by(["killed"]) == {
        ("web1", ROOT, "killed"),
        ("web2", ROOT, "killed"),
    }


def test_a_run_stays_open_while_one_of_its_hosts_is_not_known(ledger):
    assert settle(ledger, {"web1": NEW}) == []


def test_what_is_known_of_another_application_settles_nothing(ledger):
    api = _facts.Release(phase="live", name="api", version="1", serial=1, digest="c" * 64)

    assert settle(ledger, {"web1": api, "web2": api}, part="api") == []


def test_a_host_that_is_gone_ends_as_unreachable(ledger):
    (draft,) = settle(ledger, {"web1": NEW}, part=None, gone={"web2": "unreachable"})

    results = {host["host"]: host["result"] for host in draft.body["hosts"]}
    assert results == {"web1": "ok", "web2": "unreachable"}
    assert draft.body["verdict"] == "failed"


def test_nothing_is_settled_where_no_host_answers(ledger):
    gone = {"web1": "unreachable", "web2": "unreachable"}

    assert settle(ledger, {}, part=None, gone=gone) == []


def test_a_run_does_not_settle_itself(ledger):
    rows = ledger.rows("runs")
    known = _settling.Known({("web1", ROOT): NEW, ("web2", ROOT): NEW}, part="shop")

    assert list(_settling.drafts(rows, ledger.began, known, "killed")) == []


def test_a_build_that_was_stopped_is_unknown(ledger):
    ledger.append([_recording.began(_recording.Intent("b", "build", "", ("build1",)))], ADA)
    settle(ledger, {})

    rows = {row["act"]: row["verdict"] for row in ledger.rows("runs")}
    assert rows == {"build": "unknown", "deploy": None}
