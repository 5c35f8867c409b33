# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each gate as a table: what it is given, and what it answers. A missing input closes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.calendar import _file as _calendar_file
from ansible_collections.itops.release.plugins.plugin_utils.gates import (
    _acknowledgements,
    _approvals,
    _blockers,
    _freeze,
    _gates,
    _lease,
    _plan,
    _window,
)
from ansible_collections.itops.release.plugins.plugin_utils.gates._answer import Answer
from ansible_collections.itops.release.plugins.plugin_utils.gates._facts import OfRelease
from ansible_collections.itops.release.plugins.plugin_utils.gates._issues_of import Issues
from ansible_collections.itops.release.plugins.plugin_utils.policy._policy import GATES, Identity
from ansible_collections.itops.release.plugins.plugin_utils.registers._register import Entry
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import (
    NOW,
    PLAN,
    POLICY,
    changed,
    facts,
    row,
    said,
)

CALENDAR = _calendar_file.parse(
    """
format: 1
timezone: Europe/Vienna
windows:
  nightly: {days: [tue], from: "22:00", to: "02:00"}
freezes:
  - {name: Year end, from: "2026-12-18", to: "2027-01-07", environments: [production]}
""",
    "calendar.yml",
)
EMERGENCY = plans.resolved(changed(PLAN, change="emergency"))
STANDARD = plans.resolved(changed(PLAN, change="standard"))
NIGHTLY = plans.resolved(changed(PLAN, "path", 1, window="nightly"))


def test_the_policy_knows_the_gates_that_there_are():
    assert tuple(_gates.GATES) == GATES


def line(answer):
    return answer.line(CALENDAR.zone, NOW)


def agreed(*recorded, what=None, **more):
    return facts(what=what, stands=plans.standing(what, recorded=recorded), **more)


STANDING = plans.standing()
BEN, CLEO = said(STANDING, "ben", role="operations"), said(STANDING, "cleo", role="product")
APART = changed(POLICY, "environments", "production", separation=["approver", "deployer"])
DECLARED = said(plans.standing(EMERGENCY), "ada", "declare")


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (
            agreed(),
            "closed: approvals: operations 0 of 1, product 0 of 1 (needs operations: ben; "
            "product: cleo)",
        ),
        (
            agreed(CLEO),
            "closed: approvals: operations 0 of 1, product 1 of 1 (needs ben)",
        ),
        (agreed(BEN, CLEO), "open: approvals: operations 1 of 1, product 1 of 1"),
        (
            agreed(BEN, CLEO, said(STANDING, "ben", "reject", reason="No")),
            "closed: approvals: rejected by ben: No (needs withdrawal by ben, or a new revision)",
        ),
        (
            agreed(said(STANDING, "ada", role="operations"), CLEO),
            "closed: approvals: operations 0 of 1, product 1 of 1; does not count: ada: ada is the "
            "author of the plan (needs ben)",
        ),
        (
            facts(stands=None),
            "closed: approvals: the plan is not proposed (needs playbook plan)",
        ),
        (
            agreed(BEN, CLEO, now=NOW + timedelta(days=31)),
            "closed: approvals: operations 0 of 1, product 0 of 1; approvals of revision 1 expired "
            "(needs a new proposal)",
        ),
        (
            facts(what=STANDARD, deployments=[row("shop1"), row("shop2")]),
            "open: approvals: pre-approved: shop is standard in policy.yml",
        ),
        (
            facts(what=STANDARD, deployments=[row("shop1"), row("shop2", application="api")]),
            "closed: approvals: shop is not on shop2 yet: that is not pre-approved (needs change: "
            "normal in the plan)",
        ),
        (facts("staging"), "open: approvals: none needed"),
        (
            agreed(BEN, CLEO, rules=APART, identity=Identity(None, "claimed", "eve@x")),
            "closed: approvals: eve@x is not a person in policy.yml (needs a deployer known by "
            "os_user or awx)",
        ),
        (
            agreed(
                BEN,
                CLEO,
                rules=APART,
                identity=Identity(plans.policy().people["ben"], "claimed", "ben@x"),
            ),
            "closed: approvals: ben approved it (needs another deployer)",
        ),
        (agreed(BEN, CLEO, rules=APART), "open: approvals: operations 1 of 1, product 1 of 1"),
        (
            agreed(what=EMERGENCY),
            "closed: approvals: the emergency is not declared (needs declaration by ada)",
        ),
        (
            agreed(DECLARED, what=EMERGENCY),
            "open: approvals: emergency, declared by ada; ratify within 2 d: ben",
        ),
        (
            agreed(DECLARED, what=EMERGENCY, now=NOW + timedelta(days=2)),
            "closed: approvals: emergency, declared by ada, not ratified within 2 d: operations 0 "
            "of 1 (needs ben)",
        ),
        (
            agreed(
                DECLARED,
                said(plans.standing(EMERGENCY), "ben", role="operations"),
                what=EMERGENCY,
                now=NOW + timedelta(days=9),
            ),
            "open: approvals: emergency, declared by ada, ratified: operations 1 of 1",
        ),
    ],
)
def test_approvals(known, expected):
    assert line(_approvals.answer(known)) == expected


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"calendar": CALENDAR}, "closed: window opens Tue 22:00"),
        ({"calendar": CALENDAR, "now": at("2026-12-01 21:00")}, "open: window: nightly until Wed"),
        ({"calendar": CALENDAR, "now": at("2026-12-02 01:00")}, "closed: window opens Tue 8 Dec"),
        (
            {"calendar": CALENDAR, "now": at("2026-12-16 12:00")},
            "closed: window opens Tue 12 Jan 2027 22:00",
        ),
        ({}, "closed: window: no calendar is set (needs release_calendar with the window nightly)"),
        ({"calendar_problem": "calendar.yml: No such file"}, "closed: window: calendar.yml: No"),
    ],
)
def test_window(more, expected):
    assert line(_window.answer(facts(what=NIGHTLY, **more))).startswith(expected)


