# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments on record: which runs bring a release to all planned hosts, and when."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures import _deployments
from ansible_collections.itops.release.tests.fakes import simulated_stories
from ansible_collections.itops.release.tests.fakes.histories import History, at, digest
from ansible_collections.itops.release.tests.fakes.plans import PLAN, changed
from ansible_collections.itops.release.tests.fakes.simulated_run import Run


@pytest.fixture
def history():
    """Return a History in which shop 1 is live on the hosts a and b of production."""
    history = History()
    history.ran(0, 1, "first", "1")
    return history


def folded(history):
    """Return the deployments by run; in one environment there is one of each."""
    return {each.run: each for each in _deployments.fold(history.events)}


def test_a_run_is_a_deployment_with_all_that_is_known(history):
    history.propose(2, changed(PLAN, early_life="5d", fixes=["I-7"]))
    history.ran(3, 4, "second", "2", plan="shop-1.5")

    found = folded(history)["second"]

    assert (found.application, found.environment) == ("shop", "production")
    assert (found.version, found.digest, found.act) == ("2", digest("2"), "deploy")
    assert (found.began, found.ended, found.accepted) == (at(3), at(4), at(4))
    assert (found.plan, found.revision, found.change) == ("shop-1.5", 1, "normal")
    assert (found.fixes, found.early_life) == (("I-7",), timedelta(days=5))
    assert (found.verdict, found.whole, found.was_live) == ("done", True, False)
    assert found.replaced == {digest("1")}
    assert found.to_plain()["early_life"] == 5 * 86400


def test_a_deployment_in_waves_is_accepted_with_its_last_wave(history):
    history.began(2, "waves", "2", "abcd")
    history.ended(3, "waves", "2", "a", more=True)
    history.ended(4, "waves", "2", "bc", more=True)
    assert folded(history)["waves"].ended is None

    history.ended(5, "waves", "2", "d", whole=True)

    assert folded(history)["waves"].accepted == at(5)


def test_batches_that_begin_one_by_one_are_one_deployment(history):
    for number, host in enumerate("ab"):
        more = {"more": True} if host == "a" else {}
        history.began(2 + number, "serial", "2", host, **more)
        history.ended(2.5 + number, "serial", "2", host, **more)

    found = [each for each in _deployments.fold(history.events) if each.run == "serial"]

    assert [(e.began, e.accepted, e.hosts) for e in found] == [(at(2), at(3.5), ("a", "b"))]


def test_a_run_in_two_environments_is_a_deployment_in_each():
    history = History()
    history.began(0, "both", "1", "as", env="production, staging")
    body = {"run": "both", "act": "deploy", "part": "shop", "verdict": "done"}
    hosts = [
        {**history._host(host, "1", "live"), "environment": env}
        for host, env in (("a", "production"), ("s", "staging"))
    ]
    release = {"name": "shop", "version": "1", "digest": digest("1")}
    body |= {"release": release, "environment": "production, staging"}
    history.note(1, "run_ended", "shop", **body, hosts=hosts)

    found = _deployments.fold(history.events)

    assert {(e.environment, e.hosts, e.accepted) for e in found} == {
        ("production", ("a",), at(1)),
        ("staging", ("s",), at(1)),
    }


@pytest.mark.parametrize(
    ("verdict", "more"),
    [
        ("failed", {}),
        ("backed_out", {"after": "1"}),
        ("held", {"phase": "on trial"}),
        ("refused", {"after": "1"}),
        ("unknown", {}),
        ("done", {"after": "1"}),  # whatever it says, hosts do not have it
        ("done", {"phase": "on trial"}),
    ],
)
def test_what_is_not_committed_everywhere_is_not_accepted(history, verdict, more):
    history.ran(2, 3, "second", "2", verdict=verdict, **more)

    assert folded(history)["second"].accepted is None


def test_a_verdict_of_all_batches_is_that_of_the_worst(history):
    history.began(2, "serial", "2", "a", more=True)
    history.ended(3, "serial", "2", "a", more=True, verdict="failed")
    history.began(3, "serial", "2", "b")
    history.ended(4, "serial", "2", "b")

    found = folded(history)["serial"]

    assert (found.verdict, found.accepted, found.troubled) == ("failed", None, at(3))


def test_trouble_is_seen_when_a_wave_reports_it(history):
    history.began(2, "waves", "2")
    history.ended(3, "waves", "2", "a", more=True, verdict="held", reason="a: probe failed")
    history.ended(4, "waves", "2", "a", after="1", whole=True, verdict="backed_out", reason="a")

    found = folded(history)["waves"]

    assert (found.troubled, found.ended) == (at(3), at(4))


def test_a_redeployment_is_one_of_what_is_live_already(history):
    history.ran(2, 3, "again", "1")
    history.ran(3, 4, "new host", "1", "c")
    history.ran(4, 5, "second", "2")
    history.ran(5, 6, "older", "1")

    assert {run: each.was_live for run, each in folded(history).items()} == {
        "first": False,
        "again": True,
        "new host": True,
        "second": False,
        "older": False,
    }


def test_a_release_that_was_backed_out_is_not_live_any_more(history):
    history.ran(2, 3, "second", "2")
    history.back_out(4, 5, "undo", "2", "1")
    history.ran(6, 7, "again", "2")

    assert not folded(history)["again"].was_live


