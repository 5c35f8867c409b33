# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who agreed: each statement counts, or does not and says why."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.plan import _agreement, _demands
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, POLICY, changed, said

STANDING = plans.standing()
OVER, LATE = "2026-12-01T11:00:00.000Z", "2099-01-01T00:00:00.000Z"
DAN = {"roles": ["operations"], "keys": [plans.KEYS["dan"]]}
CLAIMED = changed(POLICY, "environments", "production", strength="claimed")


def agreed(*recorded, rules=None, stands=STANDING, plan=None, now=NOW, verify=lambda r: ""):
    return _agreement.agreement(
        plans.policy(rules),
        plans.demands(plan, rules=rules),
        stands.subject(plans.LEDGER),
        recorded,
        now,
        verify,
    )


def why(recorded, **more):
    """Return why the only statement does not count."""
    found = agreed(recorded, **more)
    assert not found.is_met
    assert found.approved == {"operations": (), "product": ()}
    return found.ignored[0][1]


BEN = said(STANDING, "ben", role="operations")
CLEO = said(STANDING, "cleo", role="product")


def test_everybody_who_must_agree_has_agreed():
    assert agreed(BEN, CLEO).is_met
    assert agreed(BEN, CLEO).approved == {"operations": ("ben",), "product": ("cleo",)}
    assert agreed(BEN).missing == {"product": 1}
    assert agreed().missing == {"operations": 1, "product": 1}


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (said(STANDING, "ben", role="operations", ledger="2" * 32), "it is for another ledger"),
        (
            said(STANDING, "ben", role="operations", changes={"plan": "other"}),
            "it is for the plan other",
        ),
        (
            said(STANDING, "ben", role="operations", changes={"plan_digest": "0" * 64}),
            "it is for another content of the plan",
        ),
        (
            said(STANDING, "ben", role="operations", changes={"release_digest": "0" * 64}),
            "it is for another release digest",
        ),
        (said(STANDING, "eve", role="operations"), "eve is not a person in policy.yml"),
        (said(STANDING, "ben", role="product"), "ben has not the role product"),
        (said(STANDING, "ben", role="boss"), "production needs no approval of boss"),
        (said(STANDING, "ben", role=""), "production needs no approval of no role"),
        (said(STANDING, "ada", role="operations"), "ada is the author of the plan"),
        (
            said(STANDING, "ben", role="operations", strength="claimed"),
            "it is claimed, and production needs signed",
        ),
        (
            said(STANDING, "ben", role="operations", changes={"expires": OVER}),
            "it expired on 2026-12-01",
        ),
        (
            said(STANDING, "ben", role="operations", changes={"expires": "never"}),
            "its expiry is not a time",
        ),
    ],
)
def test_a_statement_that_does_not_count_says_why(recorded, expected):
    assert why(recorded) == expected


@pytest.mark.parametrize("changes", [{"revision": 2}, {"environment": "staging"}])
def test_a_statement_about_something_else_is_not_counted(changes):
    recorded = said(STANDING, "ben", role="operations", changes=changes)

    assert agreed(recorded).missing == {"operations": 1, "product": 1}


def test_a_signature_that_does_not_hold_is_not_counted():
    assert why(BEN, verify=lambda recorded: "not signed") == "not signed"


def test_an_expiry_later_than_that_of_the_plan_does_not_help():
    recorded = said(STANDING, "ben", role="operations", changes={"expires": LATE})

    assert agreed(recorded, now=NOW + timedelta(days=29)).approved["operations"] == ("ben",)
    assert why(recorded, now=NOW + timedelta(days=31)) == "it expired on 2026-12-31"


def test_who_proposed_the_plan_does_not_approve_it():
    stands = plans.standing(proposer="ben")

    assert why(said(stands, "ben", role="operations"), stands=stands) == "ben proposed the plan"


@pytest.mark.parametrize(
    "who", [{"proposer": ""}, {"proposer": "ada", "proposer_strength": "claimed"}]
)
def test_nobody_approves_what_somebody_unknown_proposed(who):
    stands = plans.standing(**who)

    assert why(said(stands, "ben", role="operations"), stands=stands) == (
        "who proposed the plan is not known: propose it with a key (release_key)"
    )


def test_a_person_counts_once():
    rules = changed(POLICY, "people", "ben", roles=["operations", "product"])
    found = agreed(BEN, said(STANDING, "ben", role="product"), rules=rules)

    assert found.missing == {"product": 1}
    assert [reason for _said, reason in found.ignored] == ["ben counts once"]