def test_without_a_window_and_in_an_emergency_it_is_open():
    assert _window.answer(facts()).is_open
    both = changed(changed(PLAN, change="emergency"), "path", 1, window="nightly")
    assert _window.answer(facts(what=plans.resolved(both), calendar=CALENDAR)).is_open


FROZEN = at("2026-12-20 12:00")


@pytest.mark.parametrize(
    ("environment", "more", "expected"),
    [
        ("production", {"calendar": CALENDAR}, "open: freeze: none"),
        (
            "production",
            {"calendar": CALENDAR, "now": FROZEN},
            "closed: freeze: Year end opens Fri 8 Jan 2027 00:00",
        ),
        ("staging", {"calendar": CALENDAR, "now": FROZEN}, "open: freeze: none"),
        ("production", {"calendar": CALENDAR, "now": FROZEN, "what": EMERGENCY}, "open: freeze"),
        ("production", {"now": FROZEN}, "open: freeze: no calendar is set"),
        ("production", {"calendar_problem": "gone"}, "closed: freeze: gone"),
    ],
)
def test_freeze(environment, more, expected):
    assert line(_freeze.answer(facts(environment, **more))).startswith(expected)


JOINED = plans.resolved(hosts={**plans.HOSTS, "production": ("shop1", "shop2", "shop3")})
SEALED_AGAIN = plans.resolved(release={**plans.RELEASE, "digest": "e" * 64})
OTHER_STAGING = plans.resolved(hosts={**plans.HOSTS, "staging": ("shop8",)})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (facts(), "open: plan: revision 1"),
        (facts(stands=None), "closed: plan: it is not proposed (needs playbook plan)"),
        (
            facts(stands=plans.standing(ended="cancelled", end_reason="No")),
            "closed: plan: cancelled: No",
        ),
        (
            facts(what=JOINED, stands=STANDING),
            "closed: plan: not as proposed in revision 1: production: shop3 joined (needs",
        ),
        (
            facts(what=SEALED_AGAIN, stands=STANDING),
            "closed: plan: not as proposed in revision 1: "
            "the release is shop 1.5.0 (sha256:eeeeeeeeeeee) now, and was shop 1.5.0 (sha256:dddd",
        ),
        (facts(what=OTHER_STAGING, stands=STANDING), "open: plan: revision 1"),
        (
            facts(what=plans.resolved(options={"deploy_keep": "1"}), stands=STANDING),
            "closed: plan: not as proposed in revision 1: production: deploy_keep is new",
        ),
        (
            facts(what=plans.resolved(changed(PLAN, why="x")), stands=STANDING),
            "closed: plan: not as proposed in revision 1: why of the plan changed",
        ),
        (
            facts(hosts=("shop1", "web1")),
            "closed: plan: web1 not in it for production (needs the plan's hosts only)",
        ),
        (
            facts(deployments=[row("shop1", "0" * 64, since=NOW, version="1.6.0")]),
            "closed: plan: 1.6.0 was deployed to shop1 after revision 1 was proposed (needs a new",
        ),
        (facts(deployments=[row("shop1", "0" * 64)]), "open: plan: revision 1"),
        (facts(deployments=[row("shop1", since=NOW)]), "open: plan: revision 1"),
        (facts("staging", deployments=[row("shop9", "0" * 64, since=NOW)]), "open: plan: revision"),
        (
            facts(others=[plans.standing(plans.resolved(changed(PLAN, plan="shop-1.6")))]),
            "open: plan: revision 1; also planned there: shop-1.6",
        ),
    ],
)
def test_plan(known, expected):
    assert line(_plan.answer(known)).startswith(expected)


def issue(**fields):
    about = {"title": "Payments fail", "blocker": True, **fields}
    return Entry("issue", "I-1", about, is_open=about.pop("open", True))


RISKY = plans.resolved(changed(PLAN, risks=[{"id": "R1", "risk": "x", "owner": "ada"}]))


