# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DORA's measures: what counts and what does not, by tables of histories."""

from __future__ import annotations

import json
import re

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures import _dora
from ansible_collections.itops.release.plugins.plugin_utils.measures._numbers import Period
from ansible_collections.itops.release.tests.fakes.histories import History, at, digest
from ansible_collections.itops.release.tests.fakes.plans import PLAN, changed

PERIOD = Period(at(0), at(10 * 24))
HOUR = 3600


@pytest.fixture
def history():
    """Return a History in which shop 1 was deployed to production before the period."""
    history = History()
    history.ran(-48, -47, "first", "1")
    return history


def measured(history, commits=None, environment="production", period=PERIOD, **more):
    return _dora.of_events(
        history.events, period, commits or {}, "shop", environment=environment, **more
    )


def test_without_anything_on_record_nothing_is_known():
    found = measured(History())

    assert [each.value for each in found.all] == [None] * 8
    assert [each.counted for each in found.all] == [0] * 8


def test_without_a_deployment_in_the_period_only_the_frequency_is_known(history):
    found = measured(history)

    assert found.frequency.value == 0
    assert [each.value for each in found.all if each is not found.frequency] == [None] * 7


def test_what_another_application_does_is_not_known_of_this_one(history):
    found = _dora.of_events(history.events, PERIOD, {}, "api")

    assert [each.value for each in found.all] == [None] * 8


def test_frequency_is_by_day(history):
    history.ran(2, 3, "second", "2")
    history.ran(4, 5, "third", "3")

    assert (measured(history).frequency.value, measured(history).frequency.counted) == (0.2, 2)


@pytest.mark.parametrize(
    ("more", "count"),
    [
        ({}, 1),
        ({"version": "1"}, 0),  # a redeployment
        ({"act": "reconcile"}, 0),
        ({"act": "rollback"}, 0),
        ({"act": "verify"}, 0),
        ({"hosts": "a", "plan": "shop-1.5"}, 0),  # partial
        ({"verdict": "refused"}, 0),
        ({"verdict": "held", "phase": "on trial"}, 0),
        ({"verdict": "failed"}, 0),
        ({"verdict": "backed_out", "after": "1"}, 0),
        ({"env": "staging", "hosts": "s"}, 0),
        ({"begin": 239.5, "end": 240}, 0),  # the end is not in the period
        ({"begin": -1, "end": 0}, 1),
    ],
)
def test_frequency_counts_what_brings_a_release_to_all_planned_hosts(history, more, count):
    history.propose(-10)
    run = {"begin": 2, "end": 3, "run": "second", "version": "2", **more}
    history.ran(**run)

    assert measured(history).frequency.counted == count


def test_all_environments_count_where_none_is_named(history):
    history.ran(2, 3, "staging", "2", "s", env="staging")
    history.ran(4, 5, "production", "2")

    assert measured(history, environment=None).frequency.counted == 2


def test_lead_time_is_from_each_commit_to_the_last_host(history):
    history.propose(1)
    history.began(2, "second", "2", plan="shop-1.5")
    history.ended(3, "second", "2", "a", verdict="held", whole=True)
    history.ran(9, 10, "rec", "2", "b", "reconcile")
    commits = {digest("2"): [at(-hours) for hours in range(10)]}

    found = measured(history, commits)

    assert (found.lead_time.value, found.lead_time_p90.value) == (14.5 * HOUR, 18 * HOUR)
    assert (found.lead_time.counted, found.lead_time.unknown) == (10, 0)


def test_releases_whose_commits_are_not_known_are_counted_as_unknown(history):
    history.ran(2, 3, "second", "2")
    history.ran(4, 5, "third", "3")

    found = measured(history, {digest("3"): [at(4)]})

    assert (found.lead_time.value, found.lead_time.counted) == (HOUR, 1)
    assert found.lead_time.unknown == 1


def test_commits_count_with_the_first_acceptance_of_their_release(history):
    history.ran(2, 3, "second", "2")
    history.back_out(4, 5, "undo", "2", "1")
    history.ran(100, 101, "again", "2")

    found = measured(history, {digest("2"): [at(2)]})

    assert (found.frequency.counted, found.lead_time.value) == (2, HOUR)


def test_a_commit_after_the_deployment_has_no_lead_time(history):
    history.ran(2, 3, "second", "2")

    assert measured(history, {digest("2"): [at(4)]}).lead_time.value is None