def test_a_release_that_is_there_by_a_failed_deployment_was_not_live(history):
    history.ran(2, 3, "second", "2", verdict="failed")
    history.ran(4, 5, "again", "2")
    history.ran(6, 7, "and again", "2")

    found = folded(history)

    assert (found["again"].was_live, found["and again"].was_live) == (False, True)


def test_changes_that_were_found_later_count_as_live(history):
    history.propose(2)
    history.ran(3, 4, "limited", "2", "a", plan="shop-1.5", verdict="held")
    after = {"phase": "live", "name": "shop", "version": "2", "digest": digest("2")}
    entry = {"at": "2026-12-01T05:00:00Z", "run": "bob", "event": "accepted"}
    body = {"host": "b", "root": "/srv/shop", "after": after, "entries": [entry]}
    history.note(5, "history_found", "shop", **body, environment="production")

    assert folded(history)["limited"].accepted == at(5)


def test_a_limited_deployment_is_partial(history):
    history.propose(2)
    history.ran(3, 4, "limited", "2", "a", plan="shop-1.5", verdict="held")

    found = folded(history)["limited"]

    assert (found.whole, found.is_new, found.accepted) == (False, False, None)


def test_reconcile_completes_the_deployment_that_lacked_a_host(history):
    history.propose(2)
    history.began(3, "late", "2", plan="shop-1.5")
    history.ended(4, "late", "2", "a", verdict="held", whole=True)
    history.ran(5, 6, "rec", "2", "b", "reconcile")

    found = folded(history)

    assert (found["late"].is_new, found["late"].accepted) == (True, at(6))
    assert (found["rec"].is_new, found["rec"].accepted) == (False, None)


def test_two_limited_deployments_are_a_whole_one_together(history):
    history.propose(2)
    for hours, host in ((3, "a"), (5, "b")):
        more = {"plan": "shop-1.5", "verdict": "held"}
        history.ran(hours, hours + 1, f"only {host}", "2", host, **more)

    found = folded(history)

    assert (found["only a"].is_new, found["only a"].accepted) == (True, at(6))
    assert not found["only b"].is_new


def test_a_run_that_covers_all_takes_the_place_of_the_limited_one(history):
    history.propose(2)
    history.ran(3, 4, "limited", "2", "a", plan="shop-1.5", verdict="held")
    history.ran(5, 6, "all", "2", plan="shop-1.5")

    found = folded(history)

    assert [run for run, each in found.items() if each.is_new] == ["first", "all"]
    assert (found["limited"].accepted, found["all"].accepted) == (None, at(6))


def test_what_was_replaced_meanwhile_is_not_completed(history):
    history.propose(2)
    history.ran(3, 4, "limited", "2", "a", plan="shop-1.5", verdict="held")
    history.back_out(5, 6, "undo", "2", "1", "a")
    history.ran(7, 8, "rec", "2", "ab", "reconcile")

    assert folded(history)["limited"].accepted is None


def test_a_run_that_was_killed_is_accepted_when_it_is_settled(history):
    history.began(2, "killed", "2")
    history.began(5, "next", "2")
    history.ended(5, "killed", "2", settled_by="next")
    history.ended(6, "next", "2")

    found = folded(history)

    assert (found["killed"].accepted, found["killed"].is_new) == (at(5), True)
    assert found["next"].was_live


def test_a_rollback_of_some_hosts_accepts_nothing(history):
    history.ran(2, 3, "second", "2")
    history.ran(4, 5, "one", "1", "a", "rollback")
    history.ran(6, 7, "both", "1", "ab", "rollback")

    found = folded(history)

    assert (found["one"].accepted, found["both"].accepted) == (None, at(7))
    assert found["one"].replaced == {digest("2")}


def test_what_was_uninstalled_is_deployed_anew(history):
    history.ran(2, 3, "gone", "1", "ab", "uninstall", after="")
    history.ran(4, 5, "again", "1")

    found = folded(history)

    assert "gone" not in found
    assert not found["again"].was_live


def test_a_run_that_goes_on_has_no_end():
    history = History()
    history.began(0, "now", "1")

    (found,) = _deployments.fold(history.events)

    assert (found.ended, found.verdict, found.environment) == (None, "", "production")


def test_nothing_on_record_is_nothing():
    assert _deployments.fold([]) == ()


def test_a_pretended_fleet_deploys_in_waves_once():
    fleet = simulated_stories.quiet(4, waves=(1, "100%"))
    Run(fleet).deploy()

    before, deployed = _deployments.fold(fleet.ledger.events())

    assert (before.version, deployed.version) == ("1.0.0", "2.0.0")
    assert deployed.is_new
    assert deployed.accepted == deployed.ended
    assert deployed.replaced == {before.digest}
    assert len(deployed.hosts) == 4


@pytest.mark.parametrize("seed", range(30))
def test_what_is_accepted_in_a_story_ended_after_it_began(seed):
    found = _deployments.fold(simulated_stories.live(seed).ledger.events())

    assert all(each.began <= (each.accepted or each.ended or each.began) for each in found)
    assert all(each.verdict in ("done", "held") for each in found if each.accepted)