@pytest.mark.parametrize(
    ("known", "is_open"),
    [
        (facts(), True),
        (facts(entries=[issue()]), False),
        (facts(entries=[issue(affects="shop, api")]), False),
        (facts(entries=[issue(affects="api")]), True),
        (facts(entries=[issue(blocker=False)]), True),
        (facts(entries=[issue(open=False)]), True),
        (facts(entries=[issue(environment="staging")]), True),
        (facts(entries=[issue(environment="production")]), False),
        (facts(entries=[issue()], what=plans.resolved(changed(PLAN, fixes=["I-1"]))), True),
        (facts(what=RISKY), False),
        (facts(what=RISKY, entries=[Entry("risk_review", "shop-1.5/R1")]), True),
        (facts(what=RISKY, entries=[Entry("risk_review", "other/R1")]), False),
    ],
)
def test_blockers(known, is_open):
    assert _blockers.answer(known).is_open is is_open


DESK = plans.resolved(changed(PLAN, "path", 1, acknowledge=["support desk", "product"]))


def heard(who, revision=1, **more):
    fields = {"by": who, **more.pop("fields", {})}
    return Entry("acknowledgement", who, fields, "shop-1.5", revision, **more)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], "closed: acknowledgements: 0 of 2 (needs support desk, product)"),
        ([heard("support desk")], "closed: acknowledgements: 1 of 2 (needs product)"),
        ([heard("support desk", 2)], "closed: acknowledgements: 0 of 2"),
        (
            [heard("support desk"), heard("product")],  # by nobody with that role
            "closed: acknowledgements: 1 of 2 (needs product)",
        ),
        (
            [heard("support desk"), heard("product", person="ben", strength="signed")],
            "closed: acknowledgements: 1 of",
        ),
        (
            [heard("support desk"), heard("product", person="cleo", strength="claimed")],
            "closed: acknowledgements: 1 of 2",
        ),
        (
            [heard("support desk"), heard("product", person="cleo", strength="signed")],
            "open: acknowledgements: 2 of",
        ),
        ([heard("support desk", fields={"environment": "staging"})], "closed: acknowledgements: 0"),
    ],
)
def test_acknowledgements(entries, expected):
    found = _acknowledgements.answer(facts(what=DESK, entries=entries))
    assert line(found).startswith(expected)


def run(**more):
    known = {"run": "run-2", "act": "deploy", "application": "shop", "environment": "production"}
    return {**known, "actor": "ben@x", "began": "2026-12-01T11:00:00.000Z", **more}


@pytest.mark.parametrize(
    ("row", "is_open"),
    [
        (run(), False),
        (run(run="run-1"), True),
        (run(application="api"), True),
        (run(environment="staging"), True),
        (run(environment="production, staging"), False),
        (run(environment=None), False),
    ],
)
def test_lease(row, is_open):
    assert _lease.answer(facts(open_runs=[row], own_run="run-1")).is_open is is_open


def answers(known):
    return {answer.gate: answer for answer in _gates.evaluate(known)}


def test_what_the_media_library_cannot_say_closes_gates():
    scoped = plans.resolved(changed(PLAN, scope=["SHOP-1"]))
    gone = OfRelease(trust="trust.yml", problem="the media library is gone")

    found = answers(facts(what=scoped, of_release=gone))
    assert not found["scope"].is_open
    assert not found["compatibility"].is_open
    assert not found["signatures"].is_open
    assert not answers(facts(what=scoped))["scope"].is_open
    whole = OfRelease(issues=Issues(("SHOP-1",)))
    assert answers(facts(what=scoped, of_release=whole))["scope"].is_open


def test_a_trust_file_that_is_demanded_and_not_set_closes_the_gate():
    rules = changed(POLICY, "environments", "production", signatures=True)

    assert not answers(facts(rules=rules))["signatures"].is_open
    assert answers(facts())["signatures"].is_open


def test_networks_are_of_the_policy():
    rules = changed(POLICY, "environments", "production", networks=["10.0.0.0/8"])

    assert not answers(facts(rules=rules))["networks"].is_open
    there = {"shop1": ("10.0.0.1",), "shop2": ("10.0.0.2",)}
    assert answers(facts(rules=rules, addresses=there))["networks"].is_open
    assert not answers(facts(rules=rules, addresses={**there, "shop2": "unknown"}))[
        "networks"
    ].is_open


def test_a_gate_that_fails_is_closed(monkeypatch):
    def fail(known):
        raise KeyError("digest")

    monkeypatch.setitem(_gates.GATES, "freeze", fail)

    assert line(answers(facts())["freeze"]) == "closed: freeze: it cannot be answered: 'digest'"


def test_an_override_lets_one_gate_pass():
    known = facts(what=NIGHTLY, calendar=CALENDAR)
    both = _gates.overridden(_gates.evaluate(known), {"window": "ada", "freeze": "ada"})
    found = {answer.gate: answer for answer in both}

    assert found["window"].lets_pass
    assert not found["window"].is_open
    assert line(found["window"]) == "open: window: overridden by ada; closed: opens Tue 22:00"
    assert not found["approvals"].lets_pass
    assert _gates.closed(tuple(found.values()))[0].gate == "approvals"


def test_gates_of_the_organisation_are_asked_too():
    known = replace(facts(), own=(Answer("smoke", False, "no"),))

    assert not answers(known)["smoke"].is_open
