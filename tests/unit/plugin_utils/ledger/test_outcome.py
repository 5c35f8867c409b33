# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.events import _facts
from ansible_collections.itops.release.plugins.plugin_utils.ledger import _outcome

ROOT = "/srv/shop"
OLD = _facts.Release(phase="live", name="shop", version="1", serial=1, digest="a" * 64)
NEW = _facts.Release(phase="live", name="shop", version="2", serial=2, digest="b" * 64)
TRIAL = _facts.Release(phase="on trial", name="shop", version="2", serial=2, digest="b" * 64)


def fact(host="web1", status="ok", **known):
    return _facts.Deployment(host=host, root=ROOT, status=status, **known)


def staged(host="web1"):
    return fact(host, state="staged", changed=True, before=OLD, after=OLD)


def live(host="web1", after=NEW):
    return fact(host, changed=True, before=OLD, after=after)


def put_back(host="web1"):
    return fact(
        host, "failed", changed=True, switched_back=True, before=OLD, after=OLD, reason="sick"
    )


def reverted(host="web1", changed=True):
    return fact(host, state="reverted", changed=changed, switched_back=changed, after=OLD)


def refused(host="web1"):
    return fact(host, "failed", reason="not signed")


def lost(host="web1"):
    return fact(host, "unreachable", reason="unreachable: timeout")


@pytest.mark.parametrize(
    ("facts", "verdict"),
    [
        ([], "done"),
        ([staged(), live()], "done"),
        ([staged(), live(after=TRIAL)], "held"),
        ([refused()], "refused"),
        ([staged(), staged("web2"), refused("web3")], "refused"),
        ([staged(), put_back(), reverted(changed=False)], "backed_out"),
        ([staged(), live(), reverted()], "backed_out"),
        ([live(), put_back("web2")], "failed"),
        ([staged(), lost()], "failed"),
        ([staged(), live(after=TRIAL), reverted("web2"), refused("web2")], "failed"),
    ],
)
def test_the_verdict_is_that_of_all_hosts(facts, verdict):
    outcomes = _outcome.of_hosts(["web1", "web2", "web3"], facts)

    assert _outcome.verdict("deploy", outcomes) == verdict


def test_what_changes_no_host_fails_and_is_not_refused():
    drifted = _facts.Inspection(
        host="web1", root=ROOT, status="ok", ok=False, drift=1, first_drift=("app modified",)
    )
    (outcome,) = _outcome.of_hosts(["web1"], [drifted])

    assert (outcome.result, outcome.reason) == ("failed", "drifted: app modified")
    assert _outcome.verdict("verify", [outcome]) == "failed"


def test_what_was_mended_is_well():
    drifted = _facts.Inspection(host="web1", root=ROOT, status="ok", ok=False, drift=1)
    mended = fact(changed=True, before=NEW, after=NEW)
    well = _facts.Inspection(host="web1", root=ROOT, status="ok", ok=True, drift=0)
    (outcome,) = _outcome.of_hosts(["web1"], [drifted, mended, well])

    assert (outcome.result, outcome.touched) == ("ok", True)


def test_a_host_that_failed_in_a_hook_is_known_by_its_reversal():
    noted = _facts.Failure(host="web1", status="failed", reason="the balancer does not answer")
    (first, second) = _outcome.of_hosts(
        ["web1", "web2"],
        [staged(), live(after=TRIAL), reverted(), noted, staged("web2"), live("web2")],
    )

    assert (first.result, first.reason) == ("failed", "the balancer does not answer")
    assert (first.before, first.after, first.touched) == (OLD, OLD, True)
    assert second.result == "ok"


def test_a_host_that_was_backed_out_as_asked_is_well():
    (outcome,) = _outcome.of_hosts(["web1"], [reverted()], act="back_out")

    assert (outcome.result, outcome.touched) == ("ok", True)


def test_what_was_there_before_is_the_first_answer_of_each_host():
    looked = _facts.Inspection(host="web2", root=ROOT, status="ok", after=TRIAL)

    found = _outcome.found_there([staged(), live(), reverted("web2"), looked, refused("web3")])

    assert found == {("web1", ROOT): OLD, ("web2", ROOT): TRIAL}


def test_a_host_that_left_the_run_and_said_nothing_was_lost():
    (outcome,) = _outcome.of_hosts(["web1"], [staged(), live(after=TRIAL)], lost=["web1"])

    assert (outcome.result, outcome.after) == ("unreachable", None)
    assert _outcome.verdict("deploy", [outcome]) == "failed"


def test_a_host_that_failed_and_left_keeps_its_reason():
    (outcome,) = _outcome.of_hosts(["web1"], [put_back()], lost=["web1"])

    assert (outcome.result, outcome.reason) == ("failed", "sick")


def test_a_host_that_nothing_was_done_on_was_skipped():
    (outcome,) = _outcome.of_hosts(["web1"], [staged("another")])

    assert outcome.result == "skipped"


def test_the_reason_counts_the_hosts_that_are_not_named():
    outcomes = _outcome.of_hosts(["a", "b", "c"], [refused("a"), refused("b"), refused("c")])

    assert _outcome.reason(outcomes) == "a: not signed (and 2 more hosts)"
    assert _outcome.reason([]) == ""


def test_a_pruning_that_failed_may_have_removed_something_and_is_not_refused():
    broken = _facts.Sealing(
        host="web1",
        root="",
        status="failed",
        reason="the disk is full",
        changed=False,
        release={},
        role="",
        evidence=(),
    )
    nothing = _facts.Failure(host="web1", status="failed", reason="the ledger is locked")

    assert _outcome.verdict("prune", _outcome.of_hosts(["web1"], [broken])) == "failed"
    assert _outcome.verdict("prune", _outcome.of_hosts(["web1"], [nothing])) == "refused"