def test_the_same_person_twice_is_no_quorum():
    rules = changed(POLICY, "environments", "production", approvals={"operations": 2})
    rules = {**rules, "people": {**rules["people"], "dan": DAN}}

    again = said(STANDING, "ben", role="operations", reason="again")
    assert agreed(BEN, again, rules=rules).missing == {"operations": 1}
    assert agreed(BEN, said(STANDING, "dan", role="operations"), rules=rules).is_met


def test_a_rejection_wins_until_it_is_withdrawn():
    no = said(STANDING, "ada", "reject", reason="Too early")
    sorry = said(STANDING, "ada", "withdraw", withdraws=no.statement.digest)

    assert agreed(BEN, CLEO, no).rejected == (("ada", "Too early"),)
    assert not agreed(BEN, CLEO, no).is_met
    assert agreed(BEN, CLEO, no, sorry).is_met


def test_a_rejection_does_not_expire():
    no = said(STANDING, "ben", "reject", reason="Never")

    assert agreed(no, now=NOW + timedelta(days=400)).rejected


def test_nobody_withdraws_what_another_said():
    other = said(STANDING, "cleo", "withdraw", withdraws=BEN.statement.digest)

    assert agreed(BEN, CLEO, other).is_met


def test_a_withdrawn_approval_does_not_come_back():
    taken_back = said(STANDING, "ben", "withdraw", withdraws=BEN.statement.digest)
    again = said(STANDING, "ben", role="operations", reason="after all")

    for order in ((BEN, taken_back, again), (again, BEN, taken_back), (taken_back, BEN, BEN)):
        assert agreed(CLEO, *order).missing == {"operations": 1}


def test_somebody_without_a_role_there_does_not_reject():
    rules = {
        **POLICY,
        "people": {**POLICY["people"], "dan": {"roles": ["guest"], "keys": [plans.KEYS["dan"]]}},
    }

    assert agreed(BEN, CLEO, said(STANDING, "dan", "reject", reason="x"), rules=rules).is_met


def test_a_comment_changes_nothing():
    assert agreed(BEN, CLEO, said(STANDING, "ben", "comment", reason="x")).is_met


def test_claimed_counts_where_the_policy_allows_it():
    weak = [
        said(STANDING, "ben", role="operations", strength="claimed"),
        said(STANDING, "cleo", role="product", strength="awx"),
    ]

    assert agreed(*weak, rules=CLAIMED).is_met
    assert not agreed(*weak).is_met


EMERGENCY = changed(PLAN, change="emergency")


def test_an_emergency_is_declared_by_who_may():
    stands = plans.standing(plans.resolved(EMERGENCY))
    ada, ben = said(stands, "ada", "declare"), said(stands, "ben", "declare")

    assert agreed(ada, stands=stands, plan=EMERGENCY).declared == "ada"
    assert agreed(ben, stands=stands, plan=EMERGENCY).declared == ""
    assert agreed(ada, stands=stands, plan=EMERGENCY).missing == {"operations": 1}


def test_who_declares_an_emergency_does_not_ratify_it():
    rules = changed(POLICY, "environments", "production", separation=None)
    stands = plans.standing(plans.resolved(EMERGENCY))
    both = [said(stands, "ada", role="operations"), said(stands, "ada", "declare")]
    found = agreed(*both, rules=rules, stands=stands, plan=EMERGENCY)

    assert found.declared == "ada"
    assert found.missing == {"operations": 1}


def override(person="ada", **more):
    known = {"gate": "window", "run": "run-1", "reason": "Must be", **more}
    return said(STANDING, person, "override", **known)


def problem(recorded, run="run-1", rules=None):
    return _agreement.override_problem(
        plans.policy(rules), plans.demands(), STANDING.subject(plans.LEDGER), recorded, run, NOW
    )


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (override(), ""),
        (override(run="run-2"), "it is for another run"),
        (override("ben"), "ben may not override window: needs release_manager"),
        (override(gate="networks"), "policy.yml allows no override of it"),
        (override(reason=""), "an override needs a reason"),
        (override(strength="claimed"), "it is claimed, and production needs signed"),
        (override(environment="staging"), "it is for staging"),
        (override(changes={"revision": 2}), "it is for revision 2"),
        (said(STANDING, "ada", "declare"), "it is not an override"),
    ],
)
def test_an_override_is_one_gate_in_one_run_by_who_may(recorded, expected):
    assert expected in problem(recorded)
    assert bool(problem(recorded)) == bool(expected)


def test_without_needed_approvals_who_may_is_empty():
    found = _demands.who_may(plans.policy(), plans.plan(), plans.demands(), ["operations"], NOW)

    assert [person.id for person in found] == ["ben"]
