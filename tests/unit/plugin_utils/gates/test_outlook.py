# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What status says of plans: who is waited for, what comes next, what is in the way."""

from __future__ import annotations

from datetime import timedelta

from ansible_collections.itops.release.plugins.plugin_utils.gates import _outlook
from ansible_collections.itops.release.plugins.plugin_utils.registers._register import Entry
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import (
    NOW,
    PLAN,
    POLICY,
    changed,
    record,
    row,
    said,
)
from ansible_collections.itops.release.tests.unit.plugin_utils.gates.test_gates import CALENDAR

RULES = changed(POLICY, "environments", "production", strength="claimed")
NIGHTLY = plans.resolved(changed(PLAN, "path", 1, window="nightly"))
THERE = [row("shop9")]


def look(on_record, calendar=CALENDAR, now=NOW):
    return _outlook.outlook(plans.policy(RULES), (calendar, ""), on_record, now)


def test_who_is_waited_for_and_what_comes_next():
    stands = plans.standing(NIGHTLY)
    cleo = said(stands, "cleo", role="product", strength="claimed")
    found = look(record(plans.standing(NIGHTLY, recorded=[cleo]), deployments=THERE))

    assert found.head(NOW) == [
        ("waiting", ["shop-1.5  approval of operations for production (ben), since Tue 12:00"]),
        ("next", ["Tue 22:00  window nightly: shop-1.5 → production (2 hosts)"]),
    ]
    assert found.lines(NOW) == [
        "shop-1.5 → production: closed: approvals: operations 0 of 1, product 1 of 1 (needs ben) · "
        "closed: window opens Tue 22:00"
    ]
    assert found.freeze == "Year end, from 18 Dec"


def test_a_plan_that_is_everywhere_is_to_be_closed():
    there = [*THERE, row("shop1"), row("shop2")]
    found = look(record(plans.standing(NIGHTLY), deployments=there))

    assert found.ahead == ()
    assert found.head(NOW) == [
        ("waiting", ["shop-1.5  to be closed: it is in all its environments"])
    ]


def test_plans_that_ended_are_not_ahead():
    ended = [plans.standing(NIGHTLY, ended=how) for how in ("closed", "cancelled", "superseded")]

    assert [look(record(each)).ahead for each in ended] == [(), (), ()]


def test_two_plans_for_the_same_hosts_and_opening_are_a_conflict():
    other = plans.resolved(changed(NIGHTLY.plan.plain, plan="shop-1.6"))
    found = look(record(plans.standing(NIGHTLY), plans.standing(other), deployments=THERE))

    lines = dict(found.head(NOW))["next"]
    assert "shop-1.5 → production (2 hosts); conflict: shop-1.6" in lines[0]
    assert "shop-1.6 → production (2 hosts); conflict: shop-1.5" in lines[1]


def test_a_soak_moves_what_comes_next():
    soaking = plans.resolved(changed(NIGHTLY.plan.plain, "path", 1, soak="24h"))
    fresh = [row("shop9", since=NOW - timedelta(hours=1))]
    found = look(record(plans.standing(soaking), deployments=fresh))

    assert dict(found.head(NOW))["next"][0].startswith("Tue 8 Dec 22:00")


def test_an_emergency_that_nobody_ratified_is_overdue():
    emergency = plans.standing(plans.resolved(changed(PLAN, change="emergency")))

    assert look(record(emergency)).overdue == ()
    late = look(record(emergency), now=NOW + timedelta(days=3))
    assert late.overdue == (
        "shop-1.5  emergency not ratified in staging in time (needs ada or ben)",
        "shop-1.5  emergency not ratified in production in time (needs ben)",
    )


def test_blockers_are_named_and_other_issues_counted():
    entries = [
        Entry(
            "issue",
            "I-1",
            {"title": "Payments fail", "blocker": True, "severity": "high"},
            since="2026-11-30T10:00:00.000Z",
        ),
        Entry("issue", "I-2", {"title": "A typo"}, since="2026-11-30T10:00:00.000Z"),
        Entry("issue", "I-3", {"title": "Closed"}, is_open=False),
    ]
    found = look(record(entries=entries))

    assert found.head(NOW) == [
        ("issues", ["I-1  Payments fail (high), since 30 Nov", "1 other open issue"])
    ]


def test_a_calendar_that_cannot_be_read_is_a_line():
    found = _outlook.outlook(plans.policy(), (None, "calendar.yml: gone"), record(), NOW)

    assert found.head(NOW) == [("problem", ["calendar.yml: gone"])]


def test_the_domains_of_a_plan_are_ahead_together():
    whole = plans.resolved_train()
    db = whole.of_domain("db")
    there = [row for part in whole.each() for row in plans.rows_of(part, "staging")]
    partly = [*there[1:], *plans.rows_of(db, "production")]
    found = look(record(plans.standing(whole), deployments=there))

    assert [(each.environment, each.hosts) for each in found.ahead] == [
        ("production", (*db.place("production").hosts, "api-production1", "web-production1"))
    ]
    assert found.lines(NOW) == [
        "checkout-2 → production: closed: approvals: operations 0 of 1, product 0 of 1 (needs "
        "operations: ben; product: cleo)"
    ]
    found = look(record(plans.standing(whole), deployments=partly))
    assert [each.hosts for each in found.ahead] == [
        ("db-staging1",),
        ("api-production1", "web-production1"),
    ]


def test_a_gate_that_is_closed_for_one_domain_names_it():
    whole = plans.resolved_train()
    run = {"run": "r", "act": "deploy", "application": "shop-api", "environment": "production"}
    runs = [{**run, "actor": "ada", "began": "2026-12-01T10:00:00Z"}]
    found = look(record(plans.standing(whole), open_runs=runs))

    assert "closed: lease: api: deploy by ada since 2026-12-01T10:00Z" in found.lines(NOW)[1]
    assert (
        "closed: promotion: db: not committed in staging on db-staging1; api: "
        in (found.lines(NOW)[1])
    )


def test_a_plan_with_domains_is_to_be_closed_once_all_are_everywhere():
    whole = plans.resolved_train()
    there = [
        row
        for part in whole.each()
        for environment in ("staging", "production")
        for row in plans.rows_of(part, environment)
    ]

    assert look(record(plans.standing(whole), deployments=there)).done == ("checkout-2",)
    assert look(record(plans.standing(whole), deployments=there[1:])).done == ()


def test_trains_without_an_end_stand_first():
    found = _outlook.Outlook(trains=("checkout-2 → production  train 1: db: deploying",))

    assert found.head(NOW) == [("trains", ["checkout-2 → production  train 1: db: deploying"])]
