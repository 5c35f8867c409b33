# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failed deployments: each counts once, whatever went wrong, until all is well again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures import (
    _deployments,
    _failures,
)
from ansible_collections.itops.release.plugins.plugin_utils.registers import _register
from ansible_collections.itops.release.tests.fakes.histories import History, at, digest
from ansible_collections.itops.release.tests.fakes.plans import PLAN, changed


@pytest.fixture
def history():
    """Return a History in which shop 1, and then 2, was deployed to production."""
    history = History()
    history.ran(0, 1, "first", "1")
    history.propose(1.5, changed(PLAN, early_life="2d"))
    history.ran(2, 3, "second", "2", plan="shop-1.5")
    return history


def failed(history, **more):
    """Return run, causes, seen and restored of the deployments that failed."""
    entries = _register.fold(e for e in history.events if e.kind == "register_changed")
    found = _failures.failures(_deployments.fold(history.events), entries, **more)
    return [(each.deployment.run, each.causes, each.seen, each.restored) for each in found]


def test_a_good_deployment_does_not_fail(history):
    assert failed(history) == []


def test_one_that_backs_out_itself_failed(history):
    history.began(10, "third", "3")
    history.ended(11, "third", "3", "a", more=True, verdict="held", reason="a: probe failed")
    history.ended(12, "third", "3", "a", after="2", whole=True, verdict="backed_out")

    assert failed(history) == [("third", ("went wrong",), at(11), at(12))]


def test_one_that_fails_is_restored_by_the_next_that_is_accepted(history):
    history.ran(10, 11, "third", "3", verdict="failed")
    history.ran(12, 13, "refused", "3", verdict="refused")
    history.ran(14, 15, "again", "3")

    assert failed(history) == [("third", ("went wrong",), at(11), at(15))]


def test_what_was_live_before_may_repair_it(history):
    history.began(10, "third", "3")
    history.ended(11, "third", "3", "a", verdict="failed", whole=True)
    history.ran(12, 13, "again", "2")

    assert failed(history) == [("third", ("went wrong",), at(11), at(13))]


def test_a_rollback_is_of_the_last_deployment_that_it_replaces(history):
    history.ran(10, 11, "third", "3", "a")
    history.ran(12, 13, "rollback", "1", "ab", "rollback")

    assert [run for run, *_rest in failed(history)] == ["third"]


def test_one_that_was_backed_out_later_failed(history):
    history.back_out(100, 101, "undo", "2", "1")

    assert failed(history) == [("second", ("backed out",), at(100), at(101))]


def test_one_that_was_held_and_backed_out_failed(history):
    history.ran(10, 11, "third", "3", verdict="held", phase="on trial")
    assert failed(history) == []

    history.back_out(12, 13, "undo", "3", "2")

    assert failed(history) == [("third", ("backed out",), at(12), at(13))]


def test_a_back_out_that_did_nothing_makes_no_failure(history):
    history.back_out(10, 11, "undo", "2", "2", verdict="refused")

    assert failed(history) == []


def test_a_back_out_is_about_the_last_deployment_of_its_release(history):
    history.ran(10, 11, "third", "3")
    history.ran(12, 13, "fourth", "2")
    history.back_out(14, 15, "undo", "2", "3")

    assert [run for run, *_rest in failed(history)] == ["fourth"]


def test_one_that_was_rolled_back_failed(history):
    history.ran(10, 11, "rollback", "1", "ab", "rollback")

    assert failed(history) == [("second", ("rolled back",), at(10), at(11))]


def test_a_rollback_of_some_hosts_does_not_restore_all(history):
    history.ran(10, 11, "rollback", "1", "a", "rollback")

    assert failed(history) == [("second", ("rolled back",), at(10), None)]


@pytest.mark.parametrize(
    ("hours", "fields", "is_failure"),
    [
        (5, {"release": digest("2")}, True),
        (5, {"run": "second"}, True),
        (5, {"run": "second", "environment": "production"}, True),
        (51, {"release": digest("2")}, True),
        (51.1, {"release": digest("2")}, False),  # its early life is two days
        (5, {"release": digest("2"), "environment": "staging"}, False),
        (5, {"release": digest("9")}, False),
        (5, {"run": "another"}, False),
        (5, {}, False),
        (1.9, {"release": digest("2")}, False),  # known before the deployment
    ],
)
def test_an_incident_in_early_life_makes_a_failure(history, hours, fields, is_failure):
    history.issue(hours, **fields)

    expected = [("second", ("incident",), at(hours), None)] if is_failure else []
    assert failed(history) == expected


def test_early_life_is_a_day_where_the_plan_has_none():
    history = History()
    history.ran(0, 1, "first", "1")
    history.issue(20, release=digest("1"))

    assert [run for run, *_rest in failed(history)] == ["first"]
    assert failed(history, early_life=timedelta(hours=12)) == []


def test_an_issue_counts_from_when_it_was_opened(history):
    history.issue(5, severity="high")
    history.issue(90, change="changed", release=digest("2"))

    assert failed(history) == [("second", ("incident",), at(5), None)]


def test_an_acknowledgement_is_no_incident(history):
    body = {"register": "acknowledgement", "id": "x", "change": "opened"}
    history.note(5, "register_changed", "x", **body, fields={"run": "second"})

    assert failed(history) == []


def test_an_incident_is_about_one_deployment_of_a_release():
    history = History()
    history.ran(0, 1, "staging", "1", "s", env="staging")
    history.ran(2, 3, "production", "1")
    history.issue(4, release=digest("1"))

    assert [run for run, *_rest in failed(history)] == ["production"]


def test_an_emergency_in_early_life_makes_a_failure_of_the_one_before(history):
    history.propose(4, changed(PLAN, plan="hotfix", change="emergency"), version="3")
    history.ran(5, 6, "hotfix", "3", plan="hotfix")

    assert failed(history) == [("second", ("hotfix",), at(5), at(6))]


def test_an_emergency_later_makes_none(history):
    history.propose(4, changed(PLAN, plan="hotfix", change="emergency"), version="3")
    history.ran(60, 61, "hotfix", "3", plan="hotfix")

    assert failed(history) == []


def test_a_failure_is_counted_once_and_seen_with_the_first_sign(history):
    history.issue(5, "I-1", release=digest("2"))
    history.issue(6, "I-2", run="second")
    history.propose(7, changed(PLAN, plan="hotfix", change="emergency"), version="3")
    history.ran(8, 9, "hotfix", "3", plan="hotfix")
    history.back_out(4, 10, "undo", "2", "1")

    ((run, causes, seen, restored),) = failed(history)

    assert (run, seen, restored) == ("second", at(4), at(9))
    assert causes == ("backed out", "incident", "hotfix")


@pytest.mark.parametrize(
    "more", [{"act": "reconcile"}, {"hosts": "a", "plan": "shop-1.5"}, {"version": "1"}]
)
def test_what_is_no_deployment_does_not_fail(history, more):
    if more.get("version"):
        history.back_out(9, 9.5, "undo", "2", "1")  # the failure of the second
        history.ran(9.6, 9.7, "one", "1")
    version = more.pop("version", "2")
    history.ran(10, 11, "third", version, **{"hosts": "ab", **more}, verdict="failed")

    assert "third" not in [run for run, *_rest in failed(history)]


def test_a_failure_as_plain_data(history):
    history.back_out(10, 11, "undo", "2", "1")
    (found,) = _failures.failures(_deployments.fold(history.events), [])

    plain = found.to_plain()

    assert (plain["causes"], plain["deployment"]["run"]) == (["backed out"], "second")
    assert (found.seconds, plain["restored"]) == (3600, at(11).isoformat())
