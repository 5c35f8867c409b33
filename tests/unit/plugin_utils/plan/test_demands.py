# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan against the policy: it can only be stricter, and somebody must be able to meet it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.definition._schema_file import Mistake
from ansible_collections.itops.release.plugins.plugin_utils.plan import _demands
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW, PLAN, POLICY, changed

STRICT = changed(POLICY, "environments", "production", soak="24h", window="nightly", strength="awx")


def check(plan=None, rules=None, application="shop"):
    _demands.check(plans.policy(rules), plans.plan(plan), application, NOW)


def test_a_plan_as_the_policy_has_it_passes():
    check()


@pytest.mark.parametrize(
    ("plan", "rules", "expected"),
    [
        (changed(PLAN, author="eve"), POLICY, "eve is not a person in policy.yml"),
        (changed(PLAN, change="standard"), POLICY, "shop is not pre-approved"),
        (
            changed(PLAN, change="emergency"),
            changed(POLICY, emergency=None),
            "policy.yml allows no emergency",
        ),
        (changed(PLAN, "path", 1, environment="moon"), POLICY, "not in policy.yml"),
        (changed(PLAN, "path", 1, soak="1h"), STRICT, "shorter than the 1 d of policy.yml"),
        (changed(PLAN, "path", 1, window="daily"), STRICT, "demands the window nightly"),
        (changed(PLAN, "path", 1, strength="claimed"), STRICT, "weaker than awx of policy.yml"),
        (
            changed(PLAN, "path", 1, approvals={"operations": 1}),
            changed(POLICY, "environments", "production", approvals={"operations": 2}),
            "operations: 1 is fewer than the 2",
        ),
        (
            changed(PLAN, path=list(reversed(PLAN["path"]))),
            POLICY,
            "comes before production in policy.yml",
        ),
        (
            changed(PLAN, path=PLAN["path"][1:]),
            changed(POLICY, "environments", "production", promote_from=["staging"]),
            "promotes from staging",
        ),
        (changed(PLAN, risks=[{"id": "R1", "risk": "x", "owner": "eve"}]), POLICY, "eve is not"),
    ],
)
def test_a_plan_weaker_than_the_policy_is_refused(plan, rules, expected):
    with pytest.raises((Mistake, ValueError)) as caught:
        check(plan, rules)

    assert expected in str(caught.value)


def test_an_environment_cannot_stand_twice():
    with pytest.raises(ValueError, match="production stands twice"):
        plans.plan(changed(PLAN, "path", 0, environment="production"))


def test_the_stricter_of_policy_and_plan_counts():
    plan = changed(PLAN, "path", 1, soak="48h", strength="signed", approvals={"operations": 2})

    found = plans.demands(plan, rules=STRICT)

    assert found.soak == timedelta(hours=48)
    assert found.strength == "signed"
    assert found.window == "nightly"
    assert found.approvals == {"operations": 2, "product": 1}


def test_the_author_is_not_counted_among_who_could_approve():
    rules = changed(POLICY, "environments", "production", approvals={"operations": 2})

    with pytest.raises(Mistake) as caught:
        check(rules=rules)

    assert str(caught.value) == (
        "production: approvals: operations 2 as signed cannot be met: for operations there is ben; "
        "ada is the author, and a person counts once"
    )


def test_a_person_counts_once_for_two_roles():
    rules = changed(POLICY, "people", "ben", roles=["operations", "product"])
    rules = changed(rules, "people", "cleo", roles=["other"])

    with pytest.raises(Mistake, match="cannot be met"):
        check(rules=rules)


def test_people_are_moved_to_the_role_that_only_they_have():
    # ben could approve as either; cleo only as operations: so ben has to be the product.
    rules = changed(POLICY, "people", "ben", roles=["operations", "product"])
    rules = changed(rules, "people", "cleo", roles=["operations"])

    check(rules=rules)


@pytest.mark.parametrize("keys", [[], [{"key": plans.KEYS["ben"], "revoked": True}]])
def test_who_has_no_key_cannot_sign(keys):
    rules = changed(POLICY, "people", "ben", keys=keys)

    with pytest.raises(Mistake, match="for operations there is nobody"):
        check(rules=rules)


def test_an_account_is_enough_where_the_policy_says_so():
    rules = changed(POLICY, "people", "ben", keys=[])
    rules = changed(rules, "environments", "production", strength="claimed")

    check(rules=rules)


def test_an_emergency_needs_somebody_who_may_declare_it():
    rules = changed(POLICY, "people", "ada", keys=[])

    with pytest.raises(Mistake, match="nobody of release_manager can declare it as signed"):
        check(changed(PLAN, change="emergency"), rules)


def test_an_emergency_needs_another_person_to_ratify_it():
    rules = changed(POLICY, "environments", "production", separation=None)
    rules = changed(rules, "people", "ben", roles=["product"])

    with pytest.raises(Mistake, match="cannot be met"):
        check(changed(PLAN, change="emergency"), rules)


def test_a_standard_change_needs_no_approvals():
    found = plans.demands(changed(PLAN, change="standard"))

    assert found.agreeing == {}
    check(changed(PLAN, change="standard"), application="docs-site")


def test_a_channel_that_the_policy_does_not_have_is_named():
    rules = plans.policy(changed(POLICY, channels={"mail": "json://localhost"}))
    known = plans.plan(changed(PLAN, notify={"users": ["mail"], "on call": ["mail", "pager"]}))
    with pytest.raises(Mistake, match=r"pager is not a channel .* one of mail") as caught:
        _demands.check_channels(rules, known)

    assert caught.value.path == ("notify", "on call")
    _demands.check_channels(rules, plans.plan(changed(PLAN, notify={"users": "mail"})))
    _demands.check_channels(rules, plans.plan())