def test_a_release_without_commits_adds_no_lead_time(history):
    history.ran(2, 3, "second", "2")

    lead_time = measured(history, {digest("2"): []}).lead_time

    assert (lead_time.value, lead_time.counted, lead_time.unknown) == (None, 0, 0)


def test_the_fail_rate_counts_deployments_not_incidents(history):
    history.ran(2, 3, "second", "2")
    history.issue(4, "I-1", release=digest("2"))
    history.issue(5, "I-2", release=digest("2"))
    history.issue(6, "I-3", run="second")
    history.ran(7, 8, "third", "3")

    found = measured(history)

    assert (found.change_fail_rate.value, found.change_fail_rate.counted) == (0.5, 2)
    assert (found.recovery_time.value, found.recovery_time.counted) == (4 * HOUR, 1)


def test_an_incident_is_about_the_same_deployment_whatever_is_asked_for(history):
    history.ran(2, 3, "staging", "2", "s", env="staging")
    history.ran(4, 5, "production", "2")
    history.issue(6, release=digest("2"))

    rates = {
        environment: measured(history, environment=environment).change_fail_rate.value
        for environment in ("staging", "production", None)
    }
    assert rates == {"staging": 0, "production": 1, None: 0.5}


def test_deployments_that_were_backed_out_are_deployments_that_failed(history):
    history.ran(2, 3, "second", "2", verdict="backed_out", after="1")
    history.ran(4, 5, "third", "2")

    found = measured(history)

    assert (found.change_fail_rate.value, found.change_fail_rate.counted) == (0.5, 2)
    assert found.frequency.counted == 1
    assert (found.recovery_time.value, found.recovery_time.counted) == (0, 1)


def test_without_failures_the_rate_is_zero_and_recovery_unknown(history):
    history.ran(2, 3, "second", "2")

    found = measured(history)

    assert (found.change_fail_rate.value, found.recovery_time.value) == (0, None)


def test_a_failure_that_is_not_restored_has_no_recovery_time(history):
    history.ran(2, 3, "second", "2", verdict="failed")

    recovery = measured(history).recovery_time

    assert (recovery.value, recovery.counted, recovery.unknown) == (None, 0, 1)


def test_a_failure_counts_in_the_period_of_its_deployment(history):
    history.ran(230, 231, "second", "2")
    history.back_out(250, 251, "undo", "2", "1")
    after = Period(at(240), at(480))

    assert measured(history).change_fail_rate.value == 1
    assert measured(history, period=after).change_fail_rate.value is None


@pytest.mark.parametrize(
    ("plan", "rate"),
    [
        ({}, 0),
        ({"change": "standard"}, 0),
        ({"change": "emergency"}, 1),
        ({"fixes": ["I-7"]}, 1),
    ],
)
def test_rework_is_emergencies_and_what_fixes_an_incident(history, plan, rate):
    history.propose(1, changed(PLAN, **plan))
    history.ran(2, 3, "second", "2", plan="shop-1.5")

    assert measured(history).rework_rate.value == rate


def test_approvals_are_a_share_and_a_wait(history):
    history.propose(1)
    history.say(5, "ben", "operations")
    history.say(7, "cleo", "product")
    history.ran(8, 9, "second", "2", plan="shop-1.5")
    history.ran(10, 11, "third", "3")

    found = measured(history)

    assert (found.unapproved.value, found.unapproved.counted) == (0.5, 2)
    assert (found.approval_wait.value, found.approval_wait.counted) == (6 * HOUR, 1)
    policy = {"production": {"operations": 1}}
    assert measured(history, required=policy).approval_wait.value == 4 * HOUR


def test_what_is_approved_afterwards_was_deployed_without_approval(history):
    history.propose(1, changed(PLAN, change="emergency"))
    history.ran(2, 3, "second", "2", plan="shop-1.5")
    history.say(5, "ben", "operations")

    found = measured(history)

    assert (found.unapproved.value, found.approval_wait.value) == (1, None)


def test_each_measure_has_a_definition_of_one_sentence(history):
    plain = measured(history).to_plain()

    json.dumps(plain)
    assert len({each["name"] for each in plain["measures"]}) == 8
    for each in plain["measures"]:
        assert re.fullmatch(r"[A-Z][^.]+\.", each["definition"])
