# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gate domains: a domain waits for those that it needs, and for no other."""

from __future__ import annotations

import pytest

from ansible_collections.itops.release.plugins.plugin_utils.gates import _collect, _domains
from ansible_collections.itops.release.plugins.plugin_utils.policy._policy import NEVER_OVERRIDDEN
from ansible_collections.itops.release.tests.fakes import plans
from ansible_collections.itops.release.tests.fakes.plans import NOW

WHOLE = plans.resolved_train()
DB, API, WEB = WHOLE.each()
DB_THERE = plans.rows_of(DB, "production")
API_THERE = plans.rows_of(API, "production")


def facts(part, deployments=(), **run):
    record = plans.record(plans.standing(WHOLE), deployments=deployments)
    return _collect.facts(
        plans.policy(), (None, ""), record, part, "production", _collect.Run(**run), NOW
    )


def answer(part, deployments=(), **run):
    return _domains.answer(facts(part, deployments, **run))


def test_what_needs_nothing_goes_first():
    assert answer(DB).is_open
    assert _domains.answer(plans.facts()).is_open


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "db is not committed on db-production1, db-production2"),
        (DB_THERE[:1], "db is not committed on db-production2"),
        (
            [*DB_THERE[:1], {**DB_THERE[1], "phase": "on trial"}],
            "db is not committed on db-production2",
        ),
        (plans.rows_of(DB, "production", digest="9" * 64), "db is not committed on db-production1"),
        (plans.rows_of(DB, "staging"), "db is not committed on db-production1"),
    ],
)
def test_a_domain_waits_until_the_needed_one_is_committed_on_all_its_hosts(rows, expected):
    found = answer(API, rows)

    assert not found.is_open
    assert found.text.startswith(expected)
    assert found.needs == "a deployment of db before"


def test_a_domain_waits_for_what_is_needed_by_what_it_needs():
    assert answer(WEB, API_THERE).text.startswith("db is not committed")
    assert answer(WEB, [*DB_THERE, *API_THERE]).is_open
    assert answer(API, DB_THERE).text == "db committed"


def test_a_run_that_only_stages_waits_for_no_domain():
    found = answer(WEB, only_stages=True)

    assert found.is_open
    assert found.text.startswith("nothing is switched; db is not committed")


def test_the_gate_can_never_be_overridden():
    assert _domains.NAME in NEVER_OVERRIDDEN


def test_what_is_live_is_seen_as_it_is_once_the_needed_domains_are_deployed():
    old = plans.rows_of(DB, "production", version="7.0.0", digest="9" * 64)
    other = plans.row("mail1", application="mail")
    found = _domains.after_needed(facts(API, old), [*old, other])

    assert [(r["host"], r["application"], r["version"]) for r in found] == [
        ("mail1", "mail", "1.5.0"),
        ("db-production1", "shop-db", "7.1.0"),
        ("db-production2", "shop-db", "7.1.0"),
    ]
    assert _domains.after_needed(facts(DB, old), [*old, other]) == [*old, other]
