# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Approvals on record: since when there were enough, after every kind of decision."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.measures import _approvals
from ansible_collections.itops.release.tests.fakes.histories import History, at
from ansible_collections.itops.release.tests.fakes.plans import PLAN, changed

ABOUT = ("shop-1.5", 1, "production")
POLICY = {"production": {"operations": 1, "product": 1}}
TWO = changed(PLAN, "path", 1, approvals={"operations": 2})


@pytest.fixture
def history():
    """Return a History with a plan."""
    history = History()
    history.propose(0)
    return history


def since(history, until=100, required=POLICY, about=ABOUT):
    """Return since when there were enough approvals, in hours; None if there are not."""
    found = _approvals.fold(history.events).enough_since(*about, at(until), required)
    return found and (found - at(0)).total_seconds() / 3600


def test_enough_is_when_the_last_role_approved(history):
    history.say(1, "cleo", "product")
    assert since(history) is None

    history.say(3, "ben", "operations")
    history.say(5, "ada", "operations")

    assert (since(history), since(history, until=2)) == (3, None)


def test_the_plan_may_demand_more_than_the_policy():
    history = History()
    history.propose(0, TWO)
    history.say(1, "ben", "operations")
    history.say(2, "cleo", "product")
    history.say(4, "ada", "operations")

    assert since(history) == 4
    assert since(history, required={}) == 4


def test_a_person_counts_once():
    history = History()
    history.propose(0, TWO)
    history.say(1, "ben", "operations")
    history.say(2, "ben", "operations", reason="again")

    assert since(history, required={}) is None


def test_without_a_known_number_the_last_approval_counts(history):
    history.say(1, "cleo", "product")
    history.say(3, "ben", "operations")

    assert (since(history, required=None), since(history, 2, None)) == (3, 1)


def test_a_withdrawal_takes_an_approval_back(history):
    said = history.say(1, "ben", "operations")
    history.say(2, "cleo", "product")
    history.say(3, "ben", decision="withdraw", withdraws=said.digest)
    assert (since(history, until=2.5), since(history)) == (2, None)

    history.say(4, "ada", "operations")

    assert since(history) == 4


def test_a_rejection_stops_until_it_is_withdrawn(history):
    history.say(1, "ben", "operations")
    history.say(2, "cleo", "product")
    said = history.say(3, "ada", decision="reject", reason="not in December")
    assert since(history) is None

    history.say(5, "ada", decision="withdraw", withdraws=said.digest)

    assert since(history) == 5


@pytest.mark.parametrize("decision", ["comment", "declare", "override"])
def test_other_decisions_are_no_approval(history, decision):
    history.say(1, "ben", "operations", decision)

    assert since(history, required=None) is None


def test_approvals_are_of_one_revision_and_environment(history):
    history.say(1, "ben", "operations", env="staging")
    history.propose(2, revision=2)
    history.say(3, "cleo", "product")

    assert since(history, required=None) is None
    assert since(history, required=None, about=("shop-1.5", 2, "production")) == 3
    assert since(history, required=None, about=("shop-1.5", 1, "staging")) == 1


def test_what_was_never_proposed_has_no_approvals(history):
    record = _approvals.fold(history.events)

    assert record.proposal("other", 1) is None
    assert record.approvers("other", 1, "production", at(9)) == {}
    assert record.proposal("shop-1.5", 1).at == at(0)


def test_approvers_are_those_of_a_time(history):
    history.say(1, "ben", "operations")
    history.say(2, "cleo", "product")
    record = _approvals.fold(history.events)

    assert record.approvers(*ABOUT, at(1)) == {"ben": "operations"}
    assert record.approvers(*ABOUT, at(2)) == {"ben": "operations", "cleo": "product"}
